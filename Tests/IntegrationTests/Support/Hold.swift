import HTTPClient
import Synchronization

/// Keeps calls waiting until the test lets them go.
final class Hold: Sendable {
    private struct State {
        var isOpen = false
        var arrived = 0
        var waiting: [Int: CheckedContinuation<Bool, Never>] = [:]
        var watchers: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []
    }

    private let state = Mutex(State())

    /// Returns when released.
    /// - Throws: `cancelled`, with an unknown fate, when the calling task is cancelled first.
    func arrive() async throws(HTTPClientError) {
        let (number, watchers) = state.withLock { state in
            state.arrived += 1
            let watchers = state.watchers.filter { $0.count <= state.arrived }.map(\.continuation)
            state.watchers.removeAll { $0.count <= state.arrived }
            return (state.arrived, watchers)
        }
        for watcher in watchers { watcher.resume() }
        let isReleased = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let result = state.withLock { state -> Bool? in
                    if state.isOpen { return true }
                    if Task.isCancelled { return false }
                    state.waiting[number] = continuation
                    return nil
                }
                if let result { continuation.resume(returning: result) }
            }
        } onCancel: {
            state.withLock { $0.waiting.removeValue(forKey: number) }?.resume(returning: false)
        }
        guard isReleased else {
            throw HTTPClientError(code: .cancelled, delivery: .unknown, message: "The request was cancelled.")
        }
    }

    var hasArrived: Bool { state.withLock { $0.arrived > 0 } }
    var isReleased: Bool { state.withLock { $0.isOpen } }

    /// Returns when so many have arrived since the beginning.
    func untilArrived(_ count: Int = 1) async {
        await withCheckedContinuation { continuation in
            let isReached = state.withLock { state in
                if state.arrived < count { state.watchers.append((count, continuation)) }
                return state.arrived >= count
            }
            if isReached { continuation.resume() }
        }
    }

    /// Lets go all who wait and all who will come.
    func release() {
        let waiting = state.withLock { state in
            state.isOpen = true
            defer { state.waiting = [:] }
            return state.waiting.values
        }
        for continuation in waiting { continuation.resume(returning: true) }
    }
}
