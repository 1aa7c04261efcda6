import Crypto

/// Tells contents apart; no secret is hashed here.
public enum ContentHash {
    /// SHA-256, as 64 lower-case hexadecimal digits.
    public static func sha256(_ bytes: [UInt8]) -> String {
        SHA256.hash(data: bytes).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}
