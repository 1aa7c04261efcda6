import Connectors
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
        let name = name.trimmingBlanks()
        guard (1...longestName).contains(name.count) else {
            throw invalidInput("The name must have 1 to \(longestName) characters.", field: "name")
        }
        if let problem = name.showingProblem() { throw invalidInput("The name \(problem)", field: "name") }
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
        let now = time.now()
        let key = OperatorKey(
            id: OperatorKeyID(random.identifier(prefix: "opr_")), name: name, role: role,
            hash: hashing.hash(secret), createdAt: now, expiresAt: expiresAt
        ).proven(by: keyRing)
        let entry = key.issue(by: initiator.actor, from: initiator.address, at: now)
        try await remember { () throws(StoreError) in
            try await store.audited(entry) { () async throws(StoreError) in try await store.insertOperatorKey(key) }
        }
        return (key, secret)
    }

    /// Revokes a key from this moment on, and with it ends its sign-ins, its unused launch links and the sign-ins by its links. A key that
    /// is revoked already stays as it is.
    /// - Parameter evenIfLastLasting: also when every other admin key expires.
    /// - Throws: `notFound`; `conflict` for the last admin key in use, or the last one without an end, after which nobody could make
    ///   another; `store`.
    public static func revoke(
        _ id: OperatorKeyID, evenIfLastLasting: Bool = false, store: any Store, keyRing: KeyRing, time: TimeSource,
        by initiator: Initiator = .commandLine
    ) async throws(IntegrationError) {
        guard let key = try await remember({ () throws(StoreError) in try await store.operatorKey(id) }) else {
            throw IntegrationError(code: .notFound, message: "There is no operator key \(id).")
        }
        guard key.revokedAt == nil else { return }
        let now = time.now()
        var ended = key
        ended.revokedAt = now
        let revoked = ended.proven(by: keyRing)
        let entry = key.revocation(by: initiator.actor, from: initiator.address, at: now)
        let outcome = try await remember { () throws(StoreError) in
            // A row that somebody put in opens nothing: it is no other admin key.
            let opening = try await store.operatorKeys().filter { $0.id == id || $0.isProven(by: keyRing) }
            let foreseen = try Revocation(of: revoked, among: opening, evenIfLastLasting: evenIfLastLasting)
            guard foreseen == .revoked else { return foreseen }
            return try await store.audited(entry) { () async throws(StoreError) in
                try await store.revokeOperatorKey(revoked, evenIfLastLasting: evenIfLastLasting)
            }
        }
        switch outcome {
        case .revoked, .revokedBefore: return
        case .lastAdmin:
            throw IntegrationError(
                code: .conflict,
                message: "This is the last admin key, so it was kept. Issue another admin key, then revoke this one.")
        case .lastLastingAdmin:
            throw IntegrationError(
                code: .conflict,
                message: "This is the last admin key without an end: when the others have expired, nobody could issue another. It was "
                    + "kept. Issue one without an end first, or stop the service and say `perch operators revoke \(id) --last-lasting`.")
        }
    }

    private static let hashingSetting = "operator_key_hash"

    /// The hashing of this installation's keys. Its own key is made at the first use and kept sealed in the store.
    /// - Throws: `StoreError`; with code `corrupt` when keys are hashed with one that is gone. `SecretsError`.
    static func hashing(store: any Store, keyRing: KeyRing, random: RandomSource) async throws -> KeyedTokenHash {
        let context = SealContext.setting(hashingSetting)
        let sealed: SealedSecret
        if let stored = try await store.sealedSetting(hashingSetting) {
            sealed = stored
        } else {
            guard try await store.operatorKeys().allSatisfy({ !KeyedTokenHash.isKeyed($0.hash) }) else {
                throw StoreError(
                    code: .corrupt,
                    message: """
                        The key that operator keys are hashed with is not in the database, so none of them opens. Nothing was changed. \
                        Restore a backup that holds it; `perch doctor` looks at one.
                        """)
            }
            sealed = try keyRing.seal(Secret(random.token(bytes: 32)), context, random: random)
            try await store.insertSealedSetting(hashingSetting, sealed)
        }
        return KeyedTokenHash(key: try keyRing.open(sealed, context))
    }

    /// Keys that an older Perch stored with a plain hash get a keyed one. Only before their rows carry proofs: later a plain hash is one
    /// that somebody put in.
    static func keyPlainHashes(store: any Store, keyRing: KeyRing, random: RandomSource) async throws {
        let hashing = try await hashing(store: store, keyRing: keyRing, random: random)
        for key in try await store.operatorKeys() {
            guard let keyed = hashing.keyed(stored: key.hash) else { continue }
            try await store.replaceOperatorKeyHash(key.id, key.hash, with: keyed)
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
