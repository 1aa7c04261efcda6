import HTTPTypes

/// The answer to a ``SandboxRequest``, and how it reaches the client.
public struct SandboxAnswer: Sendable {
    public enum Delivery: Sendable, Equatable {
        case complete
        /// The head announces the whole body; half of it follows, then the connection closes.
        case half
        /// The connection closes without an answer.
        case dropped
    }

    public var status: HTTPResponse.Status
    public var headerFields: HTTPFields
    public var body: [UInt8]
    public var delivery = Delivery.complete
    /// How long the answer is held back.
    public var delay = Duration.zero

    init(status: HTTPResponse.Status, headerFields: HTTPFields = [:], body: [UInt8] = []) {
        self.status = status
        self.headerFields = headerFields
        self.body = body
    }

    static func json(_ value: JSONValue, status: HTTPResponse.Status = .ok) -> SandboxAnswer {
        json(value.bytes, status: status)
    }

    static func json(_ bytes: [UInt8], status: HTTPResponse.Status = .ok) -> SandboxAnswer {
        SandboxAnswer(status: status, headerFields: [.contentType: "application/json; charset=utf-8"], body: bytes)
    }
}
