import Synchronization

/// Counts who is inside, and lets all in wait for each other.
final class Crowd: Sendable {
    private struct State {
        var inside = 0
        var entered = 0
        var most = 0
        var waiting: [(entered: Int, continuation: CheckedContinuation<Void, Never>)] = []
    }

    private let state = Mutex(State())

    var most: Int { state.withLock { $0.most } }

    func enter(waitingFor count: Int) async {
        let ready = state.withLock { state in
            state.inside += 1
            state.entered += 1
            state.most = max(state.most, state.inside)
            let ready = state.waiting.filter { $0.entered <= state.entered }
            state.waiting.removeAll { $0.entered <= state.entered }
            return ready
        }
        for waiter in ready { waiter.continuation.resume() }
        await reached(count)
    }

    func leave() { state.withLock { $0.inside -= 1 } }

    /// Returns when so many have entered since the beginning.
    func reached(_ count: Int) async {
        await withCheckedContinuation { continuation in
            let isReached = state.withLock { state in
                if state.entered < count { state.waiting.append((count, continuation)) }
                return state.entered >= count
            }
            if isReached { continuation.resume() }
        }
    }
}

/// Returns when the calling task is cancelled.
func untilCancelled() async {
    let (stream, continuation) = AsyncStream.makeStream(of: Void.self)
    await withTaskCancellationHandler {
        for await _ in stream {}
    } onCancel: {
        continuation.finish()
    }
}
