import Glibc
import Logging
import Synchronization

/// The listening socket. Accepts while there is room; when the server is full or the system is out of descriptors it
/// stops, leaving newcomers in the system's queue, and goes on when `acceptWaiting` is called again.
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
            case EAGAIN, 0: self = .drained  // 0: the listener was closed meanwhile
            case EMFILE, ENFILE, ENOBUFS, ENOMEM: self = .exhausted
            case EINTR, ECONNABORTED, EPROTO, EPERM, ENETDOWN, ENOPROTOOPT, EHOSTDOWN, ENONET, EHOSTUNREACH,
                EOPNOTSUPP, ENETUNREACH:
                self = .skip
            default: self = .exhausted
            }
        }
    }

    let address: SocketAddress
    private let descriptor: Int32
    private let logger: Logger
    private let loop: EventLoop
    private let state = Mutex(State())

    private struct State {
        var token: UInt64?
        var isClosed = false
        var isExhausted = false
    }

    /// Binds and listens.
    init(_ wanted: SocketAddress, loop: EventLoop, logger: Logger) throws(ServerError) {
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
                (Int32(IPPROTO_TCP), TCP_KEEPIDLE, 30), (Int32(IPPROTO_TCP), TCP_KEEPINTVL, 10),
                (Int32(IPPROTO_TCP), TCP_KEEPCNT, 3),
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
        self.loop = loop
        self.logger = logger
    }

    /// - Parameter accept: called on the loop's queue whenever somebody may be waiting; it should call `acceptWaiting`.
    func start(_ accept: @escaping @Sendable () -> Void) throws(ServerError) {
        let token = loop.add(descriptor) { _ in accept() }
        guard let token else {
            let failure = errno
            _ = Glibc.close(descriptor)
            throw .system(failure, "epoll_ctl", address)
        }
        state.withLock { $0.token = token }
    }

    /// Accepts until nobody waits. To be called on the loop's queue, also after a stop for lack of room or descriptors.
    /// - Parameters:
    ///   - hasRoom: asked before each accept.
    ///   - whenFull: called when somebody waits and there is no room.
    ///   - admit: takes over the descriptor of an accepted connection.
    func acceptWaiting(hasRoom: () -> Bool, whenFull: () -> Void, admit: (Int32, SocketAddress) -> Void) {
        while true {
            guard hasRoom() else {
                if isSomebodyWaiting { whenFull() }
                return
            }
            var accepted: Int32 = -1
            var failure: Int32 = 0
            let peer = SocketAddress.read { address, length in
                state.withLock { state in
                    guard !state.isClosed else { return }
                    accepted = LinuxCalls.accept(descriptor, address, &length)
                    failure = accepted < 0 ? errno : 0
                }
                return accepted >= 0
            }
            if accepted >= 0 {
                state.withLock { $0.isExhausted = false }
                admit(accepted, peer ?? SocketAddress(host: "unknown", port: 0))
                continue
            }
            switch Failure(failure) {
            case .drained: return
            case .skip: continue
            case .exhausted: return reportExhaustion(failure)
            }
        }
    }

    private var isSomebodyWaiting: Bool {
        state.withLock { state in
            var question = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            return !state.isClosed && poll(&question, 1, 0) > 0
        }
    }

    /// Logs the first failure in a row; the attempts go on several times a second.
    private func reportExhaustion(_ failure: Int32) {
        let isNews = state.withLock { state in
            defer { state.isExhausted = true }
            return !state.isExhausted
        }
        guard isNews else { return }
        logger.error(
            "Cannot accept connections for now; newcomers wait. Raise the limit of open files if this goes on.",
            metadata: ["reason": "\(String(cString: strerror(failure)))"])
    }

    /// Frees the port.
    func close() {
        state.withLock { state in
            guard !state.isClosed else { return }
            state.isClosed = true
            if let token = state.token { loop.remove(descriptor, token: token) }
            _ = Glibc.close(descriptor)
        }
    }
}
