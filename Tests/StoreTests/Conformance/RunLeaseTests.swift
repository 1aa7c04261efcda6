import Foundation
import Store
import Testing

@Suite("Claiming and leasing runs")
struct RunLeaseTests {
    let now = Sample.now

    @Test("takes the oldest queued run, starts it and leases it", arguments: StoreKind.all)
    func oldestFirst(kind: StoreKind) async throws {
        try await withStore(kind) { store in
            for (number, seconds) in [(1, 3.0), (2, 1.0), (3, 2.0)] {
                try await store.createPartner(Sample.partner(number))
                _ = try await store.insertRun(Sample.run("run_\(number)", Sample.partner(number), at: now + seconds))
            }
            var claimed: [SyncRun] = []
            while let run = try await store.claimRun(owner: "me", at: now + 10, leaseUntil: now + 40) { claimed.append(run) }
            #expect(claimed.map(\.id.rawValue) == ["run_2", "run_3", "run_1"])
            for run in claimed {
                #expect(run.state == .running)
                #expect(run.startedAt == now + 10)
                #expect(run.leaseOwner == "me")
                #expect(run.leaseExpiresAt == now + 40)
                #expect(run.interruptions == 0)
                #expect(run.interruptedAt == nil)
                #expect(try await store.run(run.id) == run)
            }
        }
    }

    @Test("gives each run to one worker when many ask at once", arguments: StoreKind.all)
    func concurrentClaims(kind: StoreKind) async throws {
        try await withStore(kind) { store in
            for number in 0..<10 {
                try await store.createPartner(Sample.partner(number))
                _ = try await store.insertRun(Sample.run("run_\(number)", Sample.partner(number)))
            }
            let now = now
            let claims = try await withThrowingTaskGroup(of: SyncRun?.self) { group in
                for _ in 0..<30 {
                    group.addTask { try await store.claimRun(owner: "me", at: now, leaseUntil: now + 30) }
                }
                return try await group.reduce(into: [SyncRunID]()) { if let run = $1 { $0.append(run.id) } }
            }
            #expect(claims.count == 10)
            #expect(Set(claims).count == 10)
        }
    }

    @Test("leaves its own run alone until the lease is over", arguments: StoreKind.all)
    func ownLease(kind: StoreKind) async throws {
        try await withStore(kind) { store in
            let run = try await store.startedRun()
            let end = try #require(run.leaseExpiresAt)
            #expect(try await store.claimRun(owner: "me", at: end - 0.001, leaseUntil: end + 30) == nil)
            let again = try await store.claimRun(owner: "me", at: end, leaseUntil: end + 30)
            #expect(again?.id == run.id)
            #expect(again?.interruptions == 1)
        }
    }

    @Test("takes over a dead process's run at once, and keeps when it started", arguments: StoreKind.all)
    func orphan(kind: StoreKind) async throws {
        try await withStore(kind) { store in
            let run = try await store.startedRun(owner: "dead")
            let claimed = try await store.claimRun(owner: "me", at: now + 1, leaseUntil: now + 31)
            #expect(claimed?.id == run.id)
            #expect(claimed?.startedAt == run.startedAt)
            #expect(claimed?.leaseOwner == "me")
            #expect(claimed?.interruptions == 1)
            #expect(claimed?.interruptedAt == "verify:0")
        }
    }

    @Test("counts deaths in the same place, and starts again where the run got further", arguments: StoreKind.all)
    func interruptions(kind: StoreKind) async throws {
        try await withStore(kind) { store in
            let run = try await store.startedRun(owner: "process 0")
            var process = 0
            func dieAndClaim() async throws -> (Int?, String?) {
                process += 1
                let claimed = try await store.claimRun(owner: "process \(process)", at: now, leaseUntil: now + 30)
                return (claimed?.interruptions, claimed?.interruptedAt)
            }
            #expect(try await dieAndClaim() == (1, "verify:0"))
            #expect(try await dieAndClaim() == (2, "verify:0"))

            try await store.planLines(run.id, (0..<4).map { Sample.line(run, $0) })
            #expect(try await dieAndClaim() == (1, "usage:0"))

            _ = try await store.beginSending(run.id, limit: 2, at: now)
            #expect(try await dieAndClaim() == (2, "usage:0"), "an intent is not progress")

            try await store.recordOutcomes(run.id, [Sample.outcome(0, .accepted), Sample.outcome(1, .rejected)])
            #expect(try await dieAndClaim() == (1, "usage:2"))
            #expect(try await dieAndClaim() == (2, "usage:2"))
            #expect(try await dieAndClaim() == (3, "usage:2"))
        }
    }

    @Test("takes accounts made or renamed for progress", arguments: StoreKind.all)
    func accountsAreProgress(kind: StoreKind) async throws {
        try await withStore(kind) { store in
            let run = try await store.startedRun(owner: "first")
            try await store.updateRun(run.id) { ($0.stage, $0.findings.accountsCreated) = (.accounts, 100) }
            let second = try await store.claimRun(owner: "second", at: now, leaseUntil: now + 30)
            #expect((second?.interruptions, second?.interruptedAt) == (1, "accounts:100"))
            try await store.updateRun(run.id) { $0.findings.accountsUpdated = 7 }
            let third = try await store.claimRun(owner: "third", at: now, leaseUntil: now + 30)
            #expect((third?.interruptions, third?.interruptedAt) == (1, "accounts:107"))
            let fourth = try await store.claimRun(owner: "fourth", at: now, leaseUntil: now + 30)
            #expect((fourth?.interruptions, fourth?.interruptedAt) == (2, "accounts:107"))
        }
    }

    @Test("does not count a run that was given back", arguments: StoreKind.all)
    func givenBack(kind: StoreKind) async throws {
        try await withStore(kind) { store in
            let run = try await store.startedRun(owner: "before")
            try await store.updateRun(run.id) {
                $0.state = .queued
                $0.leaseOwner = nil
                $0.leaseExpiresAt = nil
            }
            let claimed = try await store.claimRun(owner: "after", at: now + 5, leaseUntil: now + 35)
            #expect(claimed?.interruptions == 0)
            #expect(claimed?.startedAt == run.startedAt)
        }
    }

    @Test("finds nothing where all runs are over", arguments: StoreKind.all)
    func nothing(kind: StoreKind) async throws {
        try await withStore(kind) { store in
            #expect(try await store.claimRun(owner: "me", at: now, leaseUntil: now) == nil)
            _ = try await store.finish(try await store.startedRun(owner: "dead"))
            #expect(try await store.claimRun(owner: "me", at: now, leaseUntil: now) == nil)
        }
    }

    @Test("is lengthened by a heartbeat, which brings the wish to cancel", arguments: StoreKind.all)
    func heartbeat(kind: StoreKind) async throws {
        try await withStore(kind) { store in
            let run = try await store.startedRun()
            let first = try await store.heartbeat(run.id, owner: "me", leaseUntil: now + 60)
            #expect(first?.leaseExpiresAt == now + 60)
            #expect(first?.cancelRequested == false)
            try await store.updateRun(run.id) { $0.cancelRequested = true }
            let second = try await store.heartbeat(run.id, owner: "me", leaseUntil: now + 90)
            #expect(second?.cancelRequested == true)
            #expect(try await store.run(run.id) == second)
        }
    }

    @Test("is lost to another owner, and with the end of the run", arguments: StoreKind.all)
    func lost(kind: StoreKind) async throws {
        try await withStore(kind) { store in
            let run = try await store.startedRun(owner: "slow")
            _ = try await store.claimRun(owner: "fast", at: now, leaseUntil: now + 30)
            #expect(try await store.heartbeat(run.id, owner: "slow", leaseUntil: now + 99) == nil)
            #expect(try await store.run(run.id)?.leaseExpiresAt == now + 30)
            _ = try await store.finish(run)
            #expect(try await store.heartbeat(run.id, owner: "fast", leaseUntil: now + 99) == nil)
        }
    }
}
