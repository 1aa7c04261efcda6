import HTTPClient
import Logging
import Store

/// Once a day, takes lines of old runs out of the ledger, in steps so small that whoever else writes hardly waits.
struct LineRetention: Sendable {
    /// What became of one step.
    enum Step: Sendable, Hashable {
        case removed(Int)
        case storeFailed
    }

    /// Lines removed in one transaction.
    static let stepLines = 500
    private static let interval = Duration.seconds(86_400)
    /// After the store failed.
    private static let retryInterval = Duration.seconds(3600)

    let environment: IntegrationEnvironment

    func work() async {
        guard let retention = environment.policy.lineRetention else { return }
        let time = environment.time
        var (removed, longest) = (0, Duration.zero)
        while !Task.isCancelled {
            let begun = time.elapsed()
            let step = await remove(endedBefore: retention, isFirst: removed == 0)
            if case .removed(let lines) = step { removed += lines }
            let took = time.elapsed() - begun
            longest = max(longest, took)
            let pause = Self.pause(after: step, took: took)
            if pause >= Self.retryInterval, removed > 0 {
                environment.logger.info(
                    "lines of old runs removed",
                    metadata: ["lines": "\(removed)", "longestStepMilliseconds": "\(Int(longest.seconds * 1000))"])
                (removed, longest) = (0, .zero)
            }
            do {
                try await time.sleep(pause)
            } catch {
                return
            }
        }
    }

    /// Between steps the writer is free for at least as long as the step had it, so that what waits gets its turn and the steps
    /// take at most half of the disk.
    static func pause(after step: Step, took: Duration) -> Duration {
        switch step {
        case .removed(let lines) where lines >= stepLines: max(took, .milliseconds(5))
        case .removed: interval
        case .storeFailed: retryInterval
        }
    }

    /// The first step that removes something stands in the audit trail for all of that day: an entry for each would bury the rest.
    private func remove(endedBefore retention: Duration, isFirst: Bool) async -> Step {
        let now = environment.time.now()
        let end = now.addingTimeInterval(-retention.seconds)
        func removeLines() async throws(StoreError) -> Int {
            try await environment.store.removeLines(endedBefore: end, limit: Self.stepLines, at: now)
        }
        do throws(StoreError) {
            guard isFirst else { return .removed(try await removeLines()) }
            return .removed(
                try await environment.auditedAsOwn(
                    "ledger.removeLines", nil, "Lines of runs that ended before \(end.formatted(.iso8601)) leave the ledger.", removeLines))
        } catch {
            environment.logger.error("lines of old runs could not be removed", metadata: ["error": "\(error)"])
            return .storeFailed
        }
    }
}
