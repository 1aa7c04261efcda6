import Connectors
import Foundation
import Store
import Testing

@testable import Integration

@Suite("What ends a run", .timeLimit(.minutes(3)))
struct RunEndTests {
    @Test("A 401 stops the run within the calls under way, asks for a new key, and touches nobody else")
    func keyRefused() async throws {
        try await withInstallation { perch in
            perch.vendor.setCustomers(100)
            let partner = try await perch.connectedPartner()
            let other = try await perch.connectedPartner(2, key: "other-partners-key")
            perch.synthesize.fail("S4", .answer(401), after: 40)
            let run = try await perch.sync(partner)
            #expect(run.state == .failed)
            #expect(run.failure?.code == "synthesize.keyRefused")
            #expect((41...44).contains(perch.synthesize.calls("S4").count))
            #expect(run.tally.accepted == 40)
            #expect(run.tally.notSent == 60)
            #expect(run.tally.open == 0)
            let overview = try await perch.desk.overview(partner)
            #expect(overview.standing == .needsNewKey)
            #expect(overview.connection.stateReason != nil)
            #expect(overview.schedule?.isActive == false)
            #expect(overview.schedule?.nextRunAt == nil)
            await expectFailure(.conflict) { _ = try await perch.desk.startSync(partner, by: .launch) }

            perch.synthesize.stopFailing()
            #expect(try await perch.desk.overview(other).connection.state == .connected)
            #expect(try await perch.desk.overview(other).schedule?.isActive == true)
            #expect(try await perch.sync(other).tally.accepted == 100)
        }
    }

    @Test("A key refused at the start sends nothing at all")
    func refusedAtStart() async throws {
        try await withInstallation { perch in
            let partner = try await perch.connectedPartner()
            perch.synthesize.disconnect(Installation.partnerKey, newKey: "new-key-00001")
            perch.world.journal.clear()
            let run = try await perch.sync(partner)
            #expect(run.failure?.code == "synthesize.keyRefused")
            #expect(perch.world.journal.all == ["O1"])
            #expect(try await perch.desk.overview(partner).standing == .needsNewKey)
        }
    }

    @Test("A 403 stops the run; the key is not to blame and the schedule goes on")
    func forbidden() async throws {
        try await withInstallation { perch in
            perch.vendor.setCustomers(50)
            let partner = try await perch.connectedPartner()
            perch.synthesize.fail("S4", .answer(403), after: 5)
            let run = try await perch.sync(partner)
            #expect(run.state == .failed)
            #expect(run.failure?.code == "synthesize.forbidden")
            #expect((6...9).contains(perch.synthesize.calls("S4").count))
            #expect(run.tally.notSent == 45)
            let overview = try await perch.desk.overview(partner)
            #expect(overview.connection.state == .connected)
            #expect(overview.schedule?.isActive == true)
        }
    }

    @Test("Many failures in a row end the run for now")
    func keepsFailing() async throws {
        try await withInstallation({ $0.policy.failuresInARow = 10 }) { perch in
            perch.vendor.setCustomers(200)
            let partner = try await perch.connectedPartner()
            perch.synthesize.fail("S4", .answer(503), after: 20)
            let run = try await perch.sync(partner)
            #expect(run.state == .failed)
            #expect(run.failure?.code == "synthesize.keepsFailing")
            #expect(run.tally.accepted == 20)
            #expect((10...13).contains(run.tally.failed))
            #expect(run.tally.notSent == 200 - run.tally.accepted - run.tally.failed)
        }
    }

    @Test("A success in between begins the counting anew")
    func failsNowAndThen() async throws {
        try await withInstallation({
            $0.policy.failuresInARow = 2
            $0.policy.parallelCounts = 1
        }) { perch in
            perch.vendor.setCustomers(20)
            let partner = try await perch.connectedPartner()
            for account in stride(from: 2, through: 20, by: 2) { perch.synthesize.fail("S4", .answer(503), subject: "\(account)") }
            let run = try await perch.sync(partner)
            #expect(run.state == .partial)
            #expect((run.tally.accepted, run.tally.failed) == (10, 10))
        }
    }

    @Test(
        "Whatever fails at the vendor touches nothing in Synthesize",
        arguments: [
            ConnectorError(code: .credentialRefused, message: "Refused."), ConnectorError(code: .unreachable, message: "Away."),
            ConnectorError(code: .refused, message: "500."), ConnectorError(code: .brokenAnswer, message: "Broken."),
            ConnectorError(code: .emptyList, message: "Empty."),
        ])
    func vendorFails(_ failure: ConnectorError) async throws {
        try await withInstallation { perch in
            let partner = try await perch.connectedPartner()
            _ = try await perch.sync(partner)
            let before = perch.synthesize.organization(Installation.partnerKey).counts
            perch.world.journal.clear()
            perch.vendor.change { $0.failure = failure }
            let run = try await perch.sync(partner)
            #expect(run.state == .failed)
            #expect(run.stage == .fetch)
            #expect(run.failure == RunFailure(code: "vendor.\(failure.code.rawValue)", message: failure.message))
            #expect(perch.world.journal.all == ["O1", "vendor.usage"])
            #expect(perch.synthesize.organization(Installation.partnerKey).counts == before)
            #expect(try await perch.desk.overview(partner).connection.state == .connected)
        }
    }

    @Test(
        "Whatever fails before the counts sends none", arguments: ["O1", "A1", "V1"],
        [PlayedSynthesize.Fault.answer(500), .answer(403), .neverSent, .answer(200, "x")])
    func failsEarly(_ key: String, _ fault: PlayedSynthesize.Fault) async throws {
        try await withInstallation { perch in
            let partner = try await perch.connectedPartner()
            perch.synthesize.fail(key, fault)
            let run = try await perch.sync(partner)
            #expect(run.state == .failed)
            #expect(run.failure?.message.isEmpty == false)
            #expect(perch.synthesize.calls("S4").isEmpty)
            #expect(try await perch.lines(run).isEmpty)
            perch.synthesize.stopFailing()
            #expect(try await perch.sync(partner).state == .succeeded)
        }
    }

    @Test("That the counts arrived does not hang on the status that is read afterwards")
    func confirmFails() async throws {
        try await withInstallation { perch in
            let partner = try await perch.connectedPartner()
            perch.synthesize.fail("O1", .answer(500), after: 1)
            let run = try await perch.sync(partner)
            #expect(run.state == .succeeded)
            #expect(run.findings.statusAfter == nil)
        }
    }

    @Test("A key that opens another organization now sends nothing")
    func otherOrganization() async throws {
        try await withInstallation { perch in
            let partner = try await perch.connectedPartner()
            perch.synthesize.changeOrganization(Installation.partnerKey) { $0.id = "org-other" }
            let run = try await perch.sync(partner)
            #expect(run.failure?.code == "synthesize.otherOrganization")
            #expect(perch.synthesize.calls("S4").isEmpty)
        }
    }

    @Test("A run that takes too long is ended, and what was accepted is kept")
    func deadline() async throws {
        // The heartbeat passes the time: five seconds each.
        try await withInstallation({
            $0.policy.lease = .seconds(15)
            $0.policy.runDeadline = .seconds(1_000)
            $0.passesAlone = .seconds(6)
        }) { perch in
            let partner = try await perch.connectedPartner()
            perch.synthesize.fail("S4", .held(Hold()), subject: "2")
            let run = try await perch.sync(partner)
            #expect(run.state == .failed)
            #expect(run.failure?.code == "run.deadline")
            #expect(run.tally.notSent >= 1)
            #expect(run.tally.accepted + run.tally.notSent == 3)
        }
    }
}
