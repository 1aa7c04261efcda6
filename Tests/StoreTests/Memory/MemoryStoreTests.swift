import Dispatch
import Foundation
import MemoryStore
import Store
import Synchronization
import Testing

@Suite("The store in memory")
struct MemoryStoreTests {
    let now = Sample.now

    @Test("leaves a snapshot that neither side changes for the other, and that is open when the store is closed")
    func snapshot() async throws {
        let memory = MemoryStore()
        let store: any Store = memory
        let run = try await store.startedRun()
        try await store.planLines(run.id, (0..<3).map { Sample.line(run, $0) })
        _ = try await store.beginSending(run.id, limit: 2, at: now)
        let crashed = memory.snapshot()
        let after: any Store = crashed

        try await store.recordOutcomes(run.id, [Sample.outcome(0, .accepted)])
        #expect(try await after.tally(run.id).accepted == 0)
        #expect(try await after.lastCounts(run.partnerID).isEmpty)

        #expect(try await after.claimRun(owner: "next", at: now, leaseUntil: now + 30)?.interruptions == 1)
        #expect(try await after.reopenLines(run.id) == 2)
        #expect(try await store.run(run.id)?.leaseOwner == "me")
        #expect(try await store.lines(run.id, states: [.sending], after: nil, limit: 9).count == 1)

        try await store.close()
        let reopened: any Store = memory.snapshot()
        #expect(try await reopened.tally(run.id).accepted == 1)
    }

    @Test("never suspends its caller, nor leaves the executor that the caller's task prefers")
    func executor() async throws {
        let executor = CountingExecutor()
        let jobs = try await Task(executorPreference: executor) {
            let store: any Store = MemoryStore()
            let before = executor.jobs
            let run = try await store.startedRun()
            try await store.planLines(run.id, (0..<3).map { Sample.line(run, $0) })
            _ = try await store.beginSending(run.id, limit: 2, at: now)
            try await store.recordOutcomes(run.id, [Sample.outcome(0, .accepted)])
            _ = try await store.finish(run)
            return executor.jobs - before
        }.value
        #expect(jobs == 0, "a suspension would have come back as a job")
    }
}

/// Runs one job at a time and counts them.
private final class CountingExecutor: TaskExecutor {
    private let queue = DispatchQueue(label: "counting")
    private let enqueued = Mutex(0)

    var jobs: Int { enqueued.withLock { $0 } }

    func enqueue(_ job: consuming ExecutorJob) {
        enqueued.withLock { $0 += 1 }
        let job = UnownedJob(job)
        queue.async { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}
