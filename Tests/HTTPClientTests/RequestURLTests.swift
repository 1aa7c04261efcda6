import Testing

@testable import HTTPClient

/// What is refused stands in `RefusalTests`, where nothing may be sent.
@Suite("URLs taken apart")
struct RequestURLTests {
    @Test(
        "Origin and path",
        arguments: [
            ("http://example.com", "http://example.com", "/"),
            ("https://Example.COM/a/b?c=d/e", "https://example.com", "/a/b"),
            ("HTTPS://example.com:443/", "https://example.com", "/"),
            ("http://example.com:80?x", "http://example.com", "/"),
            ("http://example.com:443/", "http://example.com:443", "/"),
            ("https://example.com:80/%2F%2e%2e%2e/...", "https://example.com:80", "/%2F%2e%2e%2e/..."),
            ("http://[::1]:8080/a//b/", "http://[::1]:8080", "/a//b/"),
            ("http://[2001:DB8::1]/.a", "http://[2001:db8::1]", "/.a"),
            ("http://127.0.0.1:65535/?q=[1]{2}|\"", "http://127.0.0.1:65535", "/"),
            ("https://xn--exmple-cua.com/a@b", "https://xn--exmple-cua.com", "/a@b"),
            ("http://under_score.example/", "http://under_score.example", "/"),
        ])
    func parts(_ text: String, _ origin: String, _ path: String) throws {
        let url = try RequestURL(text)
        #expect(url.origin.description == origin)
        #expect(url.path == path)
        #expect(url.text == text)
    }

    @Test("Origins differ by scheme, host and port, not by letter case or a port that is understood")
    func origins() throws {
        let base = try RequestURL("http://example.com/").origin
        for same in ["http://EXAMPLE.com/x", "http://example.com:80"] {
            let origin = try RequestURL(same).origin
            #expect(origin == base)
        }
        for other in ["https://example.com/", "http://example.com:81/", "http://www.example.com/", "http://example.com./"] {
            let origin = try RequestURL(other).origin
            #expect(origin != base)
        }
    }
}
