import HTTPTypes

/// The two versions this server speaks. A higher minor version is read as 1.1 (RFC 9110 section 2.5).
enum HTTPVersion: Sendable, Equatable { case http10, http11 }

/// How the end of a request's body is found (RFC 9112 section 6.3).
enum RequestFraming: Sendable, Equatable {
    case none
    case length(Int)
    case chunked
}

/// A request's head after every rule about it was checked.
struct RequestHead: Sendable, Equatable {
    var request: HTTPRequest
    var version: HTTPVersion
    var framing: RequestFraming
    /// Whether the client lets the connection live on (RFC 9112 section 9.3).
    var keepAlive: Bool
    /// Whether the client waits for 100 before it sends the body (RFC 9110 section 10.1.1).
    var expectsContinue = false

    /// Applies the rules that need the whole head.
    /// - Parameters:
    ///   - hosts: the values of `Host`, which is not among `fields`.
    ///   - bodyLimit: bytes.
    /// - Throws: `HTTPError` with the status to refuse the request with; the connection must then be closed.
    init(line: RequestLine, hosts: [String], fields: HTTPFields, bodyLimit: Int) throws(HTTPError) {
        version = line.version
        do {
            framing = try Self.framing(fields, version: version, bodyLimit: bodyLimit)
        } catch {
            var error = error
            if error.status == .contentTooLarge {
                error.path = String(decoding: line.target.prefix { $0 != UInt8(ascii: "?") }, as: UTF8.self)
            }
            throw error
        }
        let target = try RequestTarget(line.target, method: line.method)
        let authority = try Self.authority(hosts, target: target, version: version)
        let options = fields[values: .connection].flatMap { $0.utf8.listMembers() }
        keepAlive = !options.contains("close") && (version == .http11 || options.contains("keep-alive"))
        // RFC 9110 section 10.1.1: ignored from HTTP/1.0; anything but 100-continue may be answered with 417.
        if version == .http11, let expectation = fields[.expect] {
            guard expectation.utf8.lowercasedASCII == "100-continue" else {
                throw HTTPError(
                    .expectationFailed, code: "unknown-expectation", message: "The only expectation met here is 100-continue.")
            }
            expectsContinue = framing != .none
        }
        request = HTTPRequest(
            method: line.method, scheme: "http", authority: authority, path: target.path, headerFields: fields)
    }

    /// RFC 9112 section 6.3, with every "may repair" of it turned into a refusal: requests that two parsers could cut
    /// at different places are how one is smuggled inside another (section 11.2).
    private static func framing(
        _ fields: HTTPFields, version: HTTPVersion, bodyLimit: Int
    ) throws(HTTPError) -> RequestFraming {
        let lengths = fields[values: .contentLength]
        let codings = fields[values: .transferEncoding]
        guard codings.isEmpty else {
            func ambiguous(_ message: String) -> HTTPError { .badRequest("ambiguous-length", message) }
            // Section 6.1: both fields may be an attempt at smuggling; and HTTP/1.0 knows no transfer codings.
            guard lengths.isEmpty else { throw ambiguous("Content-Length and Transfer-Encoding exclude each other.") }
            guard version == .http11 else { throw ambiguous("HTTP/1.0 has no Transfer-Encoding.") }
            guard codings.count == 1 else { throw ambiguous("Transfer-Encoding was sent more than once.") }
            if codings[0].utf8.lowercasedASCII == "chunked" { return .chunked }
            // Section 6.3 rule 4: with chunked named but not last and once, the end cannot be known.
            guard !codings[0].utf8.listMembers().dropLast().contains("chunked") else {
                throw ambiguous("chunked must be the last transfer coding, and named once.")
            }
            throw HTTPError(
                .notImplemented, code: "unknown-coding", message: "The only transfer coding understood here is chunked.")
        }
        // Section 6.3 rule 5 allows repeated equal values; they are refused like differing ones.
        guard lengths.count <= 1 else { throw .badRequest("ambiguous-length", "Content-Length was sent more than once.") }
        guard let text = lengths.first else { return .none }
        guard let length = WireNumber.decimal(text.utf8) else {
            throw .badRequest("bad-length", "Content-Length must be 1 to 18 digits.")
        }
        guard length <= bodyLimit else { throw .bodyTooLarge(limit: bodyLimit) }
        return length == 0 ? .none : .length(length)
    }

    /// RFC 9112 section 3.2: no Host in HTTP/1.1, more than one, or a bad one is answered with 400. Section 3.2.2 says
    /// an absolute target outranks Host; where they differ the request is refused instead.
    private static func authority(
        _ hosts: [String], target: RequestTarget, version: HTTPVersion
    ) throws(HTTPError) -> String? {
        guard hosts.count <= 1 else { throw .badRequest("bad-host", "Host was sent more than once.") }
        guard let host = hosts.first else {
            guard version == .http10 else { throw .badRequest("bad-host", "HTTP/1.1 needs a Host field.") }
            return target.authority
        }
        guard RequestTarget.isAuthority(host.utf8) else {
            throw .badRequest("bad-host", "Host is not a host name with an optional port.")
        }
        guard (target.authority ?? host).utf8.lowercasedASCII == host.utf8.lowercasedASCII else {
            throw .badRequest("bad-host", "Host and the request target name different hosts.")
        }
        return host
    }
}
