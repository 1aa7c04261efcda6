import Connectors
import Foundation
import HTTPClient
import Secrets
import Synchronization

/// A vendor whose customers and counts the test sets.
final class PlayedVendor: Connector {
    struct Data: Sendable {
        var accounts: [VendorAccount] = []
        var usage: [UsageRecord] = []
        var recordsDropped = 0
        /// Thrown instead of an answer.
        var failure: ConnectorError?
        /// Where a fetch waits.
        var hold: Hold?
    }

    let id = "played"
    let productName = "Acme Guard"
    let services = [
        CatalogueService(
            name: "Seats", description: "Protected seats", category: "security", subcategory: "email security",
            basis: CountBasis(name: "protected seats", version: 3)),
        CatalogueService(
            name: "Mailboxes", description: "Mailboxes", category: "backup", subcategory: "cloud backup",
            basis: CountBasis(name: "mailboxes with a backup", version: 1)),
    ]
    let fields = [
        ConnectorField(name: "apiKey", label: "API Key", help: "Ask Acme.", isSecret: true, environmentName: "API_KEY"),
        ConnectorField(
            name: "apiURL", label: "API URL", help: "Leave it.", isSecret: false, defaultValue: "https://acme.example",
            environmentName: "API_URL"),
    ]

    private let journal: Journal
    private let data = Mutex(Data())

    init(journal: Journal) { self.journal = journal }

    func change(_ body: (inout Data) -> Void) { data.withLock { body(&$0) } }

    /// Customers `1` to `count`, each with as many seats as its number times ten.
    func setCustomers(_ count: Int) {
        change { data in
            data.accounts = (0..<count).map { VendorAccount(id: "\($0 + 1)", name: "Customer \($0 + 1)") }
            data.usage = (0..<count).map { UsageRecord(accountID: "\($0 + 1)", serviceName: "Seats", count: Decimal(($0 + 1) * 10)) }
        }
    }

    func credential(from entered: [String: String]) throws(ConnectorError) -> ConnectorCredential {
        guard let key = entered["apiKey"]?.trimmingWhitespace(), !key.isEmpty else {
            throw ConnectorError(code: .invalidInput, message: "API Key is empty. Ask Acme.", field: "apiKey")
        }
        return ConnectorCredential(
            openFields: ["apiURL": entered["apiURL"] ?? "https://acme.example"], secretFields: ["apiKey": Secret(key)])
    }

    func fetchAccounts(_ request: FetchRequest) async throws(ConnectorError) -> VendorAccounts {
        let data = try await fetch("vendor.accounts")
        return VendorAccounts(accounts: data.accounts, recordsDropped: data.recordsDropped)
    }

    func fetchUsage(_ request: FetchRequest) async throws(ConnectorError) -> VendorSnapshot {
        let data = try await fetch("vendor.usage")
        return VendorSnapshot(accounts: data.accounts, usage: data.usage, recordsDropped: data.recordsDropped)
    }

    private func fetch(_ entry: String) async throws(ConnectorError) -> Data {
        journal.note(entry)
        do {
            try await data.withLock { $0.hold }?.arrive()
        } catch {
            throw ConnectorError(code: .cancelled, message: "Stopped while reading from Acme Guard.")
        }
        let data = data.withLock { $0 }
        if let failure = data.failure { throw failure }
        return data
    }
}
