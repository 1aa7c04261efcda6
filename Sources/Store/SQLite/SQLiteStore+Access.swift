import Foundation
import GRDB

// MARK: - Operator keys

extension SQLiteStore {
    public func insertOperatorKey(_ key: OperatorKey) async throws(StoreError) {
        try await write { database in
            try database.insert(
                into: "operator_key",
                [
                    "id": key.id.rawValue, "name": key.name, "role": key.role.rawValue, "hash": key.hash,
                    "created_at": key.createdAt.milliseconds, "last_used_at": key.lastUsedAt?.milliseconds,
                    "revoked_at": key.revokedAt?.milliseconds, "expires_at": key.expiresAt?.milliseconds,
                    "proof": key.proof,
                ])
        }
    }

    public func operatorKey(hash: String) async throws(StoreError) -> OperatorKey? {
        try await read { try $0.fetchOne(OperatorKey.self, "SELECT * FROM operator_key WHERE hash = ?", [hash]) }
    }

    public func operatorKey(_ id: OperatorKeyID) async throws(StoreError) -> OperatorKey? {
        try await read { try $0.fetchOne(OperatorKey.self, "SELECT * FROM operator_key WHERE id = ?", [id.rawValue]) }
    }

    public func operatorKeys() async throws(StoreError) -> [OperatorKey] {
        try await read { try $0.fetchAll(OperatorKey.self, "SELECT * FROM operator_key ORDER BY created_at, id") }
    }

    public func touchOperatorKey(_ id: OperatorKeyID, at instant: Date) async throws(StoreError) {
        try await write { database in
            try database.update("operator_key", ["last_used_at": instant.milliseconds], where: "id", is: id.rawValue)
        }
    }

    public func replaceOperatorKeyHash(_ id: OperatorKeyID, _ before: String, with hash: String) async throws(StoreError) {
        try await write { try $0.change("UPDATE operator_key SET hash = ? WHERE id = ? AND hash = ?", [hash, id.rawValue, before]) }
    }

    @discardableResult
    public func revokeOperatorKey(_ revoked: OperatorKey, evenIfLastLasting: Bool) async throws(StoreError) -> Revocation {
        try await write { database in
            // Two admins who revoke each other at once are told apart here, where one comes after the other.
            let keys = try database.fetchAll(OperatorKey.self, "SELECT * FROM operator_key")
            let outcome = try Revocation(of: revoked, among: keys, evenIfLastLasting: evenIfLastLasting)
            guard outcome == .revoked else { return outcome }
            let id = revoked.id.rawValue
            try database.update(
                "operator_key", ["revoked_at": revoked.revokedAt?.milliseconds, "proof": revoked.proof], where: "id", is: id)
            try database.change("DELETE FROM web_session WHERE operator_key_id = ?1 OR launched_by = ?1", [id])
            try database.change("DELETE FROM launch_link WHERE made_by = ?", [id])
            return .revoked
        }
    }
}

extension Revocation {
    /// What comes of revoking a key among those that there are.
    /// - Throws: `StoreError` with code `notFound`.
    public init(of revoked: OperatorKey, among keys: [OperatorKey], evenIfLastLasting: Bool) throws(StoreError) {
        guard let present = keys.first(where: { $0.id == revoked.id }) else { throw StoreError.notFound("operator key", revoked.id) }
        let instant = revoked.revokedAt ?? .distantPast
        let admins = keys.filter { $0.id != revoked.id && $0.role == .admin && $0.isUsable(at: instant) }
        if present.revokedAt != nil {
            self = .revokedBefore
        } else if present.role != .admin {
            self = .revoked
        } else if admins.isEmpty {
            self = .lastAdmin
        } else if !evenIfLastLasting, present.expiresAt == nil, admins.allSatisfy({ $0.expiresAt != nil }) {
            self = .lastLastingAdmin
        } else {
            self = .revoked
        }
    }
}

extension OperatorKey: StoredRecord {
    static let table = "operator_key"
    static let key = ["id"]

    init(_ row: RowReader) throws(StoreError) {
        self.init(
            id: OperatorKeyID(try row.text("id")), name: try row.text("name"), role: try row.word("role"),
            hash: try row.text("hash"), createdAt: try row.instant("created_at"),
            lastUsedAt: try row.optionalInstant("last_used_at"), revokedAt: try row.optionalInstant("revoked_at"),
            expiresAt: try row.optionalInstant("expires_at"), proof: try row.text("proof"))
    }
}

// MARK: - Sessions, nonces, launch links

extension SQLiteStore {
    public func openSession(
        _ session: WebSession, with pass: LaunchPass?, replacing tokenHash: String?
    ) async throws(StoreError) -> Bool {
        try await write { database in
            let now = session.createdAt.milliseconds
            switch pass {
            case .token(let nonce, let expiresAt):
                let isFirst =
                    try database.change(
                        "INSERT INTO launch_nonce (nonce, expires_at) VALUES (?, ?) ON CONFLICT (nonce) DO NOTHING",
                        [nonce, expiresAt.milliseconds]) == 1
                guard isFirst else { return false }
            case .link(let tokenHash):
                let isThere =
                    try database.change(
                        "DELETE FROM launch_link WHERE token_hash = ? AND expires_at > ?", [tokenHash, now]) == 1
                guard isThere else { return false }
            case nil: break
            }
            if let tokenHash { try database.change("DELETE FROM web_session WHERE token_hash = ?", [tokenHash]) }
            for table in ["web_session", "launch_nonce", "launch_link"] {
                try database.change("DELETE FROM \(table) WHERE expires_at <= ?", [now])
            }
            try database.insert(
                into: "web_session",
                [
                    "token_hash": session.tokenHash, "partner_id": session.subject.partner?.rawValue,
                    "operator_key_id": session.subject.operator?.rawValue, "launched_by": session.launchedBy?.rawValue,
                    "may_change": session.mayChange ? 1 : 0, "created_at": now, "last_seen_at": session.lastSeenAt.milliseconds,
                    "expires_at": session.expiresAt.milliseconds, "proof": session.proof,
                ])
            return true
        }
    }

    public func session(tokenHash: String) async throws(StoreError) -> WebSession? {
        try await read { database in
            try database.fetchOne(WebSession.self, "SELECT * FROM web_session WHERE token_hash = ?", [tokenHash])
        }
    }

    public func touchSession(_ session: WebSession) async throws(StoreError) {
        try await write { database in
            try database.update(
                "web_session", ["last_seen_at": session.lastSeenAt.milliseconds, "proof": session.proof], where: "token_hash",
                is: session.tokenHash)
        }
    }

    public func deleteSession(tokenHash: String) async throws(StoreError) {
        try await write { try $0.change("DELETE FROM web_session WHERE token_hash = ?", [tokenHash]) }
    }

    public func deleteSessions(of subject: SessionSubject) async throws(StoreError) {
        try await write { database in
            try database.change(
                "DELETE FROM web_session WHERE partner_id IS ? AND operator_key_id IS ?",
                [subject.partner?.rawValue, subject.operator?.rawValue])
        }
    }

    public func isNonceUsed(_ nonce: String) async throws(StoreError) -> Bool {
        try await read { database in
            try Bool.fetchOne(
                database.cachedStatement(sql: "SELECT EXISTS (SELECT 1 FROM launch_nonce WHERE nonce = ?)"), arguments: [nonce]) ?? true
        }
    }

    public func insertLaunchLink(_ link: LaunchLink) async throws(StoreError) {
        try await write { database in
            try database.insert(
                into: "launch_link",
                [
                    "token_hash": link.tokenHash, "partner_id": link.partnerID.rawValue, "made_by": link.madeBy?.rawValue,
                    "expires_at": link.expiresAt.milliseconds, "proof": link.proof,
                ])
        }
    }

    public func launchLink(tokenHash: String) async throws(StoreError) -> LaunchLink? {
        try await read { database in
            try database.fetchOne(LaunchLink.self, "SELECT * FROM launch_link WHERE token_hash = ?", [tokenHash])
        }
    }
}

extension LaunchLink: StoredRecord {
    static let table = "launch_link"
    static let key = ["partner_id"]

    init(_ row: RowReader) throws(StoreError) {
        self.init(
            tokenHash: try row.text("token_hash"), partnerID: PartnerID(try row.text("partner_id")),
            madeBy: try row.optionalText("made_by").map { OperatorKeyID($0) }, expiresAt: try row.instant("expires_at"),
            proof: try row.text("proof"))
    }
}

extension SessionSubject {
    fileprivate var partner: PartnerID? {
        if case .partner(let id) = self { id } else { nil }
    }

    fileprivate var `operator`: OperatorKeyID? {
        if case .operator(let id) = self { id } else { nil }
    }
}

extension WebSession: StoredRecord {
    static let table = "web_session"
    static let key = ["partner_id", "operator_key_id"]

    init(_ row: RowReader) throws(StoreError) {
        let subject: SessionSubject
        if let partner = try row.optionalText("partner_id") {
            subject = .partner(PartnerID(partner))
        } else {
            subject = .operator(OperatorKeyID(try row.text("operator_key_id")))
        }
        self.init(
            tokenHash: try row.text("token_hash"), subject: subject,
            launchedBy: try row.optionalText("launched_by").map { OperatorKeyID($0) }, createdAt: try row.instant("created_at"),
            lastSeenAt: try row.instant("last_seen_at"), expiresAt: try row.instant("expires_at"),
            mayChange: try row.flag("may_change"), proof: try row.text("proof"))
    }
}
