import Foundation
import Secrets
import Store
import Testing

@Suite("Lines of old runs")
struct LineRetentionStoreTests {
    let now = Sample.now
    private let end = Sample.now + 1_000_000

    /// An ended run of so many lines, all accepted with a count of 5.
    private func ended(
        _ store: any Store, _ id: String, lines: Int, _ partner: Partner = Sample.partner(), purpose: RunPurpose = .usage,
        state: RunState = .succeeded, at instant: Date
    ) async throws -> SyncRun {
        if try await store.partner(partner.id) == nil { try await store.createPartner(partner) }
        _ = try await store.insertRun(Sample.run(id, partner, purpose, at: instant))
        let run = try #require(try await store.claimRun(owner: "me", at: instant, leaseUntil: instant + 30))
        if purpose != .connect { try await store.planLines(run.id, (0..<lines).map { Sample.line(run, $0) }) }
        let begun = try await store.beginSending(run.id, limit: lines, at: instant)
        try await store.recordOutcomes(run.id, begun.map { Sample.outcome($0.position, .accepted, at: instant) })
        return try await store.finish(run, state, at: instant + 10)
    }

    private func lines(_ store: any Store, _ run: SyncRun) async throws -> [Int] {
        try await store.lines(run.id, states: nil, after: nil, limit: 10_000).map(\.position)
    }

    @Test("are removed, the oldest run first and no more than asked; run, tally, totals and last counts stay", arguments: StoreKind.all)
    func removal(kind: StoreKind) async throws {
        try await withStore(kind) { store in
            let runs = [
                try await ended(store, "run_1", lines: 5, at: now), try await ended(store, "run_2", lines: 3, at: now + 100),
                try await ended(store, "run_3", lines: 4, at: now + 200),
            ]
            let partner = runs[0].partnerID
            let totals = try await store.serviceTotals(partner, runs: 10)
            let last = try await store.lastCounts(partner)

            #expect(try await store.removeLines(endedBefore: end, limit: 3, at: end) == 3)
            #expect(try await lines(store, runs[0]) == [3, 4])
            #expect(try await store.removeLines(endedBefore: end, limit: 3, at: end + 1) == 3)
            #expect(try await lines(store, runs[0]) == [])
            #expect(try await lines(store, runs[1]) == [1, 2])
            #expect(try await store.removeLines(endedBefore: end, limit: 3, at: end + 2) == 2, "fewer than asked: nothing is left")
            #expect(try await store.removeLines(endedBefore: end, limit: 3, at: end + 3) == 0)
            #expect(try await lines(store, runs[2]) == [0, 1, 2, 3], "the newest ledger stays")

            var expected = runs
            expected[0].linesRemovedAt = end
            expected[1].linesRemovedAt = end + 1
            for run in expected {
                #expect(try await store.run(run.id) == run)
                #expect(try await store.tally(run.id) == run.tally)
            }
            #expect(try await store.serviceTotals(partner, runs: 10) == totals)
            #expect(totals.map(\.total) == [25, 15, 20])
            #expect(try await store.lastCounts(partner) == last)
        }
    }

    @Test("stay until their run has ended before the instant", arguments: StoreKind.all)
    func age(kind: StoreKind) async throws {
        try await withStore(kind) { store in
            let old = try await ended(store, "run_1", lines: 2, at: now)
            _ = try await ended(store, "run_2", lines: 2, at: now + 100)
            #expect(try await store.removeLines(endedBefore: now + 10, limit: 9, at: end) == 0)
            #expect(try await lines(store, old) == [0, 1])
            #expect(try await store.run(old.id) == old)
            #expect(try await store.removeLines(endedBefore: now + 10.001, limit: 9, at: end) == 2)
        }
    }

    @Test("stay of a run that is held or active, and of each partner's newest sync with a ledger", arguments: StoreKind.all)
    func spared(kind: StoreKind) async throws {
        try await withStore(kind) { store in
            let (one, two) = (Sample.partner(1), Sample.partner(2))
            let held = try await ended(store, "run_1", lines: 2, one, state: .held, at: now)
            let older = try await ended(store, "run_2", lines: 2, one, at: now + 100)
            let newest = try await ended(store, "run_3", lines: 2, one, state: .partial, at: now + 200)
            // Newer, but none of them has a sync's ledger.
            let zeros = try await ended(store, "run_4", lines: 2, one, purpose: .zeros, at: now + 300)
            _ = try await ended(store, "run_5", lines: 0, one, purpose: .connect, at: now + 400)
            _ = try await store.insertRun(Sample.run("run_6", one, at: now + 500))
            _ = try await store.claimRun(owner: "me", at: now, leaseUntil: end)
            _ = try await store.finish(Sample.run("run_6", one), .failed, at: now + 510)
            let other = try await ended(store, "run_7", lines: 2, two, at: now)
            // Active: its start is old, its end is not.
            _ = try await store.insertRun(Sample.run("run_8", one, at: now))
            let active = try #require(try await store.claimRun(owner: "me", at: now, leaseUntil: end))
            try await store.planLines(active.id, (0..<2).map { Sample.line(active, $0) })

            #expect(try await store.removeLines(endedBefore: end, limit: 1_000, at: end) == 2 + 2 + 2, "a run without lines counts as one")
            for run in [held, newest, other, active] {
                #expect(try await lines(store, run) == [0, 1], "\(run.id)")
                #expect(try await store.run(run.id)?.linesRemovedAt == nil, "\(run.id)")
            }
            for run in [older, zeros] {
                #expect(try await lines(store, run) == [], "\(run.id)")
                #expect(try await store.run(run.id)?.linesRemovedAt == end, "\(run.id)")
            }
            for id in ["run_5", "run_6"] {
                #expect(try await store.run(SyncRunID(id))?.linesRemovedAt == nil, "\(id) had none")
            }
        }
    }

    @Test("a run whose lines were removed keeps that mark whatever is written of it later", arguments: StoreKind.all)
    func mark(kind: StoreKind) async throws {
        try await withStore(kind) { store in
            let old = try await ended(store, "run_1", lines: 1, at: now)
            _ = try await ended(store, "run_2", lines: 1, at: now + 100)
            try await store.removeLines(endedBefore: end, limit: 9, at: end)
            let written = try await store.updateRun(old.id) { run in
                run.startedBy = "somebody"
                run.linesRemovedAt = nil
            }
            #expect(written.linesRemovedAt == end)
            #expect(try await store.finish(old, .failed, at: end + 1) == written, "an ended run is not counted anew")
        }
    }

    @Test("any sequence of removals takes exactly what is old enough", arguments: StoreKind.all, [UInt64](1...4))
    func anySequence(kind: StoreKind, seed: UInt64) async throws {
        let random = RandomSource.seeded(seed)
        try await withStore(kind) { store in
            var runs: [(run: SyncRun, lines: Int)] = []
            for number in 0..<30 {
                let count = random.number(below: 12)
                let instant = now + Double(number) * 100
                let run = try await ended(store, "run_\(number)", lines: count, Sample.partner(random.number(below: 3)), at: instant)
                runs.append((run, count))
            }
            let spared = Set(Dictionary(grouping: runs, by: \.run.partnerID).compactMap { $0.value.last?.run.id })
            var cutoff = now
            while cutoff < now + 4_000 {
                cutoff += Double(random.number(below: 900))
                let limit = 1 + random.number(below: 9)
                while try await store.removeLines(endedBefore: cutoff, limit: limit, at: end) >= limit {}
                for (run, count) in runs {
                    let isGone = (run.finishedAt ?? end) < cutoff && !spared.contains(run.id)
                    #expect(try await lines(store, run).count == (isGone ? 0 : count), "\(run.id) at \(cutoff)")
                    #expect((try await store.run(run.id)?.linesRemovedAt != nil) == (isGone && count > 0), "\(run.id) at \(cutoff)")
                    #expect(try await store.tally(run.id) == run.tally)
                }
            }
        }
    }
}
