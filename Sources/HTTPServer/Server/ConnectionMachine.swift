import HTTPTypes

/// What one connection does next, as a value: bytes, answers and points in time go in, effects come out; no sockets, no
/// tasks, no clock. `Connection` carries the effects out.
struct ConnectionMachine {
    typealias Instant = ContinuousClock.Instant

    enum Effect {
        case serve(RequestHead)
        /// Send this as the last answer, with `sendLast`; to HEAD without its content.
        case refuse(HTTPError, isHead: Bool)
        /// Nobody is left to take the answer.
        case cancelHandler
        case finishSending
        /// What the system still holds is not to be sent: a client that does not read would keep it there for minutes.
        case dropUnsent
        case close
    }

    enum Phase: Equatable {
        /// No byte of the next request has come.
        case waiting(until: Instant)
        case readingHead(until: Instant)
        case serving
        /// The last answer is complete; when the system has taken it, no more is sent. It `lingers` when the client sends more
        /// than was read.
        case flushing(lingers: Bool)
        /// RFC 9112 section 9.6: closing while the client still sends would make its system throw the answer away. So
        /// the sending side is closed first, and what comes is discarded, up to a limit, until `end` at the latest.
        case lingering(until: Instant, end: Instant, budget: Int)
        case closed
    }

    private enum Answer: Equatable {
        case due
        case streaming(chunked: Bool, isEvents: Bool)
    }

    /// What is discarded behind a refused head; behind a refused body, as much as a body may have.
    static let lingerBytes = 1 << 20
    /// A slow reader gets a fresh deadline for each such piece of an answer.
    static let writeDeadlineUnit = 64 * 1024

    let limits: ServerLimits
    let timeouts: ServerTimeouts
    /// Whether it came when all places were taken: it must not stay.
    private(set) var isReserved: Bool

    private(set) var phase: Phase
    /// Counts requests, so that a body or a stream kept beyond its request cannot touch the next one's.
    private(set) var served = 0
    private var parser: RequestParser
    private var isStopping = false
    private var lingerBudget: Int
    private var hasPeerEnded = false

    // The request that is being served.
    private var answer = Answer.due
    private var keepsAlive = false
    private var isBodyComplete = true
    private var bodyFailure: HTTPError?
    /// The client waits for `100 Continue` before it sends the body (RFC 9110 section 10.1.1).
    private var owesContinue = false
    private var bodyBytes = 0
    private var bodyWait: Duration = .zero
    private var bodyWaitStart: Instant?
    private var lastWrite: Instant

    /// Bytes to be sent.
    private(set) var outbox: [UInt8] = []
    private(set) var sentBytes = 0
    private var writeDeadline: Instant
    private var sentBeforeDeadline = 0

    init(limits: ServerLimits, timeouts: ServerTimeouts, isReserved: Bool = false, now: Instant) {
        self.limits = limits
        self.timeouts = timeouts
        self.isReserved = isReserved
        lingerBudget = limits.body
        parser = RequestParser(limits: limits)
        phase = .waiting(until: now + timeouts.idle)
        lastWrite = now
        writeDeadline = now
    }

    // MARK: What the driver asks

    var wantsBytes: Bool {
        switch phase {
        case .waiting, .readingHead: !hasPeerEnded && !hasUnsent
        case .serving: bodyWaitStart != nil && !hasPeerEnded
        case .flushing, .lingering: !hasPeerEnded
        case .closed: false
        }
    }

    var hasUnsent: Bool { sentBytes < outbox.count }
    var isWaitingForBody: Bool { bodyWaitStart != nil }

    /// How soon the connection is closed to make room: by rank, and among equals by time. Nil when it is not, as it is being
    /// served, or has only just come and has its first request on the way. On a reserved place that is no excuse.
    func dispensability(_ now: Instant) -> (rank: Int, until: Instant)? {
        switch phase {
        case .lingering(let until, _, _): (0, until)
        case .waiting(let until) where !hasUnsent && (isReserved || served > 0 || until < now + timeouts.idle - .seconds(1)): (1, until)
        case .readingHead(let until) where isReserved: (2, until)
        default: nil
        }
    }

    /// The connection has a place like any other from now on.
    mutating func promote() { isReserved = false }

    /// Whether the answer that is due may leave the connection open.
    mutating func mayPersist(streaming: Bool) -> Bool {
        guard keepsAlive, !isStopping, served < limits.requestsPerConnection, !isReserved else { return false }
        // The producer of a stream may still want the rest of the body.
        if !streaming { _ = takeBufferedBody() }
        return isBodyComplete || streaming
    }

    // MARK: What arrives

    mutating func receive(_ bytes: [UInt8], now: Instant) -> [Effect] {
        switch phase {
        case .waiting, .readingHead:
            parser.append(bytes)
            return advance(now)
        case .serving:
            parser.append(bytes)
            endBodyWait(now)
            return []
        case .lingering(_, let end, let budget):
            guard budget > bytes.count else { return close() }
            linger(now, end: end, budget: budget - bytes.count)
            return []
        case .flushing:
            phase = .flushing(lingers: true)
            return []
        case .closed: return []
        }
    }

    /// The peer has sent its last byte; it may still read.
    mutating func receiveEnd(_ now: Instant) -> [Effect] {
        hasPeerEnded = true
        switch phase {
        case .waiting, .readingHead: return finish(now)
        case .serving:
            if isEventStream { return lose() }
            endBodyWait(now)
            return []
        case .lingering: return close()
        case .flushing, .closed: return []
        }
    }

    /// The peer has announced its end, perhaps behind bytes that nobody has read yet.
    mutating func peerIsEnding() -> [Effect] { isEventStream ? lose() : [] }

    /// The connection broke.
    mutating func lose() -> [Effect] {
        guard phase != .closed else { return [] }
        return (hasUnsent ? [.cancelHandler, .dropUnsent] : [.cancelHandler]) + close()
    }

    private mutating func advance(_ now: Instant) -> [Effect] {
        // The next request is not looked at before the last answer is gone: requests are small and answers are not, so a
        // client that sends without reading would fill the memory.
        guard !hasUnsent else { return [] }
        do {
            guard case .head(let head) = try parser.next() else {
                if hasPeerEnded { return finish(now) }
                // The deadline of the head counts from its first byte and is not moved by later ones: a client that
                // drips a byte a second gains nothing.
                if case .waiting = phase, parser.isMidRequest { phase = .readingHead(until: now + timeouts.header) }
                return []
            }
            served += 1
            phase = .serving
            answer = .due
            keepsAlive = head.keepAlive
            isBodyComplete = head.framing == .none
            owesContinue = head.expectsContinue
            bodyFailure = nil
            bodyBytes = 0
            bodyWait = .zero
            return [.serve(head)]
        } catch {
            return refuse(error)
        }
    }

    private mutating func refuse(_ error: HTTPError) -> [Effect] {
        phase = .flushing(lingers: true)
        if error.status != .contentTooLarge { lingerBudget = Self.lingerBytes }
        return [.refuse(error, isHead: parser.isHead)]
    }

    mutating func sendLast(_ bytes: [UInt8], now: Instant) -> [Effect] {
        append(bytes, now)
        return finish(now)
    }

    // MARK: The body

    /// The next piece of the body of request `number`, or its end. Nil when more must come from the network: ask again when
    /// `isWaitingForBody` has become false.
    mutating func bodyPiece(of number: Int, now: Instant) throws(HTTPError) -> RequestParser.Event? {
        guard phase != .closed else { throw Self.incompleteBody }
        guard phase == .serving, number == served else {
            throw .misuse("body-over", "A request's body was read after its answer.")
        }
        let bytes = takeBufferedBody()
        bodyBytes += bytes.count
        if !bytes.isEmpty { return .body(bytes) }
        if isBodyComplete { return .end }
        if hasPeerEnded, bodyFailure == nil { bodyFailure = Self.incompleteBody }
        if let bodyFailure { throw bodyFailure }
        // Sent only once the handler wants the body, so that it can refuse before.
        if owesContinue, answer == .due { append(ResponseEncoder.continueHead, now) }
        owesContinue = false
        bodyWaitStart = now
        return nil
    }

    private static let incompleteBody = HTTPError.badRequest("incomplete-body", "The body ended before its announced end.")

    private mutating func endBodyWait(_ now: Instant) {
        if let start = bodyWaitStart.take() { bodyWait += now - start }
    }

    /// When the body will have been too slow: the grace time and what its bytes have earned, less what was waited before. A
    /// single wait is never longer than the grace time, however fast the body came until then.
    private var bodyDeadline: Instant? {
        let earned = .seconds(1) * (Double(bodyBytes) / Double(max(1, limits.bodyRate)))
        return bodyWaitStart.map { $0 + timeouts.body + min(.zero, earned - bodyWait) }
    }

    /// What has arrived of the body, in one piece: a handler that was given each chunk by itself would do a million times the work
    /// for chunks of one byte.
    private mutating func takeBufferedBody() -> [UInt8] {
        var bytes: [UInt8] = []
        do throws(HTTPError) {
            while !isBodyComplete, bodyFailure == nil, let event = try parser.next() {
                if case .body(let more) = event { bytes += more } else { isBodyComplete = true }
            }
        } catch {
            bodyFailure = error
        }
        return bytes
    }

    // MARK: The answer

    /// Sends an answer's head and what is in memory of its body. A `stream` goes on with `write` and `endAnswer`.
    mutating func answer(
        _ head: ResponseEncoder.Head, _ body: [UInt8], streaming: Bool, isEvents: Bool, now: Instant
    ) -> [Effect] {
        guard phase == .serving else { return [] }
        keepsAlive = keepsAlive && head.keepAlive
        // Head and body in one write: with TCP_NODELAY set, two would be two packets.
        append(head.bytes + body, now)
        if streaming {
            answer = .streaming(chunked: head.framing == .chunked, isEvents: isEvents)
            return isEvents && hasPeerEnded ? lose() : isStopping ? stop(now) : []
        }
        return complete(now)
    }

    /// Sends a piece of the streamed answer to request `number`.
    mutating func write(_ bytes: [UInt8], of number: Int, now: Instant) throws(HTTPError) {
        guard phase == .serving, number == served, case .streaming(let chunked, _) = answer else {
            throw phase == .closed
                ? .misuse("client-gone", "The client no longer takes the answer.")
                : .misuse("stream-over", "A streamed answer was written to after its end.")
        }
        append(chunked ? ResponseEncoder.chunk(bytes) : bytes, now)
    }

    /// Ends the streamed answer to request `number`. An incomplete one is cut, which is how the client learns of it (RFC
    /// 9112 section 8).
    mutating func endAnswer(of number: Int, isWhole: Bool, now: Instant) -> [Effect] {
        guard phase == .serving, number == served, case .streaming(let chunked, _) = answer else { return [] }
        guard isWhole else { return lose() }
        if chunked { append(ResponseEncoder.lastChunk, now) } else { keepsAlive = false }
        return complete(now)
    }

    private var isEventStream: Bool {
        if case .streaming(_, isEvents: true) = answer { phase == .serving } else { false }
    }

    private mutating func complete(_ now: Instant) -> [Effect] {
        bodyWaitStart = nil
        _ = takeBufferedBody()
        guard keepsAlive, isBodyComplete, !isStopping else { return finish(now) }
        phase = .waiting(until: now + timeouts.idle)
        return advance(now)
    }

    // MARK: Ending

    /// Lets the running request finish, ends an event stream, ends an idle connection at once.
    mutating func stop(_ now: Instant) -> [Effect] {
        isStopping = true
        if case .waiting = phase { return hasUnsent ? finish(now) : close() }
        if case .lingering(_, let end, let budget) = phase { linger(now, end: min(end, now + timeouts.lingerSilence), budget: budget) }
        guard isEventStream else { return [] }
        // The stream is whole, so the browser connects again: to the server's successor.
        let retry = "retry: \(Int(timeouts.eventRetry / .milliseconds(1)))\n\n"
        do { try write(Array(retry.utf8), of: served, now: now) } catch { return lose() }
        return [.cancelHandler] + endAnswer(of: served, isWhole: true, now: now)
    }

    mutating func tick(_ now: Instant) -> [Effect] {
        if hasUnsent, writeDeadline <= now { return lose() }
        switch phase {
        case .waiting(let until) where until <= now && !hasUnsent: return close()
        case .lingering(let until, _, _) where until <= now: return close()
        case .readingHead(let until) where until <= now:
            return refuse(HTTPError(.requestTimeout, code: "header-timeout", message: "The request's head took too long."))
        case .serving:
            if let bodyDeadline, bodyDeadline <= now {
                bodyFailure = HTTPError(.requestTimeout, code: "body-timeout", message: "The body came too slowly.")
                endBodyWait(now)
            }
            if isEventStream, !hasUnsent, now - lastWrite >= timeouts.heartbeat {
                do { try write(Array(":\n\n".utf8), of: served, now: now) } catch { return lose() }
            }
            return []
        default: return []
        }
    }

    private mutating func finish(_ now: Instant) -> [Effect] {
        let lingers = !isBodyComplete || parser.isMidRequest
        phase = .flushing(lingers: lingers)
        return hasUnsent ? [] : flushed(lingers: lingers, now)
    }

    private mutating func flushed(lingers: Bool, _ now: Instant) -> [Effect] {
        if hasPeerEnded || !lingers { return close() }
        linger(now, end: now + (isStopping ? timeouts.lingerSilence : timeouts.linger), budget: lingerBudget)
        return [.finishSending]
    }

    private mutating func linger(_ now: Instant, end: Instant, budget: Int) {
        phase = .lingering(until: min(end, now + timeouts.lingerSilence), end: end, budget: budget)
    }

    private mutating func close() -> [Effect] {
        phase = .closed
        bodyWaitStart = nil
        outbox = []
        sentBytes = 0
        return [.close]
    }

    // MARK: Sending

    private mutating func append(_ bytes: [UInt8], _ now: Instant) {
        if !hasUnsent {
            writeDeadline = now + timeouts.write
            sentBeforeDeadline = 0
        }
        lastWrite = now
        if outbox.isEmpty { outbox = bytes } else { outbox += bytes }
    }

    /// The system has taken `count` more bytes of the outbox.
    mutating func sent(_ count: Int, now: Instant) -> [Effect] {
        sentBytes += count
        sentBeforeDeadline += count
        if sentBeforeDeadline >= Self.writeDeadlineUnit {
            sentBeforeDeadline = 0
            writeDeadline = now + timeouts.write
        }
        guard !hasUnsent else { return [] }
        outbox = []
        sentBytes = 0
        switch phase {
        case .flushing(let lingers): return flushed(lingers: lingers, now)
        case .waiting:
            phase = .waiting(until: now + timeouts.idle)
            return advance(now)
        default: return []
        }
    }
}
