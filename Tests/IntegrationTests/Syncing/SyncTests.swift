import Connectors
import Foundation
import Store
import Synchronization
import Synthesize
import Testing

@testable import Integration

@Suite("A sync run", .timeLimit(.minutes(1)))
struct SyncTests {
    private func count(_ text: String) throws -> Decimal { try #require(Decimal(string: text)) }

    // MARK: All well

    @Test("Verify, fetch, accounts, services, counts, confirm; and every count arrives")
    func happyPath() async throws {
        try await withInstallation { perch in
            let partner = try await perch.connectedPartner()
            perch.world.journal.clear()
            let run = try await perch.sync(partner)
            #expect(run.state == .succeeded)
            #expect(run.failure == nil)
            #expect(run.tally.accepted == 3)
            #expect(perch.world.journal.all == ["O1", "vendor.usage", "A1", "V1", "S4", "S4", "S4", "O1"])
            #expect(perch.synthesize.organization(Installation.partnerKey).counts == ["1/s1": 10, "2/s1": 20, "3/s1": 30])
            // The first accepted count makes it active, and the run has seen that.
            #expect(run.findings.statusBefore == "pending")
            #expect(run.findings.statusAfter == "active")
            #expect(try await perch.desk.overview(partner).standing == .active)
            #expect(try await perch.store.lastCounts(partner).map(\.count) == [10, 20, 30])
            #expect(try await perch.desk.syncRuns(partner, before: nil, limit: 10).map(\.id) == [run.id])
        }
    }

    @Test("Counts go out to the last decimal, and the ledger has them so")
    func decimals() async throws {
        try await withInstallation { perch in
            let partner = try await perch.connectedPartner()
            let counts = [try count("12345678901234.5678"), try count("0.1") + count("0.2") + 1, try count("1.0")]
            perch.vendor.change { data in
                data.usage = counts.enumerated().map { UsageRecord(accountID: "\($0.offset + 1)", serviceName: "Seats", count: $0.element) }
            }
            let run = try await perch.sync(partner)
            #expect(perch.synthesize.organization(Installation.partnerKey).counts == ["1/s1": counts[0], "2/s1": try count("1.3"), "3/s1": 1])
            #expect(try await perch.lines(run).map(\.sentCount) == counts)
        }
    }

    @Test("A line tells when it was meant, when it was answered, and with what")
    func line() async throws {
        try await withInstallation { perch in
            let partner = try await perch.connectedPartner()
            let line = try #require(try await perch.lines(perch.sync(partner)).first)
            #expect((line.accountID, line.accountName, line.serviceName) == ("1", "Customer 1", "Seats"))
            #expect((line.rawCount, line.sentCount, line.state, line.attempts) == (10, 10, .accepted, 1))
            let (intent, outcome) = (try #require(line.intentAt), try #require(line.outcomeAt))
            #expect(intent <= outcome)
        }
    }

    @Test("The ledger has the status that was answered, not the one expected", arguments: [200, 201, 204])
    func answeredStatus(_ status: Int) async throws {
        try await withInstallation { perch in
            let partner = try await perch.connectedPartner()
            perch.synthesize.change { $0.countStatus = status }
            #expect(try await perch.lines(perch.sync(partner)).map(\.httpStatus) == [status, status, status])
        }
    }

    @Test("Before a count arrives, its intent is in the ledger")
    func intentFirst() async throws {
        try await withInstallation { perch in
            perch.vendor.setCustomers(30)
            let partner = try await perch.connectedPartner()
            let missing = Mutex<[String]>([])
            perch.synthesize.watch { [store = perch.store] call in
                guard call.key == "S4", let account = call.accountID else { return }
                let run = try? await store.activeRun(partner)
                let sending = (try? await store.lines(run?.id ?? SyncRunID(""), states: [.sending], after: nil, limit: 1_000)) ?? []
                let isMeant = sending.contains { $0.accountID == account && $0.intentAt != nil && $0.attempts == 1 }
                if !isMeant { missing.withLock { $0.append(account) } }
            }
            #expect(try await perch.sync(partner).tally.accepted == 30)
            #expect(missing.withLock { $0 }.isEmpty)
        }
    }

    @Test("Whoever watches sees the stages, and last of all the end")
    func progress() async throws {
        try await withInstallation { perch in
            perch.vendor.setCustomers(100)
            let partner = try await perch.connectedPartner()
            let run = try await perch.desk.startSync(partner, by: .launch).run
            var seen: [RunProgress] = []
            for await progress in try await perch.desk.progress(of: run.id) { seen.append(progress) }
            #expect(seen.last?.state == .succeeded)
            #expect(seen.last?.settled == 100)
            #expect(seen.last?.total == 100)
            #expect(seen.map(\.stage) == seen.map(\.stage).sorted())
            #expect(seen.map(\.settled) == seen.map(\.settled).sorted())
            // Of a run that is over there is one snapshot.
            var after: [RunProgress] = []
            for await progress in try await perch.desk.progress(of: run.id) { after.append(progress) }
            #expect(after.map(\.state) == [.succeeded])
            await expectFailure(.notFound) { _ = try await perch.desk.progress(of: SyncRunID("run_none")) }
        }
    }

    // MARK: What Synthesize says to a count

    @Test("404 is normal: the run succeeds, and what to map is listed")
    func notMapped() async throws {
        try await withInstallation { perch in
            let partner = try await perch.connectedPartner()
            perch.synthesize.changeOrganization(Installation.partnerKey) { $0.mappedAccounts.remove("2") }
            let run = try await perch.sync(partner)
            #expect(run.state == .succeeded)
            #expect((run.tally.accepted, run.tally.notMapped) == (2, 1))
            #expect(try await perch.lineWords(run) == ["1 accepted", "2 notMapped", "3 accepted"])
            let line = try #require(try await perch.lines(run, [.notMapped]).first)
            #expect(line.httpStatus == 404)
            #expect(line.message == "No account map found with id: 2")
            let list = try await perch.desk.overview(partner).notMapped
            #expect(list.accounts == [.init(id: "2", name: "Customer 2")])
            #expect(list.counts == 1)
            // Asked once: a 404 is an answer.
            #expect(perch.synthesize.calls("S4").count == 3)
        }
    }

    @Test("A service that is not mapped is listed as one")
    func serviceNotMapped() async throws {
        try await withInstallation { perch in
            let partner = try await perch.connectedPartner()
            perch.synthesize.change { $0.services[0].isMapped = false }
            let run = try await perch.sync(partner)
            #expect(run.tally.notMapped == 3)
            let list = try await perch.desk.overview(partner).notMapped
            #expect(list.accounts.isEmpty)
            #expect(list.services.map(\.name) == ["Seats"])
        }
    }

    @Test("A rejected count makes the run partial; the others are sent", arguments: [400, 409, 422])
    func rejected(_ status: Int) async throws {
        try await withInstallation { perch in
            let partner = try await perch.connectedPartner()
            perch.synthesize.fail("S4", .answer(status, #"{"message":["unitCount must be less"]}"#), subject: "2")
            let run = try await perch.sync(partner)
            #expect(run.state == .partial)
            #expect((run.tally.accepted, run.tally.rejected) == (2, 1))
            let line = try #require(try await perch.lines(run, [.rejected]).first)
            #expect((line.accountID, line.httpStatus, line.message) == ("2", status, "unitCount must be less"))
            #expect(try await perch.store.lastCounts(partner).map(\.accountID) == ["1", "3"])
        }
    }

    @Test("A count that keeps failing is tried as often as allowed; the run is partial", arguments: [PlayedSynthesize.Fault.answer(500), .neverSent, .lost, .answer(429)])
    func exhausted(_ fault: PlayedSynthesize.Fault) async throws {
        try await withInstallation { perch in
            let partner = try await perch.connectedPartner()
            perch.synthesize.fail("S4", fault, subject: "2")
            let run = try await perch.sync(partner)
            #expect(run.state == .partial)
            #expect((run.tally.accepted, run.tally.failed) == (2, 1))
            #expect(perch.synthesize.calls("S4").filter { $0.accountID == "2" }.count == 3)
        }
    }

    @Test("A count whose answer was lost is sent again: setting is harmless")
    func lostAnswer() async throws {
        try await withInstallation { perch in
            let partner = try await perch.connectedPartner()
            perch.synthesize.fail("S4", .doneAndLost, subject: "2", times: 2)
            let run = try await perch.sync(partner)
            #expect(run.state == .succeeded)
            #expect(perch.synthesize.calls("S4").filter { $0.accountID == "2" }.count == 3)
            #expect(perch.synthesize.organization(Installation.partnerKey).counts["2/s1"] == 20)
        }
    }

    @Test("Retry-After is waited for")
    func retryAfter() async throws {
        try await withInstallation { perch in
            let partner = try await perch.connectedPartner()
            perch.synthesize.fail("S4", .answer(429, retryAfter: "2"), subject: "2", times: 1)
            let before = perch.clock.elapsed
            #expect(try await perch.sync(partner).state == .succeeded)
            #expect(perch.clock.elapsed - before >= .seconds(2))
        }
    }

    @Test("Everything rejected is a failed run, not a partial one")
    func allRejected() async throws {
        try await withInstallation { perch in
            let partner = try await perch.connectedPartner()
            perch.synthesize.fail("S4", .answer(400))
            #expect(try await perch.sync(partner).state == .failed)
        }
    }

    // MARK: What ends a run

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
        try await withInstallation({ $0.policy.failuresInARow = 2; $0.policy.parallelCounts = 1 }) { perch in
            perch.vendor.setCustomers(20)
            let partner = try await perch.connectedPartner()
            for account in stride(from: 2, through: 20, by: 2) { perch.synthesize.fail("S4", .answer(503), subject: "\(account)") }
            let run = try await perch.sync(partner)
            #expect(run.state == .partial)
            #expect((run.tally.accepted, run.tally.failed) == (10, 10))
        }
    }

    @Test("Whatever fails at the vendor touches nothing in Synthesize", arguments: [
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

    @Test("Whatever fails before the counts sends none", arguments: ["O1", "A1", "V1"], [PlayedSynthesize.Fault.answer(500), .answer(403), .neverSent, .answer(200, "x")])
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

    // MARK: Accounts

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
            #expect(perch.synthesize.organization(Installation.partnerKey).accounts.map(\.name) == ["Customer 1", "Customer 2, renamed", "Customer 3", "Customer 4"])
            // The new one waits to be mapped; that is a to-do, not a failure.
            #expect(run.state == .succeeded)
            #expect(try await perch.desk.overview(partner).notMapped.accounts.map(\.id) == ["4"])
            perch.mapAll()
            #expect(try await perch.sync(partner).tally.accepted == 4)
            #expect(perch.synthesize.calls("A2").count == 2)
        }
    }

    @Test("An account that Synthesize will not take holds up nobody else; the run names it", arguments: ["name must be shorter", "Not this one.", ""])
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
            #expect(perch.synthesize.organization(Installation.partnerKey).accounts.map(\.name) == ["Customer 1", "Customer 2 Ltd", "Customer 3 Ltd"])
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

    // MARK: One at a time

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

    // MARK: Cancelling

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
