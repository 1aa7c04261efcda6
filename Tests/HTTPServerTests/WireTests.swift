import HTTPTypes
import Testing

@testable import HTTPServer

@Suite("Event streams, old clients and IPv6 over real sockets")
struct WireTests {
    private static let get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

    private static let quietEvents: Handler = { _ in
        .serverSentEvents { events in
            try await events.send(ServerSentEvent(data: "one"))
            try await Signal.waitForCancellation()
        }
    }

    @Test("A quiet event stream brings a comment again and again, which a browser ignores (WHATWG HTML section 9.2.6)")
    func heartbeat() async throws {
        try await withServer({ $0.timeouts.heartbeat = .milliseconds(100) }, handler: Self.quietEvents) { address, _ in
            let client = try await RawClient(address)
            try await client.send(Self.get)
            _ = try await client.read(until: "3\r\n:\n\n\r\n3\r\n:\n\n\r\n3\r\n:\n\n\r\n")
        }
    }

    @Test("A stopping server tells every event stream when to come back, and ends it whole")
    func retryHint() async throws {
        try await withServer({ $0.timeouts.eventRetry = .milliseconds(1500) }, handler: Self.quietEvents) { address, server in
            var clients: [RawClient] = []
            for _ in 0..<5 {
                let client = try await RawClient(address)
                try await client.send(Self.get)
                _ = try await client.read(until: "data: one\n\n")
                clients.append(client)
            }
            await server.stop(deadline: .seconds(60))
            for client in clients {
                let end = try await client.readToEnd()
                #expect(end.contains("\r\nretry: 1500"))
                #expect(end.hasSuffix("\n\n\r\n0\r\n\r\n"))
            }
        }
    }

    @Test("HTTP/1.0 is kept alive as long as it asks for it each time, pipelined too (RFC 9112 appendix C.2.2)")
    func oldKeepAlive() async throws {
        try await withServer(handler: { .text("\($0.path);") }) { address, _ in
            func get(_ path: String, _ fields: String = "Connection: keep-alive\r\n") -> String { "GET \(path) HTTP/1.0\r\n\(fields)\r\n" }
            let client = try await RawClient(address)
            for turn in 0..<3 {
                let answer = try await client.exchange(get("/\(turn)"))
                #expect(answer.text == "/\(turn);")
                #expect(answer["connection"] == "keep-alive")
                #expect(answer["content-length"] == "3")
            }
            try await client.send(get("/a") + get("/b", "Connection: Keep-Alive\r\n") + get("/c", ""))
            for path in ["/a", "/b", "/c"] {
                let answer = try await client.answer()
                #expect(answer.text == "\(path);")
                #expect(answer["connection"] == (path == "/c" ? "close" : "keep-alive"))
            }
            #expect(try await client.readToEnd() == "")
        }
    }

    @Test("A server on ::1 serves and names its IPv6 clients", .enabled(if: BlockingClient.hasIPv6))
    func version6() async throws {
        try await withServer({ $0.host = "::1" }, handler: { .text("\($0.remoteAddress.host) \($0.head.authority ?? "-");") }) {
            address, _ in
            #expect(address.host == "::1")
            let answer = try await onOwnThread {
                try BlockingClient(address).exchange("GET / HTTP/1.1\r\nHost: \(address)\r\n\r\n", until: ";")
            }
            #expect(answer.hasSuffix("\r\n\r\n::1 [::1]:\(address.port);"))
        }
    }

    @Test("A server on :: serves both versions, and an IPv4 client has one name on either", .enabled(if: BlockingClient.hasIPv6))
    func bothVersions() async throws {
        let proxies = try #require(TrustedProxies(["127.0.0.0/8"]))
        try await withServer(
            {
                $0.host = "::"
                $0.trustedProxies = proxies
            }, handler: { .text("\($0.remoteAddress.host);") }
        ) { address, _ in
            #expect(address.host == "::")
            for host in ["127.0.0.1", "::1"] {
                let answer = try await onOwnThread {
                    try BlockingClient(SocketAddress(host: host, port: address.port)).exchange(Self.get, until: ";")
                }
                #expect(answer.hasSuffix("\r\n\r\n\(host);"))
            }
            // A network of IPv4 holds the clients that came mapped into IPv6.
            let answer = try await RawClient(SocketAddress(host: "127.0.0.1", port: address.port))
                .exchange("GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 203.0.113.7\r\n\r\n")
            #expect(answer.text == "203.0.113.7;")
        }
    }
}
