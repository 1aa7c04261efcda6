import Connectors
import HTTPClient
import Secrets
import Synthesize
import Testing

@testable import Integration

@Suite("The commands for a single partner", .timeLimit(.minutes(3)))
struct SinglePartnerTests {
    private func withPartner(
        key: String = Installation.partnerKey, exclusions: Exclusions = Exclusions(),
        _ body: (SinglePartner, PlayedSynthesize, PlayedVendor, Journal) async throws -> Void
    ) async throws {
        let journal = Journal()
        let (synthesize, vendor) = (PlayedSynthesize(journal: journal), PlayedVendor(journal: journal))
        let time = VirtualClock().source
        synthesize.changeOrganization(Installation.partnerKey) { _ in }
        vendor.setCustomers(3)
        let partner = try SinglePartner(
            synthesize: .init(
                baseURL: "https://synthesize.example", http: synthesize, pacer: Pacer(callsPerSecond: 0, time: time), time: time,
                random: .seeded(1), retry: RetryPolicy(maximumAttempts: 2)),
            vendorKey: Secret("v"), partnerKey: Secret(key), connector: vendor, fields: ["apiKey": "k"],
            exclusions: exclusions)
        try await body(partner, synthesize, vendor, journal)
    }

    @Test("authenticate proves both credentials and changes nothing")
    func authenticate() async throws {
        try await withPartner { partner, _, _, journal in
            let (organization, accounts) = try await partner.authenticate()
            #expect(organization.organizationID == "org-1")
            #expect(accounts == 3)
            #expect(journal.all == ["O1", "vendor.accounts"])
        }
        try await withPartner(key: "wrong") { partner, _, _, _ in
            await expectFailure(.keyRefused) { _ = try await partner.authenticate() }
        }
    }

    @Test("sync-accounts creates and renames; a second time there is nothing to do")
    func accounts() async throws {
        try await withPartner { partner, synthesize, vendor, _ in
            let first = try await partner.syncAccounts()
            #expect((first.read, first.created, first.updated) == (3, 3, 0))
            vendor.change { $0.accounts[0].name = "New name" }
            let second = try await partner.syncAccounts()
            #expect((second.created, second.updated) == (0, 1))
            #expect(synthesize.organization(Installation.partnerKey).accounts.map(\.name) == ["New name", "Customer 2", "Customer 3"])
        }
    }

    @Test("sync-services creates what is missing, once")
    func services() async throws {
        try await withPartner { partner, synthesize, _, _ in
            let first = try await partner.syncServices()
            #expect((first.total, first.created) == (2, 2))
            #expect(try await partner.syncServices().created == 0)
            #expect(synthesize.services.count == 2)
        }
    }

    @Test("What an operator keeps out is neither made nor changed")
    func exclusions() async throws {
        try await withPartner(exclusions: Exclusions(accounts: ["2"], services: ["MAILBOXES"])) { partner, synthesize, _, _ in
            let accounts = try await partner.syncAccounts()
            #expect(accounts.created == 2)
            #expect(synthesize.organization(Installation.partnerKey).accounts.map(\.id) == ["1", "3"])
            let services = try await partner.syncServices()
            #expect(services.created == 1)
            #expect(synthesize.services.map(\.name) == ["Seats"])
        }
    }

    @Test(
        "update-status sets pending, but never takes an active integration back",
        arguments: [("inactive", "pending"), ("error", "pending"), ("pending", "pending"), ("active", "active")])
    func status(_ before: String, _ after: String) async throws {
        try await withPartner { partner, synthesize, _, _ in
            synthesize.changeOrganization(Installation.partnerKey) { $0.status = before }
            let updated = try await partner.updateStatus()
            #expect(updated.status.rawValue == after)
            #expect(synthesize.organization(Installation.partnerKey).status == after)
        }
    }

    @Test("A vendor that fails changes nothing")
    func vendorFails() async throws {
        try await withPartner { partner, _, vendor, journal in
            vendor.change { $0.failure = ConnectorError(code: .emptyList, message: "Empty.") }
            await expectFailure(.vendorUnavailable) { _ = try await partner.syncAccounts() }
            #expect(journal.all == ["vendor.accounts"])
        }
    }
}
