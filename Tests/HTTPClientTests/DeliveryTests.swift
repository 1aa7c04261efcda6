import Glibc
import HTTPClient
import HTTPTypes
import Synchronization
import Testing

/// For each way a request can fail: the code, and what is known of the request's fate.
@Suite("What is known of a request that failed", .timeLimit(.minutes(3)))
struct DeliveryTests {
    /// Long enough for a busy machine to send the request, whose answer then never comes.
    private static let short = RequestLimits(totalTimeout: .milliseconds(2500))

    private func failure(of url: String, limits: RequestLimits? = nil) async throws -> HTTPClientError {
        let error = try await withClient { client in
            await client.failure(of: OutgoingRequest(method: .post, url: url, body: [], limits: limits))
        }
        return try #require(error)
    }

    // MARK: Never sent

    @Test("A refused connection")
    func refused() async throws {
        // Bound and not listening: the port stays taken and refuses.
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        defer { close(descriptor) }
        let port = try RawServer.bindToLoopback(descriptor)
        let error = try await failure(of: "http://127.0.0.1:\(port)/")
        #expect(error.code == .connectionRefused)
        #expect(error.delivery == .neverSent)
        #expect(error.message.contains("127.0.0.1:\(port)"))
    }

    @Test("A name that does not resolve")
    func unresolved() async throws {
        // A label of 64 characters is no name (RFC 1035 section 2.3.4): no server has to be asked.
        let error = try await failure(of: "http://\(String(repeating: "a", count: 64)).invalid/")
        #expect(error.code == .nameNotResolved)
        #expect(error.delivery == .neverSent)
    }

    @Test("A server that does not take the connection")
    func connectTimeout() async throws {
        let full = try FullBacklog()
        defer { full.close() }
        let error = try await failure(
            of: "http://127.0.0.1:\(full.port)/", limits: RequestLimits(connectTimeout: .milliseconds(200)))
        #expect(error.code == .connectTimedOut)
        #expect(error.delivery == .neverSent)
        #expect(error.message.contains("200 ms"))
    }

    @Test("A total time-out while connecting")
    func totalTimeoutWhileConnecting() async throws {
        let full = try FullBacklog()
        defer { full.close() }
        let error = try await failure(
            of: "http://127.0.0.1:\(full.port)/", limits: RequestLimits(totalTimeout: .milliseconds(200)))
        #expect(error.code == .timedOut)
        #expect(error.delivery == .neverSent)
    }

    @Test("A server that is silent in the TLS handshake")
    func silentHandshake() async throws {
        try await withServer(script: { try $0.waitForClose() }) { server, client in
            let error = await client.failure(
                of: OutgoingRequest(
                    method: .post, url: "https://127.0.0.1:\(server.port)/",
                    limits: RequestLimits(connectTimeout: .milliseconds(200))))
            #expect(error?.code == .connectTimedOut)
            #expect(error?.delivery == .neverSent)
        }
    }

    @Test("A server that does not speak TLS")
    func noTLS() async throws {
        try await withServer(script: { connection in
            connection.write("HTTP/1.1 400 Bad Request\r\n\r\n")
            try connection.waitForClose()
        }) { server, client in
            let error = await client.failure(
                of: OutgoingRequest(method: .post, url: "https://127.0.0.1:\(server.port)/"))
            #expect(error?.code == .tlsFailed)
            #expect(error?.delivery == .neverSent)
        }
    }

    @Test("A server that hangs up in the TLS handshake")
    func resetInHandshake() async throws {
        try await withServer(script: { $0.reset() }) { server, client in
            let error = await client.failure(
                of: OutgoingRequest(method: .post, url: "https://127.0.0.1:\(server.port)/"))
            // The reset may come before the first byte of the handshake or after.
            #expect(error?.code == .tlsFailed || error?.code == .connectFailed)
            #expect(error?.delivery == .neverSent)
        }
    }

    // MARK: Sent

    struct Broken: Sendable, CustomTestStringConvertible {
        var name: String
        var answer: String
        var code: HTTPClientError.Code
        var delivery: HTTPClientError.Delivery
        var testDescription: String { name }
    }

    private static let ok = "HTTP/1.1 200 OK\r\n"

    /// The server reads the request, answers this much, and closes.
    @Test(
        "An answer that breaks off or is none",
        arguments: [
            Broken(name: "nothing at all", answer: "", code: .connectionLost, delivery: .unknown),
            Broken(name: "half a status line", answer: "HTTP/1.1 20", code: .connectionLost, delivery: .unknown),
            Broken(name: "a third of the protocol's name", answer: "HT", code: .connectionLost, delivery: .unknown),
            Broken(name: "only a status line", answer: ok, code: .connectionLost, delivery: .answered(status: 200)),
            Broken(
                name: "half a head", answer: ok + "Content-Type: text/plain\r\nContent-Le",
                code: .connectionLost, delivery: .answered(status: 200)),
            Broken(
                name: "an interim answer only", answer: "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n",
                code: .connectionLost, delivery: .unknown),
            Broken(
                name: "half a body", answer: "HTTP/1.1 503 No\r\nContent-Length: 10\r\n\r\nhalf",
                code: .connectionLost, delivery: .answered(status: 503)),
            Broken(
                name: "half a chunk", answer: ok + "Transfer-Encoding: chunked\r\n\r\n5\r\nab",
                code: .connectionLost, delivery: .answered(status: 200)),
            Broken(
                name: "no last chunk", answer: ok + "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n",
                code: .connectionLost, delivery: .answered(status: 200)),
            Broken(
                name: "a chunk size that is none", answer: ok + "Transfer-Encoding: chunked\r\n\r\nxyz\r\nab\r\n0\r\n\r\n",
                code: .answerMalformed, delivery: .answered(status: 200)),
            Broken(
                name: "a length that is none", answer: ok + "Content-Length: many\r\n\r\nab",
                code: .answerMalformed, delivery: .answered(status: 200)),
            Broken(
                name: "a negative length", answer: ok + "Content-Length: -5\r\n\r\nab",
                code: .answerMalformed, delivery: .answered(status: 200)),
            Broken(
                name: "a NUL in the head", answer: ok + "X-Odd: a\0b\r\nContent-Length: 0\r\n\r\n",
                code: .answerMalformed, delivery: .answered(status: 200)),
            Broken(
                name: "a line that is no field", answer: ok + "no field\r\nContent-Length: 0\r\n\r\n",
                code: .answerMalformed, delivery: .answered(status: 200)),
            Broken(
                name: "another protocol", answer: "220 mail.example ESMTP\r\n", code: .answerMalformed, delivery: .unknown),
            Broken(
                name: "a version that does not exist", answer: "HTTP/7.3 200 OK\r\nContent-Length: 0\r\n\r\n",
                code: .answerMalformed, delivery: .unknown),
            Broken(
                name: "a status that is no number", answer: "HTTP/1.1 abc OK\r\nContent-Length: 0\r\n\r\n",
                code: .answerMalformed, delivery: .unknown),
        ])
    func brokenAnswer(_ broken: Broken) async throws {
        try await withServer(script: { connection in
            _ = try connection.readRequest()
            connection.write(broken.answer)
        }) { server, client in
            let error = await client.failure(of: OutgoingRequest(method: .post, url: server.url(), body: [1]))
            #expect(error?.code == broken.code)
            #expect(error?.delivery == broken.delivery)
            #expect(server.connectionCount == 1)
        }
    }

    @Test("A connection reset after the request")
    func reset() async throws {
        try await withServer(script: { connection in
            _ = try connection.readRequest()
            connection.reset()
        }) { server, client in
            let error = await client.failure(of: OutgoingRequest(method: .post, url: server.url(), body: [1]))
            #expect(error?.code == .connectionLost)
            #expect(error?.delivery == .unknown)
        }
    }

    @Test("A server that never answers")
    func silence() async throws {
        try await withServer(script: { connection in
            _ = try connection.readRequest()
            try connection.waitForClose()
        }) { server, client in
            let error = await client.failure(
                of: OutgoingRequest(method: .post, url: server.url(), body: [1], limits: Self.short))
            #expect(error?.code == .timedOut)
            #expect(error?.delivery == .unknown)
            #expect(error?.message.contains("2500 ms") == true)
        }
    }

    @Test("A server that stops in the middle of the body")
    func silenceInBody() async throws {
        try await withServer(script: { connection in
            _ = try connection.readRequest()
            connection.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
            try connection.waitForClose()
        }) { server, client in
            let error = await client.failure(of: OutgoingRequest(method: .post, url: server.url(), limits: Self.short))
            #expect(error?.code == .timedOut)
            #expect(error?.delivery == .answered(status: 200))
        }
    }

    @Test("A server that closes while the body is still being sent")
    func closedWhileSending() async throws {
        try await withServer(script: { connection in
            try connection.readSome()
            connection.reset()
        }) { server, client in
            let error = await client.failure(
                of: OutgoingRequest(
                    method: .post, url: server.url(), body: [UInt8](repeating: 1, count: 20_000_000)))
            #expect(error?.code == .connectionLost)
            #expect(error?.delivery == .unknown)
        }
    }

    // MARK: A kept connection that has died

    /// Answers the first request of each connection, reads the second and closes without an answer.
    private func sendTwice(_ method: HTTPRequest.Method) async throws -> (second: HTTPClientError?, arrived: [String]) {
        let arrived = Mutex<[String]>([])
        let error = try await withServer(script: { connection in
            for count in 1...2 {
                guard let request = try connection.readRequest() else { return }
                arrived.withLock { $0.append("\(connection.number): \(request.line)") }
                if count == 1 { connection.answer() }
            }
        }) { server, client in
            _ = try await client.get(server.url("/first"))
            return await client.failure(of: OutgoingRequest(method: method, url: server.url("/second")))
        }
        return (error, arrived.withLock { $0 })
    }

    @Test("What may change something is not sent a second time", arguments: [HTTPRequest.Method.post, .patch])
    func deadConnectionUnsafe(_ method: HTTPRequest.Method) async throws {
        let (error, arrived) = try await sendTwice(method)
        #expect(error?.code == .connectionLost)
        #expect(error?.delivery == .unknown)
        #expect(arrived == ["1: GET /first HTTP/1.1", "1: \(method.rawValue) /second HTTP/1.1"])
    }

    @Test("What is idempotent is sent again on a new connection", arguments: [HTTPRequest.Method.get, .put, .delete])
    func deadConnectionIdempotent(_ method: HTTPRequest.Method) async throws {
        let (error, arrived) = try await sendTwice(method)
        #expect(error == nil)
        #expect(
            arrived == [
                "1: GET /first HTTP/1.1", "1: \(method.rawValue) /second HTTP/1.1", "2: \(method.rawValue) /second HTTP/1.1",
            ])
    }

    @Test("A connection that the server closed in between is not used again, whatever the method")
    func closedBetweenRequests() async throws {
        let closed = Gate()
        try await withServer(script: { connection in
            _ = try connection.readRequest()
            connection.answer()
            guard connection.number == 1 else { return }
            connection.close()
            closed.open()
        }) { server, client in
            _ = try await client.get(server.url())
            try await closed.wait()
            let response = try await client.post(server.url())
            #expect(response.status == .ok)
            #expect(server.connectionCount == 2)
        }
    }
}
