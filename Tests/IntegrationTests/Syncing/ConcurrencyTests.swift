import Store
import Testing

@testable import Integration

@Suite("One run a partner, and cancelling it", .timeLimit(.minutes(3)))
struct ConcurrencyTests {
    @Test("However often it is pressed, a partner has one run")
    func once() async throws {
        try await withInstallation { perch in
            let partner = try await perch.connectedPartner()
            let hold = Hold()
            perch.vendor.change { $0.hold = hold }
            let insertions = try await withThrowingTaskGroup(of: RunInsertion.self) { group in
                for _ in 0..<20 { group.addTask { try await perch.desk.startSync(partner, by: .launch) } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            let inserted = insertions.filter { if case .inserted = $0 { true } else { false } }
            #expect(inserted.count == 1)
            #expect(Set(insertions.map(\.run.id)).count == 1)
            hold.release()
            #expect(try await perch.ended(insertions[0].run).state == .succeeded)
            #expect(perch.synthesize.calls("S4").count == 3)
        }
    }

    @Test("Partners run side by side, and no more at once than allowed")
    func parallelRuns() async throws {
        try await withInstallation({ $0.policy.parallelRuns = 2 }) { perch in
            var partners: [PartnerID] = []
            for number in 1...4 { partners.append(try await perch.connectedPartner(number, key: "key-of-partner-\(number)")) }
            let hold = Hold()
            perch.vendor.change { $0.hold = hold }
            var runs: [SyncRun] = []
            for partner in partners { runs.append(try await perch.desk.startSync(partner, by: .launch).run) }
            await hold.untilArrived(2)
            var states: [RunState] = []
            for run in runs { states.append(try await perch.desk.syncRun(run.id).state) }
            #expect(states == [.running, .running, .queued, .queued])
            hold.release()
            for run in runs { #expect(try await perch.ended(run).state == .succeeded) }
        }
    }

    @Test("While runs send, the next ones are read and planned; one that waits for its place to send is cancelled at once")
    func readsAhead() async throws {
        try await withInstallation({ $0.policy.parallelRuns = 2 }) { perch in
            var partners: [PartnerID] = []
            for number in 1...3 { partners.append(try await perch.connectedPartner(number, key: "key-of-partner-\(number)")) }
            let hold = Hold()
            perch.synthesize.fail("S4", .held(hold))
            let first = try await perch.desk.startSync(partners[0], by: .launch).run
            await hold.untilArrived()
            let waiting = try await perch.desk.startSync(partners[1], by: .launch).run
            try await perch.eventually("its lines are planned") { try await perch.store.run(waiting.id)?.stage == .usage }
            let last = try await perch.desk.startSync(partners[2], by: .launch).run
            #expect(try await perch.desk.syncRun(last.id).state == .queued)

            #expect(try await perch.desk.cancelRun(waiting.id, by: .launch).state == .cancelled)
            try await perch.eventually("its lines are planned") { try await perch.store.run(last.id)?.stage == .usage }
            #expect(perch.synthesize.calls("S4").allSatisfy { $0.partnerKey == "key-of-partner-1" })
            hold.release()
            for run in [first, last] { #expect(try await perch.ended(run).state == .succeeded) }
        }
    }

    /// Found by the simulation (seed 6690): both read the services while none was there.
    @Test("Partners who connect at the same moment make each service once")
    func servicesOnce() async throws {
        try await withInstallation { perch in
            perch.synthesize.change { $0.allowsDuplicates = true }
            let (first, second) = (try await perch.newPartner(1, key: "key-1"), try await perch.newPartner(2, key: "key-2"))
            let hold = Hold()
            perch.synthesize.watch { call in
                if call.key == "V1", !hold.isReleased { try? await hold.arrive() }
            }
            async let one = perch.connect(first, key: "key-1")
            async let two = perch.connect(second, key: "key-2")
            await hold.untilArrived(2)
            hold.release()
            #expect(try await [one, two].map(\.state) == [.succeeded, .succeeded])
            let names = perch.synthesize.services.map(\.name)
            #expect(Set(names).count == names.count)
        }
    }

    @Test("A queued run is cancelled at once")
    func cancelQueued() async throws {
        try await withInstallation({ $0.works = false }) { perch in
            let partner = try await perch.connectedOnPaper()
            let run = try await perch.desk.startSync(partner, by: .launch).run
            let cancelled = try await perch.desk.cancelRun(run.id, by: .launch)
            #expect(cancelled.state == .cancelled)
            await expectFailure(.conflict) { _ = try await perch.desk.cancelRun(run.id, by: .launch) }
            guard case .inserted = try await perch.desk.startSync(partner, by: .launch) else {
                Issue.record("a cancelled run stands in the way")
                return
            }
        }
    }

    @Test("Cancelling lets the calls under way end, sends nothing more, and keeps what was accepted")
    func cancelRunning() async throws {
        try await withInstallation { perch in
            perch.vendor.setCustomers(50)
            let partner = try await perch.connectedPartner()
            let hold = Hold()
            perch.synthesize.fail("S4", .held(hold), after: 10)
            let run = try await perch.desk.startSync(partner, by: .launch).run
            await hold.untilArrived(4)
            let cancelling = Task { try await perch.desk.cancelRun(run.id, by: .launch) }
            try await perch.eventually("the wish to cancel") { try await perch.store.run(run.id)?.cancelRequested == true }
            hold.release()
            let ended = try await cancelling.value
            #expect(ended.state == .cancelled)
            #expect(ended.tally.accepted + ended.tally.notSent == 50)
            #expect(ended.tally.accepted == perch.synthesize.organization(Installation.partnerKey).counts.count)
        }
    }

    @Test("Calls that do not end are cut off after the grace")
    func cancelStuck() async throws {
        try await withInstallation({ $0.passesAlone = .seconds(6) }) { perch in
            let partner = try await perch.connectedPartner()
            let hold = Hold()
            perch.vendor.change { $0.hold = hold }
            let run = try await perch.desk.startSync(partner, by: .launch).run
            await hold.untilArrived()
            #expect(try await perch.desk.cancelRun(run.id, by: .launch).state == .cancelled)
        }
    }

    @Test("A machine that slept longer than the lease does not drive its own run twice")
    func overslept() async throws {
        try await withInstallation { perch in
            perch.vendor.setCustomers(40)
            let partner = try await perch.connectedPartner()
            let hold = Hold()
            perch.synthesize.fail("S4", .held(hold))
            let run = try await perch.desk.startSync(partner, by: .launch).run
            await hold.untilArrived(4)
            // Nobody has beaten for five minutes: the poll for work and the heartbeat wake at the same moment.
            for _ in 0..<20 {
                perch.clock.advance(by: .seconds(300))
                _ = try await perch.store.run(run.id)
            }
            hold.release()
            let ended = try await perch.ended(run)
            #expect(ended.state == .succeeded, "\(ended.failure?.message ?? "")")
            #expect(perch.synthesize.calls("S4").count == 40)
            try await perch.eventually("no interruption") { try await perch.store.run(run.id)?.interruptions == 0 }
        }
    }
}
