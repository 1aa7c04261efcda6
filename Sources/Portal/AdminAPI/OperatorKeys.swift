import Foundation
import HTTPClient
import Integration
import Secrets
import Store

/// Operator keys: made, shown once, revoked; every change in the audit trail.
public enum OperatorKeys {
    static let longestName = 100

    /// Makes a key and stores its hash.
    /// - Parameters:
    ///   - name: who or what it is for; shown in history and in the audit trail. 1 to 100 characters.
    ///   - initiator: who asked for it.
    /// - Returns: the record, and the key itself (`opk_` and 256 random bits), which cannot be read again.
    /// - Throws: `invalidInput` for a name that cannot be shown, `store`.
    public static func issue(
        name: String, role: OperatorRole, store: any Store, random: RandomSource, time: TimeSource,
        by initiator: Initiator = .commandLine
    ) async throws(IntegrationError) -> (OperatorKey, Secret) {
        let name = name.trimmingCharacters(in: .whitespacesAndNewlines)
        let hasControls = name.unicodeScalars.contains { $0.properties.generalCategory == .control }
        guard (1...longestName).contains(name.count), !hasControls else {
            throw invalidInput("The name must have 1 to \(longestName) characters and no control characters.", field: "name")
        }
        let secret = Secret("opk_" + random.token(bytes: 32))
        let key = OperatorKey(
            id: OperatorKeyID(random.identifier(prefix: "opr_")), name: name, role: role,
            hash: TokenHash.sha256(secret.reveal()), createdAt: time.now())
        do {
            try await store.insertOperatorKey(key)
            try await store.appendAudit(
                AuditEntry(
                    at: time.now(), actor: initiator.actor, action: "operator.issue", partnerID: nil,
                    address: initiator.address, details: "Issued key \(key.id) '\(name)' with role \(role.rawValue)."))
        } catch {
            throw IntegrationError(code: .store, message: error.message)
        }
        return (key, secret)
    }

    /// Revokes a key from this moment on. A key that is revoked already stays as it is.
    /// - Throws: `notFound`; `conflict` for the last admin key in use, without which nobody could make another; `store`.
    public static func revoke(
        _ id: OperatorKeyID, store: any Store, time: TimeSource, by initiator: Initiator = .commandLine
    ) async throws(IntegrationError) {
        guard let key = try await remember({ () throws(StoreError) in try await store.operatorKey(id) }) else {
            throw IntegrationError(code: .notFound, message: "There is no operator key \(id).")
        }
        guard key.revokedAt == nil else { return }
        let keys = try await remember { () throws(StoreError) in try await store.operatorKeys() }
        guard keys.contains(where: { $0.role == .admin && $0.revokedAt == nil && $0.id != id }) || key.role != .admin else {
            throw IntegrationError(
                code: .conflict,
                message: "This is the last admin key, so it was kept. Issue another admin key, then revoke this one.")
        }
        try await remember { () throws(StoreError) in
            try await store.revokeOperatorKey(id, at: time.now())
            try await store.appendAudit(
                AuditEntry(
                    at: time.now(), actor: initiator.actor, action: "operator.revoke", partnerID: nil,
                    address: initiator.address, details: "Revoked key \(id) '\(key.name)'."))
        }
    }

    /// Runs store actions, their errors told as the domain's.
    private static func remember<Value>(
        _ body: () async throws(StoreError) -> Value
    ) async throws(IntegrationError) -> Value {
        do {
            return try await body()
        } catch {
            throw IntegrationError(code: .store, message: error.message)
        }
    }
}
