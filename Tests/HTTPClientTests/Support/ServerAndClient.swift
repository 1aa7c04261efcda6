import HTTPClient
import HTTPTypes
import Logging
import Testing

/// A log that goes nowhere.
let silentLogger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

/// Runs `body` with a server that follows `script` and a client, and stops both.
func withServer<Result>(
    _ configuration: HTTPClientConfiguration = HTTPClientConfiguration(),
    logger: Logger = silentLogger,
    script: @escaping @Sendable (RawConnection) throws -> Void,
    _ body: (RawServer, CurlHTTPClient) async throws -> Result
) async throws -> Result {
    try await RawServer.with(script) { server in
        try await withClient(configuration, logger: logger) { client in try await body(server, client) }
    }
}

func withClient<Result>(
    _ configuration: HTTPClientConfiguration = HTTPClientConfiguration(), logger: Logger = silentLogger,
    _ body: (CurlHTTPClient) async throws -> Result
) async throws -> Result {
    let client = try CurlHTTPClient(configuration: configuration, logger: logger)
    let result: Result
    do {
        result = try await body(client)
    } catch {
        await client.shutdown()
        throw error
    }
    await client.shutdown()
    return result
}

extension CurlHTTPClient {
    func get(_ url: String, _ fields: HTTPFields = HTTPFields(), limits: RequestLimits? = nil) async throws(HTTPClientError)
        -> IncomingResponse
    {
        try await send(OutgoingRequest(method: .get, url: url, headerFields: fields, limits: limits))
    }

    func post(_ url: String, _ body: String = "{}", limits: RequestLimits? = nil) async throws(HTTPClientError)
        -> IncomingResponse
    {
        try await send(
            OutgoingRequest(
                method: .post, url: url, headerFields: [.contentType: "application/json"], body: Array(body.utf8), limits: limits))
    }

    /// The error that sending `request` throws, `nil` when it is answered.
    func failure(of request: OutgoingRequest) async -> HTTPClientError? {
        do throws(HTTPClientError) {
            _ = try await send(request)
            return nil
        } catch {
            return error
        }
    }
}

extension IncomingResponse {
    var text: String { String(decoding: body, as: UTF8.self) }
}

extension HTTPField.Name {
    static let gradientToken = Self("GRADIENT-TOKEN")!
}
