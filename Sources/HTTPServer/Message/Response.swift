import HTTPTypes

/// A handler's answer. The server adds `Date`, `Content-Length` or `Transfer-Encoding`, and `Connection`; whatever a
/// handler puts in the two framing fields is dropped, because a length that disagrees with the body would let one
/// answer be read as two. `Connection: close` from a handler is honoured.
public struct Response: Sendable {
    public var status: HTTPResponse.Status
    public var headerFields: HTTPFields
    public var body: ResponseBody
    /// Whether the body is a stream of whole events, between which the server may send some of its own.
    var isEventStream = false
    /// Set when the answer could not be built; the server logs it and sends an empty 500 instead.
    var failure: (any Error)?

    public init(
        status: HTTPResponse.Status = .ok, headerFields: HTTPFields = [:], body: ResponseBody = .empty
    ) {
        self.status = status
        self.headerFields = headerFields
        self.body = body
    }

    init(failure: any Error) {
        self.init(status: .internalServerError)
        self.failure = failure
    }

    var isStream: Bool {
        if case .stream = body { true } else { false }
    }
}

/// The content of an answer.
public enum ResponseBody: Sendable {
    case empty
    case bytes([UInt8])
    /// Written piece by piece: chunked to HTTP/1.1, ended by closing to HTTP/1.0. When the closure throws, the
    /// connection is cut so that the client sees an incomplete answer. It is not run for HEAD.
    case stream(@Sendable (BodyWriter) async throws -> Void)
    /// For a server that plays a failing one: nothing is sent, not even a head, and the connection is cut.
    case abort
    /// For a server that plays a failing one: the head announces `announcedLength` bytes, only these are sent, and the
    /// connection is cut.
    case truncated([UInt8], announcedLength: Int)
}

/// Takes the pieces of a streamed body. One write at a time.
public struct BodyWriter: Sendable {
    private let send: @Sendable ([UInt8]) async throws -> Void

    public init(_ send: @escaping @Sendable ([UInt8]) async throws -> Void) { self.send = send }

    /// Sends `bytes` and returns once the system has taken all of them, so a slow reader slows the writer down.
    /// Nothing is sent for an empty array.
    /// - Throws: `HTTPError` when the peer is gone or too slow, when the answer is over, or when another write is under way.
    public func write(_ bytes: [UInt8]) async throws {
        if !bytes.isEmpty { try await send(bytes) }
    }

    public func write(_ text: String) async throws { try await write(Array(text.utf8)) }
}
