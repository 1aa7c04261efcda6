import Foundation
import HTTPClient
import Integration
import Secrets
import Store

/// Operator keys: made, shown once, revoked; every change in the audit trail.
public enum OperatorKeys {
    static let longestName = 100
    public static let longestLifeInDays = 3650

    /// Makes a key and stores its hash.
    /// - Parameters:
    ///   - name: who or what it is for; shown in history and in the audit trail. 1 to 100 characters.
    ///   - expiresAt: from then on it opens nothing; nil: never.
    ///   - initiator: who asked for it.
    /// - Returns: the record, and the key itself (`opk_` and 256 random bits), which cannot be read again.
    /// - Throws: `invalidInput` for a name that cannot be shown and for an expiry in the past, `store`.
    public static func issue(
        name: String, role: OperatorRole, expiresAt: Date? = nil, store: any Store, keyRing: KeyRing, random: RandomSource,
        time: TimeSource, by initiator: Initiator = .commandLine
    ) async throws(IntegrationError) -> (OperatorKey, Secret) {
        let name = name.trimmingCharacters(in: .whitespacesAndNewlines)
        guard (1...longestName).contains(name.count), name.isShowable else {
            throw invalidInput("The name must have 1 to \(longestName) characters and no control characters.", field: "name")
        }
        if let expiresAt, expiresAt <= time.now() {
            throw invalidInput("The key would expire before it is made. Give an instant in the future.", field: "expiresAt")
        }
        let hashing: KeyedTokenHash
        do {
            hashing = try await self.hashing(store: store, keyRing: keyRing, random: random)
        } catch {
            let message = (error as? StoreError)?.message ?? (error as? SecretsError)?.message ?? "\(error)"
            throw IntegrationError(code: error is StoreError ? .store : .secrets, message: message)
        }
        let secret = Secret("opk_" + random.token(bytes: 32))
        let key = OperatorKey(
            id: OperatorKeyID(random.identifier(prefix: "opr_")), name: name, role: role,
            hash: hashing.hash(secret), createdAt: time.now(), expiresAt: expiresAt)
        let entry = key.issue(by: initiator.actor, from: initiator.address, at: time.now())
        try await remember { () throws(StoreError) in
            try await store.audited(entry) { () async throws(StoreError) in try await store.insertOperatorKey(key) }
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
        let now = time.now()
        let entry = key.revocation(by: initiator.actor, from: initiator.address, at: now)
        let isRevoked = try await remember { () throws(StoreError) in
            try await store.audited(entry) { () async throws(StoreError) in
                guard try await store.revokeOperatorKey(id, at: now) else { return false }
                try await store.deleteSessions(of: .operator(id))
                return true
            }
        }
        guard isRevoked else {
            throw IntegrationError(
                code: .conflict,
                message: "This is the last admin key, so it was kept. Issue another admin key, then revoke this one.")
        }
    }

    private static let hashingSetting = "operator_key_hash"

    /// The hashing of this installation's keys. Its own key is made at the first use and kept sealed in the store; keys that were
    /// stored with a plain hash are stored with a keyed one from then on.
    /// - Throws: `StoreError`, `SecretsError`.
    static func hashing(store: any Store, keyRing: KeyRing, random: RandomSource) async throws -> KeyedTokenHash {
        let context = SealContext.setting(hashingSetting)
        let sealed: SealedSecret
        if let stored = try await store.sealedSetting(hashingSetting) {
            sealed = stored
        } else {
            sealed = try keyRing.seal(Secret(random.token(bytes: 32)), context, random: random)
            try await store.insertSealedSetting(hashingSetting, sealed)
        }
        let hashing = KeyedTokenHash(key: try keyRing.open(sealed, context))
        for key in try await store.operatorKeys() {
            guard let keyed = hashing.keyed(stored: key.hash) else { continue }
            try await store.replaceOperatorKeyHash(key.id, key.hash, with: keyed)
        }
        return hashing
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
