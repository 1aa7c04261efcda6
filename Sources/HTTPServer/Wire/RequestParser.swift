import HTTPTypes

/// Reads requests from a byte stream: bytes in, events out; no sockets, no clock.
///
/// The driver appends whatever arrived and calls `next()` until it returns nil, which means "more bytes, please". The
/// events depend only on the bytes and never on how they were split, save that one piece of body may come as several
/// `.body` events. A refusal is final: `next()` throws it again, and the connection must be closed after the answer,
/// because what follows can no longer be told apart (RFC 9112 section 11.2).
///
/// Memory is bounded: the driver reads on only when `next()` returned nil, and every wait has a limit on what may
/// be buffered for it (`ServerLimits`).
struct RequestParser: Sendable {
    enum Event: Sendable, Equatable {
        case head(RequestHead)
        case body([UInt8])
        /// The end of a body. A head without a body is a request by itself.
        case end
    }

    enum State: Sendable {
        case requestLine(sawEmptyLine: Bool)
        case fields(RequestLine)
        case body(left: Int)
        case chunkSize
        case chunkData(left: Int)
        case chunkEnd
        case trailers
        case endDue
        case refused(HTTPError)
    }

    let limits: ServerLimits
    var state = State.requestLine(sawEmptyLine: false)

    var buffer: [UInt8] = []
    /// Where the unread part of `buffer` begins.
    var position = 0
    /// Bytes before this index have been searched for a line end, so that a dripping sender costs linear time.
    var searched = 0

    /// The values of `Host`, kept apart because the currency type knows that field as the authority.
    var hosts: [String] = []
    var fields = HTTPFields()
    var fieldCount = 0
    /// Bytes of the head (or of the trailers) so far, line ends included.
    var headBytes = 0
    /// Body bytes announced by the chunks so far.
    var bodyBytes = 0
    /// Bytes of chunk extensions so far in this body.
    var extensionBytes = 0

    init(limits: ServerLimits) { self.limits = limits }

    /// Whether part of a request has arrived: its first byte starts the header deadline.
    var isMidRequest: Bool {
        if case .requestLine(let sawEmptyLine) = state { return sawEmptyLine || position < buffer.count }
        return true
    }

    /// Body bytes still to come, where that is known.
    var bodyBytesLeft: Int? {
        if case .body(let left) = state { return left - (buffer.count - position) }
        return nil
    }

    mutating func append(_ bytes: [UInt8]) {
        if position == buffer.count {
            buffer = bytes
            position = 0
            searched = 0
        } else {
            if position > 0 {
                buffer.removeSubrange(0..<position)
                searched -= position
                position = 0
            }
            buffer += bytes
        }
    }

    /// The next event, or nil when more bytes are needed.
    /// - Throws: `HTTPError` with the status to refuse the request with.
    mutating func next() throws(HTTPError) -> Event? {
        do {
            return try advance()
        } catch {
            state = .refused(error)
            throw error
        }
    }

    private mutating func advance() throws(HTTPError) -> Event? {
        while true {
            switch state {
            case .requestLine(let sawEmptyLine):
                guard let line = try takeLine(.requestLine) else { return nil }
                if line.isEmpty {
                    // RFC 9112 section 2.2: ignore at least one empty line before a request. Exactly one is ignored.
                    guard !sawEmptyLine else { throw .badRequest("bad-request-line", "The request line is empty.") }
                    state = .requestLine(sawEmptyLine: true)
                } else {
                    headBytes = line.count + 2
                    fieldCount = 0
                    state = .fields(try RequestLine(buffer[line]))
                }
            case .fields(let requestLine):
                guard let line = try takeLine(.field) else { return nil }
                guard line.isEmpty else {
                    let field = try field(line)
                    if field.name.canonicalName == "host" { hosts.append(field.value) } else { fields.append(field) }
                    continue
                }
                let head = try RequestHead(line: requestLine, hosts: hosts, fields: fields, bodyLimit: limits.body)
                hosts = []
                fields = HTTPFields()
                switch head.framing {
                case .none: state = .requestLine(sawEmptyLine: false)
                case .length(let length): state = .body(left: length)
                case .chunked:
                    bodyBytes = 0
                    extensionBytes = 0
                    state = .chunkSize
                }
                return .head(head)
            case .endDue:
                state = .requestLine(sawEmptyLine: false)
                return .end
            case .refused(let error):
                throw error
            case .body, .chunkSize, .chunkData, .chunkEnd, .trailers:
                switch try advanceBody() {
                case .moreBytesNeeded: return nil
                case .event(let event): return event
                case .advanced: continue
                }
            }
        }
    }
}
