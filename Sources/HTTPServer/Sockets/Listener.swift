import CEpoll
import Glibc

/// The listening socket of one server.
@ServerLoop
final class Listener {
    /// How many may wait to be accepted.
    nonisolated static let backlog = 1024

    let address: SocketAddress
    private let descriptor: Int32
    private var token: ServerLoop.Token?

    /// Binds and listens.
    /// - Parameter onKnock: called whenever somebody may be waiting; it must `accept` until that is `.nobody`, or come back later.
    init(_ wanted: SocketAddress, onKnock: @escaping @ServerLoop () -> Void) throws(ServerError) {
        let opened = wanted.withSystemAddress { family, address, length -> Result<Int32, ServerError> in
            let descriptor = socket(family, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
            guard descriptor >= 0 else { return .failure(.system(errno, "socket", wanted)) }
            func fail(_ call: String) -> Result<Int32, ServerError> {
                defer { Glibc.close(descriptor) }
                return .failure(.system(errno, call, wanted))
            }
            // Accepted sockets inherit these on Linux. Probes after 30 s of silence, each 10 s, three times: a peer that
            // vanished without a word is noticed within a minute.
            var options: [(Int32, Int32, Int32)] = [
                (SOL_SOCKET, SO_REUSEADDR, 1), (SOL_SOCKET, SO_KEEPALIVE, 1), (Int32(IPPROTO_TCP), TCP_NODELAY, 1),
                (Int32(IPPROTO_TCP), TCP_KEEPIDLE, 30), (Int32(IPPROTO_TCP), TCP_KEEPINTVL, 10),
                (Int32(IPPROTO_TCP), TCP_KEEPCNT, 3),
                // The system holds no more than this that it has not sent yet: less memory for slow readers, and their progress
                // is seen; with megabytes in between the deadline for writing would pass unnoticed by them.
                (Int32(IPPROTO_TCP), TCP_NOTSENT_LOWAT, 64 * 1024),
            ]
            if family == AF_INET6 { options.append((Int32(IPPROTO_IPV6), IPV6_V6ONLY, 0)) }
            for (level, name, value) in options {
                guard withUnsafePointer(to: value, { setsockopt(descriptor, level, name, $0, 4) }) == 0 else {
                    return fail("setsockopt")
                }
            }
            guard bind(descriptor, address, length) == 0 else { return fail("bind") }
            guard listen(descriptor, Int32(Self.backlog)) == 0 else { return fail("listen") }
            return .success(descriptor)
        }
        guard let opened else { throw .badAddress(wanted) }
        let descriptor = try opened.get()
        self.descriptor = descriptor
        address = SocketAddress.read { getsockname(descriptor, $0, &$1) == 0 } ?? wanted
        token = ServerLoop.watch(descriptor) { _ in onKnock() }
        guard token != nil else {
            defer { Glibc.close(descriptor) }
            throw .system(errno, "epoll_ctl", wanted)
        }
    }

    enum Arrival: Sendable {
        case connection(Int32, SocketAddress)
        case nobody
        /// Descriptors or memory are used up. Trying again at once would spin.
        case exhausted(Int32)
    }

    /// The next connection in the system's queue.
    func accept() -> Arrival {
        while true {
            var accepted: Int32 = -1
            var failure: Int32 = 0
            // Both flags in one call: with two calls, a child process started in between would inherit the connection.
            let peer = SocketAddress.read { address, length in
                accepted = accept4(descriptor, address, &length, Int32(SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue))
                failure = errno
                return accepted >= 0
            }
            if accepted >= 0 { return .connection(accepted, peer ?? SocketAddress(host: "unknown", port: 0)) }
            switch failure {
            case EAGAIN: return .nobody
            // That one connection is gone; accept(2) says to treat network errors like a retry.
            case EINTR, ECONNABORTED, EPROTO, EPERM, ENETDOWN, ENOPROTOOPT, EHOSTDOWN, ENONET, EHOSTUNREACH, EOPNOTSUPP,
                ENETUNREACH:
                continue
            default: return .exhausted(failure)
            }
        }
    }

    var isSomebodyWaiting: Bool {
        var question = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&question, 1, 0) > 0
    }

    /// Frees the port.
    func close() {
        guard let token = token.take() else { return }
        ServerLoop.ignore(descriptor, token)
        _ = Glibc.close(descriptor)
    }
}
