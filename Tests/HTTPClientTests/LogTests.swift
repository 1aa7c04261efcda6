import HTTPClient
import HTTPTypes
import Logging
import Synchronization
import Testing

/// Keeps what is logged, at every level.
private final class LogBook: Sendable {
    struct Line: Sendable {
        var level: Logger.Level
        var message: String
        var metadata: Logger.Metadata
    }

    private let kept = Mutex<[Line]>([])
    var lines: [Line] { kept.withLock { $0 } }
    /// All there is to read, the way a log file would have it.
    var text: String { lines.map { "\($0.level) \($0.message) \($0.metadata)" }.joined(separator: "\n") }

    var logger: Logger {
        var logger = Logger(label: "test") { _ in Handler(book: self) }
        logger.logLevel = .trace
        return logger
    }

    private struct Handler: LogHandler {
        let book: LogBook
        var logLevel = Logger.Level.trace
        var metadata = Logger.Metadata()

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            book.kept.withLock {
                $0.append(Line(level: event.level, message: event.message.description, metadata: event.metadata ?? [:]))
            }
        }
    }
}

@Suite("Log lines", .timeLimit(.minutes(3)))
struct LogTests {
    private static let secret = "canary-7f3a"

    /// A request with the secret wherever one can be, except in the path.
    private static func request(_ url: String, limits: RequestLimits? = nil) -> OutgoingRequest {
        OutgoingRequest(
            method: .post, url: "\(url)?key=\(secret)", headerFields: [.gradientToken: secret, .authorization: secret],
            body: Array(secret.utf8), limits: limits)
    }

    @Test("An answer: method, place, status, time and size, at debug")
    func answered() async throws {
        let book = LogBook()
        let port = try await withServer(
            logger: book.logger,
            script: { connection in
                _ = try connection.readRequest()
                connection.answer("201 \(Self.secret)", ["Set-Cookie: \(Self.secret)"], body: Self.secret)
            }
        ) { server, client in
            _ = try await client.send(Self.request(server.url("/api/accounts")))
            return server.port
        }
        let line = try #require(book.lines.first)
        #expect(book.lines.count == 1)
        #expect(line.level == .debug)
        #expect(line.metadata["method"] == "POST")
        #expect(line.metadata["url"] == "http://127.0.0.1:\(port)/api/accounts")
        #expect(line.metadata["status"] == "201")
        #expect(line.metadata["bytes"] == "\(Self.secret.utf8.count)")
        #expect(line.metadata["milliseconds"] != nil)
        #expect(!book.text.contains(Self.secret))
    }

    @Test(
        "A failure: code and what is known of the request, at notice; whatever the server did",
        arguments: [
            "", "HTTP/1.1 200 \(secret)\r\nX-\(secret): \(secret)\r\nContent-Length: \(secret)\r\n\r\n",
            "\(secret)\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\(secret)\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n\(secret)",
            "HTTP/1.1 200 OK\r\n\(secret)\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 999999999999\r\n\r\n\(secret)",
        ])
    func failed(_ answer: String) async throws {
        let book = LogBook()
        let error = try await withServer(
            logger: book.logger,
            script: { connection in
                _ = try connection.readRequest()
                connection.write(answer)
            }
        ) { server, client in
            await client.failure(of: Self.request(server.url("/api/accounts")))
        }
        let line = try #require(book.lines.first)
        #expect(book.lines.count == 1)
        #expect(line.level == .notice)
        #expect(line.metadata["code"] == "\(try #require(error).code.rawValue)")
        #expect(line.metadata["delivery"] != nil)
        #expect(!book.text.contains(Self.secret))
        #expect(error.map { "\($0)".contains(Self.secret) } == false)
    }

    @Test(
        "A failure before anything is sent",
        arguments: [
            "http://127.0.0.1:1/", "https://127.0.0.1:1/", "ftp://\(secret)@example.com/\(secret)",
            "http://\(secret):x@127.0.0.1/\(secret)",
            "http://127.0.0.1:1/ \(secret)", "http://127.0.0.1:1/a/../\(secret)", "\(secret)", "http://[\(secret)]/",
        ])
    func neverSent(_ url: String) async throws {
        let book = LogBook()
        let error = try await withClient(logger: book.logger) { client in await client.failure(of: Self.request(url)) }
        #expect(book.lines.count == 1)
        #expect(!book.text.contains(Self.secret))
        #expect(error.map { "\($0)".contains(Self.secret) } == false)
    }

    @Test("A refused redirect or header field")
    func refused() async throws {
        let book = LogBook()
        try await withServer(
            logger: book.logger,
            script: { connection in
                _ = try connection.readRequest()
                connection.answer("302 Found", ["Location: ftp://\(Self.secret)/\(Self.secret)?\(Self.secret)"])
            }
        ) { server, client in
            var request = Self.request(server.url(), limits: RequestLimits(maximumRedirects: 1))
            request.method = .get
            let redirect = await client.failure(of: request)
            #expect(redirect?.code == .redirectRefused)
            request.headerFields[.connection] = Self.secret
            let field = await client.failure(of: request)
            #expect(field?.code == .invalidRequest)
            for error in [redirect, field] { #expect(error.map { "\($0)".contains(Self.secret) } == false) }
        }
        #expect(book.lines.count == 2)
        #expect(!book.text.contains(Self.secret))
    }

    @Test("A path that holds a secret is replaced")
    func pathForLog() async throws {
        let book = LogBook()
        try await withServer(
            logger: book.logger,
            script: { connection in
                _ = try connection.readRequest()
                connection.answer()
                _ = try connection.readRequest()
            }
        ) { server, client in
            var request = Self.request(server.url("/keys/\(Self.secret)"))
            request.pathForLog = "/keys/***"
            _ = try await client.send(request)
            #expect(await client.failure(of: request) != nil)
        }
        #expect(book.lines.map(\.level) == [.debug, .notice])
        #expect(book.lines.allSatisfy { $0.metadata["url"]?.description.hasSuffix("/keys/***") == true })
        #expect(!book.text.contains(Self.secret))
    }

    @Test("A cancellation is only information")
    func cancelled() async throws {
        let book = LogBook()
        let arrived = Gate()
        try await withServer(
            logger: book.logger,
            script: { connection in
                _ = try connection.readRequest()
                arrived.open()
                try connection.waitForClose()
            }
        ) { server, client in
            let task = Task { await client.failure(of: Self.request(server.url())) }
            try await arrived.wait()
            task.cancel()
            _ = await task.value
        }
        #expect(book.lines.map(\.level) == [.info])
        #expect(!book.text.contains(Self.secret))
    }
}
