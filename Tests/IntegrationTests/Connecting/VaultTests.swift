import Connectors
import Secrets
import Store
import Testing

@testable import Integration

@Suite("Sealed secrets")
struct VaultTests {
    private func vault(_ seed: UInt64 = 1) throws -> Vault {
        let random = RandomSource.seeded(seed)
        let ring = try KeyRing.create(master: .generate(random: random), random: random, at: Sample.now).0
        return Vault(keyRing: ring, random: random)
    }

    private let credential = ConnectorCredential(openFields: ["apiURL": "https://a"], secretFields: ["apiKey": Secret("k\"1")])

    @Test("What is sealed for a partner opens for that partner, and for no other")
    func rows() throws {
        let vault = try vault()
        let (one, other) = (PartnerID("par_1"), PartnerID("par_2"))
        let key = try vault.sealPartnerKey(Secret("p"), of: one)
        #expect(try vault.openPartnerKey(key, of: one) == Secret("p"))
        #expect(throws: SecretsError.self) { try vault.openPartnerKey(key, of: other) }

        var stored = try vault.sealCredential(credential, connectorID: "c", of: one, at: Sample.now)
        #expect(try vault.openCredential(stored) == credential)
        stored.partnerID = other
        #expect(throws: IntegrationError.self) { try vault.openCredential(stored) }
    }

    @Test("A credential does not open beside another address than it was stored with")
    func openFields() throws {
        let vault = try vault()
        var stored = try vault.sealCredential(credential, connectorID: "c", of: Sample.partner, at: Sample.now)
        stored.openFields["apiURL"] = "https://elsewhere"
        #expect(throws: IntegrationError.self) { try vault.openCredential(stored) }
    }

    @Test("A credential that was sealed before open fields were bound opens")
    func unbound() throws {
        let vault = try vault()
        var stored = try vault.sealCredential(credential, connectorID: "c", of: Sample.partner, at: Sample.now)
        stored.sealedFields = try vault.keyRing.seal(
            Secret(#"{"apiKey":"k\"1"}"#), SealContext(table: "vendor_credential", row: Sample.partner.rawValue, column: "sealed_fields"),
            random: vault.random)
        #expect(try vault.openCredential(stored) == credential)
    }

    @Test("A partner's key does not open as a credential, nor the other way round")
    func columns() throws {
        let vault = try vault()
        let partner = PartnerID("par_1")
        var stored = try vault.sealCredential(credential, connectorID: "c", of: partner, at: Sample.now)
        #expect(throws: SecretsError.self) { try vault.openPartnerKey(stored.sealedFields, of: partner) }
        stored.sealedFields = try vault.sealPartnerKey(Secret(#"{"apiKey":"k"}"#), of: partner)
        #expect(throws: IntegrationError.self) { try vault.openCredential(stored) }
    }

    @Test("Another installation's key opens nothing")
    func otherInstallation() throws {
        let key = try vault(1).sealPartnerKey(Secret("p"), of: Sample.partner)
        #expect(throws: SecretsError.self) { try vault(2).openPartnerKey(key, of: Sample.partner) }
    }
}
