import Connectors
import Foundation
import Store
import Testing

@testable import Integration

@Suite("Customers that come, go and change their names", .timeLimit(.minutes(3)))
struct CustomerTests {
    @Test("New customers are created and renamed ones renamed, each run")
    func customers() async throws {
        try await withInstallation { perch in
            let partner = try await perch.connectedPartner()
            perch.vendor.change { data in
                data.accounts[1].name = "Customer 2, renamed"
                data.accounts.append(VendorAccount(id: "4", name: "Customer 4"))
                data.usage.append(UsageRecord(accountID: "4", serviceName: "Seats", count: 40))
            }
            perch.world.journal.clear()
            let run = try await perch.sync(partner)
            #expect(perch.world.journal.all.prefix(6) == ["O1", "vendor.usage", "A1", "A2", "A3", "A1"])
            #expect((run.findings.accountsCreated, run.findings.accountsUpdated) == (1, 1))
            #expect(
                perch.synthesize.organization(Installation.partnerKey).accounts.map(\.name) == [
                    "Customer 1", "Customer 2, renamed", "Customer 3", "Customer 4",
                ])
            // The new one waits to be mapped; that is a to-do, not a failure.
            #expect(run.state == .succeeded)
            #expect(try await perch.desk.overview(partner).notMapped.accounts.map(\.id) == ["4"])
            perch.mapAll()
            #expect(try await perch.sync(partner).tally.accepted == 4)
            #expect(perch.synthesize.calls("A2").count == 2)
        }
    }

    @Test(
        "An account that Synthesize will not take holds up nobody else; the run names it",
        arguments: ["name must be shorter", "Not this one.", ""])
    func refusedAccount(_ refusal: String) async throws {
        try await withInstallation { perch in
            let partner = try await perch.newPartner()
            perch.synthesize.change { ($0.refusedAccounts, $0.refusal) = (["2"], refusal) }
            let job = try await perch.connect(partner)
            #expect(job.state == .succeeded)
            #expect(job.findings.accountsCreated == 2)
            #expect(perch.synthesize.organization(Installation.partnerKey).accounts.map(\.id) == ["1", "3"])
            perch.mapAll()
            let run = try await perch.sync(partner)
            #expect(run.state == .partial)
            #expect(run.failure?.code == "run.accountsRefused")
            #expect(run.tally.accepted == 2)
            #expect(run.findings.accountsRefused.map(\.id) == ["2"])
            let message = try #require(run.failure?.message)
            #expect(message.contains("\"Customer 2\""))
            #expect(!message.contains("..") && !message.contains(": ."), "\(message)")
        }
    }

    @Test("A refused rename is named, and the other renames are made")
    func refusedRename() async throws {
        try await withInstallation { perch in
            let partner = try await perch.connectedPartner()
            perch.vendor.change { data in for index in data.accounts.indices { data.accounts[index].name += " Ltd" } }
            perch.synthesize.change { $0.refusedAccounts = ["1"] }
            let run = try await perch.sync(partner)
            #expect(run.state == .partial)
            #expect(run.findings.accountsUpdated == 2)
            #expect(run.tally.accepted == 3)
            #expect(
                perch.synthesize.organization(Installation.partnerKey).accounts.map(\.name) == [
                    "Customer 1", "Customer 2 Ltd", "Customer 3 Ltd",
                ])
        }
    }

    @Test("When every account is refused it is not about one of them: the run fails")
    func allRefused() async throws {
        try await withInstallation { perch in
            let partner = try await perch.newPartner()
            perch.synthesize.change { $0.refusedAccounts = ["1", "2", "3"] }
            let job = try await perch.connect(partner)
            #expect(job.state == .failed)
            #expect(job.failure?.code == "synthesize.rejected")
            #expect(perch.synthesize.calls("O2").isEmpty)
        }
    }

    @Test("Hundreds of customers are created in pieces of 100")
    func bulk() async throws {
        try await withInstallation { perch in
            perch.vendor.setCustomers(250)
            _ = try await perch.connectedPartner()
            #expect(perch.synthesize.calls("A2").count == 3)
            #expect(perch.synthesize.organization(Installation.partnerKey).accounts.count == 250)
        }
    }

    @Test("A disconnect in Synthesize takes accounts and mappings with it: all is made again, and the partner is told to map")
    func mappingLost() async throws {
        try await withInstallation { perch in
            let partner = try await perch.connectedPartner()
            _ = try await perch.sync(partner)
            perch.synthesize.disconnect(Installation.partnerKey, newKey: "new-key-00001")
            _ = try await perch.sync(partner)
            let job = try await perch.connect(partner, key: "new-key-00001")
            #expect(job.state == .succeeded)
            #expect(job.findings.mappingLost)
            #expect(job.findings.accountsCreated == 3)
            #expect(try await perch.desk.overview(partner).connection.mappingLostAt != nil)

            // Nothing mapped yet: the sync goes well, and the notice stays.
            #expect(try await perch.sync(partner).tally.notMapped == 3)
            #expect(try await perch.desk.overview(partner).connection.mappingLostAt != nil)
            perch.mapAll("new-key-00001")
            #expect(try await perch.sync(partner).tally.accepted == 3)
            #expect(try await perch.desk.overview(partner).connection.mappingLostAt == nil)
        }
    }

    @Test("Records that the vendor could not tell are counted")
    func dropped() async throws {
        try await withInstallation { perch in
            let partner = try await perch.connectedPartner()
            perch.vendor.change { data in
                data.recordsDropped = 4
                data.usage.append(UsageRecord(accountID: "9", serviceName: "Seats", count: 1))
                data.usage.append(UsageRecord(accountID: "1", serviceName: "Phantom service", count: 1))
            }
            #expect(try await perch.sync(partner).findings.recordsDropped == 6)
            #expect(perch.synthesize.services.map(\.name) == ["Seats", "Mailboxes"])
        }
    }
}
