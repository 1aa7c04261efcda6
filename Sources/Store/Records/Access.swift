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
    public var proof: String

    public init(
        id: OperatorKeyID, name: String, role: OperatorRole, hash: String, createdAt: Date,
        lastUsedAt: Date? = nil, revokedAt: Date? = nil, expiresAt: Date? = nil, proof: String = ""
    ) {
        self.id = id
        self.name = name
        self.role = role
        self.hash = hash
        self.createdAt = createdAt
        self.lastUsedAt = lastUsedAt
        self.revokedAt = revokedAt
        self.expiresAt = expiresAt
        self.proof = proof
    }

    /// Whether it opens anything: neither revoked nor expired.
    public func isUsable(at now: Date) -> Bool {
        revokedAt == nil && expiresAt.map { now < $0 } ?? true
    }
}

/// What came of asking that a key be revoked.
public enum Revocation: Sendable, Hashable {
    case revoked
    /// It was before, and keeps its first revocation.
    case revokedBefore
    /// Kept: no other admin key opens anything at that instant, so nobody could make another.
    case lastAdmin
    /// Kept: every other admin key expires, and then nobody could make another.
    case lastLastingAdmin
}

/// Who a browser session belongs to.
public enum SessionSubject: Sendable, Hashable, CustomStringConvertible {
    case partner(PartnerID)
    case `operator`(OperatorKeyID)

    public var description: String {
        switch self {
        case .partner(let id): "partner \(id)"
        case .operator(let id): "operator key \(id)"
        }
    }
}

/// A browser session; the cookie's value is known only by its hash.
public struct WebSession: Sendable, Hashable {
    public var tokenHash: String
    public var subject: SessionSubject
    /// The operator key whose launch link opened it; nil for every other session.
    public var launchedBy: OperatorKeyID?
    public var createdAt: Date
    public var lastSeenAt: Date
    public var expiresAt: Date
    /// False for a partner's user who may only look.
    public var mayChange: Bool
    public var proof: String

    public init(
        tokenHash: String, subject: SessionSubject, launchedBy: OperatorKeyID? = nil, createdAt: Date, lastSeenAt: Date,
        expiresAt: Date, mayChange: Bool = true, proof: String = ""
    ) {
        self.tokenHash = tokenHash
        self.subject = subject
        self.launchedBy = launchedBy
        self.createdAt = createdAt
        self.lastSeenAt = lastSeenAt
        self.expiresAt = expiresAt
        self.mayChange = mayChange
        self.proof = proof
    }
}

/// A link that opens one partner's page once.
public struct LaunchLink: Sendable, Hashable {
    public var tokenHash: String
    public var partnerID: PartnerID
    /// The operator key that made it; nil for one made on the command line.
    public var madeBy: OperatorKeyID?
    /// From this instant on it opens nothing.
    public var expiresAt: Date
    public var proof: String

    public init(tokenHash: String, partnerID: PartnerID, madeBy: OperatorKeyID?, expiresAt: Date, proof: String = "") {
        self.tokenHash = tokenHash
        self.partnerID = partnerID
        self.madeBy = madeBy
        self.expiresAt = expiresAt
        self.proof = proof
    }
}

/// What is used up by opening a session.
public enum LaunchPass: Sendable, Hashable {
    /// A launch token, by its `jti`, which is remembered until `expiresAt`.
    case token(nonce: String, expiresAt: Date)
    /// A launch link, by the hash of its token.
    case link(tokenHash: String)
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
    /// Ends a key, its sessions, the launch links that it made and the sessions that these opened, in one transaction.
    /// - Parameters:
    ///   - revoked: the key with the instant of its revocation, and the proof of that.
    ///   - evenIfLastLasting: also the last admin key without an end.
    @discardableResult
    func revokeOperatorKey(_ revoked: OperatorKey, evenIfLastLasting: Bool) async throws(StoreError) -> Revocation

    /// Opens a session, uses up the pass that it is opened with, and ends the session that the browser had, in one transaction. Sessions,
    /// nonces and links that have expired by then go with it.
    /// - Returns: false when the pass was used before, or is a link that is gone or expired; then nothing was changed.
    func openSession(
        _ session: WebSession, with pass: LaunchPass?, replacing tokenHash: String?
    ) async throws(StoreError) -> Bool
    /// The session as stored, expired or not.
    func session(tokenHash: String) async throws(StoreError) -> WebSession?
    /// Stores when it was last seen. Does nothing for a session that is gone.
    func touchSession(_ session: WebSession) async throws(StoreError)
    func deleteSession(tokenHash: String) async throws(StoreError)
    /// Ends every session of a partner or of an operator key.
    func deleteSessions(of subject: SessionSubject) async throws(StoreError)

    /// Whether a launch token with this `jti` was used before.
    func isNonceUsed(_ nonce: String) async throws(StoreError) -> Bool
    func insertLaunchLink(_ link: LaunchLink) async throws(StoreError)
    /// The link as stored, expired or not; nil once it was used.
    func launchLink(tokenHash: String) async throws(StoreError) -> LaunchLink?

    /// Chains the entry to the last one. What accompanies a change is written by `audited` instead, in the change's transaction.
    func appendAudit(_ entry: AuditEntry) async throws(StoreError)
    /// Newest first, those with a sequence below `cursor`.
    func auditEntries(partner: PartnerID?, before cursor: Int?, limit: Int) async throws(StoreError) -> [AuditEntry]
    /// Oldest first, those with a sequence above `cursor`.
    func auditEntries(after cursor: Int, limit: Int) async throws(StoreError) -> [AuditEntry]
}
