@preconcurrency import Dispatch  // sources are thread-safe, but not marked so
import HTTPTypes
import Logging
import Synchronization

/// Answers one request. Runs in a task of its own connection; it is cancelled when the connection breaks.
public typealias Handler = @Sendable (Request) async throws -> Response

/// A small HTTP/1.1 server (RFC 9110, RFC 9112) on plain sockets and Dispatch sources.
///
/// The way of a request through this folder:
/// 1. `Server/Listener` accepts, `Server/Socket` reads and writes with deadlines, `Server/Connection` is the loop.
/// 2. `Wire/RequestParser` turns bytes into events, or refuses. It decides everything about framing, and is pure.
/// 3. `Routing` finds the handler; `Message` is what the handler sees and returns.
/// 4. `Wire/ResponseEncoder` decides how the answer is framed, and is pure too.
///
/// Policy: what two parsers could read in two ways is refused with 400 and the connection is closed; every wait has a
/// deadline and every buffer a limit. No TLS, HTTP/2, compression or ranges: a reverse proxy's work.
public final class Server: Sendable {
    private struct State {
        var hasStarted = false
        var listener: Listener?
        var timer: (any DispatchSourceTimer)?
    }

    private let configuration: ServerConfiguration
    private let context: ServerContext
    private let table = ConnectionTable()
    /// Where the sources of the listener, the timer and all sockets fire. Nothing waits on it.
    private let queue = DispatchQueue(label: "HTTPServer.events")
    private let state = Mutex(State())

    public init(configuration: ServerConfiguration, logger: Logger, handler: @escaping Handler) {
        self.configuration = configuration
        context = ServerContext(
            limits: configuration.limits, timeouts: configuration.timeouts, logger: logger, handler: handler,
            dates: DateCache())
    }

    /// Binds and starts accepting. A server starts once.
    /// - Returns: the address it listens on, with the port filled in.
    /// - Throws: `ServerError` with one line that names the address and says how to mend it.
    public func start() async throws -> SocketAddress {
        let wanted = SocketAddress(host: configuration.host, port: configuration.port)
        return try state.withLock { state throws(ServerError) in
            guard !state.hasStarted else { throw .alreadyStarted(wanted) }
            let listener = try Listener(wanted, logger: context.logger)
            state.hasStarted = true
            state.listener = listener
            let timer = DispatchSource.makeTimerSource(queue: queue)
            let (seconds, attoseconds) = configuration.timeouts.tick.components
            let tick = DispatchTimeInterval.milliseconds(Int(seconds) * 1000 + Int(attoseconds / 1_000_000_000_000_000))
            timer.schedule(deadline: .now() + tick, repeating: tick, leeway: .milliseconds(5))
            timer.setEventHandler { [table] in
                table.expire(.now)
                listener.resume()
            }
            timer.activate()
            state.timer = timer
            let room = context.limits.connections
            listener.start(
                queue: queue,
                hasRoom: { [table] in table.makeRoom(upTo: room) },
                admit: { [self] in admit(descriptor: $0, peer: $1, listener: listener) })
            return listener.address
        }
    }

    private func admit(descriptor: Int32, peer: SocketAddress, listener: Listener) {
        let connection = Connection(socket: Socket(descriptor: descriptor, peer: peer, queue: queue), context: context)
        let id = table.add(connection)
        connection.socket.start()
        let task = Task { [table] in
            await connection.run()
            table.remove(id)
            listener.resume()
        }
        connection.socket.whenLost { task.cancel() }
    }

    /// Stops accepting, closes idle connections at once, ends event streams and lets running requests finish. What still
    /// runs at the deadline is cut off and its handlers are cancelled. Returns when all connections are gone, and in any
    /// case soon after the deadline.
    public func stop(deadline: Duration) async {
        let (listener, timer) = state.withLock { ($0.listener.take(), $0.timer.take()) }
        guard let listener else { return }
        await listener.close()
        table.stopAll()
        if await !table.waitUntilEmpty(within: deadline, queue: queue) {
            let cut = table.abortAll()
            context.logger.warning("Connections were cut at the deadline for stopping.", metadata: ["count": "\(cut)"])
            // The aborted tasks end now unless a handler ignores its cancellation, which must not hold up the stop.
            _ = await table.waitUntilEmpty(within: .seconds(1), queue: queue)
        }
        timer?.cancel()
    }
}
