@preconcurrency import Dispatch  // sources are thread-safe, but not marked so
import Glibc
import Logging
import Synchronization

/// The listening socket. Accepts while there is room; when the server is full or the system is out of descriptors it
/// pauses, leaving newcomers in the system's queue, and goes on when `resume` is called.
final class Listener: Sendable {
    /// What to do after `accept` failed.
    enum Failure: Equatable {
        /// Nobody is waiting.
        case drained
        /// That one connection is gone; try the next (accept(2): treat network errors like EAGAIN).
        case skip
        /// Descriptors or memory are used up; trying again at once would spin.
        case exhausted

        init(_ errorNumber: Int32) {
            switch errorNumber {
            case EAGAIN: self = .drained
            case EMFILE, ENFILE, ENOBUFS, ENOMEM: self = .exhausted
            case EINTR, ECONNABORTED, EPROTO, EPERM, ENETDOWN, ENOPROTOOPT, EHOSTDOWN, ENONET, EHOSTUNREACH,
                EOPNOTSUPP, ENETUNREACH:
                self = .skip
            default: self = .exhausted
            }
        }
    }

    private struct State {
        var source: (any DispatchSourceRead)?
        var isPaused = false
        var isClosed = false
        var isExhausted = false
        var onClosed: CheckedContinuation<Void, Never>?
    }

    let address: SocketAddress
    private let descriptor: Int32
    private let logger: Logger
    private let state = Mutex(State())

    /// Binds and listens.
    init(_ wanted: SocketAddress, logger: Logger) throws(ServerError) {
        let opened = wanted.withSystemAddress { family, address, length -> Result<Int32, ServerError> in
            let descriptor = socket(family, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
            guard descriptor >= 0 else { return .failure(.system(errno, "socket", wanted)) }
            func fail(_ call: String) -> Result<Int32, ServerError> {
                let error = ServerError.system(errno, call, wanted)
                _ = Glibc.close(descriptor)
                return .failure(error)
            }
            // Accepted sockets inherit these on Linux. Probes after 30 s of silence, each 10 s, three times: a peer that
            // vanished without a word is noticed within a minute, event streams included.
            var options: [(Int32, Int32, Int32)] = [
                (SOL_SOCKET, SO_REUSEADDR, 1), (SOL_SOCKET, SO_KEEPALIVE, 1), (Int32(IPPROTO_TCP), TCP_NODELAY, 1),
                (Int32(IPPROTO_TCP), TCP_KEEPIDLE, 30), (Int32(IPPROTO_TCP), TCP_KEEPINTVL, 10), (Int32(IPPROTO_TCP), TCP_KEEPCNT, 3),
            ]
            if family == AF_INET6 { options.append((Int32(IPPROTO_IPV6), IPV6_V6ONLY, 0)) }
            for (level, name, value) in options {
                var value = value
                guard setsockopt(descriptor, level, name, &value, socklen_t(MemoryLayout<Int32>.size)) == 0 else {
                    return fail("setsockopt")
                }
            }
            guard bind(descriptor, address, length) == 0 else { return fail("bind") }
            guard listen(descriptor, 1024) == 0 else { return fail("listen") }
            return .success(descriptor)
        }
        guard let opened else { throw .badAddress(wanted) }
        descriptor = try opened.get()
        let listening = descriptor
        address = SocketAddress.read { getsockname(listening, $0, &$1) == 0 } ?? wanted
        self.logger = logger
    }

    /// - Parameters:
    ///   - hasRoom: asked before each accept.
    ///   - admit: takes over the descriptor of an accepted connection.
    func start(
        queue: DispatchQueue, hasRoom: @escaping @Sendable () -> Bool,
        admit: @escaping @Sendable (Int32, SocketAddress) -> Void
    ) {
        let source = DispatchSource.makeReadSource(fileDescriptor: descriptor, queue: queue)
        source.setEventHandler { [self] in acceptWaiting(hasRoom, admit) }
        source.setCancelHandler { [self] in
            _ = Glibc.close(descriptor)
            state.withLock { $0.onClosed.take() }?.resume()
        }
        state.withLock { $0.source = source }
        source.activate()
    }

    private func acceptWaiting(_ hasRoom: () -> Bool, _ admit: (Int32, SocketAddress) -> Void) {
        while state.withLock({ !$0.isClosed }) {
            guard hasRoom() else { return pause() }
            var accepted: Int32 = -1
            let peer = SocketAddress.read { address, length in
                accepted = accept(descriptor, address, &length)
                return accepted >= 0
            }
            if accepted >= 0 {
                state.withLock { $0.isExhausted = false }
                // accept4, which would set both flags at once, is not in Swift's Glibc module.
                _ = fcntl(accepted, F_SETFD, FD_CLOEXEC)
                _ = fcntl(accepted, F_SETFL, O_NONBLOCK)
                admit(accepted, peer ?? SocketAddress(host: "unknown", port: 0))
                continue
            }
            let errorNumber = errno
            switch Failure(errorNumber) {
            case .drained: return
            case .skip: continue
            case .exhausted:
                let isNews = state.withLock { state in
                    defer { state.isExhausted = true }
                    return !state.isExhausted
                }
                if isNews {
                    logger.error(
                        "Cannot accept connections for now; newcomers wait. Raise the limit of open files if this goes on.",
                        metadata: ["reason": "\(String(cString: strerror(errorNumber)))"])
                }
                return pause()
            }
        }
    }

    private func pause() {
        state.withLock { state in
            guard !state.isPaused, !state.isClosed else { return }
            state.isPaused = true
            state.source?.suspend()
        }
    }

    func resume() {
        state.withLock { state in
            guard state.isPaused else { return }
            state.isPaused = false
            state.source?.resume()
        }
    }

    /// Returns when the port is free again.
    func close() async {
        await withCheckedContinuation { continuation in
            state.withLock { state in
                state.isClosed = true
                state.onClosed = continuation
                state.source?.cancel()
                if state.isPaused { state.source?.resume() }  // a paused source never runs its cancel handler
                state.isPaused = false
            }
        }
    }
}
