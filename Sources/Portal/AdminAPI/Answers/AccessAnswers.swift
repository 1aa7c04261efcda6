import Foundation
import Store

/// An operator key; never the key itself, nor its hash.
struct OperatorAnswer: Encodable, Sendable {
    var id: OperatorKeyID
    var name: String
    var role: OperatorRole
    var createdAt: Date
    @OrNull var lastUsedAt: Date?
    @OrNull var revokedAt: Date?
    @OrNull var expiresAt: Date?

    init(_ key: OperatorKey) {
        id = key.id
        name = key.name
        role = key.role
        createdAt = key.createdAt
        lastUsedAt = key.lastUsedAt
        revokedAt = key.revokedAt
        expiresAt = key.expiresAt
    }
}

/// A new operator key, with the one showing of the key itself.
struct IssuedOperatorAnswer: Encodable, Sendable {
    var id: OperatorKeyID
    var name: String
    var role: OperatorRole
    var createdAt: Date
    @OrNull var expiresAt: Date?
    var key: String
}

/// One line of the audit trail.
struct AuditAnswer: Encodable, Sendable {
    var sequence: Int
    var at: Date
    var actor: String
    var action: String
    @OrNull var partnerId: PartnerID?
    @OrNull var address: String?
    var details: String
    /// Chains the entry to the one before it (docs/audit.md).
    var hash: String

    init(_ entry: AuditEntry) {
        sequence = entry.sequence
        at = entry.at
        actor = entry.actor
        action = entry.action
        partnerId = entry.partnerID
        address = entry.address
        details = entry.details
        hash = entry.chainHash
    }
}

struct LaunchLinkAnswer: Encodable, Sendable {
    /// Opens the partner's page once.
    var url: String
    var expiresAt: Date
}
