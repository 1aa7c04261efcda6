import Connectors
import Foundation
import Secrets
import Store
import Synchronization
import Testing

@testable import Integration

/// Faults everywhere, and crashes: what must hold then (the promises of reliability section 10).
@Suite("Storms", .timeLimit(.minutes(3)))
struct StormTests {
    @Test("Whatever fails and whenever it crashes: nothing is made twice, and the ledger says only what is so", arguments: 1...12)
    func storm(_ number: Int) async throws {
        let seed = UInt64.random(in: .min ... .max)
        print("StormTests.storm seed \(seed)")
        let random = RandomSource.seeded(seed)
        try await withInstallation { first in
            var perch = first
            let synthesize = first.synthesize
            first.vendor.setCustomers(30 + random.number(below: 60))
            // The worst server: it would make everything twice.
            synthesize.change { $0.allowsDuplicates = true }
            let partner = try await first.newPartner()
            let share = random.number(below: 40)

            for round in 0..<4 {
                synthesize.change { $0.decide = Self.faults(seed: seed &+ UInt64(round), share: share) }
                let hold = Hold()
                let crash = random.number(below: 3) == 0 ? random.number(below: 60) : nil
                guard let run = try await start(perch, partner, round) else { continue }
                // Not before: connecting makes a call of its own, and waits for it.
                if let crash { holdCall(crash, hold, synthesize) }
                if crash != nil, try await !hasEnded(run, perch, unless: hold) {
                    synthesize.change { $0.decide = nil }
                    perch = try perch.afterCrash()
                }
                synthesize.watch(nil)
                let ended = try await perch.ended(run)
                if round == 0 { perch.mapAll() }
                try await check(ended, perch, partner)
            }
        }
    }

    /// By what a call is and how often it came, so that a history does not hang on the order of calls.
    private static func faults(seed: UInt64, share: Int) -> @Sendable (PlayedSynthesize.Call, Int) -> PlayedSynthesize.Fault? {
        { call, tries in
            let bytes = Array("\(call.key) \(call.subject) \(tries)".utf8) + call.body.sorted()
            let hash = bytes.reduce(seed) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
            let draw = RandomSource.seeded(hash)
            guard draw.number(below: 100) < share else { return nil }
            let faults: [PlayedSynthesize.Fault] = [
                .neverSent, .lost, .doneAndLost, .doneAndLost, .answer(500), .answer(503), .answer(429), .answer(200, "<html>"),
                .answer(404),
            ]
            return faults[draw.number(below: faults.count)]
        }
    }

    /// Lets the call of this number hang, for a crash.
    private func holdCall(_ number: Int, _ hold: Hold, _ synthesize: PlayedSynthesize) {
        let seen = Counter()
        synthesize.watch { call in
            guard seen.next() == number else { return }
            do { try await hold.arrive() } catch { return }
        }
    }

    private func start(_ perch: Installation, _ partner: PartnerID, _ round: Int) async throws -> SyncRun? {
        do throws(IntegrationError) {
            guard round > 0 else {
                return try await perch.desk.connect(
                    partner, ConnectRequest(partnerKey: Installation.partnerKey, fields: ["apiKey": "k"]), by: .launch)
            }
            return try await perch.desk.startSync(partner, by: .launch).run
        } catch {
            // A storm may keep a partner from connecting at all.
            #expect([.synthesizeUnavailable, .conflict, .synthesizeRejected].contains(error.code), "\(error)")
            return nil
        }
    }

    /// Waits for the end of the run, or for the held call.
    private func hasEnded(_ run: SyncRun, _ perch: Installation, unless hold: Hold) async throws -> Bool {
        while true {
            if hold.hasArrived { return false }
            if try await !perch.desk.syncRun(run.id).state.isActive { return true }
            await Task.yield()
        }
    }

    private func check(_ run: SyncRun, _ perch: Installation, _ partner: PartnerID) async throws {
        #expect(!run.state.isActive)
        #expect(run.tally.open == 0)
        #expect((run.failure == nil) == (run.state == .succeeded), "\(run.state) \(run.failure?.message ?? "-")")
        let organization = perch.synthesize.organization(Installation.partnerKey)
        #expect(Set(organization.accounts.map(\.id)).count == organization.accounts.count, "an account was made twice")
        #expect(Set(perch.synthesize.services.map(\.name)).count == perch.synthesize.services.count, "a service was made twice")

        let lines = try await perch.lines(run)
        var tally = RunTally()
        for line in lines {
            switch line.state {
            case .accepted: tally.accepted += 1
            case .notMapped: tally.notMapped += 1
            case .rejected: tally.rejected += 1
            case .failed: tally.failed += 1
            case .notSent: tally.notSent += 1
            case .excluded: tally.excluded += 1
            case .droppedToZero: tally.droppedToZero += 1
            case .planned, .sending: tally.open += 1
            }
        }
        #expect(run.tally == tally)
        let untrue = lines.filter { line in
            let there = organization.counts["\(line.accountID)/\(line.serviceID)"]
            return line.state == .accepted && there != line.sentCount
        }
        #expect(untrue.isEmpty, "the ledger says accepted what Synthesize does not have")
        let last = try await perch.store.lastCounts(partner)
        #expect(last.allSatisfy { organization.counts["\($0.accountID)/\($0.serviceID)"] == $0.count })
    }
}

private final class Counter: Sendable {
    private let count = Mutex(0)

    func next() -> Int {
        count.withLock { count in
            defer { count += 1 }
            return count
        }
    }
}
