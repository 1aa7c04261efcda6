import Crypto
import Foundation
import Synchronization

/// A data key as the Store keeps it.
public struct WrappedDataKey: Sendable, Hashable {
    /// Stands in every value sealed with this key, for instance `dek_…`.
    public var id: String
    /// The data key, encrypted under the master key: nonce, ciphertext, tag.
    public var wrapped: [UInt8]
    /// Tells a wrong master key from damaged bytes.
    public var checkValue: [UInt8]
    public var createdAt: Date
    /// When a newer key took its place; it still opens what it sealed. Nil for the one key that seals.
    public var retiredAt: Date?

    public init(id: String, wrapped: [UInt8], checkValue: [UInt8], createdAt: Date, retiredAt: Date? = nil) {
        self.id = id
        self.wrapped = wrapped
        self.checkValue = checkValue
        self.createdAt = createdAt
        self.retiredAt = retiredAt
    }
}

/// Seals secrets for the database and opens them again: envelope encryption with AES-256-GCM.
///
/// A random data key seals the secrets, and the operator's master key wraps the data key; the master key can change without
/// touching a row. Nonces are 96 random bits, good for 2³² values under one data key (NIST SP 800-38D section 8.3).
///
/// All copies of a key ring are one: a data key that one of them adopts seals for all, while the older keys go on opening what
/// they sealed.
public struct KeyRing: Sendable, CustomStringConvertible, CustomReflectable {
    private final class Keys: Sendable {
        struct State: Sendable {
            var current: String
            var byID: [String: SymmetricKey]
        }

        let state: Mutex<State>

        init(_ current: String, _ byID: [String: SymmetricKey]) {
            state = Mutex(State(current: current, byID: byID))
        }
    }

    private let keys: Keys
    /// The same beside every data key; nil in a database from before there were proofs of rows.
    let rowKey: SymmetricKey?

    /// The id of the data key that seals.
    public var keyID: String { keys.state.withLock { $0.current } }

    /// - Parameter envelope: what the master key wraps: the data key, and behind it the key for proofs of rows.
    private init(keyID: String, envelope: [UInt8]) {
        keys = Keys(keyID, [keyID: Self.dataKey(in: envelope)])
        rowKey = envelope.count > MasterKey.length ? SymmetricKey(data: envelope.dropFirst(MasterKey.length)) : nil
    }

    private static func dataKey(in envelope: [UInt8]) -> SymmetricKey {
        SymmetricKey(data: envelope.prefix(MasterKey.length))
    }

    /// Makes a new data key and wraps it. The caller stores the wrapped key before it seals anything.
    /// - Parameter old: the ring whose key for proofs of rows goes on; nil makes one.
    /// - Throws: `SecretsError` when the cipher refuses, which no valid key makes it do.
    public static func create(
        master: MasterKey, after old: KeyRing? = nil, random: RandomSource, at instant: Date
    ) throws(SecretsError) -> (KeyRing, WrappedDataKey) {
        let id = random.identifier(prefix: "dek_")
        let rowKey = old?.rowKey?.withUnsafeBytes { Array($0) }
        let envelope = random.bytes(MasterKey.length) + (rowKey ?? random.bytes(MasterKey.length))
        let key = WrappedDataKey(id: id, wrapped: [], checkValue: [], createdAt: instant)
        return (KeyRing(keyID: id, envelope: envelope), try wrap(envelope, as: key, master, random))
    }

    /// The data keys of a database from before proofs of rows, wrapped again with a new key for these behind each of them. That there
    /// is one cannot be taken back without the master key: rows without a proof are believed this once.
    /// - Throws: as `open`; then nothing may be stored.
    public static func addingRowKey(
        to wrapped: [WrappedDataKey], master: MasterKey, random: RandomSource
    ) throws(SecretsError) -> [WrappedDataKey] {
        let rowKey = random.bytes(MasterKey.length)
        var again: [WrappedDataKey] = []
        for key in wrapped {
            let envelope = try envelope(of: key, master: master).prefix(MasterKey.length) + rowKey
            again.append(try wrap(Array(envelope), as: key, master, random))
        }
        return again
    }

    /// Opens all data keys of a database; the one that is not retired seals.
    /// - Returns: nil when there is none.
    /// - Throws: as for one key.
    public static func open(_ wrapped: [WrappedDataKey], master: MasterKey) throws(SecretsError) -> KeyRing? {
        guard let current = wrapped.first(where: { $0.retiredAt == nil }) else { return nil }
        let ring = try open(current, master: master)
        for retired in wrapped where retired.id != current.id {
            let key = dataKey(in: try envelope(of: retired, master: master))
            ring.keys.state.withLock { $0.byID[retired.id] = key }
        }
        return ring
    }

    /// - Throws: `SecretsError` with code `masterKeyWrong` when another master key wrapped it, `dataKeyDamaged` when the
    ///   stored bytes were changed.
    public static func open(_ wrapped: WrappedDataKey, master: MasterKey) throws(SecretsError) -> KeyRing {
        KeyRing(keyID: wrapped.id, envelope: try envelope(of: wrapped, master: master))
    }

    /// The same data keys under another master key; nothing that they sealed is touched.
    /// - Throws: as `open`; then nothing may be stored.
    public static func rewrap(
        _ wrapped: [WrappedDataKey], from old: MasterKey, to new: MasterKey, random: RandomSource
    ) throws(SecretsError) -> [WrappedDataKey] {
        var again: [WrappedDataKey] = []
        for key in wrapped { again.append(try wrap(try envelope(of: key, master: old), as: key, new, random)) }
        return again
    }

    /// From now on the other ring's key seals, for all copies of this ring. The caller has stored it already.
    public func adopt(_ other: KeyRing) {
        let new = other.keys.state.withLock { $0 }
        keys.state.withLock { state in
            state.byID.merge(new.byID) { _, new in new }
            state.current = new.current
        }
    }

    static func wrap(
        _ bytes: [UInt8], as key: WrappedDataKey, _ master: MasterKey, _ random: RandomSource
    ) throws(SecretsError) -> WrappedDataKey {
        do {
            let box = try AuthenticatedCipher.seal(
                bytes, key: master.wrappingKey, nonce: random.bytes(CipherBox.nonceLength), associatedData: wrappingData(key.id))
            var key = key
            key.wrapped = box.bytes
            key.checkValue = master.checkValue(dataKeyID: key.id)
            return key
        } catch {
            throw SecretsError(code: .dataKeyDamaged, message: "A data key could not be wrapped; nothing was stored.")
        }
    }

    static func envelope(of wrapped: WrappedDataKey, master: MasterKey) throws(SecretsError) -> [UInt8] {
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
            let envelope = try AuthenticatedCipher.open(box, key: master.wrappingKey, associatedData: wrappingData(wrapped.id))
            guard [MasterKey.length, 2 * MasterKey.length].contains(envelope.count) else { throw damagedKey(wrapped.id) }
            return envelope
        } catch {
            throw damagedKey(wrapped.id)
        }
    }

    /// - Throws: `SecretsError` when the cipher refuses, which no valid key makes it do.
    public func seal(
        _ secret: Secret, _ context: SealContext, random: RandomSource
    ) throws(SecretsError) -> SealedSecret {
        let (keyID, dataKey) = keys.state.withLock { ($0.current, $0.byID[$0.current]) }
        do {
            guard let dataKey else { throw CocoaError(.keyValueValidation) }
            let box = try AuthenticatedCipher.seal(
                Array(secret.reveal().utf8), key: dataKey, nonce: random.bytes(CipherBox.nonceLength),
                associatedData: Self.associatedData(context, keyID))
            return SealedParts(keyID: keyID, box: box).sealed
        } catch {
            throw SecretsError(
                code: .sealedValueRefused, message: "\(context.place) could not be sealed; nothing was stored.")
        }
    }

    /// - Throws: `SecretsError` with code `dataKeyUnknown` when another data key sealed the value, `sealedValueRefused` when
    ///   it was changed or belongs elsewhere. Never an empty secret instead.
    public func open(_ sealed: SealedSecret, _ context: SealContext) throws(SecretsError) -> Secret {
        guard let parts = SealedParts(sealed) else {
            throw SecretsError(
                code: .sealedValueRefused,
                message: """
                    \(context.place) does not open: it was cut off or overwritten, because its \(sealed.bytes.count) bytes are too few \
                    or do not begin with the name of a data key. It was left as it is. Enter the secret again, or restore the database from a \
                    backup.
                    """)
        }
        guard let dataKey = keys.state.withLock({ $0.byID[parts.keyID] }) else {
            throw SecretsError(
                code: .dataKeyUnknown,
                message: """
                    \(context.place) was sealed with a data key that this database does not have. It was left as it \
                    is. Restore the backup that holds its data key, or enter the secret again.
                    """)
        }
        let bytes: [UInt8]
        do {
            bytes = try AuthenticatedCipher.open(parts.box, key: dataKey, associatedData: Self.associatedData(context, parts.keyID))
        } catch {
            throw refused(context)
        }
        guard let text = String(validating: bytes, as: UTF8.self) else { throw refused(context) }
        return Secret(text)
    }

    public var description: String { "KeyRing(\(keyID))" }
    public var customMirror: Mirror { Mirror(self, children: ["keyID": keyID]) }

    private static func associatedData(_ context: SealContext, _ keyID: String) -> [UInt8] {
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
                \(context.place) does not open: it was changed, cut off, or copied from another row. It was left as it is. \
                Enter the secret again, or restore the database from a backup.
                """)
    }
}

extension SealContext {
    /// For messages; ids are not secret.
    fileprivate var place: String { "The stored \(table).\(column) of \(row)" }
}
