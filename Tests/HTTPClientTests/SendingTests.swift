import HTTPClient
import HTTPTypes
import Synchronization
import Testing

@Suite("What goes over the wire", .timeLimit(.minutes(3)))
struct SendingTests {
    /// Sends `request` to a server of its own and returns what arrived there.
    private func arrived(
        _ method: HTTPRequest.Method, _ path: String = "/", _ fields: HTTPFields = HTTPFields(), body: [UInt8]? = nil
    ) async throws -> RawRequest {
        let seen = Mutex<RawRequest?>(nil)
        try await withServer(script: { connection in
            let request = try connection.readRequest()
            seen.withLock { $0 = request }
            connection.answer()
        }) { server, client in
            _ = try await client.send(
                OutgoingRequest(method: method, url: server.url(path), headerFields: fields, body: body))
        }
        return try #require(seen.withLock { $0 })
    }

    @Test("A GET has its path and query, the user agent, and no body")
    func get() async throws {
        let request = try await arrived(.get, "/api/accounts/a%2Fb?x=%20&y=1")
        #expect(request.line == "GET /api/accounts/a%2Fb?x=%20&y=1 HTTP/1.1")
        #expect(request.values("User-Agent") == ["perch"])
        #expect(request.values("Content-Length").isEmpty)
        #expect(request.values("Content-Type").isEmpty)
        #expect(request.values("Accept-Encoding").isEmpty)
    }

    @Test("A body goes with its length, and only with the content type it was given")
    func bodies() async throws {
        let post = try await arrived(.post, "/a", [.contentType: "application/json"], body: Array(#"{"a":"é"}"#.utf8))
        #expect(post.line == "POST /a HTTP/1.1")
        #expect(String(decoding: post.body, as: UTF8.self) == #"{"a":"é"}"#)
        #expect(post.values("Content-Length") == ["10"])
        #expect(post.values("Content-Type") == ["application/json"])

        let untyped = try await arrived(.post, body: [0, 1, 0, 255])
        #expect(untyped.body == [0, 1, 0, 255])
        #expect(untyped.values("Content-Type").isEmpty)
    }

    @Test("A large body arrives whole and without waiting for 100 Continue")
    func largeBody() async throws {
        let body = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let request = try await arrived(.put, body: body)
        #expect(request.values("Expect").isEmpty)
        #expect(request.body == body)
    }

    @Test(
        "Every method is sent as named",
        arguments: [
            HTTPRequest.Method.get, .post, .put, .patch, .delete, .options, .head, HTTPRequest.Method("PURGE")!,
        ])
    func methods(_ method: HTTPRequest.Method) async throws {
        let request = try await arrived(method, "/m")
        #expect(request.line == "\(method.rawValue) /m HTTP/1.1")
        let hasLength = [.post, .put, .patch].contains(method)
        #expect(request.values("Content-Length") == (hasLength ? ["0"] : []))
    }

    @Test("A body goes with methods that seldom have one", arguments: [HTTPRequest.Method.get, .delete, .patch])
    func unusualBodies(_ method: HTTPRequest.Method) async throws {
        let request = try await arrived(method, "/m", body: Array("body".utf8))
        #expect(request.line == "\(method.rawValue) /m HTTP/1.1")
        #expect(String(decoding: request.body, as: UTF8.self) == "body")
    }

    @Test("Fields go as given: empty ones, repeated ones, and bytes beyond ASCII")
    func fields() async throws {
        let name = try #require(HTTPField.Name("X-Odd"))
        var fields = HTTPFields()
        fields.append(HTTPField(name: name, value: ""))
        fields.append(HTTPField(name: name, value: "one: two; three"))
        fields.append(HTTPField(name: name, value: "é"))
        fields[.userAgent] = "other/1"
        fields[.accept] = "application/json"
        let request = try await arrived(.get, "/", fields)
        #expect(request.values("X-Odd") == ["", "one: two; three", "é"])
        #expect(request.values("User-Agent") == ["other/1"])
        #expect(request.values("Accept") == ["application/json"])
    }

    @Test("A line break in a value never reaches the wire")
    func lineBreakInValue() async throws {
        let name = try #require(HTTPField.Name("X-Odd"))
        var fields = HTTPFields()
        fields.append(HTTPField(name: name, value: "a\r\nX-Injected: 1"))
        fields.append(HTTPField(name: name, lenientValue: Array("b\nX-Injected: 1\0".utf8)))
        let request = try await arrived(.get, "/", fields)
        #expect(request.values("X-Injected").isEmpty)
        #expect(request.values("X-Odd").count == 2)
    }

    @Test("Nothing of one request is left in the next on the same handle")
    func nothingIsLeftOver() async throws {
        let seen = Mutex<[RawRequest]>([])
        try await withServer(script: { connection in
            while let request = try connection.readRequest() {
                seen.withLock { $0.append(request) }
                connection.answer()
            }
        }) { server, client in
            _ = try await client.send(
                OutgoingRequest(
                    method: .patch, url: server.url("/1"), headerFields: [.gradientToken: "t", .contentType: "text/plain"],
                    body: Array("body".utf8)))
            _ = try await client.send(OutgoingRequest(method: .head, url: server.url("/2")))
            _ = try await client.send(OutgoingRequest(method: .get, url: server.url("/3")))
            _ = try await client.send(OutgoingRequest(method: .post, url: server.url("/4")))
            _ = try await client.send(OutgoingRequest(method: .delete, url: server.url("/5")))
            #expect(server.connectionCount == 1)
        }
        let requests = seen.withLock { $0 }
        #expect(
            requests.map(\.line) == [
                "PATCH /1 HTTP/1.1", "HEAD /2 HTTP/1.1", "GET /3 HTTP/1.1", "POST /4 HTTP/1.1", "DELETE /5 HTTP/1.1",
            ])
        #expect(requests.map { $0.values("Content-Length") } == [["4"], [], [], ["0"], []])
        #expect(requests.dropFirst().allSatisfy { $0.values("GRADIENT-TOKEN").isEmpty && $0.body.isEmpty })
        #expect(requests.dropFirst().allSatisfy { $0.values("Content-Type").isEmpty })
    }
}
