import Glibc
import Synchronization

/// One accepted connection's descriptor: reading with a bounded inbox, writing with back-pressure, deadlines.
///
/// The event loop reads whatever arrives into the inbox, so that the peer's going is noticed while a handler runs; a full
/// inbox is refilled when it has been taken. Every system call on the descriptor is made under the lock and only before
/// `close`, so a number that the system has given to someone else is never touched.
final class Socket: Sendable {
    enum Arrival: Sendable {
        case bytes([UInt8])
        /// The peer has sent its last byte; it may still read.
        case ended
        /// The connection broke, or was aborted.
        case lost
        case timedOut
        /// `interrupt` was called and nothing had arrived. Only in an idle wait.
        case interrupted
        case cancelled
    }

    enum SendFailure: Error { case lost, timedOut, cancelled }

    /// A wait for a request to begin.
    struct Idling: Sendable {
        var since: Instant
        /// After a request on the same connection. Clients know that such a connection may be closed on them at any
        /// time (RFC 9112 section 9.5); a new one they expect to be served.
        var isBetweenRequests: Bool
    }

    typealias Instant = ContinuousClock.Instant

    static let inboxLimit = 64 * 1024
    private static let readSize = 16 * 1024
    /// A slow reader gets a fresh deadline for each such piece.
    static let writeDeadlineUnit = 64 * 1024

    let peer: SocketAddress
    private let descriptor: Int32
    private let loop: EventLoop
    private let state = Mutex(State())

    private enum Wake { case ready, timedOut, cancelled }

    private struct Waiter {
        var continuation: CheckedContinuation<Wake, Never>
        var deadline: Instant
        var idling: Idling?
    }

    private struct State {
        var token: UInt64?
        var inbox: [UInt8] = []
        /// The system may hold more than the inbox took.
        var mayHaveMore = false
        /// An end was announced: read up to it, however little each read brings.
        var endIsNear = false
        var hasEnded = false
        var isLost = false
        var isClosed = false
        var isInterrupted = false
        var isWritable = true
        var reader: Waiter?
        var writer: Waiter?
        var onLoss: (@Sendable () -> Void)?
        var onEnd: (@Sendable () -> Void)?

        var hasNews: Bool { !inbox.isEmpty || hasEnded || isLost || isClosed }
    }

    /// What to do once the lock is released: resuming or calling out under it could come back and deadlock.
    private struct Effects {
        var reader: (CheckedContinuation<Wake, Never>, Wake)?
        var writer: (CheckedContinuation<Wake, Never>, Wake)?
        var onLoss: (@Sendable () -> Void)?
        var onEnd: (@Sendable () -> Void)?

        func run() {
            onLoss?()
            onEnd?()
            if let (continuation, wake) = reader { continuation.resume(returning: wake) }
            if let (continuation, wake) = writer { continuation.resume(returning: wake) }
        }
    }

    /// Takes over `descriptor`, which must not block.
    init(descriptor: Int32, peer: SocketAddress, loop: EventLoop) {
        self.descriptor = descriptor
        self.peer = peer
        self.loop = loop
    }

    /// Begins to read. A socket that the system cannot watch is lost from the start.
    func start() {
        mutate { state, effects in
            state.token = loop.add(descriptor) { [self] events in handle(events) }
            if state.token == nil { lose(&state, &effects) }
        }
    }

    private func handle(_ events: EventLoop.Events) {
        mutate { state, effects in
            if !events.isDisjoint(with: .ended) { state.endIsNear = true }
            if !events.isDisjoint(with: [.readable, .ended]) { fill(&state, &effects) }
            if !events.isDisjoint(with: [.writable, .ended]) {
                state.isWritable = true
                wakeWriter(&state, &effects, .ready)
            }
        }
    }

    // MARK: Reading

    /// What arrived, waiting for it until `deadline`.
    /// - Parameter idling: makes it an idle wait, which `interrupt` may end.
    func receive(until deadline: Instant, idling: Idling? = nil) async -> Arrival {
        while true {
            if let arrival = takeArrival(isIdle: idling != nil) { return arrival }
            switch await waitToRead(until: deadline, idling: idling) {
            case .ready: continue
            case .timedOut: return takeArrival(isIdle: idling != nil) ?? .timedOut
            case .cancelled: return .cancelled
            }
        }
    }

    var hasUnread: Bool { state.withLock { !$0.inbox.isEmpty } }

    private func takeArrival(isIdle: Bool) -> Arrival? {
        var arrival: Arrival?
        mutate { state, effects in
            // Before an interruption counts: a request that the system holds was sent in good faith and gets its answer.
            if state.mayHaveMore || isIdle && state.isInterrupted { fill(&state, &effects) }
            if !state.inbox.isEmpty {
                arrival = .bytes(state.inbox)
                state.inbox = []
            } else if state.isLost || state.isClosed {
                arrival = .lost
            } else if state.hasEnded {
                arrival = .ended
            } else if isIdle, state.isInterrupted {
                arrival = .interrupted
            }
        }
        return arrival
    }

    private func waitToRead(until deadline: Instant, idling: Idling?) async -> Wake {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let immediate: Wake? = state.withLock { state in
                    if Task.isCancelled || state.reader != nil { return .cancelled }
                    if state.hasNews || idling != nil && state.isInterrupted { return .ready }
                    state.reader = Waiter(continuation: continuation, deadline: deadline, idling: idling)
                    return nil
                }
                if let immediate { continuation.resume(returning: immediate) }
            }
        } onCancel: {
            mutate { wakeReader(&$0, &$1, .cancelled) }
        }
    }

    /// Reads what the system holds, up to the inbox's limit.
    private func fill(_ state: inout State, _ effects: inout Effects) {
        while !state.isClosed, !state.isLost, !state.hasEnded {
            state.mayHaveMore = state.inbox.count >= Self.inboxLimit
            if state.mayHaveMore { break }
            let count = withUnsafeTemporaryAllocation(byteCount: Self.readSize, alignment: 1) { buffer in
                let count = recv(descriptor, buffer.baseAddress, Self.readSize, 0)
                if count > 0 { state.inbox += buffer[..<count] }
                return count
            }
            if count > 0 {
                // A short read took everything; what comes later is news again.
                if count == Self.readSize || state.endIsNear { continue }
            } else if count == 0 {
                state.hasEnded = true
                effects.onEnd = state.onEnd.take()
            } else if errno == EINTR {
                continue
            } else if errno != EAGAIN {
                lose(&state, &effects)
            }
            break
        }
        if state.hasNews { wakeReader(&state, &effects, .ready) }
    }

    // MARK: Writing

    /// Hands `bytes` to the system, waiting while its buffer is full.
    /// - Parameter timeout: how long the peer may take for each `writeDeadlineUnit`.
    func send(_ bytes: [UInt8], timeout: Duration) async throws(SendFailure) {
        var offset = 0
        var deadline: Instant?
        var unitStart = 0
        while offset < bytes.count {
            let (count, failure) = state.withLock { state -> (Int, Int32) in
                guard !state.isClosed, !state.isLost else { return (-1, EPIPE) }
                return bytes[offset...].withUnsafeBytes {
                    // MSG_NOSIGNAL: a write to a closed connection must not end the process with SIGPIPE.
                    let count = Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
                    let failure = errno
                    if count < 0, failure == EAGAIN { state.isWritable = false }
                    return (count, failure)
                }
            }
            if count >= 0 {
                offset += count
                continue
            }
            if failure == EINTR { continue }
            guard failure == EAGAIN else {
                mutate { lose(&$0, &$1) }
                throw .lost
            }
            if deadline == nil || offset - unitStart >= Self.writeDeadlineUnit {
                deadline = .now + timeout
                unitStart = offset
            }
            switch await waitToWrite(until: deadline ?? .now) {
            case .ready: continue
            case .timedOut: throw .timedOut
            case .cancelled: throw .cancelled
            }
        }
    }

    private func waitToWrite(until deadline: Instant) async -> Wake {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let immediate: Wake? = state.withLock { state in
                    if Task.isCancelled || state.writer != nil { return .cancelled }
                    if state.isWritable || state.isLost || state.isClosed { return .ready }
                    state.writer = Waiter(continuation: continuation, deadline: deadline)
                    return nil
                }
                if let immediate { continuation.resume(returning: immediate) }
            }
        } onCancel: {
            mutate { wakeWriter(&$0, &$1, .cancelled) }
        }
    }

    // MARK: Ending

    /// Tells the peer that nothing more will come (RFC 9112 section 9.6).
    func finishSending() {
        state.withLock { state in
            if !state.isClosed { _ = shutdown(descriptor, Int32(SHUT_WR)) }
        }
    }

    /// `action` runs once when the connection breaks, at once if it has.
    func whenLost(_ action: @escaping @Sendable () -> Void) {
        mutate { state, effects in
            if state.isLost { effects.onLoss = action } else { state.onLoss = action }
        }
    }

    /// `action` runs once when the peer has ended or broken the connection, at once if it has; nil forgets it.
    func whenEnded(_ action: (@Sendable () -> Void)?) {
        mutate { state, effects in
            if state.isLost || state.hasEnded { effects.onEnd = action } else { state.onEnd = action }
        }
    }

    /// Ends an idle wait now and every later one.
    func interrupt() {
        mutate { state, effects in
            state.isInterrupted = true
            if state.reader?.idling != nil { wakeReader(&state, &effects, .ready) }
        }
    }

    /// Since when the connection has been waiting between two requests; nil when it is not.
    var keptSince: Instant? {
        state.withLock { $0.reader?.idling.flatMap { $0.isBetweenRequests ? $0.since : nil } }
    }

    /// Wakes the waits whose deadline has passed.
    func expire(_ now: Instant) {
        mutate { state, effects in
            if let reader = state.reader, reader.deadline <= now { wakeReader(&state, &effects, .timedOut) }
            if let writer = state.writer, writer.deadline <= now { wakeWriter(&state, &effects, .timedOut) }
        }
    }

    /// Breaks the connection; `close` must still follow.
    func abort() {
        mutate { state, effects in
            guard !state.isClosed else { return }
            _ = shutdown(descriptor, Int32(SHUT_RDWR))
            lose(&state, &effects)
        }
    }

    func close() {
        mutate { state, effects in
            guard !state.isClosed else { return }
            state.isClosed = true
            state.onLoss = nil
            state.onEnd = nil
            if let token = state.token { loop.remove(descriptor, token: token) }
            _ = Glibc.close(descriptor)
            wakeReader(&state, &effects, .ready)
            wakeWriter(&state, &effects, .ready)
        }
    }

    private func lose(_ state: inout State, _ effects: inout Effects) {
        guard !state.isLost else { return }
        state.isLost = true
        effects.onLoss = state.onLoss.take()
        effects.onEnd = state.onEnd.take()
        wakeReader(&state, &effects, .ready)
        wakeWriter(&state, &effects, .ready)
    }

    private func wakeReader(_ state: inout State, _ effects: inout Effects, _ wake: Wake) {
        guard let reader = state.reader else { return }
        state.reader = nil
        effects.reader = (reader.continuation, wake)
    }

    private func wakeWriter(_ state: inout State, _ effects: inout Effects, _ wake: Wake) {
        guard let writer = state.writer else { return }
        state.writer = nil
        effects.writer = (writer.continuation, wake)
    }

    private func mutate(_ change: (inout State, inout Effects) -> Void) {
        let effects = state.withLock { state in
            var effects = Effects()
            change(&state, &effects)
            return effects
        }
        effects.run()
    }
}
