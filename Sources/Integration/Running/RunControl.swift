import Synchronization

/// How a run that is under way is told to stop.
final class RunControl: Sendable {
    enum Stop: Sendable, Hashable {
        case cancelled
        /// The process ends; another one goes on with the run.
        case shutDown
        case deadline
        /// Another process took the run over.
        case leaseLost
    }

    private let state = Mutex<Stop?>(nil)
    private let stopped = Bell()
    /// Rings when the run has the place that it waits for, and when a stop is requested.
    let placeBell = Bell()

    /// Why to stop; nil while the run may go on.
    var stop: Stop? { state.withLock { $0 } }

    /// The first reason counts.
    func request(_ stop: Stop) {
        state.withLock { $0 = $0 ?? stop }
        Task {
            await stopped.ring()
            await placeBell.ring()
        }
    }

    /// The bell that rings when a stop is requested.
    var bell: Bell { stopped }
}
