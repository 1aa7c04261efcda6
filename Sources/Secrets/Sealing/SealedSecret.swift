/// A secret as it is stored: useless without the key, and only in its own row.
public struct SealedSecret: Sendable, Hashable {
    /// Version byte, length of the key id, key id (UTF-8), nonce (12 bytes), ciphertext, tag (16 bytes).
    public var bytes: [UInt8]

    public init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// Where the key id begins in `bytes`.
    public static let keyIDOffset = 2

    /// The id of the data key that sealed it; nil when the bytes are not of this version or too short.
    public var keyID: String? { SealedParts(self)?.keyID }
}

/// The place a sealed secret belongs to. It is bound to the ciphertext as associated data, so that a value copied to
/// another partner's row does not open there.
public struct SealContext: Sendable, Hashable {
    public var table: String
    public var row: String
    public var column: String

    public init(table: String, row: String, column: String) {
        self.table = table
        self.row = row
        self.column = column
    }
}

/// The parts of `SealedSecret.bytes`.
struct SealedParts {
    static let version: UInt8 = 1

    let keyID: String
    let box: CipherBox

    init(keyID: String, box: CipherBox) {
        self.keyID = keyID
        self.box = box
    }

    /// Nil when the bytes are not of this version or too short.
    init?(_ sealed: SealedSecret) {
        let bytes = sealed.bytes
        guard bytes.count >= SealedSecret.keyIDOffset, bytes[0] == Self.version else { return nil }
        let boxStart = SealedSecret.keyIDOffset + Int(bytes[1])
        guard bytes.count >= boxStart, let keyID = String(validating: bytes[SealedSecret.keyIDOffset..<boxStart], as: UTF8.self),
            let box = CipherBox(bytes[boxStart...])
        else { return nil }
        self.keyID = keyID
        self.box = box
    }

    var sealed: SealedSecret {
        SealedSecret(bytes: [Self.version, UInt8(keyID.utf8.count)] + Array(keyID.utf8) + box.bytes)
    }
}
