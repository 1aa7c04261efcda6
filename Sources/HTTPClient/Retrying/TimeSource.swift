import Foundation

/// The clock, passed in wherever time matters, so that a simulation can turn it.
public struct TimeSource: Sendable {
    /// Wall-clock time: what people read and what is stored.
    public let now: @Sendable () -> Date
    /// Time since an arbitrary start that never goes backwards: what pacing and time-outs use.
    public let elapsed: @Sendable () -> Duration
    private let sleeper: @Sendable (Duration) async throws -> Void

    public init(
        now: @escaping @Sendable () -> Date,
        elapsed: @escaping @Sendable () -> Duration,
        sleep: @escaping @Sendable (Duration) async throws -> Void
    ) {
        self.now = now
        self.elapsed = elapsed
        self.sleeper = sleep
    }

    /// Waits; ends early by throwing `CancellationError` when the task is cancelled.
    public func sleep(_ duration: Duration) async throws(CancellationError) {
        do {
            try await sleeper(duration)
        } catch {
            throw CancellationError()
        }
    }

    /// The machine's clocks. The one place that reads them.
    public static let live: TimeSource = {
        let start = ContinuousClock.now
        return TimeSource(
            now: { Date() },
            elapsed: { ContinuousClock.now - start },
            sleep: { try await Task.sleep(for: $0, clock: .continuous) }
        )
    }()
}

extension Duration {
    /// In seconds, for arithmetic with `Date`.
    public var seconds: Double {
        let (seconds, attoseconds) = components
        return Double(seconds) + Double(attoseconds) * 1e-18
    }
}
