import HTTPClient
import HTTPTypes
import Testing

/// Requests that are refused before anything is sent.
@Suite("Refused requests", .timeLimit(.minutes(3)))
struct RefusalTests {
    /// The refusal, from a client that has no server: whatever got through would end as a refused connection.
    private func refusal(_ request: OutgoingRequest) async throws -> HTTPClientError {
        let error = try #require(try await withClient { await $0.failure(of: request) })
        #expect(error.code == .invalidRequest)
        #expect(error.delivery == .neverSent)
        return error
    }

    @Test(
        "URLs that are not absolute, encoded http or https",
        arguments: [
            "", "/api", "example.com/api", "ftp://example.com/", "file:///etc/passwd", "HTTPX://example.com/", "http:/a", "http://",
            "http:///path", "https://:443/", "http://a:0/", "http://a:65536/", "http://a:x/", "http://a:/", "http://[::1/", "http://[]/",
            "http://[::1]x/", "http://[v6]/", "http://user:secret@example.com/", "http://secret@example.com/", "http://exa%6Dple.com/",
            "http://example.com/a b", "http://example.com/a\r\nHost: x", "http://example.com/a\n", "http://example.com/\0",
            "http://example.com/\u{7F}", "http://example.com/\t", "http://example.com/é", "http://exämple.com/",
            "http://example.com/a\\b", "http://example.com/a#b", "http://example.com/%", "http://example.com/%4",
            "http://example.com/%zz", "http://example.com/?q=100%", "http://example.com/a/../b", "http://example.com/..",
            "http://example.com/./a", "http://example.com/a/%2e%2E/b", "http://example.com/a/.%2e", "http://example.com/%2E",
            "http://example.com\r\n.evil/", "http://exa mple.com/", "http://a\0b/",
        ])
    func urls(_ url: String) async throws {
        let error = try await refusal(OutgoingRequest(method: .get, url: url))
        #expect(!error.message.contains("secret"))
    }

    @Test(
        "Fields that frame the message or govern the connection",
        arguments: [
            "Host", "content-length", "Transfer-Encoding", "Connection", "Expect", "TE", "Trailer", "Upgrade", "Keep-Alive",
            "Proxy-Connection", "HTTP2-Settings",
        ])
    func ownFields(_ name: String) async throws {
        var fields = HTTPFields()
        fields[try #require(HTTPField.Name(name))] = "secret"
        let error = try await refusal(OutgoingRequest(method: .get, url: "http://127.0.0.1:1/", headerFields: fields))
        #expect(error.message.contains(name))
        #expect(!error.message.contains("secret"))
    }

    @Test("CONNECT, and a body with HEAD")
    func methods() async throws {
        _ = try await refusal(OutgoingRequest(method: .connect, url: "http://127.0.0.1:1/"))
        _ = try await refusal(OutgoingRequest(method: .head, url: "http://127.0.0.1:1/", body: [1]))
    }

    @Test("A user agent with a line break", arguments: ["a\r\nX: 1", "a\nX: 1", "a\0", "é"])
    func userAgent(_ userAgent: String) {
        let error = #expect(throws: HTTPClientError.self) {
            try CurlHTTPClient(configuration: HTTPClientConfiguration(userAgent: userAgent), logger: silentLogger)
        }
        #expect(error?.code == .invalidConfiguration)
    }

    @Test("No connections allowed")
    func noConnections() {
        for configuration in [
            HTTPClientConfiguration(maximumConnectionsPerHost: 0), HTTPClientConfiguration(maximumConnections: 0),
        ] {
            let error = #expect(throws: HTTPClientError.self) {
                try CurlHTTPClient(configuration: configuration, logger: silentLogger)
            }
            #expect(error?.code == .invalidConfiguration)
        }
    }
}
