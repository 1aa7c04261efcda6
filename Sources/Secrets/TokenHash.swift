import Crypto
import Foundation

/// Hashes of tokens with enough randomness of their own (sessions, operator keys, launch links), which need no slow hash.
public enum TokenHash {
    /// SHA-256 of the text's UTF-8 bytes, as 64 lower-case hexadecimal digits.
    public static func sha256(_ text: String) -> String {
        hexadecimal(SHA256.hash(data: Array(text.utf8)))
    }

    /// HMAC-SHA256 of a purpose under the token as key, as 64 lower-case hexadecimal digits: what belongs to the token and is known to
    /// nobody who does not have it.
    public static func derived(from token: Secret, for purpose: String) -> String {
        hexadecimal(HMAC<SHA256>.authenticationCode(for: Array(purpose.utf8), using: SymmetricKey(data: Array(token.reveal().utf8))))
    }

    /// Compares bytes in a time that depends on the lengths only.
    public static func equal(_ left: String, _ right: String) -> Bool {
        equalInConstantTime(left, right)
    }
}

/// True when the UTF-8 bytes are the same. Unlike `String.==` it neither stops at the first difference nor treats
/// canonically equivalent texts as equal.
func equalInConstantTime(_ left: String, _ right: String) -> Bool {
    equalInConstantTime(Array(left.utf8), Array(right.utf8))
}

func equalInConstantTime(_ left: [UInt8], _ right: [UInt8]) -> Bool {
    guard left.count == right.count else { return false }
    var difference: UInt8 = 0
    for index in left.indices {
        difference |= left[index] ^ right[index]
    }
    return difference == 0
}

/// Hashes operator keys with a key of the installation, so that a stolen database does not even tell whether a guess is right
/// (ASVS 11.4). HMAC-SHA256 over the plain hash: hashes from before there was a key are keyed without knowing the token.
public struct KeyedTokenHash: Sendable, CustomStringConvertible, CustomReflectable {
    private static let prefix = "h1:"

    private let key: SymmetricKey

    /// - Parameter key: at least 256 random bits, as text.
    public init(key: Secret) {
        self.key = SymmetricKey(data: Array(key.reveal().utf8))
    }

    /// `h1:` and 64 lower-case hexadecimal digits.
    public func hash(_ token: Secret) -> String {
        keyed(TokenHash.sha256(token.reveal()))
    }

    /// The keyed form of a stored hash; nil when it is keyed already.
    public func keyed(stored hash: String) -> String? {
        Self.isKeyed(hash) ? nil : keyed(hash)
    }

    /// Whether a stored hash is of the keyed form.
    public static func isKeyed(_ hash: String) -> Bool { hash.hasPrefix(prefix) }

    public var description: String { "KeyedTokenHash(***)" }
    public var customMirror: Mirror { Mirror(self, children: [Mirror.Child]()) }

    private func keyed(_ plain: String) -> String {
        Self.prefix + hexadecimal(HMAC<SHA256>.authenticationCode(for: Array(plain.utf8), using: key))
    }
}

func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
    bytes.map { byte in
        let digits = String(byte, radix: 16)
        return byte < 16 ? "0" + digits : digits
    }.joined()
}
