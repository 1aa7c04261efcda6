/// Why a secret could not be sealed, opened, or its key found.
public struct SecretsError: Error, Sendable, Hashable, CustomStringConvertible {
    public enum Code: String, Sendable, Hashable {
        /// The text given as master key is not 32 bytes in base64.
        case masterKeyInvalid
        /// The master key is well formed, but not the one that this database was set up with.
        case masterKeyWrong
        /// The key file may be read by others than its owner.
        case keyFileExposed
        /// The key file cannot be read, made or written.
        case keyFileUnavailable
        /// The stored data key does not open with the right master key: the stored bytes were changed.
        case dataKeyDamaged
        /// The sealed value names a data key that this key ring does not hold.
        case dataKeyUnknown
        /// The sealed value was changed, cut, or belongs to another row.
        case sealedValueRefused
    }

    public var code: Code
    /// What happened, what was kept, what to do; never a secret.
    public var message: String

    public init(code: Code, message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { "secrets.\(code.rawValue): \(message)" }
}
