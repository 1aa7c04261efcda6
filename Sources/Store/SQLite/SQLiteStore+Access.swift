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
    public func revokeOperatorKey(_ id: OperatorKeyID, at instant: Date) async throws(StoreError) -> Bool {
        try await write { database in
            // Two admins who revoke each other at once are told apart here, where one comes after the other.
            let revoked = try database.change(
                """
                UPDATE operator_key SET revoked_at = ?1 WHERE id = ?2 AND revoked_at IS NULL AND (role <> 'admin' OR EXISTS (
                    SELECT 1 FROM operator_key WHERE role = 'admin' AND id <> ?2 AND revoked_at IS NULL
                        AND (expires_at IS NULL OR expires_at > ?1)))
                """, [instant.milliseconds, id.rawValue])
            guard revoked == 0 else { return true }
            guard let key = try database.fetchOne(OperatorKey.self, "SELECT * FROM operator_key WHERE id = ?", [id.rawValue])
            else { throw StoreError.notFound("operator key", id) }
            return key.revokedAt != nil
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
            expiresAt: try row.optionalInstant("expires_at"))
    }
}

// MARK: - Sessions, nonces, launch links

extension SQLiteStore {
    public func insertSession(_ session: WebSession) async throws(StoreError) {
        try await write { database in
            try database.insert(
                into: "web_session",
                [
                    "token_hash": session.tokenHash, "partner_id": session.subject.partner?.rawValue,
                    "operator_key_id": session.subject.operator?.rawValue, "csrf_token": session.csrfToken,
                    "created_at": session.createdAt.milliseconds, "last_seen_at": session.lastSeenAt.milliseconds,
                    "expires_at": session.expiresAt.milliseconds, "may_change": session.mayChange ? 1 : 0,
                ])
        }
    }

    public func session(tokenHash: String) async throws(StoreError) -> WebSession? {
        try await read { database in
            try database.fetchOne(WebSession.self, "SELECT * FROM web_session WHERE token_hash = ?", [tokenHash])
        }
    }

    public func touchSession(tokenHash: String, at instant: Date) async throws(StoreError) {
        try await write { database in
            try database.update(
                "web_session", ["last_seen_at": instant.milliseconds], where: "token_hash", is: tokenHash)
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

    public func deleteExpiredSessions(at instant: Date) async throws(StoreError) {
        try await write { database in
            for table in ["web_session", "launch_nonce", "launch_link"] {
                try database.change("DELETE FROM \(table) WHERE expires_at <= ?", [instant.milliseconds])
            }
        }
    }

    public func useNonce(_ nonce: String, expiresAt: Date) async throws(StoreError) -> Bool {
        try await write { database in
            try database.change(
                "INSERT INTO launch_nonce (nonce, expires_at) VALUES (?, ?) ON CONFLICT (nonce) DO NOTHING",
                [nonce, expiresAt.milliseconds]) == 1
        }
    }

    public func insertLaunchLink(
        tokenHash: String, partner: PartnerID, expiresAt: Date
    ) async throws(StoreError) {
        try await write { database in
            try database.insert(
                into: "launch_link",
                ["token_hash": tokenHash, "partner_id": partner.rawValue, "expires_at": expiresAt.milliseconds])
        }
    }

    public func redeemLaunchLink(tokenHash: String, at instant: Date) async throws(StoreError) -> PartnerID? {
        try await write { database in
            try String.fetchOne(
                database.cachedStatement(
                    sql: "DELETE FROM launch_link WHERE token_hash = ? AND expires_at > ? RETURNING partner_id"),
                arguments: [tokenHash, instant.milliseconds]
            ).map { PartnerID($0) }
        }
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
            tokenHash: try row.text("token_hash"), subject: subject, csrfToken: try row.text("csrf_token"),
            createdAt: try row.instant("created_at"), lastSeenAt: try row.instant("last_seen_at"),
            expiresAt: try row.instant("expires_at"), mayChange: try row.flag("may_change"))
    }
}
