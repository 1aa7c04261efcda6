import Foundation
import Store
import Synthesize
import Testing

@testable import Integration

@Suite("Partners", .timeLimit(.minutes(3)))
struct PartnerTests {
    @Test("A launch finds the partner or makes it, and follows a new name")
    func admission() async throws {
        try await withInstallation { perch in
            let first = try await perch.desk.admitPartner(vendorReference: "42", name: "MSP", timeZone: "Europe/Berlin")
            #expect(try await perch.desk.admitPartner(vendorReference: "42", name: nil, timeZone: "UTC") == first)
            #expect(try await perch.desk.admitPartner(vendorReference: "42", name: "  ", timeZone: "UTC").name == "MSP")
            let renamed = try await perch.desk.admitPartner(vendorReference: "42", name: "MSP Ltd", timeZone: "UTC")
            #expect(renamed.id == first.id)
            #expect(try await perch.desk.partner(first.id).name == "MSP Ltd")
            #expect(renamed.timeZone == "Europe/Berlin")
        }
    }

    @Test("White space around the vendor's reference makes no second partner")
    func paddedReference() async throws {
        try await withInstallation { perch in
            let first = try await perch.desk.admitPartner(vendorReference: " 42", name: "MSP", timeZone: "UTC")
            #expect(try await perch.desk.admitPartner(vendorReference: " 42", name: "MSP", timeZone: "UTC").id == first.id)
            #expect(try await perch.desk.admitPartner(vendorReference: "42", name: "MSP", timeZone: "UTC").id == first.id)
        }
    }

    @Test("Twenty first launches at once make one partner")
    func launches() async throws {
        try await withInstallation { perch in
            let ids = try await withThrowingTaskGroup(of: PartnerID.self) { group in
                for _ in 0..<20 {
                    group.addTask { try await perch.desk.admitPartner(vendorReference: "42", name: "MSP", timeZone: "UTC").id }
                }
                return try await group.reduce(into: Set()) { $0.insert($1) }
            }
            #expect(ids.count == 1)
        }
    }

    @Test("What cannot be a partner is refused, naming the field")
    func refused() async throws {
        try await withInstallation { perch in
            let empty = await expectFailure(.invalidInput) {
                _ = try await perch.desk.createPartner(vendorReference: " ", name: "n", timeZone: nil, by: .commandLine)
            }
            #expect(empty?.field == "vendorReference")
            let zone = await expectFailure(.invalidInput) {
                _ = try await perch.desk.createPartner(vendorReference: "1", name: "n", timeZone: "Nowhere", by: .commandLine)
            }
            #expect(zone?.field == "timeZone")
            _ = try await perch.newPartner(1)
            await expectFailure(.conflict) {
                _ = try await perch.desk.createPartner(vendorReference: "ref-1", name: "n", timeZone: nil, by: .commandLine)
            }
            await expectFailure(.notFound) { _ = try await perch.desk.partner(PartnerID("par_none")) }
            await expectFailure(.notFound) { _ = try await perch.desk.overview(PartnerID("par_none")) }
        }
    }

    @Test("The list shows each partner's health, page by page")
    func list() async throws {
        try await withInstallation { perch in
            let first = try await perch.connectedPartner(1)
            _ = try await perch.sync(first)
            _ = try await perch.newPartner(2, key: "key-000002")
            let all = try await perch.desk.partners(after: nil, limit: 10)
            #expect(all.count == 2)
            let healthy = try #require(all.first { $0.partner.id == first })
            #expect(healthy.standing == .active)
            #expect(healthy.lastSuccessAt != nil)
            #expect(healthy.lastRun?.tally.accepted == 3)
            #expect(all.first { $0.partner.id != first }?.standing == .notConnected)
            let page = try await perch.desk.partners(after: all[0].partner.id, limit: 10)
            #expect(page.map(\.partner.id) == [all[1].partner.id])
        }
    }

    // MARK: By hand

    @Test("An empty id or name is refused: nothing could name that account again")
    func emptyCorrection() async throws {
        try await withInstallation { perch in
            let partner = try await perch.connectedPartner()
            for changes in [MappingEntryChanges(id: ""), MappingEntryChanges(name: " "), MappingEntryChanges(id: " ", name: "x")] {
                await expectFailure(.invalidInput) {
                    _ = try await perch.desk.correctAccount(partner, id: "2", changes, by: .commandLine)
                }
            }
        }
    }

    @Test("A correction reaches Synthesize, and the list is as Synthesize has it afterwards")
    func correctAccount() async throws {
        try await withInstallation { perch in
            let partner = try await perch.connectedPartner()
            let account = try await perch.desk.correctAccount(partner, id: "2", MappingEntryChanges(name: "Right"), by: .commandLine)
            #expect(account.name == "Right")
            #expect(try await perch.desk.accounts(partner).first { $0.id == "2" }?.name == "Right")
            let moved = try await perch.desk.correctAccount(partner, id: "2", MappingEntryChanges(id: "22"), by: .commandLine)
            #expect(moved.id == "22")
            await expectFailure(.notFound) {
                _ = try await perch.desk.correctAccount(partner, id: "9", MappingEntryChanges(name: "x"), by: .commandLine)
            }
            await expectFailure(.synthesizeRejected) {
                _ = try await perch.desk.correctAccount(partner, id: "1", MappingEntryChanges(), by: .commandLine)
            }
        }
    }

    @Test("A service changed by hand is not changed back by the next sync")
    func updateService() async throws {
        try await withInstallation { perch in
            let partner = try await perch.connectedPartner()
            let service = try #require(try await perch.desk.services().first { $0.name == "Seats" })
            let updated = try await perch.desk.updateService(service.id, ServiceChanges(description: "By hand"), by: .commandLine)
            #expect(updated.description == "By hand")
            #expect(updated.isOverridden)
            _ = try await perch.sync(partner)
            #expect(perch.synthesize.services.first { $0.name == "Seats" }?.description == "By hand")
            #expect(try await perch.desk.services().first { $0.id == service.id }?.isOverridden == true)
        }
    }

    @Test("Without any connected partner Synthesize cannot be asked")
    func nobodyConnected() async throws {
        try await withInstallation { perch in
            let partner = try await perch.newPartner()
            await expectFailure(.conflict) { _ = try await perch.desk.clients(partner, search: nil) }
            await expectFailure(.conflict) {
                _ = try await perch.desk.updateService("s1", ServiceChanges(name: "n"), by: .commandLine)
            }
            #expect(perch.world.journal.all.isEmpty)
        }
    }

    @Test("Clients come from the PSA; a key that is refused then is noted")
    func clients() async throws {
        try await withInstallation { perch in
            let partner = try await perch.connectedPartner()
            #expect(try await perch.desk.clients(partner, search: nil).map(\.name) == ["PSA client"])
            perch.synthesize.disconnect(Installation.partnerKey, newKey: "new-key-00001")
            await expectFailure(.keyRefused) { _ = try await perch.desk.clients(partner, search: nil) }
            #expect(try await perch.store.connection(partner).state == .needsNewKey)
            #expect(try await perch.store.schedule(partner)?.isActive == false)
        }
    }

    @Test("Every change is in the trail, with who made it")
    func trail() async throws {
        try await withInstallation { perch in
            let partner = try await perch.connectedPartner()
            _ = try await perch.sync(partner)
            try await perch.desk.disable(partner, by: .operator(OperatorKeyID("opk_1"), name: "Ann", address: "10.0.0.1"))
            let entries = try await perch.store.auditEntries(partner: partner, before: nil, limit: 100)
            #expect(entries.map(\.action) == ["connection.disable", "run.start", "connection.connect", "partner.create"])
            #expect(entries.first?.actor == "operator:opk_1")
            #expect(entries.first?.address == "10.0.0.1")
        }
    }
}
