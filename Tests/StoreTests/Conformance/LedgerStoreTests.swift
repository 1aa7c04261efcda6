import Foundation
import Store
import Testing

@Suite("The ledger")
struct LedgerStoreTests {
    let now = Sample.now

    @Test("keeps every field of planned, excluded and dropped lines, and moves the run to usage", arguments: StoreKind.all)
    func plan(kind: StoreKind) async throws {
        try await withStore(kind) { store in
            let run = try await store.startedRun()
            let lines = [
                Sample.line(run, 0, count: Decimal(string: "12.50")!), Sample.line(run, 1, count: 0, state: .excluded),
                Sample.line(run, 2, count: -3, state: .excluded), Sample.line(run, 3, count: 9, state: .droppedToZero),
                Sample.line(run, 4, count: Decimal(string: "123456789012345678901234567890.12345678")!),
            ]
            try await store.planLines(run.id, lines)
            #expect(try await store.lines(run.id, states: nil, after: nil, limit: 10) == lines)
            #expect(try await store.run(run.id)?.stage == .usage)
            var tally = RunTally()
            tally.open = 2
            tally.excluded = 2
            tally.droppedToZero = 1
            #expect(try await store.tally(run.id) == tally)
            #expect(try await store.run(run.id)?.tally == tally)
        }
    }

    @Test("keeps what each line counts, and hands it on with the line", arguments: StoreKind.all)
    func bases(kind: StoreKind) async throws {
        try await withStore(kind) { store in
            let bases = [
                LineBasis(connectorID: "a", name: "users", version: 1), nil, LineBasis(connectorID: "a", name: "users", version: 2),
                LineBasis(connectorID: "b", name: "users", version: 1), LineBasis(connectorID: "a", name: "users", version: 1),
            ]
            for id in ["run_1", "run_2"] {
                let run = try await store.startedRun(id)
                let lines = bases.enumerated().map { position, basis in
                    var line = Sample.line(run, position)
                    line.basis = basis
                    return line
                }
                try await store.planLines(run.id, lines)
                #expect(try await store.lines(run.id, states: nil, after: nil, limit: 9).map(\.basis) == bases)
                #expect(try await store.lines(run.id, states: [.planned], after: 2, limit: 9).map(\.basis) == Array(bases[3...]))
                _ = try await store.finish(run)
            }
        }
    }

    @Test("plans nothing with a basis that says nothing", arguments: StoreKind.all)
    func badBases(kind: StoreKind) async throws {
        try await withStore(kind) { store in
            let run = try await store.startedRun()
            for basis in [
                LineBasis(connectorID: "", name: "users", version: 1), LineBasis(connectorID: "a", name: "", version: 1),
                LineBasis(connectorID: "a", name: "users", version: 0),
            ] {
                var line = Sample.line(run, 1)
                line.basis = basis
                let lines = [Sample.line(run, 0), line]
                await expectFailure(.constraint) { try await store.planLines(run.id, lines) }
                #expect(try await store.lines(run.id, states: nil, after: nil, limit: 9).isEmpty)
            }
        }
    }

    @Test("is planned once, for a run that exists and is active, all or nothing", arguments: StoreKind.all)
    func planRefused(kind: StoreKind) async throws {
        try await withStore(kind) { store in
            let run = try await store.startedRun()
            await expectFailure(.notFound) { try await store.planLines(SyncRunID("none"), []) }

            var unsendable = Sample.line(run, 1)
            unsendable.sentCount = nil
            let half = [Sample.line(run, 0), unsendable]
            await expectFailure(.constraint) { try await store.planLines(run.id, half) }
            #expect(try await store.lines(run.id, states: nil, after: nil, limit: 10).isEmpty)
            #expect(try await store.run(run.id)?.stage == .verify)
            #expect(try await store.tally(run.id) == RunTally())

            await expectFailure(.constraint) {
                try await store.planLines(run.id, [Sample.line(run, 0, count: .nan)])
            }
            try await store.planLines(run.id, [Sample.line(run, 0)])
            await expectFailure(.duplicate) { try await store.planLines(run.id, [Sample.line(run, 0)]) }
            #expect(try await store.tally(run.id).open == 1)

            _ = try await store.finish(run)
            await expectFailure(.notFound) { try await store.planLines(run.id, [Sample.line(run, 1)]) }
        }
    }

    @Test("marks the next planned lines as sending, in order", arguments: StoreKind.all)
    func begin(kind: StoreKind) async throws {
        try await withStore(kind) { store in
            let run = try await store.startedRun()
            try await store.planLines(
                run.id, (0..<7).map { Sample.line(run, $0, state: $0 % 3 == 1 ? .excluded : .planned) })
            let first = try await store.beginSending(run.id, limit: 3, at: now + 1)
            #expect(first.map(\.position) == [0, 2, 3])
            let sending = try await store.lines(run.id, states: [.sending], after: nil, limit: 10)
            #expect(sending.allSatisfy { $0.attempts == 1 && $0.intentAt == now + 1 })
            #expect(
                first
                    == sending.map {
                        LineIntent(
                            position: $0.position, accountID: $0.accountID, serviceID: $0.serviceID, count: $0.sentCount ?? -1,
                            attempts: 1)
                    })
            #expect(try await store.beginSending(run.id, limit: 3, at: now + 2).map(\.position) == [5, 6])
            #expect(try await store.beginSending(run.id, limit: 3, at: now + 3).isEmpty)
            #expect(try await store.beginSending(run.id, limit: 0, at: now + 3).isEmpty)
            #expect(try await store.tally(run.id).open == 5)
            await expectFailure(.notFound) { _ = try await store.beginSending(SyncRunID("none"), limit: 1, at: now) }
        }
    }

    @Test("writes what became of each line", arguments: StoreKind.all)
    func outcomes(kind: StoreKind) async throws {
        try await withStore(kind) { store in
            let run = try await store.startedRun()
            try await store.planLines(run.id, (0..<6).map { Sample.line(run, $0) })
            _ = try await store.beginSending(run.id, limit: 5, at: now + 1)
            let states: [UsageLineState] = [.accepted, .notMapped, .rejected, .failed, .planned]
            try await store.recordOutcomes(
                run.id,
                states.enumerated().map { position, state in
                    LineOutcome(
                        position: position, state: state, attempts: position + 2, httpStatus: 200 + position,
                        message: "said \(position)", at: now + 5)
                })
            let lines = try await store.lines(run.id, states: nil, after: nil, limit: 10)
            #expect(lines.map(\.state) == states + [.planned])
            #expect(lines.map(\.attempts) == [2, 3, 4, 5, 6, 0])
            #expect(lines.map(\.httpStatus) == [200, 201, 202, 203, 204, nil])
            #expect(lines.map(\.message) == ["said 0", "said 1", "said 2", "said 3", "said 4", nil])
            #expect(lines.map(\.intentAt) == [now + 1, now + 1, now + 1, now + 1, now + 1, nil])
            #expect(lines.map(\.outcomeAt) == [now + 5, now + 5, now + 5, now + 5, nil, nil])
            var tally = RunTally()
            (tally.accepted, tally.notMapped, tally.rejected, tally.failed, tally.open) = (1, 1, 1, 1, 2)
            #expect(try await store.tally(run.id) == tally)
            #expect(try await store.beginSending(run.id, limit: 9, at: now + 6).map(\.position) == [4, 5], "given back")
        }
    }

    @Test("takes no outcome for a line that is not being sent, nor of the whole batch", arguments: StoreKind.all)
    func outcomesRefused(kind: StoreKind) async throws {
        try await withStore(kind) { store in
            let run = try await store.startedRun()
            try await store.planLines(run.id, (0..<3).map { Sample.line(run, $0) })
            _ = try await store.beginSending(run.id, limit: 2, at: now)
            await expectFailure(.notFound) {
                try await store.recordOutcomes(run.id, [Sample.outcome(0, .accepted), Sample.outcome(2, .accepted)])
            }
            await expectFailure(.notFound) { try await store.recordOutcomes(run.id, [Sample.outcome(77, .failed)]) }
            await expectFailure(.notFound) { try await store.recordOutcomes(SyncRunID("none"), []) }
            for state in [UsageLineState.sending, .excluded, .droppedToZero, .notSent] {
                await expectFailure(.constraint) { try await store.recordOutcomes(run.id, [Sample.outcome(0, state)]) }
            }
            #expect(try await store.lines(run.id, states: [.sending], after: nil, limit: 9).map(\.position) == [0, 1])
            #expect(try await store.tally(run.id).open == 3)
            #expect(try await store.lastCounts(Sample.partner().id).isEmpty)

            try await store.recordOutcomes(run.id, [Sample.outcome(0, .accepted)])
            await expectFailure(.notFound) { try await store.recordOutcomes(run.id, [Sample.outcome(0, .accepted)]) }
            #expect(try await store.tally(run.id).accepted == 1)
        }
    }

    @Test("makes lines left sending by a crash planned again, as often as asked", arguments: StoreKind.all)
    func reopen(kind: StoreKind) async throws {
        try await withStore(kind) { store in
            let run = try await store.startedRun()
            try await store.planLines(run.id, (0..<5).map { Sample.line(run, $0) })
            _ = try await store.beginSending(run.id, limit: 4, at: now + 1)
            try await store.recordOutcomes(run.id, [Sample.outcome(1, .accepted)])
            #expect(try await store.reopenLines(run.id) == 3)
            #expect(try await store.reopenLines(run.id) == 0)
            let again = try await store.beginSending(run.id, limit: 9, at: now + 2)
            #expect(again.map(\.position) == [0, 2, 3, 4])
            #expect(again.map(\.attempts) == [2, 2, 2, 1], "the attempt that was cut off is counted")
            #expect(try await store.tally(run.id).settled == 1)
            await expectFailure(.notFound) { try await store.reopenLines(SyncRunID("none")) }
        }
    }

    @Test("is read by state and page by page", arguments: StoreKind.all)
    func pages(kind: StoreKind) async throws {
        try await withStore(kind) { store in
            let run = try await store.startedRun()
            try await store.planLines(run.id, (0..<30).map { Sample.line(run, $0, state: $0 < 20 ? .planned : .excluded) })
            _ = try await store.beginSending(run.id, limit: 15, at: now)
            try await store.recordOutcomes(
                run.id, (0..<15).map { Sample.outcome($0, $0 % 3 == 0 ? .rejected : .accepted) })
            func positions(_ states: Set<UsageLineState>?, _ cursor: Int?, _ limit: Int) async throws -> [Int] {
                try await store.lines(run.id, states: states, after: cursor, limit: limit).map(\.position)
            }
            #expect(try await positions(nil, nil, 4) == [0, 1, 2, 3])
            #expect(try await positions(nil, 27, 4) == [28, 29])
            #expect(try await positions([.rejected], nil, 3) == [0, 3, 6])
            #expect(try await positions([.rejected], 6, 9) == [9, 12])
            #expect(try await positions([.rejected, .excluded, .failed], 10, 3) == [12, 20, 21])
            #expect(try await positions([.rejected, .accepted, .planned], 12, 100) == Array(13..<20))
            #expect(try await positions(Set(UsageLineState.allCases), nil, 100) == Array(0..<30))
            #expect(try await positions([], nil, 9).isEmpty)
            #expect(try await positions(nil, nil, -1).isEmpty)
            await expectFailure(.notFound) {
                _ = try await store.lines(SyncRunID("none"), states: nil, after: nil, limit: 1)
            }
            await expectFailure(.notFound) { _ = try await store.tally(SyncRunID("none")) }
        }
    }

    @Test("of one run does not touch another's", arguments: StoreKind.all)
    func separate(kind: StoreKind) async throws {
        try await withStore(kind) { store in
            let first = try await store.startedRun("run_1", Sample.partner(1))
            let second = try await store.startedRun("run_2", Sample.partner(2))
            for run in [first, second] { try await store.planLines(run.id, (0..<3).map { Sample.line(run, $0) }) }
            _ = try await store.beginSending(first.id, limit: 3, at: now)
            #expect(try await store.reopenLines(second.id) == 0)
            #expect(try await store.lines(second.id, states: [.planned], after: nil, limit: 9).count == 3)
            _ = try await store.finish(second)
            #expect(try await store.lines(first.id, states: [.sending], after: nil, limit: 9).count == 3)
        }
    }
}

@Suite("Last counts and totals")
struct LastCountTests {
    let now = Sample.now

    @Test("follow accepted lines only, and the newest acceptance wins", arguments: StoreKind.all)
    func upsert(kind: StoreKind) async throws {
        try await withStore(kind) { store in
            for (number, count) in [Decimal(5), 8].enumerated() {
                let run = try await store.startedRun("run_\(number)")
                let lines = (0..<5).map { position in
                    var line = Sample.line(run, position, count: count + Decimal(position))
                    line.accountName = "Name in run \(number)"
                    return line
                }
                try await store.planLines(run.id, lines)
                _ = try await store.beginSending(run.id, limit: 9, at: now)
                // In the second run only line 1 is accepted.
                let accepted = number == 0 ? [0, 1] : [1]
                let others: [UsageLineState] = [.notMapped, .notMapped, .rejected, .failed, .planned]
                try await store.recordOutcomes(
                    run.id,
                    (0..<5).map {
                        Sample.outcome($0, accepted.contains($0) ? .accepted : others[$0], at: now + Double(number))
                    })
                _ = try await store.finish(run)
            }
            let expected = [
                LastCount(
                    accountID: "a0", accountName: "Name in run 0", serviceID: "s1", serviceName: "Service s1", count: 5,
                    runID: SyncRunID("run_0"), acceptedAt: now),
                LastCount(
                    accountID: "a1", accountName: "Name in run 1", serviceID: "s1", serviceName: "Service s1", count: 9,
                    runID: SyncRunID("run_1"), acceptedAt: now + 1),
            ]
            #expect(try await store.lastCounts(Sample.partner().id) == expected)
            #expect(try await store.lastCounts(Sample.partner(2).id).isEmpty)

            let first = try await store.lastCounts(Sample.partner().id, after: nil, limit: 1)
            #expect(first == [expected[0]])
            #expect(try await store.lastCounts(Sample.partner().id, after: first.last, limit: 1) == [expected[1]])
            #expect(try await store.lastCounts(Sample.partner().id, after: expected[1], limit: 9).isEmpty)
        }
    }

    @Test("sum accepted counts exactly, by service, for the last usage runs that counted, oldest first", arguments: StoreKind.all)
    func totals(kind: StoreKind) async throws {
        try await withStore(kind) { store in
            // Run 2 has nothing accepted, run 3 is not a usage run, run 5 is not finished.
            for number in 0..<6 {
                let purpose: RunPurpose = number == 3 ? .zeros : .usage
                if number == 0 { try await store.createPartner(Sample.partner()) }
                _ = try await store.insertRun(Sample.run("run_\(number)", Sample.partner(), purpose, at: now + Double(number)))
                let run = try #require(try await store.claimRun(owner: "me", at: now, leaseUntil: now + 30))
                let counts = ["0.1", "0.2", "0.2", "1000000000000000000000.5"].map { Decimal(string: $0)! }
                try await store.planLines(
                    run.id,
                    counts.enumerated().map { Sample.line(run, $0, count: $1, service: $0 == 3 ? "big" : "small") })
                _ = try await store.beginSending(run.id, limit: 9, at: now)
                try await store.recordOutcomes(
                    run.id, (0..<4).map { Sample.outcome($0, number == 2 ? .rejected : .accepted) })
                if number < 5 { _ = try await store.finish(run, at: now + 100 + Double(number)) }
            }
            let totals = try await store.serviceTotals(Sample.partner().id, runs: 2)
            #expect(totals.map(\.runID.rawValue) == ["run_1", "run_1", "run_4", "run_4"])
            #expect(totals.map(\.serviceName) == ["Service big", "Service small", "Service big", "Service small"])
            let big = Decimal(string: "1000000000000000000000.5")!
            let small = Decimal(string: "0.5")!
            #expect(totals.map(\.total) == [big, small, big, small])
            #expect(totals.map(\.finishedAt) == [now + 101, now + 101, now + 104, now + 104])
            #expect(try await store.serviceTotals(Sample.partner().id, runs: 99).count == 6)
            #expect(try await store.serviceTotals(Sample.partner().id, runs: 0).isEmpty)
            #expect(try await store.serviceTotals(Sample.partner(2).id, runs: 9).isEmpty)
        }
    }

    @Test("end with the accounts when another organization answers", arguments: StoreKind.all)
    func forget(kind: StoreKind) async throws {
        try await withStore(kind) { store in
            for number in 1...2 {
                let run = try await store.startedRun("run_\(number)", Sample.partner(number))
                try await store.planLines(run.id, [Sample.line(run, 0)])
                _ = try await store.beginSending(run.id, limit: 1, at: now)
                try await store.recordOutcomes(run.id, [Sample.outcome(0, .accepted)])
                try await store.replaceAccounts(
                    run.partnerID,
                    [Account(partnerID: run.partnerID, id: "a0", name: "A", isMapped: nil, lastSeenAt: now)])
            }
            try await store.forgetAccounts(Sample.partner(1).id)
            #expect(try await store.lastCounts(Sample.partner(1).id).isEmpty)
            #expect(try await store.accounts(Sample.partner(1).id).isEmpty)
            #expect(try await store.lastCounts(Sample.partner(2).id).count == 1)
            #expect(try await store.accounts(Sample.partner(2).id).count == 1)
        }
    }
}
