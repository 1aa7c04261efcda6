import Foundation

/// What an operator may do; each role may do what those before it may.
public enum OperatorRole: String, Sendable, Hashable, CaseIterable, Codable, Comparable {
    case viewer
    case `operator`
    case admin

    public static func < (left: OperatorRole, right: OperatorRole) -> Bool {
        left.rank < right.rank
    }

    private var rank: Int {
        switch self {
        case .viewer: 0
        case .operator: 1
        case .admin: 2
        }
    }
}

/// A vendor operator's key to the admin API; only its hash is kept.
public struct OperatorKey: Sendable, Hashable {
    public var id: OperatorKeyID
    public var name: String
    public var role: OperatorRole
    public var hash: String
    public var createdAt: Date
    public var lastUsedAt: Date?
    public var revokedAt: Date?
    /// From this instant on it opens nothing; nil: never.
    public var expiresAt: Date?

    public init(
        id: OperatorKeyID, name: String, role: OperatorRole, hash: String, createdAt: Date,
        lastUsedAt: Date? = nil, revokedAt: Date? = nil, expiresAt: Date? = nil
    ) {
        self.id = id
        self.name = name
        self.role = role
        self.hash = hash
        self.createdAt = createdAt
        self.lastUsedAt = lastUsedAt
        self.revokedAt = revokedAt
        self.expiresAt = expiresAt
    }

    /// Whether it opens anything: neither revoked nor expired.
    public func isUsable(at now: Date) -> Bool {
        revokedAt == nil && expiresAt.map { now < $0 } ?? true
    }
}

/// Who a browser session belongs to.
public enum SessionSubject: Sendable, Hashable {
    case partner(PartnerID)
    case `operator`(OperatorKeyID)
}

/// A browser session; the cookie's value is known only by its hash.
public struct WebSession: Sendable, Hashable {
    public var tokenHash: String
    public var subject: SessionSubject
    /// The token that every form of this session carries.
    public var csrfToken: String
    public var createdAt: Date
    public var lastSeenAt: Date
    public var expiresAt: Date
    /// False for a partner's user who may only look.
    public var mayChange: Bool

    public init(
        tokenHash: String, subject: SessionSubject, csrfToken: String, createdAt: Date, lastSeenAt: Date, expiresAt: Date,
        mayChange: Bool = true
    ) {
        self.tokenHash = tokenHash
        self.subject = subject
        self.csrfToken = csrfToken
        self.createdAt = createdAt
        self.lastSeenAt = lastSeenAt
        self.expiresAt = expiresAt
        self.mayChange = mayChange
    }
}

/// One line of the audit trail.
public struct AuditEntry: Sendable, Hashable {
    /// Given by the store, ascending.
    public var sequence: Int
    public var at: Date
    /// For instance `partner:par_1`, `operator:opr_2`, `commandLine`, `perch` for what it does by itself.
    public var actor: String
    /// For instance `connection.connect`.
    public var action: String
    public var partnerID: PartnerID?
    public var address: String?
    /// What changed, in words; never a secret.
    public var details: String
    /// Given by the store: the hash that chains it to the entry before (`AuditChain`). Empty in an entry that is not stored.
    public var chainHash: String

    public init(
        sequence: Int = 0, at: Date, actor: String, action: String, partnerID: PartnerID?, address: String?, details: String,
        chainHash: String = ""
    ) {
        self.sequence = sequence
        self.at = at
        self.actor = actor
        self.action = action
        self.partnerID = partnerID
        self.address = address
        self.details = details
        self.chainHash = chainHash
    }
}

/// Operator keys, browser sessions, launches and the audit trail.
public protocol AccessStore: Sendable {
    func insertOperatorKey(_ key: OperatorKey) async throws(StoreError)
    func operatorKey(hash: String) async throws(StoreError) -> OperatorKey?
    func operatorKey(_ id: OperatorKeyID) async throws(StoreError) -> OperatorKey?
    func operatorKeys() async throws(StoreError) -> [OperatorKey]
    /// Does nothing for an unknown key.
    func touchOperatorKey(_ id: OperatorKeyID, at: Date) async throws(StoreError)
    /// Does nothing when the key has another hash than `before`.
    func replaceOperatorKeyHash(_ id: OperatorKeyID, _ before: String, with hash: String) async throws(StoreError)
    /// A key that is revoked already keeps its first revocation.
    /// - Returns: false for the last admin key that opens anything at that instant, which is left as it is: nobody could make another.
    @discardableResult
    func revokeOperatorKey(_ id: OperatorKeyID, at: Date) async throws(StoreError) -> Bool

    func insertSession(_ session: WebSession) async throws(StoreError)
    /// The session as stored, expired or not.
    func session(tokenHash: String) async throws(StoreError) -> WebSession?
    /// Does nothing for a session that is gone.
    func touchSession(tokenHash: String, at: Date) async throws(StoreError)
    func deleteSession(tokenHash: String) async throws(StoreError)
    /// Ends every session of a partner or of an operator key.
    func deleteSessions(of subject: SessionSubject) async throws(StoreError)
    /// Also deletes used nonces and launch links that have expired.
    func deleteExpiredSessions(at: Date) async throws(StoreError)

    /// Remembers a launch token's `jti`. False when it was used before.
    func useNonce(_ nonce: String, expiresAt: Date) async throws(StoreError) -> Bool
    /// A link that opens one partner's page once.
    func insertLaunchLink(tokenHash: String, partner: PartnerID, expiresAt: Date) async throws(StoreError)
    /// Uses up the link; nil when unknown, used or expired (at its `expiresAt` it is).
    func redeemLaunchLink(tokenHash: String, at: Date) async throws(StoreError) -> PartnerID?

    /// Chains the entry to the last one. What accompanies a change is written by `audited` instead, in the change's transaction.
    func appendAudit(_ entry: AuditEntry) async throws(StoreError)
    /// Newest first, those with a sequence below `cursor`.
    func auditEntries(partner: PartnerID?, before cursor: Int?, limit: Int) async throws(StoreError) -> [AuditEntry]
    /// Oldest first, those with a sequence above `cursor`.
    func auditEntries(after cursor: Int, limit: Int) async throws(StoreError) -> [AuditEntry]
}
