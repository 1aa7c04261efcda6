import HTTPTypes
import Logging
import Synchronization

/// What every connection of one server shares.
struct ServerContext: Sendable {
    let limits: ServerLimits
    let timeouts: ServerTimeouts
    let logger: Logger
    let handler: Handler
    let dates: DateCache
}

/// Serves one connection: reads a request, runs the handler, sends the answer, and again while both sides wish it. The
/// rules are in `RequestParser` and `ResponseEncoder`; here they meet socket and clock.
///
/// `run` is one task from accept to close, and the handler runs inside it.
final class Connection: Sendable {
    typealias Instant = ContinuousClock.Instant

    /// The reading side. The serving task and the handler's `RequestBody` take turns at it.
    struct Inbound {
        var parser: RequestParser
        /// Counts requests, so that a body kept beyond its request cannot read the next one's.
        var message = 0
        var isBodyComplete = true
        /// The body broke the rules or stopped; nothing after it can be trusted.
        var hasFailed = false
        var isBeingRead = false
        /// The client waits for `100 Continue` before it sends the body.
        var owesContinue = false
        /// What is left of `ServerTimeouts.body`.
        var patience: Duration = .zero
    }

    struct Control {
        var isStopping = false
        /// Ends the event stream that is running, if one is.
        var endEventStream: (@Sendable () -> Void)?
    }

    let socket: Socket
    let context: ServerContext
    let inbound: Mutex<Inbound>
    let control = Mutex(Control())

    init(socket: Socket, context: ServerContext) {
        self.socket = socket
        self.context = context
        inbound = Mutex(Inbound(parser: RequestParser(limits: context.limits)))
    }

    /// Lets the running request finish, ends an event stream, ends an idle connection at once.
    func stop() {
        let endEventStream = control.withLock { control in
            control.isStopping = true
            return control.endEventStream
        }
        socket.interrupt()
        endEventStream?()
    }

    func run() async {
        var served = 0
        while true {
            let head: RequestHead
            switch await nextHead(isFirst: served == 0) {
            case .request(let next): head = next
            case .refused(let error):
                context.logger.debug("Request refused.", metadata: ["client": "\(socket.peer)", "reason": "\(error)"])
                await refuse(error)
                return socket.close()
            case .over: return socket.close()
            }
            served += 1
            switch await exchange(head, mayPersist: served < context.limits.requestsPerConnection) {
            case .persist: continue
            case .closeGently:
                if mayStillBeSending { await linger() }
                return socket.close()
            case .cut: return socket.close()
            }
        }
    }

    // MARK: One head

    private enum NextHead { case request(RequestHead), refused(HTTPError), over }

    private func nextHead(isFirst: Bool) async -> NextHead {
        // The deadline of the head counts from its first byte and is not moved by later ones: a client that drips a
        // byte a second gains nothing.
        let idling = Socket.Idling(since: .now, isBetweenRequests: !isFirst)
        var deadline = idling.since + (isFirst ? context.timeouts.header : context.timeouts.idle)
        var hasBegun = false
        while true {
            do {
                let (event, isMidRequest) = try inbound.withLock { inbound throws(HTTPError) in
                    (try inbound.parser.next(), inbound.parser.isMidRequest)
                }
                if case .head(let head) = event { return .request(head) }
                if isMidRequest, !hasBegun {
                    hasBegun = true
                    deadline = .now + context.timeouts.header
                }
            } catch {
                return .refused(error)
            }
            switch await socket.receive(until: deadline, idling: hasBegun ? nil : idling) {
            case .bytes(let bytes): inbound.withLock { $0.parser.append(bytes) }
            case .timedOut where hasBegun:
                return .refused(HTTPError(.requestTimeout, code: "header-timeout", message: "The request's head took too long."))
            case .timedOut, .ended, .lost, .interrupted, .cancelled: return .over
            }
        }
    }

    private func refuse(_ error: HTTPError) async {
        let bytes = encode(error.plainResponse, method: .get, version: .http11, keepAlive: false)
        guard await send(bytes.head.bytes + bytes.body) else { return }
        await linger()
    }

    /// Whether bytes of the client are unread or announced; after a request that was read to its end, none are due.
    private var mayStillBeSending: Bool {
        socket.hasUnread || inbound.withLock { !$0.isBodyComplete || $0.hasFailed || $0.parser.isMidRequest }
    }

    /// RFC 9112 section 9.6: closing while the client still sends would make its system throw the answer away. So the
    /// sending side is closed first, and what comes is discarded, for a second and a mebibyte at most.
    private func linger() async {
        socket.finishSending()
        let deadline: Instant = .now + min(.seconds(1), context.timeouts.header)
        var discarded = 0
        while discarded < 1 << 20, case .bytes(let bytes) = await socket.receive(until: deadline) {
            discarded += bytes.count
        }
    }

    // MARK: One exchange

    enum Outcome { case persist, closeGently, cut }

    private func exchange(_ head: RequestHead, mayPersist: Bool) async -> Outcome {
        let message = inbound.withLock { inbound in
            inbound.message += 1
            inbound.isBodyComplete = head.framing == .none
            inbound.owesContinue = head.expectsContinue
            inbound.patience = context.timeouts.body
            return inbound.message
        }
        let body = head.framing == .none ? RequestBody([]) : RequestBody { [self] in try await nextBodyChunk(of: message) }
        let response = await answer(Request(head: head.request, body: body, remoteAddress: socket.peer))
        if Task.isCancelled { return .cut }
        let outcome = await deliver(response, to: head, mayPersist: mayPersist)
        guard outcome == .persist else { return outcome }
        return await discardBody(of: message) ? .persist : .closeGently
    }

    /// The handler's answer, or what stands for its error.
    private func answer(_ request: Request) async -> Response {
        let failure: any Error
        do {
            let response = try await context.handler(request)
            guard let error = response.failure else { return response }
            failure = error
        } catch let error as HTTPError {
            return error.plainResponse
        } catch {
            failure = error
        }
        // The path without the query: tokens travel in queries.
        context.logger.error(
            "A handler failed; the client got an empty 500.",
            metadata: ["method": "\(request.head.method)", "path": "\(request.path)", "error": "\(failure)"])
        return Response(status: .internalServerError)
    }

    /// The answer's head and its in-memory body; an empty 500 when the answer cannot be sent as it is.
    func encode(
        _ response: Response, method: HTTPRequest.Method, version: HTTPVersion, keepAlive: Bool
    ) -> (head: ResponseEncoder.Head, body: [UInt8], isSubstitute: Bool) {
        let date = context.dates.now()
        do {
            let head = try ResponseEncoder.head(response, method: method, version: version, keepAlive: keepAlive, date: date)
            switch response.body {
            case .bytes(let bytes) where head.framing != .none: return (head, bytes, false)
            case .truncated(let bytes, _) where head.framing != .none: return (head, bytes, false)
            default: return (head, [], false)
            }
        } catch {
            context.logger.error(
                "A handler's answer cannot be sent; the client got an empty 500.", metadata: ["error": "\(error)"])
        }
        // Nothing in it can be refused: no fields of a handler's, a final status.
        let text = "HTTP/1.1 500 Internal Server Error\r\nDate: \(date)\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        return (ResponseEncoder.Head(bytes: Array(text.utf8), framing: .length(0), keepAlive: false), [], true)
    }

    /// False when the client did not take the bytes.
    func send(_ bytes: [UInt8]) async -> Bool {
        do {
            try await socket.send(bytes, timeout: context.timeouts.write)
            return true
        } catch {
            context.logger.debug("An answer was not taken.", metadata: ["client": "\(socket.peer)", "reason": "\(error)"])
            return false
        }
    }
}
