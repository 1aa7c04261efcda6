import HTTPTypes
import Testing

@testable import HTTPServer

@Suite("Trusted proxies and clients who pretend")
struct PretenderTests {
    private func seen(
        by networks: [String] = ["10.0.0.0/8"], _ lines: (String, String)...
    ) throws -> String {
        let proxies = try #require(TrustedProxies(networks, fields: lines[0].0 == "Forwarded" ? .forwarded : .xForwarded))
        var headerFields = HTTPFields()
        for (name, value) in lines { headerFields.append(HTTPField(name: try #require(HTTPField.Name(name)), value: value)) }
        var request = Request(
            head: HTTPRequest(method: .get, scheme: "http", authority: "own", path: "/", headerFields: headerFields),
            remoteAddress: SocketAddress(host: "10.0.0.1", port: 40_000))
        proxies.correct(&request)
        return "\(request.remoteAddress.host) \(request.head.scheme ?? "-") \(request.head.authority ?? "-")"
    }

    @Test(
        "What a client sends does not swallow what our proxy adds behind it",
        arguments: [
            "for=1.1.1.1;x=\"", "for=1.1.1.1;x=\"\\\"\"", "for=1.1.1.1;proto=https;host=evil;x=\"", "for=1.1.1.1;x=\u{600}",
        ])
    func swallowed(sent: String) throws {
        let result = try seen(("Forwarded", sent + ", for=203.0.113.7"))
        #expect(["10.0.0.1 http own", "203.0.113.7 http own"].contains(result), "\(result)")
        #expect(try seen(("Forwarded", sent), ("Forwarded", "for=203.0.113.7")) == "203.0.113.7 http own", "on a line of its own")
    }

    @Test(
        "X-Forwarded-For knows no quotes, and a comma is one whatever stands before it", arguments: ["\"", "1.1.1.1\"", "1.1.1.1\u{600}"])
    func hidden(sent: String) throws {
        #expect(try seen(("X-Forwarded-For", sent + ", 203.0.113.7")) == "203.0.113.7 http own")
    }

    @Test("The nearest proxy's scheme and host count when it does not tell the client (RFC 7239 section 6)")
    func clientNotTold() throws {
        for node in ["for=unknown;", "for=_hidden;", ""] {
            #expect(try seen(("Forwarded", "for=1.1.1.1, \(node)proto=https;host=shop.example")) == "10.0.0.1 https shop.example")
        }
        #expect(try seen(("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "shop.example")) == "10.0.0.1 https shop.example")
    }

    @Test("An IPv4 address mapped into IPv6 is the IPv4 address, as a network, a proxy and a client")
    func mapped() throws {
        #expect(try seen(by: ["::ffff:10.0.0.0/104"], ("X-Forwarded-For", "203.0.113.7")) == "203.0.113.7 http own")
        #expect(try seen(("X-Forwarded-For", "203.0.113.7, ::ffff:10.0.0.3")) == "203.0.113.7 http own")
        #expect(try seen(("X-Forwarded-For", "::ffff:203.0.113.7")) == "203.0.113.7 http own")
        #expect(TrustedProxies(["::ffff:10.0.0.0/90"]) == nil)
    }
}
