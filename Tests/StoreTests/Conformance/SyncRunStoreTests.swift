import Foundation
import Store
import Testing

@Suite("Runs")
struct SyncRunStoreTests {
    let now = Sample.now
    let partner = Sample.partner()

    @Test("keep every purpose and trigger", arguments: StoreKind.all)
    func words(kind: StoreKind) async throws {
        try await withStore(kind) { store in
            try await store.createPartner(partner)
            for purpose in RunPurpose.allCases {
                for trigger in RunTrigger.allCases {
                    let run = SyncRun(
                        id: SyncRunID("\(purpose)-\(trigger)"), partnerID: partner.id, purpose: purpose, trigger: trigger,
                        startedBy: "Someone", createdAt: now)
                    #expect(try await store.insertRun(run) == .inserted(run))
                    #expect(try await store.run(run.id) == run)
                    _ = try await store.finish(run)
                }
            }
        }
    }

    @Test("of one partner are active one at a time, even when fifty are wished for at once", arguments: StoreKind.all)
    func oneActive(kind: StoreKind) async throws {
        try await withStore(kind) { store in
            try await store.createPartner(partner)
            let insertions = try await withThrowingTaskGroup(of: RunInsertion.self) { group in
                for number in 0..<50 { group.addTask { try await store.insertRun(Sample.run("run_\(number)")) } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            let inserted = insertions.filter { if case .inserted = $0 { true } else { false } }
            #expect(inserted.count == 1)
            #expect(Set(insertions.map(\.run)).count == 1)
            #expect(try await store.activeRun(partner.id) == inserted.first?.run)
            #expect(try await store.runs(partner.id, purposes: [.usage], before: nil, limit: 100).count == 1)
        }
    }

    @Test("may follow a finished one, and another partner's is no obstacle", arguments: StoreKind.all)
    func next(kind: StoreKind) async throws {
        try await withStore(kind) { store in
            let first = try await store.startedRun()
            try await store.createPartner(Sample.partner(2))
            let other = Sample.run("run_2", Sample.partner(2))
            #expect(try await store.insertRun(other) == .inserted(other))
            _ = try await store.finish(first)
            #expect(try await store.activeRun(partner.id) == nil)
            let next = Sample.run("run_3")
            #expect(try await store.insertRun(next) == .inserted(next))
        }
    }

    @Test("of an unknown partner, or with a used id, are refused", arguments: StoreKind.all)
    func refused(kind: StoreKind) async throws {
        try await withStore(kind) { store in
            await expectFailure(.notFound) { _ = try await store.insertRun(Sample.run("run_1")) }
            _ = try await store.startedRun()
            try await store.createPartner(Sample.partner(2))
            await expectFailure(.duplicate) { _ = try await store.insertRun(Sample.run("run_1", Sample.partner(2))) }
        }
    }

    @Test("that nobody made are nil or not found", arguments: StoreKind.all)
    func unknown(kind: StoreKind) async throws {
        try await withStore(kind) { store in
            let none = SyncRunID("none")
            let found = [
                try await store.run(none), try await store.activeRun(partner.id),
                try await store.heartbeat(none, owner: "me", leaseUntil: now),
            ]
            #expect(found == [nil, nil, nil])
            await expectFailure(.notFound) { try await store.updateRun(none) { _ in } }
            await expectFailure(.notFound) {
                try await store.finishRun(none, state: .failed, failure: nil, findings: RunFindings(), at: now)
            }
        }
    }

    @Test("are listed newest first, by purpose, page by page", arguments: StoreKind.all)
    func history(kind: StoreKind) async throws {
        try await withStore(kind) { store in
            try await store.createPartner(partner)
            // Two share an instant: the later insertion is the newer.
            let instants: [Double] = [10, 20, 20, 30, 5]
            for (number, seconds) in instants.enumerated() {
                let purpose: RunPurpose = number == 3 ? .connect : .usage
                let run = Sample.run("run_\(number)", partner, purpose, at: now + seconds)
                _ = try await store.insertRun(run)
                _ = try await store.finish(run)
            }
            func ids(_ purposes: Set<RunPurpose>, before: String? = nil, limit: Int = 10) async throws -> [String] {
                try await store.runs(partner.id, purposes: purposes, before: before.map { SyncRunID($0) }, limit: limit)
                    .map(\.id.rawValue)
            }
            #expect(try await ids(Set(RunPurpose.allCases)) == ["run_3", "run_2", "run_1", "run_0", "run_4"])
            #expect(try await ids([.usage], limit: 2) == ["run_2", "run_1"])
            #expect(try await ids([.usage], before: "run_2") == ["run_1", "run_0", "run_4"])
            #expect(try await ids([.usage], before: "run_3", limit: 1) == ["run_2"])
            #expect(try await ids([.usage], before: "run_4").isEmpty)
            #expect(try await ids([.usage], before: "none").isEmpty)
            #expect(try await ids([]).isEmpty)
            #expect(try await store.runs(Sample.partner(2).id, purposes: [.usage], before: nil, limit: 9).isEmpty)
        }
    }

    @Test("of another partner are not there, not even as a place to go on from", arguments: StoreKind.all)
    func foreign(kind: StoreKind) async throws {
        try await withStore(kind) { store in
            let other = Sample.partner(2)
            for (owner, id, seconds) in [(other, "older", 1.0), (partner, "mine", 2)] {
                try await store.createPartner(owner)
                let run = Sample.run(id, owner, .usage, at: now + seconds)
                _ = try await store.insertRun(run)
                _ = try await store.finish(run)
            }
            #expect(try await store.run(SyncRunID("mine"), of: partner.id)?.id == SyncRunID("mine"))
            for id in ["mine", "none"] {
                #expect(try await store.run(SyncRunID(id), of: other.id) == nil)
                #expect(try await store.runs(other.id, purposes: [.usage], before: SyncRunID(id), limit: 9).isEmpty)
            }
            #expect(try await store.runs(other.id, purposes: [.usage], before: nil, limit: 9).map(\.id.rawValue) == ["older"])
        }
    }

    @Test("are changed in everything but what they are, whose they are and what was counted", arguments: StoreKind.all)
    func update(kind: StoreKind) async throws {
        try await withStore(kind) { store in
            let run = try await store.startedRun()
            var expected = run
            expected.stage = .services
            expected.startedBy = "Operator"
            expected.cancelRequested = true
            expected.findings.accountsRead = 7
            expected.findings.statusBefore = "pending"
            expected.findings.mappingLost = true
            expected.failure = RunFailure(code: "c", message: "m")
            expected.interruptions = 2
            expected.interruptedAt = "usage:1"
            let wanted = expected
            let written = try await store.updateRun(run.id) { changed in
                changed = wanted
                changed.partnerID = PartnerID("other")
                changed.id = SyncRunID("other")
                changed.createdAt = .distantPast
                changed.tally.accepted = 99
            }
            #expect(written == expected)
            #expect(try await store.run(run.id) == expected)
        }
    }

    @Test("cannot be half finished, or running without a lease", arguments: StoreKind.all)
    func halfFinished(kind: StoreKind) async throws {
        try await withStore(kind) { store in
            let run = try await store.startedRun()
            let changes: [@Sendable (inout SyncRun) -> Void] = [
                { $0.state = .succeeded }, { $0.finishedAt = Sample.now }, { $0.leaseOwner = nil },
                { $0.leaseExpiresAt = nil }, { $0.state = .queued }, { $0.interruptions = 1 }, { $0.startedAt = nil },
            ]
            for change in changes {
                await expectFailure(.constraint) { try await store.updateRun(run.id, change) }
            }
            #expect(try await store.run(run.id) == run)
        }
    }

    @Test("cannot become active again beside another", arguments: StoreKind.all)
    func reactivate(kind: StoreKind) async throws {
        try await withStore(kind) { store in
            let held = try await store.startedRun("run_1")
            _ = try await store.finish(held, .held)
            _ = try await store.insertRun(Sample.run("run_2"))
            await expectFailure(.duplicate) {
                try await store.updateRun(held.id) {
                    $0.state = .queued
                    $0.finishedAt = nil
                }
            }
        }
    }
}

@Suite("Finishing a run")
struct FinishRunTests {
    let now = Sample.now

    @Test("takes every final state, and no other", arguments: StoreKind.all)
    func states(kind: StoreKind) async throws {
        try await withStore(kind) { store in
            for state in RunState.allCases {
                let run = try await store.startedRun("run_\(state)")
                if state.isActive {
                    await expectFailure(.constraint) { _ = try await store.finish(run, state) }
                    #expect(try await store.run(run.id) == run)
                    _ = try await store.finish(run)
                } else {
                    #expect(try await store.finish(run, state).state == state)
                }
            }
        }
    }

    @Test("writes why and what was found, drops the lease and counts the lines anew", arguments: StoreKind.all)
    func finish(kind: StoreKind) async throws {
        try await withStore(kind) { store in
            let run = try await store.startedRun()
            try await store.planLines(
                run.id, (0..<6).map { Sample.line(run, $0, state: $0 == 5 ? .excluded : .planned) })
            _ = try await store.beginSending(run.id, limit: 3, at: now)
            try await store.recordOutcomes(run.id, [Sample.outcome(0, .accepted), Sample.outcome(1, .notMapped)])

            var findings = RunFindings()
            findings.recordsDropped = 4
            let failure = RunFailure(code: "synthesize.keyRefused", message: "Paste a new key.")
            let ended = try await store.finishRun(
                run.id, state: .failed, failure: failure, findings: findings, at: now + 9)

            #expect(ended.state == .failed)
            #expect(ended.failure == failure)
            #expect(ended.findings == findings)
            #expect(ended.finishedAt == now + 9)
            #expect(ended.leaseOwner == nil)
            #expect(ended.leaseExpiresAt == nil)
            #expect(ended.stage == .usage)
            #expect(ended.tally.accepted == 1)
            #expect(ended.tally.notMapped == 1)
            #expect(ended.tally.notSent == 3)
            #expect(ended.tally.excluded == 1)
            #expect(ended.tally.open == 0)
            #expect(try await store.run(run.id) == ended)
            let states = try await store.lines(run.id, states: nil, after: nil, limit: 10).map(\.state)
            #expect(states == [.accepted, .notMapped, .notSent, .notSent, .notSent, .excluded])
        }
    }

    @Test("a second time changes nothing and returns the first end", arguments: StoreKind.all)
    func twice(kind: StoreKind) async throws {
        try await withStore(kind) { store in
            let run = try await store.startedRun()
            let first = try await store.finish(run, .succeeded, at: now + 1)
            let second = try await store.finish(run, .cancelled, at: now + 2)
            #expect(second == first)
            #expect(try await store.run(run.id) == first)
        }
    }
}
