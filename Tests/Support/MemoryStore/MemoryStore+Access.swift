import Foundation
import Store

// MARK: - Operator keys

extension MemoryStore {
    public func insertOperatorKey(_ key: OperatorKey) throws(StoreError) {
        try access { database throws(StoreError) in
            guard database.operatorKeys[key.id] == nil, database.operatorKeyByHash[key.hash] == nil
            else { throw .duplicate("such operator key") }
            var stored = key
            stored.createdAt = key.createdAt.stored
            stored.lastUsedAt = key.lastUsedAt?.stored
            stored.revokedAt = key.revokedAt?.stored
            stored.expiresAt = key.expiresAt?.stored
            database.operatorKeys[key.id] = stored
            database.operatorKeyByHash[key.hash] = key.id
        }
    }

    public func operatorKey(hash: String) throws(StoreError) -> OperatorKey? {
        try access { database throws(StoreError) in
            database.operatorKeyByHash[hash].flatMap { database.operatorKeys[$0] }
        }
    }

    public func operatorKey(_ id: OperatorKeyID) throws(StoreError) -> OperatorKey? {
        try access { database throws(StoreError) in database.operatorKeys[id] }
    }

    public func operatorKeys() throws(StoreError) -> [OperatorKey] {
        try access { database throws(StoreError) in
            database.operatorKeys.values.sorted { ($0.createdAt, $0.id.rawValue) < ($1.createdAt, $1.id.rawValue) }
        }
    }

    public func touchOperatorKey(_ id: OperatorKeyID, at instant: Date) throws(StoreError) {
        try access { database throws(StoreError) in database.operatorKeys[id]?.lastUsedAt = instant.stored }
    }

    public func replaceOperatorKeyHash(_ id: OperatorKeyID, _ before: String, with hash: String) throws(StoreError) {
        try access { database throws(StoreError) in
            guard database.operatorKeys[id]?.hash == before else { return }
            guard database.operatorKeyByHash[hash] == nil else { throw .duplicate("such operator key") }
            database.operatorKeys[id]?.hash = hash
            database.operatorKeyByHash[before] = nil
            database.operatorKeyByHash[hash] = id
        }
    }

    @discardableResult
    public func revokeOperatorKey(_ id: OperatorKeyID, at instant: Date) throws(StoreError) -> Bool {
        try access { database throws(StoreError) in
            guard let key = database.operatorKeys[id] else { throw .notFound("operator key", id) }
            let others = database.operatorKeys.values.filter { $0.role == .admin && $0.id != id && $0.isUsable(at: instant.stored) }
            guard key.revokedAt == nil, key.role == .admin, others.isEmpty else {
                database.operatorKeys[id]?.revokedAt = key.revokedAt ?? instant.stored
                return true
            }
            return false
        }
    }
}

// MARK: - Sessions, nonces, launch links

extension MemoryStore {
    public func insertSession(_ session: WebSession) throws(StoreError) {
        try access { database throws(StoreError) in
            guard database.sessions[session.tokenHash] == nil else { throw .duplicate("such session") }
            switch session.subject {
            case .partner(let id): try database.requirePartner(id)
            case .operator(let id):
                guard database.operatorKeys[id] != nil else { throw .notFound("operator key", id) }
            }
            var stored = session
            stored.createdAt = session.createdAt.stored
            stored.lastSeenAt = session.lastSeenAt.stored
            stored.expiresAt = session.expiresAt.stored
            database.sessions[session.tokenHash] = stored
        }
    }

    public func session(tokenHash: String) throws(StoreError) -> WebSession? {
        try access { database throws(StoreError) in database.sessions[tokenHash] }
    }

    public func touchSession(tokenHash: String, at instant: Date) throws(StoreError) {
        try access { database throws(StoreError) in database.sessions[tokenHash]?.lastSeenAt = instant.stored }
    }

    public func deleteSession(tokenHash: String) throws(StoreError) {
        try access { database throws(StoreError) in database.sessions[tokenHash] = nil }
    }

    public func deleteSessions(of subject: SessionSubject) throws(StoreError) {
        try access { database throws(StoreError) in
            database.sessions = database.sessions.filter { $0.value.subject != subject }
        }
    }

    public func deleteExpiredSessions(at instant: Date) throws(StoreError) {
        try access { database throws(StoreError) in
            let instant = instant.stored
            database.sessions = database.sessions.filter { $0.value.expiresAt > instant }
            database.nonces = database.nonces.filter { $0.value > instant }
            database.launchLinks = database.launchLinks.filter { $0.value.expiresAt > instant }
        }
    }

    public func useNonce(_ nonce: String, expiresAt: Date) throws(StoreError) -> Bool {
        try access { database throws(StoreError) in
            guard database.nonces[nonce] == nil else { return false }
            database.nonces[nonce] = expiresAt.stored
            return true
        }
    }

    public func insertLaunchLink(tokenHash: String, partner: PartnerID, expiresAt: Date) throws(StoreError) {
        try access { database throws(StoreError) in
            guard database.launchLinks[tokenHash] == nil else { throw .duplicate("such launch link") }
            try database.requirePartner(partner)
            database.launchLinks[tokenHash] = LaunchLink(partner: partner, expiresAt: expiresAt.stored)
        }
    }

    public func redeemLaunchLink(tokenHash: String, at instant: Date) throws(StoreError) -> PartnerID? {
        try access { database throws(StoreError) in
            guard let link = database.launchLinks[tokenHash], link.expiresAt > instant.stored else { return nil }
            database.launchLinks[tokenHash] = nil
            return link.partner
        }
    }
}

// MARK: - Audit trail

extension MemoryStore {
    public func appendAudit(_ entry: AuditEntry) throws(StoreError) {
        try access { database throws(StoreError) in database.append(entry) }
    }

    public func auditEntries(after cursor: Int, limit: Int) throws(StoreError) -> [AuditEntry] {
        try access { database throws(StoreError) in Array(database.audit.dropFirst(max(0, cursor)).prefix(max(0, limit))) }
    }

    public func auditEntries(partner: PartnerID?, before cursor: Int?, limit: Int) throws(StoreError) -> [AuditEntry] {
        try access { database throws(StoreError) in
            let end = database.audit.bisect { $0.sequence < cursor ?? .max }
            let entries = database.audit[..<end].reversed().lazy.filter { partner == nil || $0.partnerID == partner }
            return Array(entries.prefix(max(0, limit)))
        }
    }
}

extension MemoryDatabase {
    mutating func append(_ entry: AuditEntry) {
        var stored = entry
        stored.sequence = audit.count + 1
        stored.at = entry.at.stored
        stored.chainHash = AuditChain.hash(of: stored, after: audit.last?.chainHash ?? AuditChain.beginning)
        audit.append(stored)
    }
}
