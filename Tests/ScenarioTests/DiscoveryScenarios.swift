import Foundation
import Testing

/// Services that only the vendor's data names, from the vendor's answer to the counts in Synthesize.
@Suite struct DiscoveryScenarios {
    /// SaaS Alerts' answers, in which each customer's list says what it has of which product.
    private static let definition = """
        format: 1
        id: discovering
        name: Discovering
        about: {sources: [made up], unverified: []}
        settings:
          partner:
            apiKey: {kind: secret, label: API Key, help: Anywhere.}
            apiURL: {kind: url, label: API URL, help: Anywhere.}
        hosts: ["${apiURL}"]
        requests: {base: "${apiURL}/reportApi/api/v1"}
        auth: {headers: {api_key: "${apiKey}"}}
        reads:
          customers: {get: /customers, records: $, paging: none}
          products: {for: accounts, get: "/reports/users?customerId=${account.id}", records: $, paging: none}
        accounts: {from: customers, id: $.id, name: $.name}
        bases: {seats: {version: 1, counts: Seats of the product.}}
        discovered: {limit: 3, category: productivity, subcategory: other, description: "${$.product} (${$.sku})", basis: seats}
        counts:
          - {from: products, service: {value: $.product, discover: true}, count: {sum: $.seats}}
        """

    private static func customer(_ id: String, _ products: [(name: String, seats: Int)]) -> Customer {
        let list = products.map { #"{"product":"\#($0.name)","sku":"s","seats":\#($0.seats)}"# }.joined(separator: ",")
        return Customer(id, "Customer \(id)", raw: "[\(list)]")
    }

    private func withDiscovery(_ customers: [Customer], _ play: (Stage) async throws -> Void) async throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "discovering-\(UUID().uuidString).yaml")
        try Data(Self.definition.utf8).write(to: file)
        defer {
            // Left behind, it would only fill the temporary directory.
            try? FileManager.default.removeItem(at: file)
        }
        var setup = StageSetup()
        setup.customers = customers
        setup.settings = [
            "PERCH_CONNECTOR": file.path(), "PERCH_EXCLUDED_SERVICES": "internal use", "PERCH_EXCLUDED_ACCOUNTS": "c3",
        ]
        try await withStage(setup, play)
    }

    @Test func `Services of the data are made when a partner connects, counted when it syncs, and kept out where an operator says so`()
        async throws
    {
        let customers = [
            Self.customer("c1", [("Pro", 5), ("Internal Use", 9), ("pro", 1)]), Self.customer("c2", [("Basic", 2)]),
            Self.customer("c3", [("Basic", 4)]),
        ]
        try await withDiscovery(customers) { stage in
            let partner = try await stage.connectedPartner()
            #expect(Set(try await stage.sandbox.state().vendor.services.map(\.name)) == ["Pro", "Basic"])
            #expect(try await stage.sandbox.organization(partner).accounts.map(\.id) == ["c1", "c2"])
            try await stage.sandbox.mapEverything(partner)

            let run = try await stage.sync(partner)
            #expect(run.state == "succeeded", "\(run.failure?.message ?? "")")
            #expect((run.tally.accepted, run.tally.excluded, run.findings.recordsDropped) == (2, 2, 0))
            let lines = try await stage.office.lines(run)
            #expect(
                Set(lines.map { "\($0.accountId) \($0.serviceName) \($0.rawCount) \($0.state)" }) == [
                    "c1 Pro 6.0 accepted", "c2 Basic 2.0 accepted", "c1 Internal Use 9.0 excluded", "c3 Basic 4.0 excluded",
                ])
            #expect(try await stage.sandbox.organization(partner).countByAccount == ["c1": 6, "c2": 2])
            #expect(Set(try await stage.sandbox.state().vendor.services.map(\.name)) == ["Pro", "Basic"])
        }
    }

    @Test func `A product that is new is a new service, and too many of them fail the run`() async throws {
        try await withDiscovery([Self.customer("c1", [("Pro", 5)])]) { stage in
            let partner = try await stage.mappedPartner()
            try await stage.sandbox.vendorHas([Self.customer("c1", [("Pro", 6), ("New", 1)])])
            let run = try await stage.sync(partner)
            #expect(run.state == "succeeded", "\(run.failure?.message ?? "")")
            #expect((run.tally.accepted, run.tally.notMapped, run.findings.servicesCreated) == (1, 1, 1))
            #expect(try await stage.sandbox.state().vendor.services.map(\.name).sorted() == ["New", "Pro"])

            try await stage.sandbox.vendorHas([Self.customer("c1", [("A", 1), ("B", 1), ("C", 1), ("D", 1)])])
            let failed = try await stage.sync(partner)
            #expect(failed.state == "failed")
            #expect(failed.failure?.message.contains("names 4 services, and the definition allows 3") == true, "\(failed)")
            #expect(try await stage.sandbox.state().vendor.services.count == 2)
            #expect(try await stage.sandbox.organization(partner).countByAccount == ["c1": 6])
        }
    }
}
