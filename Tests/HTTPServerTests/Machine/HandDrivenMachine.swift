import HTTPTypes

@testable import HTTPServer

/// A `ConnectionMachine` whose clock stands still until told. What it wants is given back as words: `serve /path`,
/// `refuse 408`, `cancel`, `finish` and `close`. A refusal is answered at once, as a connection does.
struct HandDrivenMachine {
    private(set) var machine: ConnectionMachine
    /// Seconds since the connection began.
    var time = 0.0
    private(set) var served: RequestHead?
    private var taken: [UInt8] = []

    private static let start = ContinuousClock.now

    init(
        isReserved: Bool = false, limits configure: (inout ServerLimits) -> Void = { _ in }
    ) {
        var limits = ServerLimits()
        limits.bodyRate = 500
        configure(&limits)
        var timeouts = ServerTimeouts()
        (timeouts.header, timeouts.body, timeouts.write, timeouts.idle) = (.seconds(10), .seconds(10), .seconds(30), .seconds(60))
        (timeouts.heartbeat, timeouts.eventRetry) = (.seconds(15), .seconds(2))
        machine = ConnectionMachine(limits: limits, timeouts: timeouts, isReserved: isReserved, now: Self.start)
    }

    private var now: ContinuousClock.Instant { Self.start + .seconds(time) }

    private mutating func words(_ effects: [ConnectionMachine.Effect]) -> String {
        var words: [String] = []
        for effect in effects {
            switch effect {
            case .serve(let head):
                served = head
                words.append("serve \(head.request.path ?? "-")")
            case .refuse(let error, let isHead):
                words.append("refuse \(error.status.code)")
                do throws(HTTPError) {
                    let head = try encode(error.plainResponse, method: isHead ? .head : .get, version: .http11, keepAlive: false)
                    let rest = self.words(machine.sendLast(head.bytes, now: now))
                    if !rest.isEmpty { words.append(rest) }
                } catch {
                    words.append("cannot be encoded: \(error)")
                }
            case .cancelHandler: words.append("cancel")
            case .finishSending: words.append("finish")
            case .dropUnsent: words.append("drop")
            case .close: words.append("close")
            }
        }
        return words.joined(separator: " ")
    }

    var dispensability: (rank: Int, until: ContinuousClock.Instant)? { machine.dispensability(now) }
    var rank: Int? { dispensability?.rank }
    mutating func promote() { machine.promote() }

    // MARK: What arrives

    mutating func receive(_ text: String) -> String { receive(Array(text.utf8)) }
    mutating func receive(_ bytes: [UInt8]) -> String { words(machine.receive(bytes, now: now)) }
    mutating func receiveEnd() -> String { words(machine.receiveEnd(now)) }
    mutating func announceEnd() -> String { words(machine.peerIsEnding()) }
    mutating func lose() -> String { words(machine.lose()) }
    mutating func stop() -> String { words(machine.stop(now)) }
    mutating func tick() -> String { words(machine.tick(now)) }

    mutating func tick(at seconds: Double) -> String {
        time = seconds
        return tick()
    }

    // MARK: What the system takes

    /// All that the system was given so far.
    var sent: String { String(decoding: taken, as: UTF8.self) }
    var sentCount: Int { taken.count }
    var unsentCount: Int { machine.outbox.count - machine.sentBytes }
    var unsent: String { String(decoding: machine.outbox.dropFirst(machine.sentBytes), as: UTF8.self) }

    /// The system takes `count` bytes of what is unsent, or all of it.
    mutating func take(_ count: Int = .max) -> String {
        let bytes = machine.outbox.dropFirst(machine.sentBytes).prefix(count)
        taken += bytes
        return words(machine.sent(bytes.count, now: now))
    }

    // MARK: What the handler does

    /// Answers the request that was served last, as a connection does: the machine is asked first whether it may live on.
    mutating func answer(_ response: Response) throws -> String {
        guard let served else { return "" }
        let head = try encode(
            response, method: served.request.method, version: served.version,
            keepAlive: machine.mayPersist(streaming: response.isStream))
        var body: [UInt8] = []
        if case .bytes(let bytes) = response.body, head.framing != .none { body = bytes }
        let isStreaming = response.isStream && (head.framing == .chunked || head.framing == .untilClose)
        return words(machine.answer(head, body, streaming: isStreaming, isEvents: response.isEventStream, now: now))
    }

    mutating func answer(_ text: String) throws -> String { try answer(.text(text)) }
    /// Begins an answer that is written piece by piece.
    mutating func stream() throws -> String { try answer(Response(body: .stream { _ in })) }
    mutating func streamEvents() throws -> String { try answer(.serverSentEvents { _ in }) }

    mutating func write(_ text: String, of number: Int? = nil) throws {
        try machine.write(Array(text.utf8), of: number ?? machine.served, now: now)
    }

    mutating func endStream(of number: Int? = nil, isWhole: Bool = true) -> String {
        words(machine.endAnswer(of: number ?? machine.served, isWhole: isWhole, now: now))
    }

    /// The next piece of the body; `(wait)` and `(end)` in place of bytes.
    mutating func read(of number: Int? = nil) throws -> String {
        switch try machine.bodyPiece(of: number ?? machine.served, now: now) {
        case .body(let bytes): String(decoding: bytes, as: UTF8.self)
        case .some: "(end)"
        case nil: "(wait)"
        }
    }

    private func encode(
        _ response: Response, method: HTTPRequest.Method, version: HTTPVersion, keepAlive: Bool
    ) throws(HTTPError) -> ResponseEncoder.Head {
        try ResponseEncoder.head(response, method: method, version: version, keepAlive: keepAlive, date: "today")
    }
}

extension HandDrivenMachine {
    /// Where a connection can be.
    enum Stage: String, CaseIterable, Sendable {
        case waiting, keptWithUnsent, readingHead, serving, waitingForBody, streaming, streamingEvents, flushing, lingering, closed
    }

    static let get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

    static func get(_ path: String, _ fields: String = "") -> String { "GET \(path) HTTP/1.1\r\nHost: a\r\n\(fields)\r\n" }

    static func post(_ fields: String, _ body: String = "") -> String { "POST / HTTP/1.1\r\nHost: a\r\n\(fields)\r\n\(body)" }

    /// A connection that has come to `stage`, at time 0.
    init(_ stage: Stage) throws {
        self.init()
        switch stage {
        case .waiting: break
        case .keptWithUnsent:
            _ = receive(Self.get)
            _ = try answer("hello")
        case .readingHead: _ = receive("GET")
        case .serving: _ = receive(Self.get)
        case .waitingForBody:
            _ = receive(Self.post("Content-Length: 5\r\n"))
            _ = try read()
        case .streaming:
            _ = receive(Self.get)
            _ = try stream()
            _ = take()
        case .streamingEvents:
            _ = receive(Self.get)
            _ = try streamEvents()
            _ = take()
        case .flushing: _ = receive("\n")
        case .lingering:
            _ = receive("\n")
            _ = take()
        case .closed: _ = lose()
        }
    }
}
