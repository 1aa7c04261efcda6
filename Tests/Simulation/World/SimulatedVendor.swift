import Connectors
import Foundation
import Secrets

/// The vendor's platform: what each partner's customers really use. A read is whole or fails.
///
/// Unchecked: as `Engine`.
final class SimulatedVendor: @unchecked Sendable {
    struct Customer {
        var name: String
        var counts: [String: Decimal]
    }

    static let services = [
        CatalogueService(
            name: "Seats", description: "Protected seats", category: "security", subcategory: "email security",
            basis: CountBasis(name: "protected seats", version: 1)),
        CatalogueService(
            name: "Mailboxes", description: "Mailboxes", category: "backup", subcategory: "cloud backup",
            basis: CountBasis(name: "mailboxes", version: 1)),
    ]

    /// By the key that opens a partner's data; customers by id, in order.
    var customers: [String: [(id: String, customer: Customer)]] = [:]
    /// What the last whole read of each partner's data told.
    private(set) var lastRead: [String: [(id: String, customer: Customer)]] = [:]
    /// Keys that it does not accept at present.
    var refused: Set<String> = []
    /// The share of reads that fail.
    var faultShare = 0.0
    private let engine: Engine
    private let time: SimulatedTime

    init(_ engine: Engine, _ time: SimulatedTime) { (self.engine, self.time) = (engine, time) }

    func connector(ofProcess process: Int) -> any Connector { Reader(vendor: self, process: process) }

    /// What should stand in Synthesize for one partner, by account and service name: only counts of 1 and more.
    func truth(_ key: String) -> [(accountID: String, serviceName: String, count: Decimal)] {
        (customers[key] ?? []).flatMap { id, customer in
            customer.counts.sorted { $0.key < $1.key }.filter { $0.value >= 1 }.map { (id, $0.key, $0.value) }
        }
    }

    private struct Reader: Connector {
        let vendor: SimulatedVendor
        let process: Int
        let id = "simulated"
        let productName = "Acme Guard"
        let services = SimulatedVendor.services
        let fields = [ConnectorField(name: "apiKey", label: "API Key", help: "Ask Acme.", isSecret: true, environmentName: "API_KEY")]

        func credential(from entered: [String: String]) throws(ConnectorError) -> ConnectorCredential {
            guard let key = entered["apiKey"], !key.isEmpty else {
                throw ConnectorError(code: .invalidInput, message: "API Key is empty.", field: "apiKey")
            }
            return ConnectorCredential(openFields: [:], secretFields: ["apiKey": Secret(key)])
        }

        func fetchAccounts(_ request: FetchRequest) async throws(ConnectorError) -> VendorAccounts {
            let snapshot = try await fetchUsage(request)
            return VendorAccounts(accounts: snapshot.accounts, recordsDropped: 0)
        }

        func fetchUsage(_ request: FetchRequest) async throws(ConnectorError) -> VendorSnapshot {
            try await vendor.read(request.credential.secretFields["apiKey"]?.reveal() ?? "", process)
        }
    }

    private func read(_ key: String, _ process: Int) async throws(ConnectorError) -> VendorSnapshot {
        do {
            try await time.source(ofProcess: process).sleep(.milliseconds(50 + engine.random.number(below: 2000)))
        } catch {
            throw ConnectorError(code: .cancelled, message: "Stopped while reading from Acme Guard.")
        }
        if refused.contains(key) {
            throw ConnectorError(code: .credentialRefused, message: "Acme Guard did not accept the API Key.")
        }
        if engine.random.uniform() < faultShare {
            throw ConnectorError(code: .unreachable, message: "Acme Guard did not answer.")
        }
        let list = customers[key] ?? []
        lastRead[key] = list
        return VendorSnapshot(
            accounts: list.map { VendorAccount(id: $0.id, name: $0.customer.name) },
            usage: list.flatMap { id, customer in
                customer.counts.sorted { $0.key < $1.key }.map { UsageRecord(accountID: id, serviceName: $0.key, count: $0.value) }
            }, recordsDropped: 0)
    }
}
