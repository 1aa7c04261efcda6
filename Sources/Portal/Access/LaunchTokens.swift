import Connectors
import Foundation
import JWTKit
import Secrets

/// What a checked launch token says.
public struct LaunchClaims: Sendable, Hashable {
    /// The partner's id at the vendor (`sub`).
    public var vendorReference: String
    public var name: String?
    /// Used once (`jti`).
    public var tokenID: String
    public var expiresAt: Date
    /// The user's role at the partner, as the vendor's portal says it (`role`); nil when it says none.
    public var role: String?

    /// Roles that may change something; a role that Perch does not know may only look, because it may be any.
    static let changingRoles: Set<String> = ["owner", "admin"]

    /// A portal that tells no roles lets in only who may change everything.
    public var mayChange: Bool { role.map { Self.changingRoles.contains($0) } ?? true }
}

/// Launch tokens: JWTs by which the vendor's portal says whose page its user may open (RFC 7519, with the advice of RFC
/// 8725: the algorithm is chosen by the key, never by the token).
public enum LaunchTokens {
    /// A token may not live longer; a copied one is soon worthless.
    static let longestLifetime: TimeInterval = 5 * 60
    /// How far the two clocks may be apart, unless a setting says otherwise.
    public static let defaultClockSkew: Duration = .seconds(30)

    /// Checks signature and claims. That the token was not used before is the caller's to check.
    /// - Throws: `launchRefused`.
    static func verify(
        _ token: String, keys: LaunchKeys, skew: Duration = defaultClockSkew, now: Date
    ) async throws(PortalError) -> LaunchClaims {
        let payload = try await signedPayload(token, keys)
        return try claims(payload, issuer: keys.issuer, audience: keys.audience, skew: skew.seconds, now: now)
    }

    /// An HS256 token as the vendor's portal makes it; for the demo, for tests, and as an example.
    /// - Throws: `launchKeyInvalid` for a secret of fewer than 32 bytes.
    public static func sign(
        vendorReference: String, name: String?, role: String? = nil, secret: Secret, issuer: String? = nil, audience: String? = nil,
        now: Date, lifetime: Duration = .seconds(120), random: RandomSource
    ) async throws(PortalError) -> String {
        let keys = try LaunchKeys(sharedSecrets: [secret])
        let payload = LaunchPayload(
            sub: vendorReference, name: name, exp: now.timeIntervalSince1970.rounded(.down) + lifetime.seconds, nbf: nil,
            jti: random.token(bytes: 16), iss: issuer, aud: audience.map { AudienceClaim(value: $0) }, role: role)
        do {
            let signer = JWTKeyCollection()
            for secret in keys.sharedSecrets { await signer.add(hmac: secret.hmacKey, digestAlgorithm: .sha256) }
            return try await signer.sign(payload)
        } catch {
            throw PortalError(.launchKeyInvalid, "The launch token could not be signed: \(error)")
        }
    }

    // MARK: Signature

    /// The payload, once one of the keys for the token's algorithm has verified it.
    private static func signedPayload(_ token: String, _ keys: LaunchKeys) async throws(PortalError) -> LaunchPayload {
        let header = try header(of: token)
        // RFC 7515 section 4.1.11: an extension that must be understood and is not.
        guard header.crit == nil else { throw refused("it has a \"crit\" header") }
        let candidates = await keys.verifiers(for: header.alg)
        guard !candidates.isEmpty else {
            throw refused("no key is configured for its algorithm, \"\(header.alg.prefix(20))\"")
        }
        for verifier in candidates {
            do {
                return try await verifier.verify(token)
            } catch let error as JWTError where error.errorType == .signatureVerificationFailed {
                continue
            } catch {
                throw refused("it cannot be read: it needs sub, exp and jti of the right types")
            }
        }
        throw refused("its signature fits none of the configured keys")
    }

    private struct Header: Decodable {
        var alg: String
        var crit: [String]?
    }

    private static func header(of token: String) throws(PortalError) -> Header {
        do {
            let parts = try DefaultJWTParser().getTokenParts(Data(token.utf8))
            return try JSONDecoder().decode(Header.self, from: Data(base64URL: parts.header))
        } catch {
            throw refused("it is not a JWT")
        }
    }

    // MARK: Claims

    static func claims(
        _ payload: LaunchPayload, issuer: String?, audience: String?, skew: TimeInterval, now: Date
    ) throws(PortalError) -> LaunchClaims {
        let expiresAt = Date(timeIntervalSince1970: payload.exp)
        guard now < expiresAt.addingTimeInterval(skew) else { throw refused("it has expired") }
        guard expiresAt <= now.addingTimeInterval(longestLifetime + skew) else {
            throw refused("its exp is more than 5 minutes ahead")
        }
        if let notBefore = payload.nbf, Date(timeIntervalSince1970: notBefore) > now.addingTimeInterval(skew) {
            throw refused("its nbf is in the future")
        }
        if let issuer, payload.iss != issuer { throw refused("its iss is not \"\(issuer)\"") }
        if let audience, payload.aud?.value.contains(audience) != true {
            throw refused("its aud does not contain \"\(audience)\"")
        }
        let name = payload.name?.trimmingCharacters(in: .whitespacesAndNewlines) ?? ""
        guard isUsable(payload.sub), isUsable(payload.jti), name.isEmpty || isUsable(name), payload.role.map(isUsable) ?? true else {
            throw refused("its sub, jti, name or role is empty, longer than \(longestText) bytes, or has control characters")
        }
        // What a name has of the kind is left out; an id without it would be another.
        for (claim, text) in [("sub", payload.sub), ("role", payload.role ?? "")] {
            if let problem = text.showingProblem() { throw refused("its \(claim) \(problem)") }
        }
        return LaunchClaims(
            vendorReference: payload.sub, name: name.isEmpty ? nil : name, tokenID: payload.jti,
            // Remembered as used for as long as it would be taken.
            expiresAt: expiresAt.addingTimeInterval(skew), role: payload.role)
    }

    private static let longestText = 256

    private static func isUsable(_ text: String) -> Bool {
        !text.allSatisfy(\.isWhitespace) && text.utf8.count <= longestText
            && text.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control }
    }

    private static func refused(_ reason: String) -> PortalError {
        PortalError(.launchRefused, "The launch token was refused: \(reason)\(reason.hasSuffix(".") ? "" : ".")")
    }
}

/// The claims as they travel. `verify` does nothing: they are checked against the clock that is passed in.
struct LaunchPayload: JWTPayload {
    var sub: String
    var name: String?
    var exp: Double
    var nbf: Double?
    var jti: String
    var iss: String?
    var aud: AudienceClaim?
    var role: String?

    func verify(using algorithm: some JWTAlgorithm) async throws {}
}

extension LaunchKeys {
    /// One collection a key, because a collection with several verifies by key id only.
    fileprivate func verifiers(for algorithm: String) async -> [JWTKeyCollection] {
        var verifiers: [JWTKeyCollection] = []
        switch algorithm {
        case "HS256":
            for secret in sharedSecrets {
                verifiers.append(await JWTKeyCollection().add(hmac: secret.hmacKey, digestAlgorithm: .sha256))
            }
        case "RS256":
            for key in rsaKeys { verifiers.append(await JWTKeyCollection().add(rsa: key, digestAlgorithm: .sha256)) }
        case "ES256":
            for key in ecdsaKeys { verifiers.append(await JWTKeyCollection().add(ecdsa: key)) }
        default:
            break
        }
        return verifiers
    }
}

extension Secret {
    fileprivate var hmacKey: HMACKey { HMACKey(from: reveal()) }
}

extension Data {
    /// Decodes base64url without padding (RFC 7515 section 2).
    fileprivate init(base64URL bytes: some Sequence<UInt8>) throws {
        var text = String(decoding: Array(bytes), as: UTF8.self).replacing("-", with: "+").replacing("_", with: "/")
        text += String(repeating: "=", count: (4 - text.utf8.count % 4) % 4)
        guard let data = Data(base64Encoded: text) else { throw CocoaError(.coderReadCorrupt) }
        self = data
    }
}
