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
    public func revokeOperatorKey(_ revoked: OperatorKey, evenIfLastLasting: Bool) throws(StoreError) -> Revocation {
        try access { database throws(StoreError) in
            let outcome = try Revocation(of: revoked, among: Array(database.operatorKeys.values), evenIfLastLasting: evenIfLastLasting)
            guard outcome == .revoked else { return outcome }
            database.operatorKeys[revoked.id]?.revokedAt = revoked.revokedAt?.stored
            database.operatorKeys[revoked.id]?.proof = revoked.proof
            database.sessions = database.sessions.filter {
                $0.value.subject != .operator(revoked.id) && $0.value.launchedBy != revoked.id
            }
            database.launchLinks = database.launchLinks.filter { $0.value.madeBy != revoked.id }
            return .revoked
        }
    }
}

// MARK: - Sessions, nonces, launch links

extension MemoryStore {
    public func openSession(
        _ session: WebSession, with pass: LaunchPass?, replacing tokenHash: String?
    ) throws(StoreError) -> Bool {
        try access { database throws(StoreError) in
            let now = session.createdAt.stored
            switch pass {
            case .token(let nonce, _): guard database.nonces[nonce] == nil else { return false }
            case .link(let tokenHash):
                guard let link = database.launchLinks[tokenHash], link.expiresAt > now else { return false }
            case nil: break
            }
            guard database.sessions[session.tokenHash] == nil else { throw .duplicate("such session") }
            switch session.subject {
            case .partner(let id): try database.requirePartner(id)
            case .operator(let id): try database.requireOperatorKey(id)
            }
            if let id = session.launchedBy { try database.requireOperatorKey(id) }
            switch pass {
            case .token(let nonce, let expiresAt): database.nonces[nonce] = expiresAt.stored
            case .link(let tokenHash): database.launchLinks[tokenHash] = nil
            case nil: break
            }
            if let tokenHash { database.sessions[tokenHash] = nil }
            database.sessions = database.sessions.filter { $0.value.expiresAt > now }
            database.nonces = database.nonces.filter { $0.value > now }
            database.launchLinks = database.launchLinks.filter { $0.value.expiresAt > now }
            var stored = session
            stored.createdAt = session.createdAt.stored
            stored.lastSeenAt = session.lastSeenAt.stored
            stored.expiresAt = session.expiresAt.stored
            database.sessions[session.tokenHash] = stored
            return true
        }
    }

    public func session(tokenHash: String) throws(StoreError) -> WebSession? {
        try access { database throws(StoreError) in database.sessions[tokenHash] }
    }

    public func touchSession(_ session: WebSession) throws(StoreError) {
        try access { database throws(StoreError) in
            database.sessions[session.tokenHash]?.lastSeenAt = session.lastSeenAt.stored
            database.sessions[session.tokenHash]?.proof = session.proof
        }
    }

    public func deleteSession(tokenHash: String) throws(StoreError) {
        try access { database throws(StoreError) in database.sessions[tokenHash] = nil }
    }

    public func deleteSessions(of subject: SessionSubject) throws(StoreError) {
        try access { database throws(StoreError) in
            database.sessions = database.sessions.filter { $0.value.subject != subject }
        }
    }

    public func isNonceUsed(_ nonce: String) throws(StoreError) -> Bool {
        try access { database throws(StoreError) in database.nonces[nonce] != nil }
    }

    public func insertLaunchLink(_ link: LaunchLink) throws(StoreError) {
        try access { database throws(StoreError) in
            guard database.launchLinks[link.tokenHash] == nil else { throw .duplicate("such launch link") }
            try database.requirePartner(link.partnerID)
            if let id = link.madeBy { try database.requireOperatorKey(id) }
            var stored = link
            stored.expiresAt = link.expiresAt.stored
            database.launchLinks[link.tokenHash] = stored
        }
    }

    public func launchLink(tokenHash: String) throws(StoreError) -> LaunchLink? {
        try access { database throws(StoreError) in database.launchLinks[tokenHash] }
    }
}

extension MemoryDatabase {
    fileprivate func requireOperatorKey(_ id: OperatorKeyID) throws(StoreError) {
        guard operatorKeys[id] != nil else { throw .notFound("operator key", id) }
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
