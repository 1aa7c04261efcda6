import Foundation
import Store
import Testing

@testable import Integration

@Suite("Crashes and stops", .timeLimit(.minutes(3)))
struct CrashTests {
    /// A run of 60 counts, stopped by Synthesize at the 41st: 40 are accepted, 32 of them written down (a group).
    private func withHalfSentRun(
        _ change: (inout Installation.Settings) -> Void = { _ in }, _ body: (Installation, PartnerID, SyncRun, Hold) async throws -> Void
    ) async throws {
        try await withInstallation(change) { perch in
            perch.vendor.setCustomers(60)
            let partner = try await perch.connectedPartner()
            let hold = Hold()
            perch.synthesize.fail("S4", .held(hold), after: 40)
            let run = try await perch.desk.startSync(partner, by: .launch).run
            await hold.untilArrived(4)
            try await perch.eventually("a group of outcomes") { try await perch.store.tally(run.id).accepted >= 32 }
            try await body(perch, partner, run, hold)
        }
    }

    @Test("After a crash the run goes on from the ledger: no count is sent again whose outcome was written")
    func resumes() async throws {
        try await withHalfSentRun { perch, partner, run, hold in
            perch.synthesize.stopFailing()
            let before = perch.synthesize.calls.count
            let next = try perch.afterCrash(works: false)
            let recorded = Set(try await next.lines(run, [.accepted]).map(\.accountID))
            let inDoubt = Set(try await next.lines(run, [.sending]).map(\.accountID))
            #expect(recorded.count >= 32)
            #expect(inDoubt.count >= 4)
            perch.world.journal.clear()

            next.startWorking()
            let ended = try await next.ended(run)
            #expect(ended.state == .succeeded, "\(ended.failure?.message ?? "")")
            #expect(ended.tally.accepted == 60)
            #expect(ended.interruptions == 1)
            let sentAfter = perch.synthesize.calls.dropFirst(before).filter { $0.key == "S4" }.compactMap(\.accountID)
            #expect(Set(sentAfter).isDisjoint(with: recorded))
            #expect(Set(sentAfter).isSuperset(of: inDoubt))
            #expect(Set(sentAfter).count == sentAfter.count)
            #expect(recorded.union(sentAfter).count == 60)
            // What was planned is sent as planned: the vendor is not asked again.
            #expect(!perch.world.journal.all.contains("vendor.usage"))
            #expect(perch.synthesize.organization(Installation.partnerKey).counts.count == 60)
            // Both tries stand in the ledger.
            let twice = try await next.lines(run).filter { inDoubt.contains($0.accountID) }
            #expect(twice.allSatisfy { $0.attempts == 2 })
            // The partner's next sync is not stood in the way of.
            #expect(try await next.sync(partner).tally.accepted == 60)
        }
    }

    @Test("A crash before the ledger begins anew", arguments: ["O1", "A1", "V1"])
    func beforeLedger(_ key: String) async throws {
        try await withInstallation { perch in
            let partner = try await perch.connectedPartner()
            let hold = Hold()
            perch.synthesize.fail(key, .held(hold))
            let run = try await perch.desk.startSync(partner, by: .launch).run
            await hold.untilArrived()
            perch.synthesize.stopFailing()
            let next = try perch.afterCrash()
            let ended = try await next.ended(run)
            #expect(ended.state == .succeeded)
            #expect(ended.tally.accepted == 3)
            #expect(perch.synthesize.calls("S4").count == 3)
            #expect(perch.synthesize.calls("A2").count == 1)
        }
    }

    @Test("A crash while the last status is read sends nothing again")
    func atTheEnd() async throws {
        try await withInstallation { perch in
            let partner = try await perch.connectedPartner()
            let hold = Hold()
            perch.synthesize.fail("O1", .held(hold), after: 1)
            let run = try await perch.desk.startSync(partner, by: .launch).run
            await hold.untilArrived()
            perch.synthesize.stopFailing()
            let ended = try await perch.afterCrash().ended(run)
            #expect(ended.state == .succeeded)
            #expect(ended.tally.accepted == 3)
            #expect(perch.synthesize.calls("S4").count == 3)
        }
    }

    @Test("A crash between an insert and its answer makes no second one: the list is read first", arguments: ["A2", "S1"])
    func duringInsert(_ key: String) async throws {
        try await withInstallation { perch in
            let partner = try await perch.newPartner()
            let hold = Hold()
            // Done, and then no answer comes before the crash.
            perch.synthesize.watch { [synthesize = perch.synthesize] call in
                guard call.key == key, synthesize.calls(key).count == 1 else { return }
                if key == "A2" {
                    synthesize.changeOrganization(Installation.partnerKey) { organization in
                        organization.accounts = (1...3).map { .init(id: "\($0)", name: "Customer \($0)") }
                    }
                } else {
                    synthesize.change {
                        $0.services.append(
                            .init(
                                id: "s9", name: "Seats", description: "Protected seats", category: "security", subcategory: "email security"
                            ))
                    }
                }
            }
            perch.synthesize.fail(key, .held(hold), times: 1)
            let job = try await perch.desk.connect(
                partner, ConnectRequest(partnerKey: Installation.partnerKey, fields: ["apiKey": "k"]), by: .launch)
            await hold.untilArrived()
            let ended = try await perch.afterCrash().ended(job)
            #expect(ended.state == .succeeded, "\(ended.failure?.message ?? "")")
            #expect(perch.synthesize.organization(Installation.partnerKey).accounts.map(\.id) == ["1", "2", "3"])
            #expect(perch.synthesize.services.map(\.name).sorted() == ["Mailboxes", "Seats"])
        }
    }

    @Test("A crash between the stored connection and its schedule leaves no partner without one")
    func betweenConnectionAndSchedule() async throws {
        try await withInstallation({ $0.works = false }) { perch in
            let partner = try await perch.connectedOnPaper()
            let job = SyncRun(id: SyncRunID("run_job"), partnerID: partner, purpose: .connect, trigger: .partner, createdAt: Sample.now)
            _ = try await perch.store.insertRun(job)
            #expect(try await perch.store.schedule(partner) == nil)
            let next = try perch.afterCrash()
            #expect(try await next.ended(job).state == .succeeded)
            let schedule = try #require(try await next.store.schedule(partner))
            #expect(schedule.isActive && schedule.nextRunAt != nil)
        }
    }

    @Test("A lost mapping is still told when the run crashed while it made the accounts again, or later", arguments: ["A2", "V1"])
    func mappingLost(_ key: String) async throws {
        try await withInstallation { perch in
            let partner = try await perch.connectedPartner()
            _ = try await perch.sync(partner)
            // The accounts are gone, and the key still opens: as if reconnected with the same key.
            perch.synthesize.changeOrganization(Installation.partnerKey) { ($0.accounts, $0.mappedAccounts) = ([], []) }
            let hold = Hold()
            perch.synthesize.watch { [synthesize = perch.synthesize] call in
                // Done before the crash, though no answer comes.
                guard call.key == key, key == "A2" else { return }
                synthesize.changeOrganization(Installation.partnerKey) { organization in
                    organization.accounts = (1...3).map { .init(id: "\($0)", name: "Customer \($0)") }
                }
            }
            perch.synthesize.fail(key, .held(hold))
            let run = try await perch.desk.startSync(partner, by: .launch).run
            await hold.untilArrived()
            perch.synthesize.stopFailing()
            let next = try perch.afterCrash()
            let ended = try await next.ended(run)
            #expect(ended.findings.mappingLost)
            #expect(ended.findings.accountsCreated == (key == "A2" ? 0 : 3))
            #expect(try await next.desk.overview(partner).connection.mappingLostAt != nil)
        }
    }

    @Test("Two deaths in the same place park the run; an operator releases it")
    func parked() async throws {
        try await withHalfSentRun { perch, partner, run, hold in
            let second = try perch.afterCrash()
            // The new process sends what was in doubt, and meets the same wall.
            await hold.untilArrived(8)
            #expect(try await second.store.run(run.id)?.interruptions == 1)
            let third = try second.afterCrash(works: false)
            let before = perch.synthesize.calls.count
            third.startWorking()
            let ended = try await third.ended(run)
            #expect(ended.state == .held)
            #expect(ended.failure?.code == "run.parked")
            #expect(ended.interruptions == 2)
            #expect(perch.synthesize.calls.count == before)
            #expect(ended.tally.accepted >= 32 && ended.tally.accepted + ended.tally.notSent == 60)

            perch.synthesize.stopFailing()
            let released = try await third.ended(third.desk.releaseRun(run.id, by: .commandLine).run)
            #expect(released.state == .succeeded)
            #expect(released.tally.accepted == 60)
        }
    }

    @Test("Deaths in different places do not park a run")
    func differentPlaces() async throws {
        try await withInstallation { perch in
            let partner = try await perch.connectedPartner()
            let hold = Hold()
            perch.synthesize.fail("A1", .held(hold), times: 1)
            let run = try await perch.desk.startSync(partner, by: .launch).run
            await hold.untilArrived(1)
            perch.synthesize.fail("V1", .held(hold), times: 1)
            let second = try perch.afterCrash()
            await hold.untilArrived(2)
            perch.synthesize.fail("S4", .held(hold), times: 1)
            let third = try second.afterCrash()
            await hold.untilArrived(3)
            let fourth = try third.afterCrash()
            #expect(try await fourth.ended(run).state == .succeeded)
        }
    }

    @Test("A run that makes accounts between its deaths is not parked, and counts all of them")
    func progressAmongAccounts() async throws {
        try await withInstallation { perch in
            let partner = try await perch.connectedPartner()
            perch.vendor.setCustomers(353)
            let hold = Hold()
            // A hundred accounts a call: the first two go through, then one in each further process.
            perch.synthesize.fail("A2", .held(hold), after: 2, times: 1)
            let run = try await perch.desk.startSync(partner, by: .launch).run
            await hold.untilArrived(1)
            perch.synthesize.fail("A2", .held(hold), after: 1, times: 1)
            let second = try perch.afterCrash()
            await hold.untilArrived(2)
            #expect(try await second.store.run(run.id)?.interruptedAt == "accounts:200")
            let ended = try await second.afterCrash().ended(run)
            #expect(ended.interruptions == 1)
            #expect(ended.interruptedAt == "accounts:300")
            #expect(ended.findings.accountsCreated == 350)
            #expect(ended.state == .succeeded)
        }
    }

    @Test("A death while the next process only verifies is no second death in the place of the first")
    func verifyingAgain() async throws {
        try await withInstallation { perch in
            let partner = try await perch.connectedPartner()
            let hold = Hold()
            perch.synthesize.fail("A1", .held(hold), times: 1)
            let run = try await perch.desk.startSync(partner, by: .launch).run
            await hold.untilArrived(1)
            perch.synthesize.fail("O1", .held(hold), times: 1)
            let second = try perch.afterCrash()
            await hold.untilArrived(2)
            #expect(try await second.store.run(run.id)?.stage == .verify)
            #expect(try await second.afterCrash().ended(run).state == .succeeded)
        }
    }

    @Test("A stop signal releases the run as queued: no interruption, and the next start goes on")
    func stop() async throws {
        try await withHalfSentRun({ $0.passesAlone = .seconds(6) }) { perch, partner, run, hold in
            perch.synthesize.stopFailing()
            await perch.stopWorking()
            let released = try #require(try await perch.store.run(run.id))
            #expect(released.state == .queued)
            #expect(released.interruptions == 0)
            #expect(released.leaseOwner == nil)
            #expect(try await perch.lines(run, [.sending]).isEmpty)
            #expect(released.tally.accepted == 40)

            let before = perch.synthesize.calls.count
            let next = try await perch.restarted()
            let ended = try await next.ended(run)
            #expect(ended.state == .succeeded)
            #expect(ended.tally.accepted == 60)
            #expect(ended.interruptions == 0)
            #expect(perch.synthesize.calls.dropFirst(before).count { $0.key == "S4" } == 20)
        }
    }

    @Test("Calls that end within the grace are written down before the stop")
    func stopWithGrace() async throws {
        try await withHalfSentRun { perch, partner, run, hold in
            let stopping = Task { await perch.stopWorking() }
            // The stop is under way once the grace is waited for; its sleep is the only one of 5 s.
            try await perch.eventually("the grace") { perch.clock.sleeps.contains(.seconds(5)) }
            hold.release()
            await stopping.value
            let released = try #require(try await perch.store.run(run.id))
            #expect(released.state == .queued)
            #expect(released.tally.accepted == 44)
            #expect(try await perch.lines(run, [.sending]).isEmpty)
        }
    }

    @Test("A wish to cancel survives a crash")
    func cancelled() async throws {
        try await withHalfSentRun { perch, partner, run, hold in
            try await perch.store.updateRun(run.id) { $0.cancelRequested = true }
            let before = perch.synthesize.calls("S4").count
            let ended = try await perch.afterCrash().ended(run)
            #expect(ended.state == .cancelled)
            #expect(perch.synthesize.calls("S4").count == before)
        }
    }

    @Test("A run of a partner that disabled before the restart does nothing")
    func disabledMeanwhile() async throws {
        try await withHalfSentRun { perch, partner, run, hold in
            try await perch.store.updateConnection(partner) { $0.state = .disabled }
            let before = perch.synthesize.calls.count
            let ended = try await perch.afterCrash().ended(run)
            #expect(ended.state == .failed)
            #expect(ended.tally.notSent > 0)
            #expect(perch.synthesize.calls.count == before)
        }
    }

    @Test("Queued runs are taken up at the start")
    func queued() async throws {
        try await withInstallation({ $0.works = false }) { perch in
            let partner = try await perch.connectedOnPaper()
            perch.synthesize.changeOrganization(Installation.partnerKey) { $0.mappedAccounts = ["1", "2", "3"] }
            let run = try await perch.desk.startSync(partner, by: .launch).run
            let next = try await perch.restarted()
            #expect(try await next.ended(run).tally.accepted == 3)
        }
    }

    @Test("A database that fails in the middle stops the sending: nothing goes out whose intent is not on disk")
    func storeFails() async throws {
        try await withInstallation { perch in
            perch.vendor.setCustomers(400)
            let partner = try await perch.connectedPartner()
            let hold = Hold()
            perch.synthesize.fail("S4", .held(hold), after: 40)
            let run = try await perch.desk.startSync(partner, by: .launch).run
            await hold.untilArrived(4)
            let next = try perch.afterCrash(works: false)
            let meant = Set(try await next.lines(run, [.sending, .accepted]).map(\.accountID))
            try await perch.store.close()
            hold.release()
            await perch.stopWorking()
            #expect(Set(perch.synthesize.calls("S4").compactMap(\.accountID)).isSubset(of: meant))
            #expect(meant.count < 400)

            perch.synthesize.stopFailing()
            next.startWorking()
            #expect(try await next.ended(run).tally.accepted == 400)
        }
    }
}
