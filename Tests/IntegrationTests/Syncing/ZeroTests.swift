import Connectors
import Foundation
import Store
import Testing

@testable import Integration

@Suite("Counts that drop to zero", .timeLimit(.minutes(3)))
struct ZeroTests {
    private func counts(_ perch: Installation) -> [String: Decimal] { perch.synthesize.organization(Installation.partnerKey).counts }

    /// Customer 2 uses nothing any more, and customer 3 is gone.
    private func drop(_ perch: Installation) {
        perch.vendor.change { data in
            data.accounts.removeLast()
            data.usage.removeLast()
            data.usage[1].count = 0
        }
    }

    @Test("They are listed, not sent; the partner sends the zeros by hand, once")
    func byHand() async throws {
        try await withInstallation { perch in
            let partner = try await perch.connectedPartner()
            _ = try await perch.sync(partner)
            await expectFailure(.conflict) { _ = try await perch.desk.sendZeros(partner, by: .launch) }
            drop(perch)
            let run = try await perch.sync(partner)
            #expect(run.state == .succeeded)
            #expect((run.tally.accepted, run.tally.droppedToZero) == (1, 2))
            #expect(counts(perch) == ["1/s1": 10, "2/s1": 20, "3/s1": 30])
            #expect(try await perch.desk.overview(partner).droppedToZero.map(\.accountID) == ["2", "3"])

            perch.world.journal.clear()
            let zeros = try await perch.ended(perch.desk.sendZeros(partner, by: .launch).run)
            #expect(zeros.state == .succeeded)
            #expect(zeros.purpose == .zeros)
            #expect(
                try await perch.lines(zeros).map(\.basis)
                    == Array(repeating: LineBasis(connectorID: "played", name: "protected seats", version: 3), count: 2))
            #expect(perch.world.journal.all == ["O1", "S4", "S4"])
            #expect(counts(perch) == ["1/s1": 10, "2/s1": 0, "3/s1": 0])
            #expect(try await perch.desk.overview(partner).droppedToZero.isEmpty)
            await expectFailure(.conflict) { _ = try await perch.desk.sendZeros(partner, by: .launch) }
            #expect(try await perch.sync(partner).tally.droppedToZero == 0)
        }
    }

    @Test("None is sent while a later sync failed, or when the list is another than was seen")
    func outdated() async throws {
        try await withInstallation { perch in
            let partner = try await perch.connectedPartner()
            let first = try await perch.sync(partner)
            drop(perch)
            let listing = try await perch.sync(partner)
            await expectFailure(.conflict) { _ = try await perch.desk.sendZeros(partner, listed: first.id, by: .launch) }
            perch.vendor.change { $0.failure = ConnectorError(code: .unreachable, message: "played") }
            #expect(try await perch.sync(partner).state == .failed)
            await expectFailure(.conflict) { _ = try await perch.desk.sendZeros(partner, listed: listing.id, by: .launch) }
            #expect(counts(perch) == ["1/s1": 10, "2/s1": 20, "3/s1": 30])

            perch.vendor.change { $0.failure = nil }
            let again = try await perch.sync(partner)
            await expectFailure(.conflict) { _ = try await perch.desk.sendZeros(partner, listed: listing.id, by: .launch) }
            _ = try await perch.ended(perch.desk.sendZeros(partner, listed: again.id, by: .launch).run)
            #expect(counts(perch) == ["1/s1": 10, "2/s1": 0, "3/s1": 0])
        }
    }

    @Test("With sendOnce the run sends them itself, once")
    func sendOnce() async throws {
        try await withInstallation({ $0.policy.zeroCounts = .sendOnce }) { perch in
            let partner = try await perch.connectedPartner()
            _ = try await perch.sync(partner)
            drop(perch)
            #expect(try await perch.sync(partner).tally.accepted == 3)
            #expect(counts(perch) == ["1/s1": 10, "2/s1": 0, "3/s1": 0])
            #expect(try await perch.sync(partner).tally.accepted == 1)
        }
    }

    @Test("A zero that was not taken is still to be sent")
    func notTaken() async throws {
        try await withInstallation { perch in
            let partner = try await perch.connectedPartner()
            _ = try await perch.sync(partner)
            drop(perch)
            _ = try await perch.sync(partner)
            perch.synthesize.fail("S4", .answer(500), subject: "3")
            let zeros = try await perch.ended(perch.desk.sendZeros(partner, by: .launch).run)
            #expect(zeros.state == .partial)
            #expect(try await perch.desk.overview(partner).droppedToZero.map(\.accountID) == ["3"])
        }
    }

    // MARK: The guard

    private func withLargeDrop(_ body: (Installation, PartnerID, SyncRun) async throws -> Void) async throws {
        try await withInstallation { perch in
            perch.vendor.setCustomers(10)
            let partner = try await perch.connectedPartner()
            _ = try await perch.sync(partner)
            perch.vendor.setCustomers(3)
            perch.world.journal.clear()
            let held = try await perch.sync(partner)
            try await body(perch, partner, held)
        }
    }

    @Test("A large drop holds the run: nothing is sent, and the numbers stand")
    func held() async throws {
        try await withLargeDrop { perch, partner, held in
            #expect(held.state == .held)
            #expect(held.failure?.code == "run.largeDrop")
            #expect(!perch.world.journal.all.contains("S4"))
            #expect(counts(perch).count == 10 && counts(perch)["10/s1"] == 100)
            // It stands in nobody's way.
            let active = try await perch.store.activeRun(partner)
            #expect(active == nil)
            perch.vendor.setCustomers(10)
            let next = try await perch.sync(partner)
            #expect(next.tally.accepted == 10)
        }
    }

    @Test("A released run goes through, and is not held again")
    func released() async throws {
        try await withLargeDrop { perch, partner, held in
            let run = try await perch.ended(perch.desk.releaseRun(held.id, by: .commandLine).run)
            #expect(run.state == .succeeded)
            #expect((run.tally.accepted, run.tally.droppedToZero) == (3, 7))
            #expect(run.findings.dropAllowed)
            #expect(run.trigger == .commandLine)
            let zeros = try await perch.ended(perch.desk.sendZeros(partner, by: .launch).run)
            #expect(zeros.tally.accepted == 7)
        }
    }

    @Test("Customers who leave a few at a time never add up to a large drop; one who comes back and leaves again counts anew")
    func slowLeave() async throws {
        try await withInstallation { perch in
            perch.vendor.setCustomers(20)
            let partner = try await perch.connectedPartner()
            _ = try await perch.sync(partner)
            for left in [14, 10, 7, 5] {
                perch.vendor.setCustomers(left)
                let run = try await perch.sync(partner)
                #expect(run.state == .succeeded, "\(left) left: \(run.failure?.message ?? "")")
                #expect(run.tally.droppedToZero == 20 - left)
            }
            perch.vendor.setCustomers(20)
            _ = try await perch.sync(partner)
            perch.vendor.setCustomers(5)
            #expect(try await perch.sync(partner).state == .held)
            // A held run lists nothing, so the next is held as well.
            #expect(try await perch.sync(partner).state == .held)
        }
    }

    @Test("What is not held cannot be released")
    func notHeld() async throws {
        try await withInstallation { perch in
            let partner = try await perch.connectedPartner()
            let run = try await perch.sync(partner)
            await expectFailure(.conflict) { _ = try await perch.desk.releaseRun(run.id, by: .commandLine) }
            await expectFailure(.notFound) { _ = try await perch.desk.releaseRun(SyncRunID("run_none"), by: .commandLine) }
        }
    }
}
