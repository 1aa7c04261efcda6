import HTTPTypes

/// One request as a handler sees it. The head was checked against RFC 9110 and RFC 9112 before the handler ran; the
/// body arrives while the handler reads it.
public struct Request: Sendable {
    /// Method, authority (from `Host` or an absolute target), target in `path` (with the query) and header fields.
    /// `Host` itself is not among the fields: it is the authority.
    public var head: HTTPRequest
    public var body: RequestBody
    /// The other end of the connection: a proxy's address when there is one.
    public var remoteAddress: SocketAddress
    /// What `{name}` segments of the matched route held, percent-decoded.
    public var parameters: [String: String] = [:]

    public init(
        head: HTTPRequest, body: RequestBody = RequestBody([]),
        remoteAddress: SocketAddress = SocketAddress(host: "127.0.0.1", port: 0)
    ) {
        self.head = head
        self.body = body
        self.remoteAddress = remoteAddress
    }

    /// A request made in memory, for calling a handler or a router without a connection.
    public init(
        _ method: HTTPRequest.Method, _ target: String, headerFields: HTTPFields = [:], body: [UInt8] = []
    ) {
        self.init(
            head: HTTPRequest(
                method: method, scheme: "http", authority: "localhost", path: target, headerFields: headerFields),
            body: RequestBody(body))
    }

    /// The path as received: percent-encoded and without the query. `*` for `OPTIONS *`.
    public var path: String { String(decoding: (head.path ?? "/").utf8.prefix { $0 != UInt8(ascii: "?") }, as: UTF8.self) }

    /// The query, decoded as a form. What cannot be decoded stays as written, so a link from anywhere can be read; a form
    /// body is held to stricter rules.
    public var query: FormFields {
        FormFields(lenient: (head.path ?? "").utf8.drop { $0 != UInt8(ascii: "?") }.dropFirst())
    }

    /// The first cookie of that name (RFC 6265 section 5.4), without surrounding quotes.
    public func cookie(_ name: String) -> String? {
        for pair in head.headerFields[values: .cookie].lazy.flatMap({ $0.utf8.split(separator: UInt8(ascii: ";")) }) {
            guard let equals = pair.firstIndex(of: UInt8(ascii: "=")), pair[..<equals].trimmingBlanks().elementsEqual(name.utf8)
            else { continue }
            let value = pair[pair.index(after: equals)...].trimmingBlanks()
            let isQuoted = value.count >= 2 && value.first == UInt8(ascii: "\"") && value.last == UInt8(ascii: "\"")
            return String(decoding: isQuoted ? value.dropFirst().dropLast() : value, as: UTF8.self)
        }
        return nil
    }
}
