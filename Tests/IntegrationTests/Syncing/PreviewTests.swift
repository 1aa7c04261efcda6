import Connectors
import Foundation
import Secrets
import Store
import Testing

@testable import Integration

@Suite("A preview", .timeLimit(.minutes(3)))
struct PreviewTests {
    @Test("reads the vendor once, calls Synthesize never, and is not recorded")
    func nothingSent() async throws {
        try await withInstallation { perch in
            let partner = try await perch.connectedPartner()
            perch.world.journal.clear()
            let first = try await perch.desk.previewSync(partner)
            #expect(first.tally == [.new: 3])
            #expect(perch.world.journal.all == ["vendor.usage"])
            #expect(try await perch.desk.syncRuns(partner, before: nil, limit: 9).isEmpty)
            #expect(try await perch.store.lastCounts(partner).isEmpty)

            _ = try await perch.sync(partner)
            perch.vendor.change { $0.usage[0].count = 11 }
            perch.world.journal.clear()
            let second = try await perch.desk.previewSync(partner)
            #expect(second.lines.map(\.lastCount) == [10, 20, 30])
            #expect(second.lines.map(\.rawCount) == [11, 20, 30])
            #expect(second.tally == [.changed: 1, .unchanged: 2])
            #expect(perch.world.journal.all == ["vendor.usage"])
            #expect(try await perch.desk.syncRuns(partner, before: nil, limit: 9).count == 1)
        }
    }

    @Test("says what the run then does, whatever the vendor has", arguments: [UInt64(1), 2, 3, 4])
    func agreesWithTheRun(seed: UInt64) async throws {
        let policy: ZeroCountPolicy = seed % 2 == 0 ? .sendOnce : .report
        try await withInstallation({ $0.policy.zeroCounts = policy }) { perch in
            let random = RandomSource.seeded(seed)
            let partner = try await perch.connectedPartner()
            var heldOnce = false
            for step in 0..<12 {
                let accounts = (1...8).filter { _ in random.number(below: 5) > 0 }
                let pairs = (0..<14).map { _ in
                    UsageRecord(
                        accountID: "\(random.number(below: 9) + 1)",
                        serviceName: ["Seats", "seats", "Mailboxes", "Phantom"][random.number(below: 4)],
                        count: Decimal(random.number(below: 60)) / 4 - 1)
                }
                perch.vendor.change { data in
                    data.accounts = accounts.map { VendorAccount(id: "\($0)", name: "Customer \($0)") }
                    data.usage = step % 4 == 3 ? Array(pairs.prefix(1)) : pairs
                }
                let preview = try await perch.desk.previewSync(partner)
                let run = try await perch.sync(partner)
                perch.mapAll()
                let place = "seed \(seed), step \(step)"
                #expect(preview.hold == run.failure, "\(place)")
                #expect((preview.hold != nil) == (run.state == .held), "\(place)")
                if run.state == .held {
                    heldOnce = true
                    continue
                }
                let lines = try await perch.lines(run)
                func text(_ account: String, _ service: String?, _ raw: Decimal, _ sent: Decimal?) -> String {
                    "\(account)/\(service ?? "none") \(raw) \(sent.map { "\($0)" } ?? "-")"
                }
                #expect(
                    preview.lines.map { text($0.accountID, $0.serviceID, $0.rawCount, $0.sentCount) }
                        == lines.map { text($0.accountID, $0.serviceID, $0.rawCount, $0.sentCount) }, "\(place)")
                #expect(preview.lines.map(\.basis) == lines.map(\.basis), "\(place)")
                #expect(preview.recordsDropped == run.findings.recordsDropped, "\(place)")
                #expect(preview.linesToSend == run.tally.toSend, "\(place)")
            }
            #expect(heldOnce, "seed \(seed) never met the drop guard")
        }
    }

    @Test("knows a service that an operator renamed")
    func renamedService() async throws {
        try await withInstallation { perch in
            let partner = try await perch.connectedPartner()
            _ = try await perch.sync(partner)
            let service = try #require(try await perch.desk.services().first { $0.name == "Seats" })
            _ = try await perch.desk.updateService(service.id, .init(name: "Chairs"), by: .commandLine)
            #expect(try await perch.desk.previewSync(partner).tally == [.unchanged: 3])
        }
    }

    @Test("is made one at a time for a partner, and for each partner by itself")
    func oneAtATime() async throws {
        try await withInstallation { perch in
            let partner = try await perch.connectedPartner()
            let other = try await perch.connectedPartner(2, key: "partner-secret-key-2")
            let hold = Hold()
            perch.vendor.change { $0.hold = hold }
            let first = Task { try await perch.desk.previewSync(partner) }
            await hold.untilArrived()
            await expectFailure(.conflict) { _ = try await perch.desk.previewSync(partner) }
            let second = Task { try await perch.desk.previewSync(other) }
            await hold.untilArrived(2)
            hold.release()
            #expect(try await first.value.lines.count == 3)
            #expect(try await second.value.lines.count == 3)
            #expect(try await perch.desk.previewSync(partner).lines.count == 3, "the place is free again")
        }
    }

    @Test("gives up on a vendor that does not answer within 50 s, and is free again after it")
    func deadline() async throws {
        try await withInstallation({ $0.works = false }) { perch in
            let partner = try await perch.connectedOnPaper()
            let hold = Hold()
            perch.vendor.change { $0.hold = hold }
            let waiting = Task { await expectFailure(.vendorUnavailable) { _ = try await perch.desk.previewSync(partner) } }
            await hold.untilArrived()
            await perch.clock.untilSleeping()
            perch.clock.advance(by: .seconds(49))
            await expectFailure(.conflict) { _ = try await perch.desk.previewSync(partner) }
            perch.clock.advance(by: .seconds(1))
            #expect(await waiting.value?.message.contains("Acme Guard took longer than 50 s") == true)
            #expect(perch.clock.elapsed == .seconds(50))
            perch.vendor.change { $0.hold = nil }
            #expect(try await perch.desk.previewSync(partner).lines.count == 3)
        }
    }

    @Test("that nobody waits for any more leaves the vendor alone and frees its place")
    func cancelled() async throws {
        try await withInstallation { perch in
            let partner = try await perch.connectedPartner()
            let hold = Hold()
            perch.vendor.change { $0.hold = hold }
            let gone = Task { try await perch.desk.previewSync(partner) }
            await hold.untilArrived()
            gone.cancel()
            await #expect(throws: IntegrationError.self) { _ = try await gone.value }
            perch.vendor.change { $0.hold = nil }
            #expect(try await perch.desk.previewSync(partner).lines.count == 3)
        }
    }

    @Test("fails in the words that a run fails in")
    func sameWords() async throws {
        try await withInstallation { perch in
            let partner = try await perch.connectedPartner()
            for code in [ConnectorError.Code.unreachable, .refused, .credentialRefused, .brokenAnswer, .emptyList] {
                perch.vendor.change { $0.failure = ConnectorError(code: code, message: "Acme Guard said \(code.rawValue).") }
                let error = await expectFailure(.vendorUnavailable) { _ = try await perch.desk.previewSync(partner) }
                #expect(error?.message == (try await perch.sync(partner).failure?.message))
            }
            try await perch.desk.disable(partner, by: .launch)
            let refused = await expectFailure(.conflict) { _ = try await perch.desk.previewSync(partner) }
            let run = await expectFailure(.conflict) { _ = try await perch.desk.startSync(partner, by: .launch) }
            #expect(refused?.message == run?.message)
            await expectFailure(.notFound) { _ = try await perch.desk.previewSync(PartnerID("par_none")) }
        }
    }

    @Test("for a command needs no partner, and compares with that of its reference where there is one")
    func command() async throws {
        try await withInstallation { perch in
            let fields = ["apiKey": "acme-secret"]
            #expect(try await perch.desk.previewSync(vendorReference: "ref-1", fields: fields).tally == [.new: 3])
            await expectFailure(.invalidInput) { _ = try await perch.desk.previewSync(vendorReference: "ref-1", fields: [:]) }
            let partner = try await perch.connectedPartner()
            _ = try await perch.sync(partner)
            #expect(try await perch.desk.previewSync(vendorReference: "ref-1", fields: fields).tally == [.unchanged: 3])
            #expect(try await perch.store.partner(vendorReference: "ref-2") == nil)
        }
    }
}
