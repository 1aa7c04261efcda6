public import HTTPTypes

/// One HTTP request to be sent.
public struct OutgoingRequest: Sendable {
    /// Any method but `CONNECT`. A method outside RFC 9110 section 9.2.2's idempotent ones is never sent
    /// twice by the client itself.
    public var method: HTTPRequest.Method

    /// Absolute, `http` or `https`, already percent-encoded (`PercentEncoding`), without user name,
    /// password or fragment. Anything outside printable ASCII, and a path segment that is `.` or `..`,
    /// is refused: such a segment would address another resource than the one meant.
    public var url: String

    /// Sent as they are. The fields that frame the message or govern the connection (`Host`,
    /// `Content-Length`, `Transfer-Encoding`, `Connection`, `Expect` and their like) are the client's own
    /// and are refused here.
    public var headerFields: HTTPFields

    /// Sent with its length. `nil` sends none. A body needs its `Content-Type` in `headerFields`; none is
    /// made up.
    public var body: [UInt8]?

    /// `nil`: those of the client.
    public var limits: RequestLimits?

    /// Shown in log lines in place of the path, for a path that itself holds a secret. The query is never
    /// shown.
    public var pathForLog: String?

    /// Where the request may go. `nil`: anywhere.
    public var destinations: DestinationRule?

    /// Takes the body of a 2xx answer piece by piece, as it comes, in place of `IncomingResponse.body`, which stays empty: for
    /// answers too large to be held. Called on the client's own thread, which every other request waits for meanwhile; `false` ends
    /// the transfer with `answerRefused`.
    public var bodySink: BodySink?

    public typealias BodySink = @Sendable (_ piece: UnsafeRawBufferPointer) -> Bool

    public init(
        method: HTTPRequest.Method,
        url: String,
        headerFields: HTTPFields = HTTPFields(),
        body: [UInt8]? = nil,
        limits: RequestLimits? = nil,
        pathForLog: String? = nil,
        destinations: DestinationRule? = nil,
        bodySink: BodySink? = nil
    ) {
        self.method = method
        self.url = url
        self.headerFields = headerFields
        self.body = body
        self.limits = limits
        self.pathForLog = pathForLog
        self.destinations = destinations
        self.bodySink = bodySink
    }
}
