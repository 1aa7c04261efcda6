import Connectors
import Foundation

/// Licences that the vendor's own code knows: from a database, a queue, an RPC.
struct LicenceConnector: Connector {
    struct Licence: Sendable {
        var customerID: String
        var customer: String
        var seats: Int
    }

    let id = "acme-licences"
    let productName = "Acme"
    let fields: [ConnectorField] = []
    let services = [
        CatalogueService(
            name: "Acme Seats", description: "Licensed seats.", category: "security", subcategory: "email security",
            basis: CountBasis(name: "licensed seats", version: 1))
    ]
    /// All licences of a partner; throws when it cannot tell all of them.
    let licences: @Sendable (_ partner: String) async throws -> [Licence]

    func credential(from entered: [String: String]) throws(ConnectorError) -> ConnectorCredential {
        ConnectorCredential(openFields: [:], secretFields: [:])
    }

    func fetchAccounts(_ request: FetchRequest) async throws(ConnectorError) -> VendorAccounts {
        let snapshot = try await fetchUsage(request)
        return VendorAccounts(accounts: snapshot.accounts, recordsDropped: snapshot.recordsDropped)
    }

    func fetchUsage(_ request: FetchRequest) async throws(ConnectorError) -> VendorSnapshot {
        let all: [Licence]
        do {
            all = try await licences(request.partner)
        } catch {
            throw ConnectorError(code: .unreachable, message: "Acme's licences cannot be read. Nothing was changed.")
        }
        guard !all.isEmpty else {
            throw ConnectorError(code: .emptyList, message: "Acme has no licence of this partner. Nothing was changed.")
        }
        var names: [String: String] = [:]
        for licence in all { names[licence.customerID] = licence.customer }
        return VendorSnapshot(
            accounts: names.sorted { $0.key < $1.key }.map { VendorAccount(id: $0.key, name: $0.value) },
            usage: all.map { UsageRecord(accountID: $0.customerID, serviceName: services[0].name, count: Decimal($0.seats)) },
            recordsDropped: 0)
    }
}
