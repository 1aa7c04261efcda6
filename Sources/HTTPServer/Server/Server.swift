import Glibc
import HTTPTypes
import Logging
import Synchronization

/// Answers one request. Runs in a task of its own connection; it is cancelled when the connection breaks.
public typealias Handler = @Sendable (Request) async throws -> Response

/// A small HTTP/1.1 server (RFC 9110, RFC 9112) on plain sockets, epoll and Dispatch.
///
/// The way of a request through this folder:
/// 1. `Sockets`: `Listener` accepts, `Socket` reads and writes with deadlines, `EventLoop` wakes both.
/// 2. `Server`: a `Connection` serves one request after the other.
/// 3. `Wire`: `RequestParser` turns bytes into events, or refuses. It decides everything about framing, and is pure.
/// 4. `Routing` finds the handler; `Message` is what the handler sees and returns.
/// 5. `Wire` again: `ResponseEncoder` decides how the answer is framed, and is pure too.
///
/// Policy: what two parsers could read in two ways is refused with 400 and the connection is closed; every wait has a
/// deadline and every buffer a limit. No TLS, HTTP/2, compression or ranges: a reverse proxy's work.
public final class Server: Sendable {
    private struct Running {
        var loop: EventLoop
        var listener: Listener
    }

    private let configuration: ServerConfiguration
    private let context: ServerContext
    private let table = ConnectionTable()
    private let state = Mutex<(hasStarted: Bool, running: Running?)>((false, nil))

    public init(configuration: ServerConfiguration, logger: Logger, handler: @escaping Handler) {
        self.configuration = configuration
        context = ServerContext(
            limits: configuration.limits, timeouts: configuration.timeouts, logger: logger, handler: handler,
            dates: DateCache())
    }

    /// Binds and starts accepting. A server starts once, and must be stopped.
    /// - Returns: the address it listens on, with the port filled in.
    /// - Throws: `ServerError` with one line that names the address and says how to mend it.
    public func start() async throws -> SocketAddress {
        let wanted = SocketAddress(host: configuration.host, port: configuration.port)
        return try state.withLock { state throws(ServerError) in
            guard !state.hasStarted else { throw .alreadyStarted(wanted) }
            guard let loop = EventLoop() else { throw .system(errno, "epoll_create1", wanted) }
            let listener = try Listener(wanted, loop: loop, logger: context.logger)
            try listener.start { [self] in accept(from: listener, loop) }
            loop.startTicking(every: configuration.timeouts.tick) { [self] in
                table.expire(.now)
                accept(from: listener, loop)
            }
            state = (true, Running(loop: loop, listener: listener))
            return listener.address
        }
    }

    private func accept(from listener: Listener, _ loop: EventLoop) {
        listener.acceptWaiting {
            table.hasRoom(limit: context.limits.connections)
        } whenFull: {
            table.closeLongestKept()
        } admit: { descriptor, peer in
            let connection = Connection(socket: Socket(descriptor: descriptor, peer: peer, loop: loop), context: context)
            let id = table.add(connection)
            connection.socket.start()
            let task = Task { [self] in
                await connection.run()
                // Room again: somebody may be waiting for it.
                if table.remove(id, limit: context.limits.connections) {
                    loop.queue.async { [self] in accept(from: listener, loop) }
                }
            }
            connection.socket.whenLost { task.cancel() }
        }
    }

    /// Stops accepting, closes idle connections at once, ends event streams and lets running requests finish. What still
    /// runs at the deadline is cut off and its handlers are cancelled. Returns when all connections are gone, and in any
    /// case soon after the deadline.
    public func stop(deadline: Duration) async {
        guard let running = state.withLock({ $0.running.take() }) else { return }
        running.listener.close()
        table.stopAll()
        if await !table.waitUntilEmpty(within: deadline, queue: running.loop.queue) {
            let cut = table.abortAll()
            context.logger.warning("Connections were cut at the deadline for stopping.", metadata: ["count": "\(cut)"])
            // The aborted tasks end now unless a handler ignores its cancellation, which must not hold up the stop.
            _ = await table.waitUntilEmpty(within: .seconds(1), queue: running.loop.queue)
        }
        running.loop.stopTicking()
    }
}
