import HTTPClient
import HTTPTypes
import Testing

@Suite("Limits", .timeLimit(.minutes(3)))
struct LimitTests {
    private static let hundredBytes = RequestLimits(maximumAnswerBytes: 100)

    private func failure(answering pieces: String..., limits: RequestLimits = hundredBytes) async throws -> HTTPClientError? {
        try await withServer(script: { connection in
            _ = try connection.readRequest()
            for piece in pieces where !connection.write(piece) { return }
            try connection.waitForClose()
        }) { server, client in
            await client.failure(of: OutgoingRequest(method: .get, url: server.url(), limits: limits))
        }
    }

    @Test("An answer as large as allowed is taken, with and without a length")
    func exactly() async throws {
        let body = String(repeating: "a", count: 100)
        for head in ["Content-Length: 100\r\n\r\n\(body)", "Transfer-Encoding: chunked\r\n\r\n64\r\n\(body)\r\n0\r\n\r\n"] {
            let error = try await failure(answering: "HTTP/1.1 200 OK\r\n" + head)
            #expect(error == nil)
        }
    }

    @Test("An answer that announces too much is refused before it comes")
    func announced() async throws {
        // Not one byte of the body is ever written: only the announcement can have ended it.
        let error = try await failure(answering: "HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n")
        #expect(error?.code == .answerTooLarge)
        #expect(error?.delivery == .answered(status: 200))
        #expect(error?.message.contains("100 bytes") == true)
    }

    @Test(
        "An answer that turns out too large is refused, whatever it announced",
        arguments: [
            "HTTP/1.1 500 No\r\nTransfer-Encoding: chunked\r\n\r\n65\r\n",
            "HTTP/1.1 500 No\r\n\r\n",
            "HTTP/1.1 500 No\r\nContent-Length: 10\r\nTransfer-Encoding: chunked\r\n\r\n65\r\n",
        ])
    func turnedOut(_ head: String) async throws {
        let error = try await failure(answering: head, String(repeating: "a", count: 101))
        #expect(error?.code == .answerTooLarge)
        #expect(error?.delivery == .answered(status: 500))
    }

    @Test("A limit of zero lets only an empty answer pass")
    func zero() async throws {
        let none = RequestLimits(maximumAnswerBytes: 0)
        #expect(try await failure(answering: "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", limits: none) == nil)
        let error = try await failure(answering: "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na", limits: none)
        #expect(error?.code == .answerTooLarge)
    }

    @Test(
        "A head without end is refused",
        arguments: [
            // Many fields, one field, and interim answers without end.
            String(repeating: "X-Field: \(String(repeating: "a", count: 1000))\r\n", count: 300),
            "X-Field: " + String(repeating: "a", count: 300_000) + "\r\n",
            "\r\n" + String(repeating: "HTTP/1.1 102 Wait\r\nX-Field: \(String(repeating: "a", count: 1000))\r\n\r\n", count: 300),
        ])
    func endlessHead(_ lines: String) async throws {
        let error = try await failure(answering: "HTTP/1.1 102 OK\r\n" + lines, limits: RequestLimits())
        #expect(error?.code == .answerTooLarge)
        #expect(error?.delivery == .unknown)
    }

    @Test("A trickle of bytes does not outlive the total time-out")
    func trickle() async throws {
        let limits = RequestLimits(totalTimeout: .milliseconds(2500))
        try await withServer(script: { connection in
            _ = try connection.readRequest()
            connection.write("HTTP/1.1 200 OK\r\n\r\n")
            // Ends when the client hangs up.
            while connection.write("a") { try connection.pause(milliseconds: 5) }
        }) { server, client in
            let error = await client.failure(of: OutgoingRequest(method: .get, url: server.url(), limits: limits))
            #expect(error?.code == .timedOut)
            #expect(error?.delivery == .answered(status: 200))
        }
    }

    @Test("The client's own limits hold for requests that bring none")
    func defaults() async throws {
        try await withServer(
            HTTPClientConfiguration(limits: Self.hundredBytes),
            script: { connection in
                while try connection.readRequest() != nil { connection.answer(body: String(repeating: "a", count: 101)) }
            }
        ) { server, client in
            let error = await client.failure(of: OutgoingRequest(method: .get, url: server.url()))
            #expect(error?.code == .answerTooLarge)
            let response = try await client.get(server.url(), limits: RequestLimits())
            #expect(response.body.count == 101)
        }
    }

    @Test(
        "Limits that make no sense are refused",
        arguments: [
            RequestLimits(connectTimeout: .zero), RequestLimits(totalTimeout: .seconds(-1)),
            RequestLimits(maximumAnswerBytes: -1), RequestLimits(maximumRedirects: -1),
        ])
    func nonsense(_ limits: RequestLimits) async throws {
        let error = try await withClient { client in
            await client.failure(of: OutgoingRequest(method: .get, url: "http://127.0.0.1:1/", limits: limits))
        }
        #expect(error?.code == .invalidRequest)
        #expect(throws: HTTPClientError.self) {
            try CurlHTTPClient(configuration: HTTPClientConfiguration(limits: limits), logger: silentLogger)
        }
    }
}
