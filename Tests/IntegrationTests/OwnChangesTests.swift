import Foundation
import Testing

@testable import Integration
@testable import Store

@Suite("What Perch changes by itself", .timeLimit(.minutes(3)))
struct OwnChangesTests {
    private func entries(_ perch: Installation) async throws -> [AuditEntry] {
        try await perch.store.auditEntries(after: 0, limit: 9_999).filter { $0.actor == "perch" }
    }

    /// From now on the trail takes no entry.
    private func seal(_ perch: Installation) async throws {
        try await perch.store.write {
            try $0.change("CREATE TRIGGER no_room BEFORE INSERT ON audit_entry BEGIN SELECT RAISE(ABORT, 'no room'); END")
        }
    }

    @Test("A refused key is in the trail once, and without its entry the partner stays connected")
    func refusedKey() async throws {
        try await withInstallation { perch in
            let partner = try await perch.connectedPartner()
            let version = try await perch.store.connection(partner).keyVersion
            try await perch.desk.environment.condemnKey(of: partner, version: version - 1)
            #expect(try await entries(perch) == [], "an older key's refusal changes nothing")
            for _ in 0..<3 { try await perch.desk.environment.condemnKey(of: partner, version: version) }
            let found = try await entries(perch)
            #expect(found.map(\.action) == ["connection.needsNewKey"])
            #expect(found.first?.partnerID == partner && found.first?.address == nil)

            let other = try await perch.connectedPartner(2, key: "other-partners-key")
            let otherVersion = try await perch.store.connection(other).keyVersion
            try await seal(perch)
            await #expect(throws: StoreError.self) { try await perch.desk.environment.condemnKey(of: other, version: otherVersion) }
            #expect(try await perch.store.connection(other).state == .connected)
            #expect(try await perch.store.schedule(other)?.isActive == true)
        }
    }

    @Test("A run that is held is in the trail with its reason; one that ends otherwise is not")
    func heldRun() async throws {
        try await withInstallation { perch in
            perch.vendor.setCustomers(10)
            let partner = try await perch.connectedPartner()
            #expect(try await perch.sync(partner).state == .succeeded)
            #expect(try await entries(perch) == [])
            perch.vendor.setCustomers(3)
            let held = try await perch.sync(partner)
            #expect(held.state == .held)
            let found = try await entries(perch)
            #expect(found.map(\.action) == ["run.hold"])
            #expect(found.first?.details == "\(held.id): \(held.failure?.message ?? "")" && found.first?.partnerID == partner)
        }
    }

    @Test("An alert that is given up is in the trail, one that became a ticket is not")
    func alerts() async throws {
        try await withInstallation { perch in
            let partner = try await perch.connectedPartner()
            func final(_ id: String) async throws -> Alert {
                let submission = AlertSubmission(alertID: id, accountID: "1", title: "T", text: "x", priority: 3, statusCode: 2)
                let alert = try await perch.desk.submitAlert(partner, submission, by: .partner(partner, address: nil))
                try await perch.eventually("the alert's end", passing: .seconds(5)) { try await perch.desk.alert(alert.id).state.isFinal }
                return try await perch.desk.alert(alert.id)
            }
            #expect(try await final("a").state == .delivered)
            #expect(try await entries(perch) == [])
            perch.synthesize.fail("L1", .answer(500))
            let lost = try await final("b")
            #expect(lost.state == .unknown)
            perch.synthesize.stopFailing()
            perch.synthesize.fail("L2", .answer(404))
            let overdue = try await final("c")
            #expect(overdue.state == .overdue)
            let found = try await entries(perch)
            #expect(found.map(\.action) == ["alert.giveUp", "alert.giveUp"])
            #expect(found.map { String($0.details.prefix { $0 != ":" }) } == ["\(lost.id) is unknown", "\(overdue.id) is overdue"])
        }
    }

    @Test("Lines that leave the ledger are in the trail once a day, and without the entry they stay")
    func lines() async throws {
        let day = Duration.seconds(86_400)
        try await withInstallation({ $0.policy.lineRetention = day * 30 }) { perch in
            let partner = try await perch.connectedPartner()
            try await perch.desk.environment.restSchedule(of: partner)
            let first = try await perch.sync(partner)
            perch.clock.advance(by: day * 20)
            _ = try await perch.sync(partner)
            try await perch.eventually("the first run's lines to go", passing: day) {
                try await perch.store.run(first.id)?.linesRemovedAt != nil
            }
            let found = try await entries(perch)
            #expect(found.map(\.action) == ["ledger.removeLines"])
            #expect(found.first?.details.hasPrefix("Lines of runs that ended before 20") == true)
        }
    }
}
