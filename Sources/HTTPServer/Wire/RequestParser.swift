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

    /// What one step of the machine brought; nil from a step means that it needs more bytes.
    enum Step {
        case advanced
        case event(Event)
    }

    let limits: ServerLimits
    var state = State.requestLine(sawEmptyLine: false)

    var buffer: [UInt8] = []
    /// Where the unread part of `buffer` begins.
    var position = 0
    /// Bytes before this index have been searched for a line end, so that a dripping sender costs linear time.
    var searched = 0

    /// The values of `Host`, kept apart because the currency type knows that field as the authority.
    private var hosts: [String] = []
    /// Whether the head that is being read, or was refused, is of a HEAD request: its refusal has no content (RFC 9110 section 9.3.2).
    private(set) var isHead = false
    private var fields = HTTPFields()
    var fieldCount = 0
    /// Bytes of the head (or of the trailers) so far, line ends included.
    var headBytes = 0
    /// Body bytes announced by the chunks so far, and bytes of their extensions.
    var chunkBytes = 0
    var extensionBytes = 0

    init(limits: ServerLimits) { self.limits = limits }

    /// Whether part of a request has arrived: its first byte starts the header deadline. The one empty line before it is none.
    var isMidRequest: Bool {
        guard case .requestLine(let sawEmptyLine) = state else { return true }
        return !(sawEmptyLine ? [] : [0x0D, 0x0A]).starts(with: buffer[position...])
    }

    mutating func append(_ bytes: [UInt8]) {
        if position == buffer.count {
            buffer = bytes
        } else {
            buffer.removeSubrange(..<position)
            buffer += bytes
        }
        searched -= position
        position = 0
    }

    /// The next event, or nil when more bytes are needed.
    /// - Throws: `HTTPError` with the status to refuse the request with.
    mutating func next() throws(HTTPError) -> Event? {
        do {
            while let step = try advance() {
                if case .event(let event) = step { return event }
            }
            return nil
        } catch {
            state = .refused(error)
            throw error
        }
    }

    private mutating func advance() throws(HTTPError) -> Step? {
        switch state {
        case .requestLine(let sawEmptyLine):
            isHead = buffer[position...].starts(with: "HEAD ".utf8)
            guard let line = try takeLine(.requestLine) else { return nil }
            guard !line.isEmpty else {
                // RFC 9112 section 2.2: ignore at least one empty line before a request. Exactly one is ignored.
                guard !sawEmptyLine else { throw .badRequest("bad-request-line", "The request line is empty.") }
                state = .requestLine(sawEmptyLine: true)
                return .advanced
            }
            (headBytes, fieldCount) = (line.count + 2, 0)
            state = .fields(try RequestLine(line))
        case .fields(let requestLine):
            guard let line = try takeLine(.field) else { return nil }
            guard line.isEmpty else {
                let field = try field(line)
                if field.name.canonicalName == "host" { hosts.append(field.value) } else { fields.append(field) }
                return .advanced
            }
            let head = try RequestHead(line: requestLine, hosts: hosts, fields: fields, bodyLimit: limits.body)
            (hosts, fields) = ([], [:])
            switch head.framing {
            case .none: state = .requestLine(sawEmptyLine: false)
            case .length(let length): state = .body(left: length)
            case .chunked:
                (chunkBytes, extensionBytes) = (0, 0)
                state = .chunkSize
            }
            return .event(.head(head))
        case .trailers:
            guard let line = try takeLine(.field) else { return nil }
            guard line.isEmpty else {
                // RFC 9110 section 6.5.1: trailers must not change framing or routing; these three are refused, all
                // others checked and dropped, as no handler here has asked for one.
                let name = try field(line).name
                guard name != .contentLength, name != .transferEncoding, name.canonicalName != "host" else {
                    throw .badRequest("bad-trailer", "\(name.rawName) cannot be a trailer.")
                }
                return .advanced
            }
            state = .endDue
        case .endDue:
            state = .requestLine(sawEmptyLine: false)
            return .event(.end)
        case .refused(let error): throw error
        case .body(let left): return takeData(left, awaiting: State.body, then: .endDue)
        case .chunkSize: return try takeChunkSize()
        case .chunkData(let left): return takeData(left, awaiting: State.chunkData, then: .chunkEnd)
        case .chunkEnd: return try takeChunkEnd()
        }
        return .advanced
    }

    // MARK: Lines

    enum LineKind { case requestLine, field, chunkSize }

    /// Takes one line that ends with CRLF, and returns it without. Faults are found byte by byte from the front, so the
    /// first one decides whatever the splits.
    mutating func takeLine(_ kind: LineKind) throws(HTTPError) -> ArraySlice<UInt8>? {
        let limit =
            switch kind {
            case .requestLine: limits.requestLine
            case .field: min(limits.headerLine, limits.headerBytes - headBytes - 2)
            case .chunkSize: Self.chunkLineLimit
            }
        while searched < buffer.count {
            let byte = buffer[searched]
            let afterReturn = searched > position && buffer[searched - 1] == 0x0D
            if byte == 0x0A {
                // RFC 9112 section 2.2 lets a recipient take a bare LF as a line end; a proxy in front may not.
                guard afterReturn else { throw .badRequest("bare-line-feed", "A line ends in LF without CR.") }
                let line = buffer[position..<(searched - 1)]
                searched += 1
                position = searched
                return line
            }
            // RFC 9112 section 2.2: a bare CR is an error or a space, at the recipient's choice.
            guard !afterReturn else { throw .badRequest("bare-return", "CR stands alone in a line.") }
            if byte != 0x0D {
                // RFC 9110 section 5.5: CR, LF and NUL are dangerous, other controls invalid. Tab is blank space.
                guard byte >= 0x20 && byte != 0x7F || byte == 0x09 else {
                    throw .badRequest("control-character", "The head holds a control character.")
                }
                guard searched - position < limit else { throw overflow(kind) }
            }
            searched += 1
        }
        return nil
    }

    private func overflow(_ kind: LineKind) -> HTTPError {
        switch kind {
        // RFC 9112 section 3: a method longer than any implemented is 501, a target longer than allowed is 414.
        case .requestLine where buffer[position...].prefix(limits.requestLine).contains(0x20):
            HTTPError(.uriTooLong, code: "target-too-long", message: "The request line is longer than \(limits.requestLine) bytes.")
        case .requestLine: .unknownMethod
        case .field:
            HTTPError(
                .requestHeaderFieldsTooLarge, code: "header-too-large",
                message: "A header line may have \(limits.headerLine) bytes, the whole head \(limits.headerBytes).")
        case .chunkSize:
            .badRequest("bad-chunk", "A chunk's size line is longer than \(Self.chunkLineLimit) bytes.")
        }
    }

    /// `field-name ":" OWS field-value OWS` (RFC 9112 section 5). Used for trailers as well.
    private mutating func field(_ line: ArraySlice<UInt8>) throws(HTTPError) -> HTTPField {
        headBytes += line.count + 2
        fieldCount += 1
        guard fieldCount <= limits.headerCount else {
            throw HTTPError(
                .requestHeaderFieldsTooLarge, code: "too-many-headers", message: "More than \(limits.headerCount) header fields.")
        }
        // Section 5.2: a line that starts with white space is the obsolete folding, refused with 400.
        guard line.first != 0x20, line.first != 0x09 else {
            throw .badRequest("folded-header", "A header line starts with white space.")
        }
        // Section 5.1: white space between name and colon must be refused with 400; a space is no token character.
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")), colon > line.startIndex,
            line[..<colon].allSatisfy(ASCIISet.token.contains),
            let name = HTTPField.Name(String(decoding: line[..<colon], as: UTF8.self))
        else { throw .badRequest("bad-header", "A header line is not: name, colon, value.") }
        return HTTPField(name: name, value: line[(colon + 1)...].trimmingBlanks())
    }
}
