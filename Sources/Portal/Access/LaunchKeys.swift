import JWTKit
import Secrets

/// The keys that the vendor's portal signs launch tokens with. Each kind of key has exactly one algorithm, so that a
/// public key can never be taken for a shared secret (RFC 8725 section 3.1).
public struct LaunchKeys: Sendable {
    /// HS256.
    let sharedSecrets: [Secret]
    /// RS256.
    let rsaKeys: [Insecure.RSA.PublicKey]
    /// ES256: the curve P-256.
    let ecdsaKeys: [ES256PublicKey]
    /// When set, the token's `iss` must be this.
    let issuer: String?
    /// When set, the token's `aud` must contain this.
    let audience: String?

    /// RFC 7518 section 3.2: an HS256 key is at least as long as its hash.
    static let shortestSharedSecret = 32

    /// - Parameters:
    ///   - sharedSecrets: HS256; several while one is being replaced. At least 32 bytes each.
    ///   - publicKeysPEM: RSA (RS256, at least 2048 bits) or P-256 (ES256) keys, each one `PUBLIC KEY` block.
    /// - Throws: `launchKeyInvalid`, whose message says which one and why, and never contains the key.
    public init(
        sharedSecrets: [Secret], publicKeysPEM: [String] = [], issuer: String? = nil, audience: String? = nil
    ) throws(PortalError) {
        for (index, secret) in sharedSecrets.enumerated() where secret.reveal().utf8.count < Self.shortestSharedSecret {
            throw PortalError(
                .launchKeyInvalid,
                "Launch secret \(index + 1) has fewer than \(Self.shortestSharedSecret) bytes. Make one with `openssl rand -hex 32`.")
        }
        var rsaKeys: [Insecure.RSA.PublicKey] = []
        var ecdsaKeys: [ES256PublicKey] = []
        for (index, pem) in publicKeysPEM.enumerated() {
            switch Self.publicKey(pem) {
            case .rsa(let key): rsaKeys.append(key)
            case .ecdsa(let key): ecdsaKeys.append(key)
            case nil:
                throw PortalError(
                    .launchKeyInvalid,
                    "Launch key \(index + 1) is neither an RSA key of at least 2048 bits nor a P-256 key, as a PEM block "
                        + "that begins with -----BEGIN PUBLIC KEY-----.")
            }
        }
        self.sharedSecrets = sharedSecrets
        self.rsaKeys = rsaKeys
        self.ecdsaKeys = ecdsaKeys
        self.issuer = issuer
        self.audience = audience
    }

    private enum PublicKey {
        case rsa(Insecure.RSA.PublicKey)
        case ecdsa(ES256PublicKey)
    }

    /// A key that does not parse as one kind may be of the other, so why it did not is of no interest.
    private static func publicKey(_ pem: String) -> PublicKey? {
        if let key = try? Insecure.RSA.PublicKey(pem: pem) { return .rsa(key) }
        if let key = try? ES256PublicKey(pem: pem) { return .ecdsa(key) }
        return nil
    }
}
