import Crypto
import Foundation

/// Hashes of tokens with enough randomness of their own (sessions, operator keys, launch links), which need no slow hash.
public enum TokenHash {
    /// SHA-256 of the text's UTF-8 bytes, as 64 lower-case hexadecimal digits.
    public static func sha256(_ text: String) -> String {
        SHA256.hash(data: Array(text.utf8)).map { byte in
            let digits = String(byte, radix: 16)
            return byte < 16 ? "0" + digits : digits
        }.joined()
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
