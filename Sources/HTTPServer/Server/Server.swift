import Glibc
import HTTPTypes
import Logging

/// Answers one request. Runs on the pool that all tasks share; it is cancelled when the connection is reset or cut, but not when the
/// client only ends its side, as it may still read: that cancels event streams alone.
public typealias Handler = @Sendable (Request) async throws -> Response

/// Answers what is at hand, such as files in memory, without leaving the server's thread: it must not wait for anything.
/// Nil leaves the request to the `Handler`.
public typealias ImmediateHandler = @Sendable (Request) -> Response?

/// Renders the refusal of a request that reached no handler, on the server's thread. Nil: it is plain text.
public typealias RefusalHandler = @Sendable (HTTPError) -> Response?

/// A small HTTP/1.1 server (RFC 9110, RFC 9112) on plain sockets.
///
/// The way of a request through this folder:
/// 1. `Sockets`: `ServerLoop` is the thread that waits for news of all sockets; `Listener` accepts.
/// 2. `Server`: a `Connection` reads and writes; its `ConnectionMachine` decides, and is pure.
/// 3. `Wire`: `RequestParser` turns bytes into events, or refuses. It decides everything about framing, and is pure too.
/// 4. `Routing` finds the handler; `Message` is what the handler sees and returns.
/// 5. `Wire` again: `ResponseEncoder` decides how the answer is framed.
///
/// Policy: what two parsers could read in two ways is refused with 400 and the connection is closed; every wait has a
/// deadline and every buffer a limit. No TLS, HTTP/2 or compression: a reverse proxy's work.
@ServerLoop
public final class Server {
    private let context: ServerContext
    private var hasStarted = false
    private var listener: Listener?
    private var connections: [ObjectIdentifier: Connection] = [:]
    /// How many of them came when the server was full.
    private var reserved = 0
    /// When it was last told that descriptors or memory are used up.
    private var lastComplaint: ContinuousClock.Instant?
    /// Somebody waits outside until a connection closes.
    private var isTurningAway = false
    /// While `stop` waits: until when, and for whom.
    private var stopping: (deadline: ContinuousClock.Instant, waiters: [CheckedContinuation<Void, Never>])?

    /// - Parameters:
    ///   - immediate: asked first for each request.
    ///   - handler: answers what `immediate` left.
    public nonisolated init(
        configuration: ServerConfiguration, logger: Logger, immediate: @escaping ImmediateHandler = { _ in nil },
        refusal: @escaping RefusalHandler = { _ in nil }, handler: @escaping Handler
    ) {
        context = ServerContext(
            configuration: configuration, logger: logger, immediate: immediate, refusal: refusal, handler: handler)
    }

    /// Binds and starts accepting. A server starts once, and must be stopped.
    /// - Returns: the address it listens on, with the port filled in.
    /// - Throws: `ServerError` with one line that names the address and says how to mend it.
    public func start() throws(ServerError) -> SocketAddress {
        let wanted = SocketAddress(host: context.configuration.host, port: context.configuration.port)
        guard !hasStarted else { throw .alreadyStarted(wanted) }
        let listener = try Listener(wanted) { [self] in accept() }
        hasStarted = true
        self.listener = listener
        ServerLoop.startTicking(self, every: context.configuration.timeouts.tick) { [self] in tick() }
        return listener.address
    }

    /// - Parameter most: after so many, those who are in get their turn before more newcomers.
    private func accept(most: Int = 64) {
        guard let listener else { return }
        for _ in 0..<most {
            if isFull, reserved >= context.configuration.limits.reservedConnections {
                isTurningAway = listener.isSomebodyWaiting
                guard isTurningAway, makeRoom(reserved: false) || makeRoom(reserved: true) else { return }
                continue  // one who had sent a request meanwhile is still there
            }
            switch listener.accept() {
            case .nobody: return
            case .exhausted(let failure):
                reportExhaustion(failure)
                guard makeRoom(reserved: false) || makeRoom(reserved: true) else { return }
            case .connection(let descriptor, let peer):
                admit(descriptor, peer, isReserved: !hasPlace())
            }
        }
        Task { accept() }
    }

    private var isFull: Bool { connections.count - reserved >= context.configuration.limits.connections }

    /// Browsers that hold connections open must not keep newcomers out.
    private func hasPlace() -> Bool { !isFull || makeRoom(reserved: false) && !isFull }

    private func admit(_ descriptor: Int32, _ peer: SocketAddress, isReserved: Bool) {
        let connection = Connection(descriptor, peer: peer, context: context, isReserved: isReserved) { [self] in
            guard hasPlace() else { return false }
            reserved -= 1
            return true
        } onClose: { [self] connection in
            connections[ObjectIdentifier(connection)] = nil
            if connection.machine.isReserved { reserved -= 1 }
            if connections.isEmpty { stopping.take()?.waiters.forEach { $0.resume() } }
            if isTurningAway { Task { accept() } }
        }
        connections[ObjectIdentifier(connection)] = connection
        if isReserved { reserved += 1 }
        connection.start()
    }

    /// Makes room for a newcomer, who may be a health check: closes who can best be spared among those that came when the server was
    /// full, or among the others. False when all of them are being served.
    private func makeRoom(reserved: Bool) -> Bool {
        let now = ContinuousClock.now
        let candidates = connections.values.lazy.compactMap { connection in
            connection.machine.isReserved == reserved ? connection.machine.dispensability(now).map { (connection, $0) } : nil
        }
        guard let connection = candidates.min(by: { $0.1 < $1.1 })?.0 else { return false }
        connection.stop()  // serves what it has sent meanwhile
        if connection.machine.dispensability(now) != nil { connection.cut() }
        return true
    }

    /// Logs it once a minute; each tick tries again.
    private func reportExhaustion(_ failure: Int32) {
        if let lastComplaint, .now - lastComplaint < .seconds(60) { return }
        lastComplaint = .now
        context.logger.error(
            "Cannot accept connections for now; newcomers wait. Raise the limit of open files if this goes on.",
            metadata: ["reason": "\(String(cString: strerror(failure)))"])
    }

    private func tick() {
        let now = ContinuousClock.now
        for connection in connections.values { connection.tick(now) }
        accept()
        guard let stopping, stopping.deadline <= now else { return }
        self.stopping = nil
        context.logger.warning(
            "Connections were cut at the deadline for stopping.", metadata: ["count": "\(connections.count)"])
        for connection in connections.values { connection.cut() }
        for waiter in stopping.waiters { waiter.resume() }
    }

    /// Stops accepting, closes idle connections at once, ends event streams and lets running requests finish. What still
    /// runs at the deadline is cut off and its handlers are cancelled.
    public func stop(deadline: Duration) async {
        accept(most: Listener.backlog)  // those who are connected already; what they have sent is answered
        listener?.close()
        listener = nil
        for connection in connections.values { connection.stop() }
        if !connections.isEmpty {
            let end = min(stopping?.deadline ?? .now + deadline, .now + deadline)
            await withCheckedContinuation { stopping = (end, (stopping?.waiters ?? []) + [$0]) }
        }
        ServerLoop.stopTicking(self)
    }
}
