import HTTPClient
import HTTPTypes
import Testing

@Suite("Answers as they come", .timeLimit(.minutes(3)))
struct AnswerTests {
    /// What the client makes of `pieces`, which the server writes one by one before it closes.
    private func answer(_ pieces: String..., to method: HTTPRequest.Method = .get) async throws -> IncomingResponse {
        try await withServer(script: { connection in
            _ = try connection.readRequest()
            for piece in pieces { connection.write(piece) }
        }) { server, client in
            try await client.send(OutgoingRequest(method: method, url: server.url()))
        }
    }

    @Test("Status, fields and body")
    func plain() async throws {
        let response = try await answer(
            "HTTP/1.1 404 Not Found\r\nContent-Type:text/plain \r\nContent-Length: 4\r\nSet-Cookie: a\r\nSet-Cookie: b\r\n",
            "X-Empty:\r\n\r\n", "gone")
        #expect(response.status == .notFound)
        #expect(response.httpVersion == "HTTP/1.1")
        #expect(response.headerFields[.contentType] == "text/plain")
        #expect(response.headerFields[values: .setCookie] == ["a", "b"])
        #expect(response.headerFields[values: HTTPField.Name("X-Empty")!] == [""])
        #expect(response.text == "gone")
    }

    @Test("Chunks are put together, their extensions and trailers are left out")
    func chunked() async throws {
        let response = try await answer(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum, Status\r\n\r\n3;odd=1\r\n", "abc\r\n2\r", "\nde\r\n",
            "0\r\nX-Sum: 1\r\nHTTP/1.1: 500\r\n\r\n")
        #expect(response.status == .ok)
        #expect(response.text == "abcde")
        #expect(response.headerFields[HTTPField.Name("X-Sum")!] == nil)
    }

    @Test("Interim answers are passed over, their fields with them")
    func interim() async throws {
        let response = try await answer(
            "HTTP/1.1 100 Continue\r\nX-Interim: 1\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n",
            "HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok", to: .post)
        #expect(response.status == .created)
        #expect(response.headerFields[HTTPField.Name("X-Interim")!] == nil)
        #expect(response.headerFields[HTTPField.Name("Link")!] == nil)
        #expect(response.text == "ok")
    }

    @Test("A body without a length ends with the connection")
    func closeDelimited() async throws {
        let response = try await answer("HTTP/1.0 200 OK\r\n\r\n", "all ", "of it")
        #expect(response.httpVersion == "HTTP/1.0")
        #expect(response.text == "all of it")
    }

    @Test(
        "Answers without a body",
        arguments: [
            ("HTTP/1.1 204 No Content\r\n\r\n", HTTPRequest.Method.get),
            ("HTTP/1.1 304 Not Modified\r\nContent-Length: 5000000000\r\n\r\n", .get),
            ("HTTP/1.1 200 OK\r\nContent-Length: 5000000000\r\n\r\n", .head),
            ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", .post),
        ])
    func noBody(_ head: String, _ method: HTTPRequest.Method) async throws {
        let response = try await answer(head, to: method)
        #expect(response.body.isEmpty)
        #expect(response.status.code < 400)
    }

    @Test("A folded field is one value, a field whose name is none is passed over")
    func oddLines() async throws {
        let response = try await answer(
            "HTTP/1.1 200\r\nX-Folded: one\r\n  two\r\nbad name: 1\r\nX-Last: \u{E9}\r\nContent-Length: 0\r\n\r\n")
        #expect(response.headerFields[HTTPField.Name("X-Folded")!] == "one two")
        #expect(response.headerFields[HTTPField.Name("X-Last")!] == "é")
        #expect(response.headerFields.count == 3)
    }

    @Test("Compression is not asked for, and a compressed answer is handed on as it is")
    func compressed() async throws {
        let response = try await answer("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nzzzz")
        #expect(response.text == "zzzz")
    }

    @Test("An answer that comes before the whole request is sent counts")
    func earlyAnswer() async throws {
        try await withServer(script: { connection in
            connection.write("HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig")
            try connection.waitForClose()
        }) { server, client in
            let response = try await client.send(
                OutgoingRequest(
                    method: .post, url: server.url(), body: [UInt8](repeating: 1, count: 20_000_000)))
            #expect(response.status == .contentTooLarge)
            #expect(response.text == "big")
        }
    }
}
