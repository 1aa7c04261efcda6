import Crypto
import Foundation

/// The operator's key, 32 bytes. It never touches a secret itself: it wraps the data key that does.
public struct MasterKey: Sendable, Equatable, CustomStringConvertible, CustomReflectable {
    static let length = 32

    private let key: SymmetricKey

    /// - Parameter base64: 32 bytes as base64 (RFC 4648 section 4); white space around it is ignored.
    /// - Throws: `SecretsError` with code `masterKeyInvalid`.
    public init(base64: Secret) throws(SecretsError) {
        let text = base64.reveal().trimmingCharacters(in: .whitespacesAndNewlines)
        guard let bytes = Data(base64Encoded: text), bytes.count == Self.length else {
            throw SecretsError(
                code: .masterKeyInvalid,
                message: """
                    The master key is not \(Self.length) bytes in base64 (44 characters). Nothing was changed. \
                    Use the key that was kept when Perch was set up; `openssl rand -base64 32` makes one for a new installation.
                    """)
        }
        key = SymmetricKey(data: bytes)
    }

    private init(bytes: [UInt8]) {
        key = SymmetricKey(data: bytes)
    }

    /// A new key of 32 bytes.
    public static func generate(random: RandomSource) -> MasterKey {
        MasterKey(bytes: random.bytes(length))
    }

    /// The form that `init(base64:)` reads, for the operator to keep.
    public func base64() -> Secret {
        Secret(key.withUnsafeBytes { Data($0).base64EncodedString() })
    }

    public var description: String { "MasterKey(***)" }
    public var customMirror: Mirror { Mirror(self, children: [Mirror.Child]()) }

    /// Wraps data keys.
    var wrappingKey: SymmetricKey { derived("perch data key wrapping 1") }

    /// Tells whether this is the key that wrapped the data key `id`, without opening anything: HMAC-SHA256.
    func checkValue(dataKeyID id: String) -> [UInt8] {
        Array(HMAC<SHA256>.authenticationCode(for: Array(id.utf8), using: derived("perch master key check 1")))
    }

    /// HKDF-SHA256 (RFC 5869), so that the check value and the wrapping share no key.
    private func derived(_ purpose: String) -> SymmetricKey {
        HKDF<SHA256>.deriveKey(inputKeyMaterial: key, info: Array(purpose.utf8), outputByteCount: Self.length)
    }
}
