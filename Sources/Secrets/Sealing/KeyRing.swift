import Crypto
import Foundation

/// The data key as the Store keeps it.
public struct WrappedDataKey: Sendable, Hashable {
    /// Stands in every value sealed with this key, for instance `dek_…`.
    public var id: String
    /// The data key, encrypted under the master key: nonce, ciphertext, tag.
    public var wrapped: [UInt8]
    /// Tells a wrong master key from damaged bytes.
    public var checkValue: [UInt8]
    public var createdAt: Date

    public init(id: String, wrapped: [UInt8], checkValue: [UInt8], createdAt: Date) {
        self.id = id
        self.wrapped = wrapped
        self.checkValue = checkValue
        self.createdAt = createdAt
    }
}

/// Seals secrets for the database and opens them again: envelope encryption with AES-256-GCM.
///
/// A random data key seals the secrets, and the operator's master key wraps the data key; the master key can change without
/// touching a row. Nonces are 96 random bits, good for 2³² values under one data key (NIST SP 800-38D section 8.3).
public struct KeyRing: Sendable, CustomStringConvertible, CustomReflectable {
    /// The id of the data key that seals.
    public let keyID: String
    private let dataKey: SymmetricKey

    /// Makes a new data key and wraps it. The caller stores the wrapped key before it seals anything.
    /// - Throws: `SecretsError` when the cipher refuses, which no valid key makes it do.
    public static func create(
        master: MasterKey, random: RandomSource, at instant: Date
    ) throws(SecretsError) -> (KeyRing, WrappedDataKey) {
        let id = random.identifier(prefix: "dek_")
        let bytes = random.bytes(MasterKey.length)
        do {
            let box = try AuthenticatedCipher.seal(
                bytes, key: master.wrappingKey, nonce: random.bytes(CipherBox.nonceLength),
                associatedData: wrappingData(id))
            let wrapped = WrappedDataKey(
                id: id, wrapped: box.bytes, checkValue: master.checkValue(dataKeyID: id), createdAt: instant)
            return (KeyRing(keyID: id, dataKey: SymmetricKey(data: bytes)), wrapped)
        } catch {
            throw SecretsError(code: .dataKeyDamaged, message: "A new data key could not be wrapped; nothing was stored.")
        }
    }

    /// - Throws: `SecretsError` with code `masterKeyWrong` when another master key wrapped it, `dataKeyDamaged` when the
    ///   stored bytes were changed.
    public static func open(_ wrapped: WrappedDataKey, master: MasterKey) throws(SecretsError) -> KeyRing {
        guard equalInConstantTime(wrapped.checkValue, master.checkValue(dataKeyID: wrapped.id)) else {
            throw SecretsError(
                code: .masterKeyWrong,
                message: """
                    The master key is not the one that this database was set up with, so the stored keys stay closed. \
                    Nothing was changed. Set PERCH_SECRET_KEY or PERCH_SECRET_KEY_FILE to the original key, or put the \
                    original key file back.
                    """)
        }
        do {
            guard let box = CipherBox(wrapped.wrapped) else { throw damagedKey(wrapped.id) }
            let bytes = try AuthenticatedCipher.open(
                box, key: master.wrappingKey, associatedData: wrappingData(wrapped.id))
            return KeyRing(keyID: wrapped.id, dataKey: SymmetricKey(data: bytes))
        } catch {
            throw damagedKey(wrapped.id)
        }
    }

    /// - Throws: `SecretsError` when the cipher refuses, which no valid key makes it do.
    public func seal(
        _ secret: Secret, _ context: SealContext, random: RandomSource
    ) throws(SecretsError) -> SealedSecret {
        do {
            let box = try AuthenticatedCipher.seal(
                Array(secret.reveal().utf8), key: dataKey, nonce: random.bytes(CipherBox.nonceLength),
                associatedData: associatedData(context))
            return SealedParts(keyID: keyID, box: box).sealed
        } catch {
            throw SecretsError(
                code: .sealedValueRefused, message: "\(context.place) could not be sealed; nothing was stored.")
        }
    }

    /// - Throws: `SecretsError` with code `dataKeyUnknown` when another data key sealed the value, `sealedValueRefused` when
    ///   it was changed or belongs elsewhere. Never an empty secret instead.
    public func open(_ sealed: SealedSecret, _ context: SealContext) throws(SecretsError) -> Secret {
        guard let parts = SealedParts(sealed) else { throw refused(context) }
        guard parts.keyID == keyID else {
            throw SecretsError(
                code: .dataKeyUnknown,
                message: """
                    \(context.place) was sealed with a data key that this database does not have. It was left as it \
                    is. Restore the backup that holds its data key, or enter the secret again.
                    """)
        }
        let bytes: [UInt8]
        do {
            bytes = try AuthenticatedCipher.open(parts.box, key: dataKey, associatedData: associatedData(context))
        } catch {
            throw refused(context)
        }
        guard let text = String(validating: bytes, as: UTF8.self) else { throw refused(context) }
        return Secret(text)
    }

    public var description: String { "KeyRing(\(keyID))" }
    public var customMirror: Mirror { Mirror(self, children: ["keyID": keyID]) }

    private func associatedData(_ context: SealContext) -> [UInt8] {
        AuthenticatedCipher.associatedData(["secret", keyID, context.table, context.row, context.column])
    }

    private static func wrappingData(_ id: String) -> [UInt8] {
        AuthenticatedCipher.associatedData(["data key", id])
    }

    private static func damagedKey(_ id: String) -> SecretsError {
        SecretsError(
            code: .dataKeyDamaged,
            message: """
                The stored data key \(id) was changed: the master key is right, but it does not open. The stored keys \
                stay closed and were left as they are. Restore the database from a backup.
                """)
    }

    private func refused(_ context: SealContext) -> SecretsError {
        SecretsError(
            code: .sealedValueRefused,
            message: """
                \(context.place) does not open: it was changed, or copied from another row. It was left as it is. \
                Enter the secret again, or restore the database from a backup.
                """)
    }
}

extension SealContext {
    /// For messages; ids are not secret.
    fileprivate var place: String { "The stored \(table).\(column) of \(row)" }
}
