import Connectors
import Foundation
import Secrets
import Store

/// Seals and opens what partners entrust, each secret bound to its own row.
struct Vault: Sendable {
    let keyRing: KeyRing
    let random: RandomSource

    func sealPartnerKey(_ key: Secret, of partner: PartnerID) throws(SecretsError) -> SealedSecret {
        try keyRing.seal(key, Self.partnerKey(partner), random: random)
    }

    func openPartnerKey(_ sealed: SealedSecret, of partner: PartnerID) throws(SecretsError) -> Secret {
        try keyRing.open(sealed, Self.partnerKey(partner))
    }

    func sealCredential(
        _ credential: ConnectorCredential, connectorID: String, of partner: PartnerID, at now: Date
    ) throws(IntegrationError) -> VendorCredential {
        do {
            var fields = credential.secretFields.mapValues { $0.reveal() }
            fields[Self.boundFields] = Self.text(of: credential.openFields)
            let json = String(decoding: try JSONEncoder().encode(fields), as: UTF8.self)
            return VendorCredential(
                partnerID: partner, connectorID: connectorID, openFields: credential.openFields,
                sealedFields: try keyRing.seal(Secret(json), Self.credential(partner), random: random), savedAt: now)
        } catch {
            throw Self.failure
        }
    }

    func openCredential(_ stored: VendorCredential) throws(IntegrationError) -> ConnectorCredential {
        do {
            let json = try keyRing.open(stored.sealedFields, Self.credential(stored.partnerID)).reveal()
            var fields = try JSONDecoder().decode([String: String].self, from: Data(json.utf8))
            // What was sealed before there was this mark is taken as it is.
            if let bound = fields.removeValue(forKey: Self.boundFields), bound != Self.text(of: stored.openFields) { throw Self.failure }
            return ConnectorCredential(openFields: stored.openFields, secretFields: fields.mapValues { Secret($0) })
        } catch {
            throw Self.failure
        }
    }

    /// Stands among the sealed fields for those that are not secret: an address that somebody writes into the database would have the
    /// secrets sent there. No field has an empty name.
    private static let boundFields = ""

    private static func text(of openFields: [String: String]) -> String {
        openFields.sorted { $0.key < $1.key }.map { "\($0.key.utf8.count):\($0.key)\($0.value.utf8.count):\($0.value)" }.joined()
    }

    private static let failure = IntegrationError(
        code: .secrets,
        message: "The stored vendor credential does not open with this installation's key. Enter it again and connect.")

    private static func partnerKey(_ partner: PartnerID) -> SealContext {
        SealContext(table: "connection", row: partner.rawValue, column: "partner_key")
    }

    private static func credential(_ partner: PartnerID) -> SealContext {
        SealContext(table: "vendor_credential", row: partner.rawValue, column: "sealed_fields")
    }
}
