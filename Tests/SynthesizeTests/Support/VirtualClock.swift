import Foundation
import HTTPClient
import Synchronization

/// A clock that a test turns. Short sleeps pass at once, the clock going on by as much; longer ones wait for `advance`.
final class VirtualClock: Sendable {
    private struct Sleeper {
        var deadline: Duration
        var continuation: CheckedContinuation<Void, any Error>
    }

    private struct State {
        var passesAlone: Duration
        var elapsed = Duration.zero
        var sleepers: [Int: Sleeper] = [:]
        var lastSleeper = 0
        var sleeps: [Duration] = []
        var watchers: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []

        /// Takes out the continuations that are due, the earliest first.
        mutating func takeDue() -> [CheckedContinuation<Void, any Error>] {
            let due = sleepers.filter { $0.value.deadline <= elapsed }.sorted { $0.value.deadline < $1.value.deadline }
            for (id, _) in due { sleepers[id] = nil }
            return due.map(\.value.continuation)
        }

        /// Takes out those who wait for as many sleepers as there are.
        mutating func takeWatchers() -> [CheckedContinuation<Void, Never>] {
            let ready = watchers.filter { $0.count <= sleepers.count }.map(\.continuation)
            watchers.removeAll { $0.count <= sleepers.count }
            return ready
        }
    }

    private let start: Date
    private let state: Mutex<State>

    /// - Parameter passesAlone: sleeps up to this long need no `advance`.
    init(start: Date = Date(timeIntervalSince1970: 1_800_000_000), passesAlone: Duration = .seconds(1_000_000)) {
        self.start = start
        state = Mutex(State(passesAlone: passesAlone))
    }

    var elapsed: Duration { state.withLock { $0.elapsed } }
    var now: Date { start.addingTimeInterval(elapsed.seconds) }
    /// Every sleep that was asked for, in order.
    var sleeps: [Duration] { state.withLock { $0.sleeps } }

    var source: TimeSource {
        TimeSource(now: { self.now }, elapsed: { self.elapsed }, sleep: { try await self.sleep($0) })
    }

    /// Moves the clock on and wakes whoever has slept long enough.
    func advance(by duration: Duration) {
        let due = state.withLock { state in
            state.elapsed += duration
            return state.takeDue()
        }
        for sleeper in due { sleeper.resume() }
    }

    /// Wakes all who sleep, and from now on every sleep passes at once: for the end of a test.
    func letPass() {
        let sleepers = state.withLock { state in
            state.passesAlone = .seconds(1_000_000_000)
            defer { state.sleepers = [:] }
            return state.sleepers.values.map(\.continuation)
        }
        for sleeper in sleepers { sleeper.resume() }
    }

    /// Returns when at least this many sleepers wait for `advance`.
    func untilSleeping(_ count: Int = 1) async {
        await withCheckedContinuation { continuation in
            let watchers = state.withLock { state in
                state.watchers.append((count, continuation))
                return state.takeWatchers()
            }
            for watcher in watchers { watcher.resume() }
        }
    }

    private func sleep(_ duration: Duration) async throws {
        try Task.checkCancellation()
        let due = state.withLock { state -> [CheckedContinuation<Void, any Error>]? in
            guard duration <= state.passesAlone else { return nil }
            state.sleeps.append(duration)
            state.elapsed += max(.zero, duration)
            return state.takeDue()
        }
        if let due {
            for sleeper in due { sleeper.resume() }
            await Task.yield()
            return try Task.checkCancellation()
        }
        let id = state.withLock { state in
            state.lastSleeper += 1
            return state.lastSleeper
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
                let watchers = state.withLock { state -> [CheckedContinuation<Void, Never>]? in
                    if Task.isCancelled { return nil }
                    state.sleeps.append(duration)
                    state.sleepers[id] = Sleeper(deadline: state.elapsed + duration, continuation: continuation)
                    return state.takeWatchers()
                }
                guard let watchers else { return continuation.resume(throwing: CancellationError()) }
                for watcher in watchers { watcher.resume() }
            }
        } onCancel: {
            let sleeper = state.withLock { $0.sleepers.removeValue(forKey: id) }
            sleeper?.continuation.resume(throwing: CancellationError())
        }
    }
}
