import Foundation
import HTTPClient

/// The clocks of the world: one that never jumps, and the one on the wall, which people and time servers set.
///
/// Unchecked: as `Engine`.
final class SimulatedTime: @unchecked Sendable {
    static let start = Date(timeIntervalSince1970: 1_798_761_600)  // 2027-01-01 00:00 UTC

    private let engine: Engine
    /// How wrong the wall clock is.
    var error = Duration.zero

    init(_ engine: Engine) { self.engine = engine }

    var now: Date { Self.start.addingTimeInterval((engine.elapsed + error).seconds) }

    /// The clocks as one process sees them; its sleeps die with it.
    func source(ofProcess process: Int) -> TimeSource {
        TimeSource(
            now: { self.now }, elapsed: { self.engine.elapsed },
            sleep: { try await self.sleep($0, process) })
    }

    private func sleep(_ duration: Duration, _ process: Int) async throws {
        let sleeper = Sleeper()
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
                if Task.isCancelled { return continuation.resume(throwing: CancellationError()) }
                sleeper.continuation = continuation
                sleeper.event = engine.after(duration, .process(process)) { sleeper.continuation.take()?.resume() }
            }
        } onCancel: {
            guard let continuation = sleeper.continuation.take() else { return }
            if let event = sleeper.event { engine.cancel(event) }
            continuation.resume(throwing: CancellationError())
        }
    }

    /// Unchecked: as `Engine`.
    private final class Sleeper: @unchecked Sendable {
        var continuation: CheckedContinuation<Void, any Error>?
        var event: Engine.EventID?
    }
}
