public import HTTPTypes

/// A complete answer.
public struct IncomingResponse: Sendable {
    public var status: HTTPResponse.Status

    /// Of the final answer: those of interim answers (1xx) and trailers are left out, since a trailer
    /// field may not be taken for a header field (RFC 9110 section 6.5.1).
    public var headerFields: HTTPFields

    public var body: [UInt8]

    /// As the server's status line names it: `HTTP/1.0`, `HTTP/1.1` or `HTTP/2`.
    public var httpVersion: String

    public init(
        status: HTTPResponse.Status,
        headerFields: HTTPFields = HTTPFields(),
        body: [UInt8] = [],
        httpVersion: String = "HTTP/1.1"
    ) {
        self.status = status
        self.headerFields = headerFields
        self.body = body
        self.httpVersion = httpVersion
    }
}
