import Foundation
import HTTPClient
import HTTPServer
import HTTPTypes
import Logging
import Secrets
import Store

/// Who calls the admin API: `Authorization: Bearer opk_...` (RFC 6750 section 2.1).
struct OperatorAuthentication: Sendable {
    private let environment: PortalEnvironment
    private var store: any Store { environment.store }
    private var logger: Logger { environment.logger }

    init(_ environment: PortalEnvironment) {
        self.environment = environment
    }

    /// When a key was last used is told to the minute: a write for every read would cost more than it tells.
    static let touchInterval: TimeInterval = 60

    /// - Throws: `HTTPError` 401 with `WWW-Authenticate` for a missing, unknown, revoked or expired key, all with the same words, and
    ///   429 after too many of them; `StoreError`, `IntegrationError`.
    func key(for request: Request) async throws -> OperatorKey {
        guard let token = Self.bearerToken(request.head.headerFields) else {
            throw Self.unauthorized(challenge: "Bearer realm=\"Perch\"")
        }
        guard let key = try await self.key(for: token, from: request.remoteAddress.host, to: "the admin API") else {
            throw Self.unauthorized(challenge: "Bearer realm=\"Perch\", error=\"invalid_token\"")
        }
        return key
    }

    /// The key that is meant, marked as used; nil when it is unknown, revoked or expired, which goes into the audit trail.
    ///
    /// Every key is looked up, one read by a keyed hash of it: a right one opens however many wrong ones came before it.
    /// - Throws: `HTTPError` 429 for a wrong one after too many of them; `StoreError`, `IntegrationError`.
    func key(for token: Secret, from address: String, to place: String) async throws -> OperatorKey? {
        let now = environment.time.now()
        let hashing = try await environment.accessGuard.operatorKeyHash(store, environment.keyRing, environment.random)
        let found = try await store.operatorKey(hash: hashing.hash(token))
        guard let key = found, key.isProven(by: environment.keyRing), key.isUsable(at: now) else {
            try environment.accessGuard.countWrong(token, from: address, at: now)
            logger.warning("An operator key was refused", metadata: ["address": "\(address)"])
            let reason = reason(found)
            try await store.appendAudit(
                AuditEntry(
                    at: now, actor: found.map { "operator:\($0.id)" } ?? "unknown", action: "operatorKey.refused", partnerID: nil,
                    address: address, details: "A key for \(place) was refused: \(reason)."))
            return nil
        }
        if key.lastUsedAt.map({ now.timeIntervalSince($0) >= Self.touchInterval }) ?? true {
            do {
                try await store.touchOperatorKey(key.id, at: now)
            } catch {
                // A full disk must not keep operators from reading what is wrong.
                logger.error("The last use of an operator key could not be written", metadata: ["error": "\(error)"])
            }
        }
        return key
    }

    private func reason(_ found: OperatorKey?) -> String {
        guard let found else { return "it is not known" }
        guard found.isProven(by: environment.keyRing) else { return "its row was altered behind Perch's back; `perch doctor` names it" }
        return found.revokedAt == nil ? "it has expired" : "it was revoked"
    }

    /// - Throws: `HTTPError` 403, which goes into the trail (ASVS 16.3.2) unless its address has filled it with refusals already.
    func require(_ role: OperatorRole, of key: OperatorKey, for call: AdminRoute, from address: String) async throws {
        guard key.role < role else { return }
        try await environment.noteRefusal(of: key, from: address, "\(call.method.rawValue) \(AdminAPI.prefix)\(call.path)", needing: role)
        throw HTTPError(
            .forbidden, code: "role-too-low",
            message: "This needs an operator key with the role \(role.rawValue); yours is \(key.role.rawValue).",
            headerFields: [.wwwAuthenticate: "Bearer realm=\"Perch\", error=\"insufficient_scope\""])
    }

    private static func bearerToken(_ fields: HTTPFields) -> Secret? {
        // The scheme is not case-sensitive (RFC 9110 section 11.1).
        guard let value = fields[.authorization], let blank = value.firstIndex(of: " "),
            value[..<blank].lowercased() == "bearer"
        else { return nil }
        let token = value[blank...].drop { $0 == " " }
        return token.isEmpty ? nil : Secret(String(token))
    }

    private static func unauthorized(challenge: String) -> HTTPError {
        HTTPError(
            .unauthorized, code: "operator-key-needed",
            message: "Send a valid operator key as 'Authorization: Bearer opk_...'.",
            headerFields: [.wwwAuthenticate: challenge])
    }
}

extension PortalEnvironment {
    /// An operator asked for what the role of the key does not allow.
    func noteRefusal(of key: OperatorKey, from address: String, _ place: String, needing role: OperatorRole) async throws(StoreError) {
        let now = time.now()
        guard accessGuard.isWorthAnEntry("role", from: address, at: now) else { return }
        try await store.appendAudit(
            AuditEntry(
                at: now, actor: "operator:\(key.id)", action: "access.refused", partnerID: nil, address: address,
                details: "\(place) needs the role \(role.rawValue); the key has the role \(key.role.rawValue)."))
    }
}
