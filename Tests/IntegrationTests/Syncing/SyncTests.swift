import Connectors
import Foundation
import Store
import Synchronization
import Synthesize
import Testing

@testable import Integration

@Suite("A sync run", .timeLimit(.minutes(3)))
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

    @Test("An integration that was active before the counts is not asked again behind them")
    func activeBefore() async throws {
        try await withInstallation { perch in
            let partner = try await perch.connectedPartner()
            _ = try await perch.sync(partner)
            perch.world.journal.clear()
            let run = try await perch.sync(partner)
            #expect(perch.world.journal.all == ["O1", "vendor.usage", "A1", "V1", "S4", "S4", "S4"])
            #expect((run.findings.statusBefore, run.findings.statusAfter) == ("active", "active"))
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
            #expect(
                perch.synthesize.organization(Installation.partnerKey).counts == ["1/s1": counts[0], "2/s1": try count("1.3"), "3/s1": 1])
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

    @Test(
        "A count that keeps failing is tried as often as allowed; the run is partial",
        arguments: [PlayedSynthesize.Fault.answer(500), .neverSent, .lost, .answer(429)])
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
}
