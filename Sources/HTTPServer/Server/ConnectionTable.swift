import Dispatch
import Synchronization

/// The open connections of one server.
final class ConnectionTable: Sendable {
    private struct State {
        var connections: [Int: Connection] = [:]
        var nextID = 0
        var isStopping = false
        var waiters: [Int: CheckedContinuation<Bool, Never>] = [:]
    }

    private let state = Mutex(State())

    func add(_ connection: Connection) -> Int {
        let (id, isStopping) = state.withLock { state in
            state.nextID += 1
            state.connections[state.nextID] = connection
            return (state.nextID, state.isStopping)
        }
        if isStopping { connection.stop() }
        return id
    }

    /// Whether the table had been filled up to `limit`.
    func remove(_ id: Int, limit: Int) -> Bool {
        let (wasFull, waiters) = state.withLock { state -> (Bool, [Int: CheckedContinuation<Bool, Never>]) in
            let wasFull = state.connections.count >= limit
            state.connections[id] = nil
            guard state.connections.isEmpty else { return (wasFull, [:]) }
            defer { state.waiters = [:] }
            return (wasFull, state.waiters)
        }
        for waiter in waiters.values { waiter.resume(returning: true) }
        return wasFull
    }

    private var all: [Connection] { state.withLock { Array($0.connections.values) } }

    func hasRoom(limit: Int) -> Bool { state.withLock { $0.connections.count < limit } }

    /// Closes the connection that has waited longest between requests, if one does: browsers holding connections open
    /// must not keep newcomers out.
    func closeLongestKept() {
        let kept = all.compactMap { connection in connection.socket.keptSince.map { (connection, $0) } }
        kept.min { $0.1 < $1.1 }?.0.socket.interrupt()
    }

    func expire(_ now: ContinuousClock.Instant) {
        for connection in all { connection.socket.expire(now) }
    }

    func stopAll() {
        state.withLock { $0.isStopping = true }
        for connection in all { connection.stop() }
    }

    /// Returns how many connections there were.
    func abortAll() -> Int {
        let connections = all
        for connection in connections { connection.socket.abort() }
        return connections.count
    }

    /// False when the time ran out first.
    func waitUntilEmpty(within limit: Duration, queue: DispatchQueue) async -> Bool {
        await withCheckedContinuation { continuation in
            let id: Int? = state.withLock { state in
                guard !state.connections.isEmpty else { return nil }
                state.nextID += 1
                state.waiters[state.nextID] = continuation
                return state.nextID
            }
            guard let id else { return continuation.resume(returning: true) }
            queue.asyncAfter(deadline: .now() + limit.dispatched) { [self] in
                state.withLock { $0.waiters.removeValue(forKey: id) }?.resume(returning: false)
            }
        }
    }
}
