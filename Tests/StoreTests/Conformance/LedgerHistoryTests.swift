import Foundation
import Secrets
import Store
import Testing

/// Random histories of one run against a model of the rules. The seed is the test's argument, so a failure names it.
@Suite("Any history of a ledger")
struct LedgerHistoryTests {
    static let seeds = [UInt64](1...6)

    /// What the ledger must say.
    private struct Model {
        var states: [UsageLineState]
        var attempts: [Int]
        var lastCounts: [String: Decimal] = [:]

        var tally: RunTally {
            func count(_ wanted: UsageLineState...) -> Int { states.count { wanted.contains($0) } }
            var tally = RunTally()
            tally.accepted = count(.accepted)
            tally.notMapped = count(.notMapped)
            tally.rejected = count(.rejected)
            tally.failed = count(.failed)
            tally.excluded = count(.excluded)
            tally.droppedToZero = count(.droppedToZero)
            tally.notSent = count(.notSent)
            tally.open = count(.planned, .sending)
            return tally
        }
    }

    @Test("keeps states, attempts, tally and last counts as the rules say", arguments: StoreKind.all, seeds)
    func history(kind: StoreKind, seed: UInt64) async throws {
        let random = RandomSource.seeded(seed)
        try await withStore(kind) { store in
            let run = try await store.startedRun()
            let lines = (0..<60).map { position in
                let state: UsageLineState = [.planned, .planned, .planned, .excluded, .droppedToZero][random.number(below: 5)]
                return Sample.line(run, position, count: Decimal(random.number(below: 1000)), state: state)
            }
            try await store.planLines(run.id, lines)
            var model = Model(states: lines.map(\.state), attempts: lines.map { _ in 0 })

            for _ in 0..<40 {
                switch random.number(below: 6) {
                case 0, 1: try await begin(store, run, &model, random)
                case 2, 3, 4: try await record(store, run, &model, lines, random)
                default: try await reopen(store, run, &model)
                }
                try await check(store, run, model)
            }
            let ended = try await store.finish(run)
            model.states = model.states.map { $0 == .planned || $0 == .sending ? .notSent : $0 }
            #expect(ended.tally == model.tally)
            try await check(store, run, model)
        }
    }

    private func begin(_ store: any Store, _ run: SyncRun, _ model: inout Model, _ random: RandomSource) async throws {
        let limit = random.number(below: 12)
        let expected = model.states.indices.filter { model.states[$0] == .planned }.prefix(limit)
        let begun = try await store.beginSending(run.id, limit: limit, at: Sample.now)
        #expect(begun.map(\.position) == Array(expected))
        for position in expected {
            model.states[position] = .sending
            model.attempts[position] += 1
        }
    }

    private func record(
        _ store: any Store, _ run: SyncRun, _ model: inout Model, _ lines: [UsageLine], _ random: RandomSource
    ) async throws {
        let possible: [UsageLineState] = [.accepted, .accepted, .accepted, .notMapped, .rejected, .failed, .planned]
        let sending = model.states.indices.filter { model.states[$0] == .sending && random.number(below: 2) == 0 }
        let outcomes = sending.map { position in
            LineOutcome(
                position: position, state: possible[random.number(below: possible.count)],
                attempts: model.attempts[position] + random.number(below: 3), httpStatus: nil, message: nil, at: Sample.now)
        }
        try await store.recordOutcomes(run.id, outcomes)
        for outcome in outcomes {
            model.states[outcome.position] = outcome.state
            model.attempts[outcome.position] = outcome.attempts
            if outcome.state == .accepted {
                model.lastCounts[lines[outcome.position].accountID] = lines[outcome.position].sentCount
            }
        }
    }

    private func reopen(_ store: any Store, _ run: SyncRun, _ model: inout Model) async throws {
        let sending = model.states.count { $0 == .sending }
        #expect(try await store.reopenLines(run.id) == sending)
        model.states = model.states.map { $0 == .sending ? .planned : $0 }
    }

    private func check(_ store: any Store, _ run: SyncRun, _ model: Model) async throws {
        let stored = try await store.lines(run.id, states: nil, after: nil, limit: 1000)
        #expect(stored.map(\.state) == model.states)
        #expect(stored.map(\.attempts) == model.attempts)
        #expect(try await store.tally(run.id) == model.tally)
        let last = try await store.lastCounts(run.partnerID)
        #expect(Dictionary(uniqueKeysWithValues: last.map { ($0.accountID, $0.count) }) == model.lastCounts)
    }
}
