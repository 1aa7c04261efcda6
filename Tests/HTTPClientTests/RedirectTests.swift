import HTTPClient
import HTTPTypes
import Synchronization
import Testing

@Suite("Redirects", .timeLimit(.minutes(3)))
struct RedirectTests {
    private static let following = RequestLimits(maximumRedirects: 3)

    private static func request(_ url: String, _ method: HTTPRequest.Method = .get, limits: RequestLimits = following)
        -> OutgoingRequest
    {
        var fields: HTTPFields = [
            .gradientToken: "secret", .authorization: "Bearer secret", .cookie: "a=secret", .accept: "application/json",
            .userAgent: "test/1", .ifNoneMatch: "secret",
        ]
        fields[HTTPField.Name("X-Api-Key")!] = "secret"
        return OutgoingRequest(method: method, url: url, headerFields: fields, limits: limits)
    }

    /// A first server that redirects every request as `location` says, and a second one that answers.
    private func redirect(
        _ status: String = "302 Found", to location: @escaping @Sendable (_ second: RawServer) -> String,
        _ method: HTTPRequest.Method = .get, limits: RequestLimits = following
    ) async throws -> (outcome: Result<IncomingResponse, HTTPClientError>, atSecond: [RawRequest]) {
        let seen = Mutex<[RawRequest]>([])
        let outcome = try await RawServer.with({ connection in
            while let request = try connection.readRequest() {
                seen.withLock { $0.append(request) }
                connection.answer(body: request.line.hasPrefix("HEAD") ? "" : "second")
            }
        }) { second in
            try await withServer(script: { connection in
                while try connection.readRequest() != nil { connection.answer(status, ["Location: \(location(second))"]) }
            }) { first, client -> Result<IncomingResponse, HTTPClientError> in
                do throws(HTTPClientError) {
                    return .success(try await client.send(Self.request(first.url("/start"), method, limits: limits)))
                } catch {
                    return .failure(error)
                }
            }
        }
        return (outcome, seen.withLock { $0 })
    }

    @Test("Off, the redirect is the answer")
    func off() async throws {
        let (outcome, atSecond) = try await redirect(to: { $0.url() }, limits: RequestLimits())
        let response = try outcome.get()
        #expect(response.status == .found)
        #expect(response.headerFields[.location] != nil)
        #expect(atSecond.isEmpty)
    }

    @Test(
        "To another port, nothing that could be a credential goes along",
        arguments: [
            "301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent",
        ])
    func otherPort(_ status: String) async throws {
        let (outcome, atSecond) = try await redirect(status, to: { $0.url("/there?x=1#part") })
        let response = try outcome.get()
        #expect(response.text == "second")
        let request = try #require(atSecond.first)
        #expect(request.line == "GET /there?x=1 HTTP/1.1")
        #expect(!request.head.contains("secret"))
        #expect(request.values("Accept") == ["application/json"])
        #expect(request.values("User-Agent") == ["test/1"])
    }

    @Test("To another host name, though it be the same machine")
    func otherHost() async throws {
        let seen = Mutex<[RawRequest]>([])
        try await withServer(script: { connection in
            while let request = try connection.readRequest() {
                seen.withLock { $0.append(request) }
                let port = request.values("Host")[0].split(separator: ":")[1]
                if request.path == "/start" {
                    connection.answer("302 Found", ["Location: http://localhost:\(port)/there"])
                } else if request.path == "/there" {
                    // And back again: what was dropped stays dropped.
                    connection.answer("302 Found", ["Location: http://127.0.0.1:\(port)/back"])
                } else {
                    connection.answer()
                }
            }
        }) { server, client in
            let response = try await client.send(Self.request(server.url("/start")))
            #expect(response.status == .ok)
        }
        let requests = seen.withLock { $0 }
        #expect(requests.map(\.path) == ["/start", "/there", "/back"])
        #expect(requests.map { $0.head.contains("secret") } == [true, false, false])
    }

    @Test(
        "To the same origin, everything goes along",
        arguments: [
            ("/other", "/other"), ("other", "/folder/other"), ("?q=1", "/folder/start?q=1"), ("../up", "/up"), ("a b", "/folder/a%20b"),
        ])
    func sameOrigin(_ location: String, _ target: String) async throws {
        let seen = Mutex<[RawRequest]>([])
        try await withServer(script: { connection in
            while let request = try connection.readRequest() {
                let isFirst = seen.withLock { seen in
                    seen.append(request)
                    return seen.count == 1
                }
                if isFirst { connection.answer("307 Temporary", ["Location: \(location)"]) } else { connection.answer() }
            }
        }) { server, client in
            let response = try await client.send(Self.request(server.url("/folder/start")))
            #expect(response.status == .ok)
            #expect(server.connectionCount == 1)
        }
        let requests = seen.withLock { $0 }
        #expect(requests.map(\.path) == ["/folder/start", target])
        #expect(requests.last?.values("GRADIENT-TOKEN") == ["secret"])
    }

    @Test("HEAD stays HEAD")
    func head() async throws {
        let (outcome, atSecond) = try await redirect(to: { $0.url("/there") }, .head)
        let response = try outcome.get()
        #expect(response.status == .ok)
        #expect(atSecond.map(\.line) == ["HEAD /there HTTP/1.1"])
    }

    @Test(
        "What may change something is never sent on",
        arguments: [
            HTTPRequest.Method.post, .put, .patch, .delete,
        ])
    func unsafeMethods(_ method: HTTPRequest.Method) async throws {
        let (outcome, atSecond) = try await redirect("307 Temporary", to: { $0.url() }, method)
        let response = try outcome.get()
        #expect(response.status == .temporaryRedirect)
        #expect(atSecond.isEmpty)
    }

    @Test("A redirect without a target, and statuses that redirect nothing, are answers")
    func noTarget() async throws {
        for answer in ["HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 304 Same\r\nLocation: /x\r\n\r\n"] {
            try await withServer(script: { connection in
                _ = try connection.readRequest()
                connection.write(answer)
            }) { server, client in
                let response = try await client.send(Self.request(server.url()))
                #expect([302, 304].contains(response.status.code))
            }
        }
    }

    @Test("Too many are refused")
    func tooMany() async throws {
        let seen = Atomic<Int>(0)
        try await withServer(script: { connection in
            while try connection.readRequest() != nil {
                let count = seen.add(1, ordering: .relaxed).newValue
                connection.answer("302 Found", ["Location: /\(count)"])
            }
        }) { server, client in
            let error = await client.failure(of: Self.request(server.url()))
            #expect(error?.code == .redirectRefused)
            #expect(error?.delivery == .answered(status: 302))
            #expect(seen.load(ordering: .relaxed) == 4)
        }
    }

    @Test(
        "Targets that are refused",
        arguments: [
            "ftp://127.0.0.1/", "file:///etc/passwd", "gopher://127.0.0.1/", "http://", "http://user:secret@127.0.0.1/",
            "javascript:alert(1)", "http://127.0.0.1/a\\b", "http://127.0.0.1:99999/",
        ])
    func refusedTargets(_ target: String) async throws {
        let (outcome, atSecond) = try await redirect(to: { _ in target })
        guard case .failure(let error) = outcome else {
            Issue.record("followed to \(target)")
            return
        }
        #expect(error.code == .redirectRefused)
        #expect(error.delivery == .answered(status: 302))
        #expect(!error.message.contains("secret"))
        #expect(atSecond.isEmpty)
    }

    @Test("A chain that breaks tells that an earlier server had answered")
    func brokenChain() async throws {
        let full = try FullBacklog()
        defer { full.close() }
        let port = full.port
        let (outcome, _) = try await redirect(
            "301 Moved", to: { _ in "http://127.0.0.1:\(port)/" },
            limits: RequestLimits(connectTimeout: .seconds(2), maximumRedirects: 1))
        guard case .failure(let error) = outcome else {
            Issue.record("answered")
            return
        }
        #expect(error.code == .connectTimedOut)
        #expect(error.delivery == .answered(status: 301))
    }

    @Test("The total time-out is for the whole chain")
    func totalTimeout() async throws {
        try await withServer(script: { connection in
            while try connection.readRequest() != nil {
                try connection.pause(milliseconds: 20)
                connection.answer("302 Found", ["Location: /again"])
            }
        }) { server, client in
            let limits = RequestLimits(totalTimeout: .milliseconds(2500), maximumRedirects: 1_000_000)
            let error = await client.failure(of: Self.request(server.url(), limits: limits))
            #expect(error?.code == .timedOut)
            #expect(error?.delivery == .answered(status: 302))
        }
    }
}
