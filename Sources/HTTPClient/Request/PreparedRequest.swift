import HTTPTypes

/// An `OutgoingRequest` that has been found fit to be sent, in the shape libcurl takes it.
struct PreparedRequest: Sendable {
    var url: RequestURL
    var method: HTTPRequest.Method
    var body: [UInt8]?
    var limits: RequestLimits
    /// One line a field in libcurl's notation, each ended by a NUL.
    var headerLines: [UInt8]
    var destinations: DestinationRule?
    var bodySink: OutgoingRequest.BodySink?
    private var headerFields: HTTPFields

    init(_ request: OutgoingRequest, defaultLimits: RequestLimits) throws(HTTPClientError) {
        do {
            url = try RequestURL(request.url)
        } catch {
            throw .invalid("The URL of the request cannot be used: \(error.message).")
        }
        destinations = request.destinations
        bodySink = request.bodySink
        if let refusal = destinations?.refusal(of: url.origin) {
            throw HTTPClientError(
                code: .destinationRefused, delivery: .neverSent, message: "The request may not be sent: \(refusal).")
        }
        let limits = request.limits ?? defaultLimits
        if let problem = limits.problem { throw .invalid("The limits of the request cannot be used: \(problem).") }
        guard request.method != .connect else {
            throw .invalid("The method CONNECT is for proxies and is not sent as a request.")
        }
        guard request.method != .head || request.body == nil else {
            throw .invalid("A HEAD request to \(url.origin.hostAndPort) has a body; HEAD has none.")
        }
        self.limits = limits
        method = request.method
        body = request.body
        headerFields = request.headerFields
        headerLines = try Self.headerLines(request.headerFields, host: url.origin.hostAndPort)
    }

    /// The same question asked of `target`, where an answer has sent it. To another origin nothing that
    /// could be a credential goes along: `GRADIENT-TOKEN` is one, and libcurl's own redirects would carry
    /// it, since they drop only `Authorization` and `Cookie`.
    func redirected(to target: RequestURL) throws(HTTPClientError) -> PreparedRequest {
        var next = self
        next.url = target
        if target.origin != url.origin {
            next.headerFields = HTTPFields(headerFields.filter { $0.name == .accept || $0.name == .userAgent })
            next.headerLines = try Self.headerLines(next.headerFields, host: target.origin.hostAndPort)
        }
        return next
    }

    /// Safe to send again without knowing what became of the first (RFC 9110 section 9.2.2).
    var isIdempotent: Bool {
        switch method {
        case .get, .head, .put, .delete, .options, .trace: true
        default: false
        }
    }

    /// Framing and connection belong to the client: a second `Content-Length` or a `Transfer-Encoding` of
    /// the caller's could make one request look like two (RFC 9112 section 11.2).
    private static let ownFields: Set<String> = [
        "host", "content-length", "transfer-encoding", "connection", "keep-alive", "proxy-connection", "te", "trailer",
        "upgrade", "expect", "http2-settings",
    ]

    private static func headerLines(_ fields: HTTPFields, host: String) throws(HTTPClientError) -> [UInt8] {
        var lines: [UInt8] = []
        lines.reserveCapacity(256)
        for field in fields {
            let name = field.name.rawName
            guard !name.hasPrefix(":"), !ownFields.contains(field.name.canonicalName) else {
                throw .invalid("The header field \(name) of a request to \(host) is set by the client itself; leave it out.")
            }
            lines.append(contentsOf: name.utf8)
            let isSafe = field.withUnsafeBytesOfValue { value in
                // libcurl sends a field without a value only when it is written `Name;`: `Name:` leaves it out.
                if value.allSatisfy({ $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }) {
                    lines.append(UInt8(ascii: ";"))
                    return true
                }
                lines.append(contentsOf: ": ".utf8)
                lines.append(contentsOf: value)
                return !value.contains { $0 == 0 || $0 == UInt8(ascii: "\r") || $0 == UInt8(ascii: "\n") }
            }
            guard isSafe else {
                throw .invalid("The header field \(name) of a request to \(host) holds a line break or a NUL.")
            }
            lines.append(0)
        }
        if fields[.contentType] == nil {
            // Otherwise libcurl calls every body a form.
            lines.append(contentsOf: "Content-Type:\0".utf8)
        }
        // No wait for `100 Continue`: the bodies are small, and many servers never send it.
        lines.append(contentsOf: "Expect:\0".utf8)
        return lines
    }
}

extension RequestLimits {
    /// What makes them unusable, or `nil`.
    var problem: String? {
        if connectTimeout <= .zero || totalTimeout <= .zero { return "a time-out has to be longer than zero" }
        if maximumAnswerBytes < 0 { return "the largest answer cannot be negative" }
        if maximumRedirects < 0 { return "the number of redirects cannot be negative" }
        return nil
    }
}

extension HTTPClientError {
    static func invalid(_ message: String) -> HTTPClientError {
        HTTPClientError(code: .invalidRequest, delivery: .neverSent, message: message)
    }
}
