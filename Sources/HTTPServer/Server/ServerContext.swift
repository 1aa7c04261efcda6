import HTTPTypes
import Logging

/// What every connection of one server shares.
struct ServerContext: Sendable {
    let configuration: ServerConfiguration
    let logger: Logger
    let immediate: ImmediateHandler
    let refusal: RefusalHandler
    let handler: Handler

    /// The handler's answer, or one that tells its failure.
    func respond(to request: Request) async -> Response {
        do {
            return try await handler(request)
        } catch let error as HTTPError {
            return error.plainResponse
        } catch {
            // The path without the query: tokens travel in queries.
            logger.error(
                "A handler failed; the client got an empty 500.",
                metadata: ["method": "\(request.head.method)", "path": "\(request.path)", "error": "\(error)"])
            return Response(status: .internalServerError)
        }
    }

    /// Runs the producer of a streamed body. False when the body is incomplete.
    func produce(_ body: @Sendable (BodyWriter) async throws -> Void, _ writer: BodyWriter) async -> Bool {
        do {
            try await body(writer)
            return true
        } catch {
            logger.debug("A streamed answer was cut.", metadata: ["reason": "\(error)"])
            return false
        }
    }

    /// The answer's head and its in-memory body; an empty 500 when the answer cannot be sent as it is.
    @ServerLoop func encode(
        _ response: Response, method: HTTPRequest.Method, version: HTTPVersion, keepAlive: Bool
    ) -> (head: ResponseEncoder.Head, body: [UInt8]) {
        do {
            if let failure = response.failure {
                logger.error("An answer could not be built; the client got an empty 500.", metadata: ["error": "\(failure)"])
                return encode(Response(status: .internalServerError), method: method, version: version, keepAlive: keepAlive)
            }
            let head = try ResponseEncoder.head(
                response, method: method, version: version, keepAlive: keepAlive, date: HTTPDate.now)
            switch response.body {
            case .bytes(let bytes) where head.framing != .none, .truncated(let bytes, _) where head.framing != .none:
                return (head, bytes)
            default: return (head, [])
            }
        } catch {
            logger.error("An answer cannot be sent; the client got an empty 500.", metadata: ["error": "\(error)"])
        }
        // Nothing in it can be refused: no fields of a handler's, a final status.
        let text = "HTTP/1.1 500 Internal Server Error\r\nDate: \(HTTPDate.now)\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        return (ResponseEncoder.Head(bytes: Array(text.utf8), framing: .length(0), keepAlive: false), [])
    }
}
