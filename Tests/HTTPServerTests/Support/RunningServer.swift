import HTTPServer
import HTTPTypes
import Logging

/// Runs `body` against a server on a free port, and stops the server afterwards.
func withServer(
    _ configure: (inout ServerConfiguration) -> Void = { _ in },
    logger: Logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }),
    handler: @escaping Handler, _ body: (SocketAddress, Server) async throws -> Void
) async throws {
    var configuration = ServerConfiguration()
    configure(&configuration)
    let server = Server(configuration: configuration, logger: logger, handler: handler)
    let address = try await server.start()
    do {
        try await body(address, server)
    } catch {
        await server.stop(deadline: .seconds(1))
        throw error
    }
    await server.stop(deadline: .seconds(1))
}

/// Answers `hello`, whatever is asked.
let hello: Handler = { _ in .text("hello") }
