import Foundation
import HTTPClient
import Synchronization

/// The real clock, which a scenario can turn forward: whoever sleeps past the new time wakes at once.
final class TurnableClock: Sendable {
    private struct State {
        var turned = Duration.zero
        var sleepers: [AsyncStream<Void>.Continuation] = []
    }

    private let state = Mutex(State())
    private let start = ContinuousClock.now

    var source: TimeSource {
        TimeSource(
            now: { [self] in Date().addingTimeInterval(turned.seconds) },
            elapsed: { [self] in elapsed },
            sleep: { [self] in try await sleep($0) })
    }

    func turn(forward duration: Duration) {
        let sleepers = state.withLock { state in
            state.turned += duration
            defer { state.sleepers = [] }
            return state.sleepers
        }
        for sleeper in sleepers { sleeper.finish() }
    }

    private var turned: Duration { state.withLock { $0.turned } }
    private var elapsed: Duration { ContinuousClock.now - start + turned }

    private func sleep(_ duration: Duration) async throws {
        let due = elapsed + duration
        while elapsed < due {
            let (stream, continuation) = AsyncStream.makeStream(of: Void.self)
            let left = state.withLock { state in
                state.sleepers.append(continuation)
                return due - (ContinuousClock.now - start + state.turned)
            }
            try await withThrowingTaskGroup { group in
                group.addTask { try await Task.sleep(for: left) }
                group.addTask { for await _ in stream {} }
                try await group.next()
                group.cancelAll()
            }
            continuation.finish()
            try Task.checkCancellation()
        }
    }
}
