import Foundation
import HTTPClient
import HTTPTypes
import Synchronization
import Testing

@Suite("Where a request may go", .timeLimit(.minutes(3)))
struct DestinationTests {
    private static let publicOnly = DestinationRule()
    private static let loopback = IPNetwork("127.0.0.0/8")!

    private func request(_ url: String, _ rule: DestinationRule? = publicOnly, redirects: Int = 0) -> OutgoingRequest {
        OutgoingRequest(method: .get, url: url, limits: RequestLimits(maximumRedirects: redirects), destinations: rule)
    }

    private func answering(_ body: (RawServer, CurlHTTPClient) async throws -> Void) async throws {
        try await withServer(script: { connection in
            while try connection.readRequest() != nil { connection.answer(body: "here") }
        }) { server, client in try await body(server, client) }
    }

    @Test(
        "No spelling of a loopback address is connected to",
        arguments: [
            "127.0.0.1", "127.1", "2130706433", "0x7f.0.0.1", "0x7f000001", "0177.0.0.1", "127.0.0.1.", "0", "[::1]", "[::ffff:127.0.0.1]",
            "[::ffff:7f00:1]", "localhost", "LOCALHOST.",
            "a.localhost",
        ])
    func spellings(host: String) async throws {
        try await answering { server, client in
            let error = await client.failure(of: request("http://\(host):\(server.port)/"))
            #expect(error?.code == .destinationRefused, "\(error?.message ?? "answered")")
            #expect(error?.delivery == .neverSent)
            #expect(server.connectionCount == 0)
        }
    }

    @Test(
        "Nor any other address that is not public",
        arguments: [
            "169.254.169.254", "10.0.0.1", "192.168.0.1", "100.100.100.200", "224.0.0.1", "[fe80::1]", "[fd00:ec2::254]",
            "[64:ff9b::7f00:1]",
        ])
    func others(host: String) async throws {
        try await withClient { client in
            #expect(await client.failure(of: request("http://\(host)/"))?.code == .destinationRefused)
        }
    }

    /// `localhost` is let through by name where one of its addresses is allowed: what it leads to decides then.
    private static let otherLoopback = DestinationRule(networks: [IPNetwork("::1")!])

    @Test("A name is followed to the address it leads to, and that one is not connected to")
    func byName() async throws {
        try await answering { server, client in
            let error = await client.failure(of: request(server.url(host: "localhost"), Self.otherLoopback))
            #expect(error?.code == .destinationRefused, "\(error?.message ?? "answered")")
            #expect(error?.delivery == .neverSent)
            #expect(error?.message.contains("localhost leads to 127.0.0.1, which is not a public address") == true)
            #expect(server.connectionCount == 0)
        }
    }

    @Test("What a setting allows is connected to, and nothing beside it")
    func allowed() async throws {
        try await answering { server, client in
            let rule = DestinationRule(networks: [Self.loopback])
            try await expect("here", from: client, request(server.url(), rule))
            try await expect("here", from: client, request(server.url(host: "localhost"), rule))
            #expect(await client.failure(of: request("http://10.0.0.1/", rule))?.code == .destinationRefused)
        }
    }

    @Test("Hosts that are not named are not asked")
    func hosts() async throws {
        try await answering { server, client in
            let rule = DestinationRule(hosts: ["127.0.0.1"], networks: [Self.loopback])
            try await expect("here", from: client, request(server.url(), rule))
            let error = await client.failure(of: request(server.url(host: "localhost"), rule))
            #expect(error?.code == .destinationRefused)
            #expect(error?.message.contains("localhost is not among the hosts that may be asked (127.0.0.1)") == true)
        }
    }

    @Test("A connection that another request opened and left is not used against the rule")
    func keptConnection() async throws {
        let seen = Mutex(0)
        try await withServer(script: { connection in
            while try connection.readRequest() != nil {
                seen.withLock { $0 += 1 }
                connection.answer(body: "here")
            }
        }) { server, client in
            let url = server.url(host: "localhost")
            try await expect("here", from: client, request(url, nil))
            let error = await client.failure(of: request(url, Self.otherLoopback))
            #expect(error?.code == .destinationRefused, "\(error?.message ?? "answered")")
            #expect(error?.delivery == .neverSent)
            #expect(seen.withLock { $0 } == 1)
            try await expect("here", from: client, request(url, nil))
        }
    }

    @Test(
        "A redirect leads nowhere that the rule forbids",
        arguments: [
            "http://10.0.0.1/", "http://169.254.169.254/latest/", "http://localhost:%d/", "http://0x7f.2:%d/", "http://elsewhere.example/",
        ])
    func redirects(target: String) async throws {
        let seen = Mutex(0)
        try await withServer(script: { connection in
            while let request = try connection.readRequest() {
                seen.withLock { $0 += 1 }
                let port = request.values("Host")[0].split(separator: ":")[1]
                connection.answer("302 Found", ["Location: \(target.replacing("%d", with: port))"])
            }
        }) { server, client in
            let rule = DestinationRule(hosts: ["127.0.0.1", "10.0.0.1", "169.254.169.254"], networks: [IPNetwork("127.0.0.1")!])
            let error = await client.failure(of: request(server.url(), rule, redirects: 3))
            #expect(error?.code == .redirectRefused, "\(error?.message ?? "answered")")
            #expect(error?.delivery == .answered(status: 302))
        }
        #expect(seen.withLock { $0 } == 1)
    }

    @Test("Behind a proxy its own address does not matter; spelled-out addresses and localhost are still refused")
    func proxied() async {
        await #expect(processExitsWith: .success) {
            let seen = Mutex<[String]>([])
            try await RawServer.with({ connection in
                while let request = try connection.readRequest() {
                    seen.withLock { $0.append(request.line) }
                    connection.answer(body: "by proxy")
                }
            }) { proxy in
                setenv("http_proxy", proxy.url(), 1)
                setenv("no_proxy", "direct.example,127.0.0.3", 1)
                try await withClient { client in
                    func ask(_ host: String) -> OutgoingRequest {
                        OutgoingRequest(method: .get, url: "http://\(host)/", destinations: DestinationRule())
                    }
                    try await expect("by proxy", from: client, ask("vendor.example"))
                    for host in ["127.0.0.1", "0x7f.1", "localhost", "10.0.0.1", "127.0.0.3"] {
                        #expect(await client.failure(of: ask(host))?.code == .destinationRefused, "\(host)")
                    }
                    // Without a rule libcurl chooses as ever.
                    try await expect("by proxy", from: client, OutgoingRequest(method: .get, url: "http://10.0.0.1/"))
                    try await expect("by proxy", from: client, ask("vendor.example"))
                }
            }
            #expect(seen.withLock { $0 }.count == 3)
        }
    }
}

@Suite("A body handed on as it comes", .timeLimit(.minutes(3)))
struct BodySinkTests {
    private final class Taken: Sendable {
        let bytes = Mutex<[UInt8]>([])
        func sink(refusingAfter limit: Int = .max) -> OutgoingRequest.BodySink {
            { piece in
                self.bytes.withLock { bytes in
                    bytes.append(contentsOf: piece)
                    return bytes.count <= limit
                }
            }
        }
        var text: String { bytes.withLock { String(decoding: $0, as: UTF8.self) } }
    }

    @Test("The sink gets a 2xx body whole, and the answer's body is empty; any other status keeps its body")
    func taken() async throws {
        let large = String(repeating: "0123456789", count: 50_000)
        try await withServer(script: { connection in
            while let request = try connection.readRequest() {
                if request.path == "/moved" {
                    connection.answer("302 Found", ["Location: /"], body: "moved")
                } else {
                    connection.answer(request.path == "/" ? "200 OK" : "500 Oh", body: request.path == "/" ? large : "broken")
                }
            }
        }) { server, client in
            for path in ["/", "/moved"] {
                let taken = Taken()
                let response = try await client.send(
                    OutgoingRequest(method: .get, url: server.url(path), limits: RequestLimits(maximumRedirects: 1), bodySink: taken.sink())
                )
                #expect(response.status == .ok && response.body.isEmpty)
                #expect(taken.text == large)
            }
            let taken = Taken()
            let response = try await client.send(OutgoingRequest(method: .get, url: server.url("/broken"), bodySink: taken.sink()))
            #expect(response.text == "broken" && taken.text.isEmpty)
        }
    }

    @Test("Its no ends the transfer; the limit of the answer holds as ever")
    func refused() async throws {
        try await withServer(script: { connection in
            _ = try connection.readRequest()
            connection.write("HTTP/1.1 200 OK\r\n\r\n")
            // Without end.
            while connection.write(String(repeating: "x", count: 10_000)) {}
        }) { server, client in
            let taken = Taken()
            var request = OutgoingRequest(method: .get, url: server.url(), bodySink: taken.sink(refusingAfter: 100_000))
            #expect(await client.failure(of: request)?.code == .answerRefused)
            #expect(taken.text.utf8.count > 100_000)
            request.bodySink = Taken().sink()
            request.limits = RequestLimits(maximumAnswerBytes: 200_000)
            #expect(await client.failure(of: request)?.code == .answerTooLarge)
        }
    }
}

/// Apart, because `#expect` does not pass typed errors on.
private func expect(
    _ text: String, from client: CurlHTTPClient, _ request: OutgoingRequest, sourceLocation: SourceLocation = #_sourceLocation
) async throws {
    let response = try await client.send(request)
    #expect(response.text == text, sourceLocation: sourceLocation)
}
