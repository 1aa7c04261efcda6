import Foundation
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
    ///   - keySet: a JWK Set (RFC 7517) with RSA and P-256 keys for signatures; keys of other kinds are left out.
    /// - Throws: `launchKeyInvalid`, whose message says which one and why, and never contains the key.
    public init(
        sharedSecrets: [Secret], publicKeysPEM: [String] = [], keySet: String? = nil, issuer: String? = nil,
        audience: String? = nil
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
        if let keySet {
            for (number, key) in try Self.keys(of: keySet).enumerated() {
                switch Self.publicKey(key) {
                case .rsa(let key): rsaKeys.append(key)
                case .ecdsa(let key): ecdsaKeys.append(key)
                case nil:
                    throw PortalError(
                        .launchKeyInvalid,
                        "Key \(number + 1) of the launch key set cannot be used: it must be an RSA key of at least 2048 bits with alg RS256, "
                            + "or a P-256 key with alg ES256.")
                }
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

    /// One key of a JWK Set, as far as it matters here (RFC 7517 section 4, RFC 7518 section 6).
    private struct WebKey: Decodable {
        var kty: String
        var use: String?
        var keyOps: [String]?
        var alg: String?
        var crv: String?
        var n: String?
        var e: String?
        var x: String?
        var y: String?
        /// Parts of a private or a shared key, which have no place in a set of public ones.
        var d: String?
        var k: String?

        enum CodingKeys: String, CodingKey {
            case kty, use, alg, crv, n, e, x, y, d, k
            case keyOps = "key_ops"
        }

        /// What it is for, by either way to say so (RFC 7517 sections 4.2 and 4.3).
        var verifies: Bool { use ?? "sig" == "sig" && keyOps?.contains("verify") ?? true }
    }

    private struct WebKeySet: Decodable {
        var keys: [WebKey]
    }

    /// The keys for signatures whose kind is known (RFC 7517 section 5: others are ignored).
    private static func keys(of text: String) throws(PortalError) -> [WebKey] {
        let set: WebKeySet
        do {
            set = try JSONDecoder().decode(WebKeySet.self, from: Data(text.utf8))
        } catch {
            throw PortalError(.launchKeyInvalid, "The launch key set is not a JWK Set: a JSON object with a list \"keys\" (RFC 7517).")
        }
        guard set.keys.allSatisfy({ $0.d == nil && $0.k == nil }) else {
            throw PortalError(
                .launchKeyInvalid, "The launch key set holds a private key. Perch needs the public ones only; keep that key in your portal."
            )
        }
        let usable = set.keys.filter { ["RSA", "EC"].contains($0.kty) && $0.verifies }
        guard !usable.isEmpty else {
            throw PortalError(
                .launchKeyInvalid,
                "The launch key set holds no RSA or EC key for signatures: use is sig or missing, key_ops has verify or is missing.")
        }
        return usable
    }

    /// Why a key does not fit is of no interest: the message names both kinds that do.
    private static func publicKey(_ key: WebKey) -> PublicKey? {
        switch key.kty {
        case "RSA" where key.alg ?? "RS256" == "RS256":
            guard let n = key.n, let e = key.e, let key = try? Insecure.RSA.PublicKey(modulus: n, exponent: e) else { return nil }
            return .rsa(key)
        case "EC" where key.crv == "P-256" && key.alg ?? "ES256" == "ES256":
            guard let x = key.x, let y = key.y, let key = try? ES256PublicKey(parameters: (x, y)) else { return nil }
            return .ecdsa(key)
        default: return nil
        }
    }
}
