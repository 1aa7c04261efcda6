import Crypto
import CryptoExtras
import Foundation
import JWTKit
import Secrets
import Testing

@testable import Portal

@Suite("Launch tokens")
struct LaunchTokenTests {
    private static let secret = Secret("0123456789abcdef0123456789abcdef")
    private static let now = Date(timeIntervalSince1970: 1_780_488_300)

    private struct Claims: Codable {
        var sub: String? = "msp-1"
        var name: String? = "Northwind IT"
        var exp: Double? = now.timeIntervalSince1970 + 120
        var nbf: Double?
        var jti: String? = "token-1"
        var iss: String?
        var aud: [String]?
        var role: String?
    }

    private static func base64URL(_ data: Data) -> String {
        data.base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }

    private static func encoded(_ value: some Encodable) throws -> String {
        base64URL(try JSONEncoder().encode(value))
    }

    /// A token made by hand, so that it can be wrong.
    private static func token(
        _ claims: Claims, header: [String: String] = ["alg": "HS256", "typ": "JWT"], key: String = secret.reveal()
    ) throws -> String {
        let input = try encoded(header) + "." + encoded(claims)
        let code = HMAC<SHA256>.authenticationCode(for: Data(input.utf8), using: SymmetricKey(data: Data(key.utf8)))
        return input + "." + base64URL(Data(code))
    }

    private static func keys(issuer: String? = nil, audience: String? = nil) throws -> LaunchKeys {
        try LaunchKeys(sharedSecrets: [secret], issuer: issuer, audience: audience)
    }

    private static func refusal(_ token: String, _ keys: LaunchKeys) async -> String? {
        do {
            _ = try await LaunchTokens.verify(token, keys: keys, now: now)
            return nil
        } catch {
            #expect(error.code == .launchRefused)
            return error.message
        }
    }

    @Test("takes a token with the claims it needs, and a name if there is one")
    func good() async throws {
        let claims = try await LaunchTokens.verify(try Self.token(Claims()), keys: Self.keys(), now: Self.now)
        #expect(
            claims
                == LaunchClaims(
                    vendorReference: "msp-1", name: "Northwind IT", tokenID: "token-1",
                    expiresAt: Self.now.addingTimeInterval(150), role: nil))
        #expect(claims.mayChange)
        let nameless = try await LaunchTokens.verify(
            try Self.token(Claims(name: "  ")), keys: Self.keys(), now: Self.now)
        #expect(nameless.name == nil)
    }

    /// What is wrong with the claims, and a word of the reason.
    private static let badClaims: [(Claims, String)] = [
        (Claims(exp: now.timeIntervalSince1970 - 31), "expired"),
        (Claims(exp: now.timeIntervalSince1970 - 30), "expired"),
        (Claims(exp: now.timeIntervalSince1970 + 331), "5 minutes"),
        (Claims(exp: 1e300), "5 minutes"),
        (Claims(exp: nil), "needs sub, exp and jti"),
        (Claims(sub: nil), "needs sub, exp and jti"),
        (Claims(jti: nil), "needs sub, exp and jti"),
        (Claims(sub: ""), "sub, jti, name or role"),
        (Claims(sub: "   "), "sub, jti, name or role"),
        (Claims(sub: "a\u{0000}b"), "sub, jti, name or role"),
        (Claims(sub: String(repeating: "x", count: 257)), "sub, jti, name or role"),
        (Claims(jti: ""), "sub, jti, name or role"),
        (Claims(name: "line\nbreak"), "sub, jti, name or role"),
        (Claims(role: ""), "sub, jti, name or role"),
        (Claims(nbf: now.timeIntervalSince1970 + 31), "nbf"),
    ]

    @Test("refuses claims that are missing or out of range", arguments: badClaims.indices)
    func claims(_ index: Int) async throws {
        let (claims, reason) = Self.badClaims[index]
        let message = try #require(await Self.refusal(try Self.token(claims), try Self.keys()))
        #expect(message.contains(reason), "\(message)")
    }

    @Test("allows for clocks that differ a little")
    func skew() async throws {
        #expect(await Self.refusal(try Self.token(Claims(exp: Self.now.timeIntervalSince1970 + 330)), try Self.keys()) == nil)
        #expect(await Self.refusal(try Self.token(Claims(nbf: Self.now.timeIntervalSince1970 + 30)), try Self.keys()) == nil)
        #expect(await Self.refusal(try Self.token(Claims(exp: Self.now.timeIntervalSince1970 - 29)), try Self.keys()) == nil)
    }

    @Test("allows for as much as the setting says", arguments: [0, 5, 300])
    func configuredSkew(seconds: Int) async throws {
        let skew = Double(seconds)
        func verdict(_ claims: Claims) async throws -> Bool {
            do {
                _ = try await LaunchTokens.verify(
                    try Self.token(claims), keys: Self.keys(), skew: .seconds(seconds), now: Self.now)
                return true
            } catch is PortalError {
                return false
            }
        }
        let now = Self.now.timeIntervalSince1970
        #expect(try await verdict(Claims(exp: now - skew + 1)))
        #expect(try await !verdict(Claims(exp: now - skew)))
        #expect(try await verdict(Claims(exp: now + 300 + skew)))
        #expect(try await !verdict(Claims(exp: now + 301 + skew)))
        #expect(try await verdict(Claims(nbf: now + skew)))
        #expect(try await !verdict(Claims(nbf: now + skew + 1)))
    }

    @Test(
        "says what the user may: everything without a role, and as owner or admin; any other only looks",
        arguments: [(nil, true), ("owner", true), ("admin", true), ("viewer", false), ("Owner", false), ("billing", false)]
            as [(String?, Bool)])
    func roles(_ role: String?, _ mayChange: Bool) async throws {
        let claims = try await LaunchTokens.verify(try Self.token(Claims(role: role)), keys: Self.keys(), now: Self.now)
        #expect(claims.role == role && claims.mayChange == mayChange)
    }

    @Test("takes tokens by the keys of a JWK Set, and leaves out keys that are for something else")
    func keySet() async throws {
        let payload = LaunchPayload(
            sub: "msp-1", name: nil, exp: Self.now.timeIntervalSince1970 + 60, nbf: nil, jti: "j", iss: nil, aud: nil)
        let (first, second, encryption) = (ES256PrivateKey(), ES256PrivateKey(), ES256PrivateKey())
        let (verifying, wrapping) = (ES256PrivateKey(), ES256PrivateKey())
        let rsa = try Insecure.RSA.PrivateKey(backing: _RSA.Signing.PrivateKey(keySize: .bits2048))
        func coordinates(_ key: ES256PrivateKey) throws -> String {
            let raw = try P256.Signing.PublicKey(pemRepresentation: key.publicKey.pemRepresentation).rawRepresentation
            return #""x":"\#(Self.base64URL(raw.prefix(32)))","y":"\#(Self.base64URL(raw.suffix(32)))""#
        }
        let numbers = try rsa.publicKey.getKeyPrimitives()
        let set = """
            {"keys":[{"kty":"EC","crv":"P-256","kid":"1","use":"sig","alg":"ES256",\(try coordinates(first))},
            {"kty":"EC","crv":"P-256",\(try coordinates(second))},
            {"kty":"EC","crv":"P-256","use":"enc",\(try coordinates(encryption))},
            {"kty":"EC","crv":"P-256","key_ops":["verify"],\(try coordinates(verifying))},
            {"kty":"EC","crv":"P-256","key_ops":["deriveKey","wrapKey"],\(try coordinates(wrapping))},
            {"kty":"RSA","n":"\(Self.base64URL(numbers.modulus))","e":"\(Self.base64URL(numbers.publicExponent))"},
            {"kty":"OKP","crv":"Ed25519","x":"AAAA"}]}
            """
        let keys = try LaunchKeys(sharedSecrets: [], keySet: set)
        for key in [first, second, verifying] {
            #expect(await Self.refusal(try await JWTKeyCollection().add(ecdsa: key).sign(payload), keys) == nil)
        }
        #expect(await Self.refusal(try await JWTKeyCollection().add(rsa: rsa, digestAlgorithm: .sha256).sign(payload), keys) == nil)
        for key in [encryption, wrapping] {
            #expect(await Self.refusal(try await JWTKeyCollection().add(ecdsa: key).sign(payload), keys) != nil)
        }
        #expect(await Self.refusal(try Self.token(Claims()), keys)?.contains("no key is configured") == true)
    }

    @Test(
        "refuses a JWK Set that is none, has no key to use, or holds a secret, without printing it",
        arguments: [
            "", "[]", "{}", #"{"keys":[]}"#, #"{"keys":[{"kty":"OKP"}]}"#, #"{"keys":[{"kty":"oct","k":"canary"}]}"#,
            #"{"keys":[{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}]}"#, #"{"keys":[{"kty":"EC","crv":"P-384","x":"AA","y":"AA"}]}"#,
            #"{"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB"}]}"#, #"{"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB","d":"canary"}]}"#,
            #"{"keys":[{"kty":"RSA","alg":"PS256","n":"AQAB","e":"AQAB"}]}"#,
        ])
    func badKeySet(_ text: String) {
        let error = #expect(throws: PortalError.self) { try LaunchKeys(sharedSecrets: [], keySet: text) }
        #expect(error?.code == .launchKeyInvalid && error?.message.contains("canary") == false)
    }

    @Test("checks issuer and audience where they are configured")
    func issuerAndAudience() async throws {
        let keys = try Self.keys(issuer: "portal", audience: "perch")
        #expect(await Self.refusal(try Self.token(Claims(iss: "portal", aud: ["other", "perch"])), keys) == nil)
        #expect(await Self.refusal(try Self.token(Claims(iss: "elsewhere", aud: ["perch"])), keys)?.contains("iss") == true)
        #expect(await Self.refusal(try Self.token(Claims(aud: ["perch"])), keys)?.contains("iss") == true)
        #expect(await Self.refusal(try Self.token(Claims(iss: "portal", aud: ["other"])), keys)?.contains("aud") == true)
        #expect(await Self.refusal(try Self.token(Claims(iss: "portal")), keys)?.contains("aud") == true)
    }

    @Test(
        "refuses what is not signed with a configured key",
        arguments: [
            "", "a", "a.b", "a.b.c", "a.b.c.d", "..", "eyJhbGciOiJIUzI1NiJ9..", "eyJhbGciOiJIUzI1NiJ9.e30.",
        ])
    func malformed(_ token: String) async throws {
        #expect(await Self.refusal(token, try Self.keys()) != nil)
    }

    @Test("refuses another key, a changed payload, no signature, and algorithms that no key has")
    func signatures() async throws {
        let keys = try Self.keys()
        let other = try Self.token(Claims(), key: "another-secret-of-32-characters!!")
        #expect(await Self.refusal(other, keys)?.contains("none of the configured keys") == true)

        let good = try Self.token(Claims()).split(separator: ".")
        let changed = try "\(good[0]).\(Self.encoded(Claims(sub: "msp-2"))).\(good[2])"
        #expect(await Self.refusal(changed, keys)?.contains("none of the configured keys") == true)

        for algorithm in ["none", "None", "HS384", "hs256", "RS256", "ES256", "PS256", "EdDSA", ""] {
            let token = try Self.token(Claims(), header: ["alg": algorithm])
            #expect(await Self.refusal(token, keys)?.contains("no key is configured") == true, "\(algorithm)")
            let unsigned = token.split(separator: ".").prefix(2).joined(separator: ".") + "."
            #expect(await Self.refusal(unsigned, keys) != nil, "\(algorithm)")
        }
        #expect(await Self.refusal(try Self.token(Claims(), header: ["typ": "JWT"]), keys)?.contains("not a JWT") == true)
    }

    @Test("refuses an extension that must be understood")
    func critical() async throws {
        struct Header: Encodable {
            let alg = "HS256", crit = ["b64"]
        }
        let input = try Self.encoded(Header()) + "." + Self.encoded(Claims())
        let code = HMAC<SHA256>.authenticationCode(
            for: Data(input.utf8), using: SymmetricKey(data: Data(Self.secret.reveal().utf8)))
        #expect(await Self.refusal(input + "." + Self.base64URL(Data(code)), try Self.keys())?.contains("crit") == true)
    }

    @Test("takes a token of any of several secrets, while one is being replaced")
    func rotation() async throws {
        let keys = try LaunchKeys(sharedSecrets: [Secret("the-next-secret-of-32-characters!"), Self.secret])
        #expect(await Self.refusal(try Self.token(Claims()), keys) == nil)
    }

    @Test("takes ES256 and RS256 tokens by public key, and never a public key as a secret")
    func publicKeys() async throws {
        let payload = LaunchPayload(
            sub: "msp-1", name: nil, exp: Self.now.timeIntervalSince1970 + 60, nbf: nil, jti: "j", iss: nil, aud: nil)
        let ecdsa = ES256PrivateKey()
        let ecdsaPEM = ecdsa.publicKey.pemRepresentation
        let rsa = try _RSA.Signing.PrivateKey(keySize: .bits2048)
        let rsaPEM = rsa.publicKey.pemRepresentation
        let keys = try LaunchKeys(sharedSecrets: [], publicKeysPEM: [ecdsaPEM, rsaPEM])
        let ecdsaToken = try await JWTKeyCollection().add(ecdsa: ecdsa).sign(payload)
        #expect(await Self.refusal(ecdsaToken, keys) == nil)
        let rsaToken = try await JWTKeyCollection()
            .add(rsa: Insecure.RSA.PrivateKey(backing: rsa), digestAlgorithm: .sha256).sign(payload)
        #expect(await Self.refusal(rsaToken, keys) == nil)

        // The classic confusion: HS256 with the published key's text as the secret.
        for pem in [ecdsaPEM, rsaPEM] {
            let forged = try Self.token(Claims(), key: pem)
            #expect(await Self.refusal(forged, keys)?.contains("no key is configured") == true)
            let mixed = try LaunchKeys(sharedSecrets: [Self.secret], publicKeysPEM: [pem])
            #expect(await Self.refusal(forged, mixed)?.contains("none of the configured keys") == true)
        }
        let stranger = try await JWTKeyCollection().add(ecdsa: ES256PrivateKey()).sign(payload)
        #expect(await Self.refusal(stranger, keys)?.contains("none of the configured keys") == true)
    }

    @Test("refuses keys that are too short or of no known kind, without printing them")
    func badKeys() throws {
        let short = #expect(throws: PortalError.self) { try LaunchKeys(sharedSecrets: [Secret("too-short-secret")]) }
        #expect(short?.message.contains("too-short-secret") == false)
        #expect(short?.message.contains("32 bytes") == true)
        let tooShort = try _RSA.Signing.PrivateKey(unsafeKeySize: .init(bitCount: 1024)).publicKey.pemRepresentation
        let otherCurve = P384.Signing.PrivateKey().publicKey.pemRepresentation
        for pem in ["", "nonsense", tooShort, otherCurve] {
            #expect(throws: PortalError.self) { try LaunchKeys(sharedSecrets: [], publicKeysPEM: [pem]) }
        }
    }

    @Test("signs tokens that it takes, each with a number of its own")
    func signing() async throws {
        let random = RandomSource.seeded(7)
        let keys = try Self.keys(issuer: "portal", audience: "perch")
        var numbers: Set<String> = []
        for _ in 0..<2 {
            let token = try await LaunchTokens.sign(
                vendorReference: "msp-9", name: "A & B", secret: Self.secret, issuer: "portal", audience: "perch", now: Self.now,
                random: random)
            let claims = try await LaunchTokens.verify(token, keys: keys, now: Self.now)
            #expect(claims.vendorReference == "msp-9" && claims.name == "A & B")
            numbers.insert(claims.tokenID)
        }
        #expect(numbers.count == 2)
        await #expect(throws: PortalError.self) {
            try await LaunchTokens.sign(
                vendorReference: "m", name: nil, secret: Secret("short"), now: Self.now, random: random)
        }
    }
}
