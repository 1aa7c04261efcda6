import HTTPTypes

/// What went wrong with a request, as the client will be told. Thrown by the parser, by body decoding, by the router
/// and by handlers; the server turns it into a `text/plain` answer unless a middleware renders it first.
public struct HTTPError: Error, Sendable, CustomStringConvertible {
    /// The answer's status.
    public var status: HTTPResponse.Status
    /// A short stable word for programs, such as `not-found`.
    public var code: String
    /// One sentence for people. It is sent to the client: no internals and no secrets in it.
    public var message: String
    /// Fields the answer must carry, such as `Allow` with 405.
    public var headerFields: HTTPFields
    /// The path of a request that was refused by its head because of its size; nil for every other error. Whoever renders it knows by it
    /// whether a person or a program asked.
    public internal(set) var path: String?

    public init(
        _ status: HTTPResponse.Status, code: String, message: String, headerFields: HTTPFields = [:]
    ) {
        self.status = status
        self.code = code
        self.message = message
        self.headerFields = headerFields
    }

    public var description: String { "\(status.code) \(code): \(message)" }
}

extension HTTPError {
    static func badRequest(_ code: String, _ message: String) -> HTTPError {
        HTTPError(.badRequest, code: code, message: message)
    }

    /// The program that uses the server is at fault, not the client.
    static func misuse(_ code: String, _ message: String) -> HTTPError {
        HTTPError(.internalServerError, code: code, message: message)
    }

    static let unknownMethod = HTTPError(.notImplemented, code: "unknown-method", message: "The method is not known here.")

    static func bodyTooLarge(limit: Int) -> HTTPError {
        HTTPError(.contentTooLarge, code: "body-too-large", message: "The body is larger than \(limit) bytes. Nothing was taken.")
    }

    /// The plain answer the server gives when nobody else rendered the error.
    var plainResponse: Response {
        var response = Response.text(message + "\n", status: status)
        response.headerFields.append(contentsOf: headerFields)
        return response
    }
}
