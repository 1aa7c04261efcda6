import HTTPTypes
import Testing

@testable import HTTPServer

@Suite("Trusted proxies")
struct TrustedProxiesTests {
    /// What becomes of a request from `peer`: `client scheme host`.
    private func seen(
        from peer: String, by networks: [String], fields: TrustedProxies.Fields = .xForwarded, _ lines: [(String, String)]
    ) throws -> String {
        let proxies = try #require(TrustedProxies(networks, fields: fields))
        var headerFields = HTTPFields()
        for (name, value) in lines { headerFields.append(HTTPField(name: try #require(HTTPField.Name(name)), value: value)) }
        var request = Request(
            head: HTTPRequest(method: .get, scheme: "http", authority: "own", path: "/", headerFields: headerFields),
            remoteAddress: SocketAddress(host: peer, port: 40_000))
        proxies.correct(&request)
        return "\(request.remoteAddress.host) \(request.head.scheme ?? "-") \(request.head.authority ?? "-")"
    }

    /// As above, from one proxy at 10.0.0.1 that is trusted with its whole network 10.0.0.0/8.
    private func forwarded(_ values: String...) throws -> String {
        try seen(from: "10.0.0.1", by: ["10.0.0.0/8"], fields: .forwarded, values.map { ("Forwarded", $0) })
    }

    private func xForwarded(for clients: String..., proto: String? = nil, host: String? = nil) throws -> String {
        var lines = clients.map { ("X-Forwarded-For", $0) }
        if let proto { lines.append(("X-Forwarded-Proto", proto)) }
        if let host { lines.append(("X-Forwarded-Host", host)) }
        return try seen(from: "10.0.0.1", by: ["10.0.0.0/8"], lines)
    }

    private static let nobodyBelieved = "10.0.0.1 http own"

    // MARK: Networks

    @Test(
        "A network holds the addresses that share its first bits, whatever their number",
        arguments: [
            ("10.0.0.0/8", "10.255.255.255", true), ("10.0.0.0/8", "11.0.0.0", false), ("10.0.0.0/8", "9.255.255.255", false),
            ("192.168.1.1", "192.168.1.1", true), ("192.168.1.1", "192.168.1.2", false), ("192.168.1.1/32", "192.168.1.0", false),
            ("172.16.0.0/12", "172.31.255.255", true), ("172.16.0.0/12", "172.32.0.0", false), ("172.16.0.0/12", "172.15.255.255", false),
            ("192.0.2.128/25", "192.0.2.255", true), ("192.0.2.128/25", "192.0.2.127", false),
            ("192.0.2.4/31", "192.0.2.5", true), ("192.0.2.4/31", "192.0.2.6", false),
            ("128.0.0.0/1", "255.1.2.3", true), ("128.0.0.0/1", "127.255.255.255", false),
            ("10.0.0.0/9", "10.127.255.255", true), ("10.0.0.0/9", "10.128.0.0", false),
            // The bits behind the prefix do not count, as in every router.
            ("10.1.2.3/8", "10.9.9.9", true), ("0.0.0.0/0", "203.0.113.7", true), ("1.2.3.4/0", "203.0.113.7", true),
            ("0.0.0.0/0", "2001:db8::1", false), ("::/0", "2001:db8::1", true), ("::/0", "203.0.113.7", false),
            ("fd00::/8", "fdff::1", true), ("fd00::/8", "fc00::1", false), ("fc00::/7", "fdff::1", true), ("fc00::/7", "fe00::1", false),
            ("2001:db8::/33", "2001:db8:7fff::1", true), ("2001:db8::/33", "2001:db8:8000::1", false),
            ("2001:db8::/127", "2001:db8::1", true), ("2001:db8::/127", "2001:db8::2", false),
            ("::1", "::1", true), ("::1", "::2", false), ("2001:DB8::A", "2001:db8:0:0::a", true),
            ("10.0.0.0/8", "unknown", false), ("::/0", "fe80::1%eth0", false), ("0.0.0.0/0", "", false),
        ])
    func networks(network: String, peer: String, isTrusted: Bool) throws {
        let result = try seen(from: peer, by: [network], [("X-Forwarded-For", "198.51.100.9")])
        #expect(result == "\(isTrusted ? "198.51.100.9" : peer) http own")
    }

    @Test("One of several networks is enough, and no network trusts nobody")
    func severalNetworks() throws {
        let lines = [("X-Forwarded-For", "198.51.100.9")]
        #expect(try seen(from: "::1", by: ["127.0.0.0/8", "::1", "10.0.0.0/8"], lines).hasPrefix("198.51.100.9"))
        #expect(try seen(from: "127.0.0.1", by: [], lines) == "127.0.0.1 http own")
        var request = Request(.get, "/", headerFields: [try #require(HTTPField.Name("X-Forwarded-For")): "198.51.100.9"])
        TrustedProxies().correct(&request)
        #expect(request.remoteAddress.host == "127.0.0.1")
    }

    @Test(
        "What is no network is refused when it is configured",
        arguments: [
            "", "/", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/8/8", "10.0.0.0/ 8", "10.0.0.0 /8",
            "10.0.0.0/a",
            "10.0.0/8", "10.0.0.0.0/8", "256.0.0.0/8", "10.0.0.0/99999999999999999999", "fd00::/129", "fd00::/", "fd00:::/8", "[fd00::]/8",
            "10.0.0.1:80", "localhost", "example.com/8", "*", "10.*", "10.0.0.0-10.0.0.9", " 10.0.0.1", "０.0.0.0/8",
        ])
    func badNetworks(network: String) {
        #expect(TrustedProxies([network]) == nil)
        #expect(TrustedProxies(["127.0.0.1", network]) == nil)
    }

    // MARK: X-Forwarded-*

    @Test("The nearest proxy's word gives client, scheme and host")
    func ordinary() throws {
        #expect(try xForwarded(for: "203.0.113.7", proto: "https", host: "shop.example:8443") == "203.0.113.7 https shop.example:8443")
        #expect(try xForwarded(for: "2001:db8::7") == "2001:db8::7 http own")
    }

    @Test("An untrusted peer says nothing that counts, by either kind of field", arguments: TrustedProxies.Fields.allCases)
    func untrustedPeer(fields: TrustedProxies.Fields) throws {
        let lines = [
            ("X-Forwarded-For", "1.1.1.1"), ("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "evil"),
            ("Forwarded", "for=1.1.1.1;proto=https;host=evil"),
        ]
        #expect(try seen(from: "203.0.113.7", by: ["10.0.0.0/8"], fields: fields, lines) == "203.0.113.7 http own")
    }

    @Test("The kind of field that is not configured is not read: a proxy passes it on as the client sent it")
    func otherKind() throws {
        let x = [("X-Forwarded-For", "1.1.1.1"), ("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "evil")]
        let standard = [("Forwarded", "for=203.0.113.7;proto=https;host=shop.example")]
        #expect(try seen(from: "10.0.0.1", by: ["10.0.0.1"], fields: .forwarded, x) == Self.nobodyBelieved)
        #expect(try seen(from: "10.0.0.1", by: ["10.0.0.1"], fields: .xForwarded, standard) == Self.nobodyBelieved)
        #expect(try seen(from: "10.0.0.1", by: ["10.0.0.1"], fields: .forwarded, x + standard) == "203.0.113.7 https shop.example")
    }

    @Test("Through a chain of trusted proxies the client is the first from behind that is not one of them")
    func chain() throws {
        #expect(try xForwarded(for: "203.0.113.7, 10.0.0.3, 10.0.0.2") == "203.0.113.7 http own")
        #expect(try xForwarded(for: "10.0.0.9, 10.0.0.3") == "10.0.0.9 http own", "all are ours: the farthest")
        let schemes = "https, http, http"
        #expect(
            try xForwarded(for: "203.0.113.7, 10.0.0.3, 10.0.0.2", proto: schemes, host: "shop.example, a, b")
                == "203.0.113.7 https shop.example")
    }

    @Test("What the client wrote itself, on the left, is not believed")
    func spoofed() throws {
        #expect(try xForwarded(for: "1.1.1.1, 203.0.113.7") == "203.0.113.7 http own")
        #expect(try xForwarded(for: "10.0.0.5, 203.0.113.7") == "203.0.113.7 http own")
        #expect(try xForwarded(for: "1.1.1.1", "203.0.113.7") == "203.0.113.7 http own", "on a line of its own")
        #expect(
            try xForwarded(for: "1.1.1.1, 203.0.113.7, 10.0.0.2", proto: "https, http, http", host: "evil, own, own")
                == "203.0.113.7 http own")
        #expect(try forwarded("for=1.1.1.1;proto=https;host=evil, for=203.0.113.7") == "203.0.113.7 http own")
        #expect(try forwarded("for=1.1.1.1;proto=https;host=evil", "for=203.0.113.7") == "203.0.113.7 http own")
    }

    @Test("A list of schemes or hosts shorter than that of clients is the nearest proxy's word")
    func shortLists() throws {
        #expect(try xForwarded(for: "1.1.1.1, 203.0.113.7", proto: "https", host: "shop.example") == "203.0.113.7 https shop.example")
        #expect(
            try xForwarded(for: "1.1.1.1, 203.0.113.7, 10.0.0.2", proto: "http, https", host: "evil, shop.example")
                == "203.0.113.7 https shop.example")
    }

    @Test(
        "A port beside the client's address is left out",
        arguments: [
            ("203.0.113.7:4711", "203.0.113.7"), ("[2001:db8::7]:4711", "2001:db8::7"), ("[2001:db8::7]", "2001:db8::7"),
        ])
    func ports(client: String, host: String) throws {
        #expect(try xForwarded(for: client) == "\(host) http own")
        #expect(try forwarded("for=\"\(client)\"") == "\(host) http own")
    }

    @Test(
        "What is no address leaves the peer as the client, and does not let what stands before it through",
        arguments: [
            "", " ", ",", ", ,", "unknown", "_hidden", "-", "client.example", "localhost", "203.0.113", "203.0.113.256", "203.0.113.7.8",
            "203.0.113.07a",
            "[2001:db8::7", "2001:db8::7]", "[]", "[", "]:80", ":80", ":", "::g", "1:2:3:4:5:6:7:8:9", "%00", "0x7f.1", "203.0.113.7 evil",
            "203.0.113.7;evil", "<script>", "２０３.0.113.7",
            String(repeating: "1", count: 8000), String(repeating: "[", count: 8000), String(repeating: ":", count: 8000),
        ])
    func oddClients(client: String) throws {
        #expect(try xForwarded(for: client, proto: client, host: "a b") == Self.nobodyBelieved)
        guard !client.allSatisfy({ $0 == "," || $0 == " " }) else { return }
        #expect(try xForwarded(for: "1.1.1.1, " + client) == Self.nobodyBelieved)
    }

    @Test("Thousands of items are read from behind, in no time")
    func manyItems() throws {
        let spoofed = Array(repeating: "1.1.1.1", count: 4000).joined(separator: ",")
        #expect(try xForwarded(for: spoofed + ",203.0.113.7") == "203.0.113.7 http own")
        let ours = Array(repeating: "10.0.0.2", count: 4000).joined(separator: ",")
        #expect(try xForwarded(for: "203.0.113.7," + ours) == "203.0.113.7 http own")
        #expect(try forwarded(Array(repeating: "for=10.0.0.2", count: 4000).joined(separator: ",")) == "10.0.0.2 http own")
    }

    @Test(
        "Only http and https are schemes, and only a host with an optional port is a host",
        arguments: [
            ("https", "shop.example", "https shop.example"), ("HTTPS", "SHOP.example:443", "https SHOP.example:443"),
            ("http", "[2001:db8::1]:80", "http [2001:db8::1]:80"), ("http", "203.0.113.1", "http 203.0.113.1"),
            ("", "", "http own"), ("javascript", "a/b", "http own"), ("https", "a@b", "https own"), ("httpsx", "a b", "http own"),
            ("https://", "a:b", "http own"), ("wss", "a:99999", "http own"), ("on", "a?b", "http own"), ("ftp", "a#b", "http own"),
            ("file", "a\\b", "http own"), ("https:", "[::1", "http own"), ("ｈttps", "<b>", "http own"), ("h", "a:", "http a:"),
            ("http", "a\tb", "http own"), ("http", "häuser.example", "http own"), ("http", ":80", "http own"),
            ("http", "a:80:80", "http own"),
        ])
    func schemesAndHosts(proto: String, host: String, expected: String) throws {
        #expect(try xForwarded(for: "203.0.113.7", proto: proto, host: host) == "203.0.113.7 \(expected)")
        #expect(try forwarded("for=203.0.113.7;proto=\"\(proto)\";host=\"\(host)\"") == "203.0.113.7 \(expected)")
    }

    // MARK: Forwarded

    @Test(
        "Forwarded is read as RFC 7239 section 4 writes it",
        arguments: [
            ("for=203.0.113.7", "203.0.113.7 http own"),
            ("for=203.0.113.7;proto=https;by=203.0.113.43;host=shop.example", "203.0.113.7 https shop.example"),
            ("For=203.0.113.7;PROTO=HTTPS;Host=shop.example", "203.0.113.7 https shop.example"),
            ("proto=https;for=203.0.113.7", "203.0.113.7 https own"),
            ("for=\"203.0.113.7\";proto=\"https\"", "203.0.113.7 https own"),
            ("for=\"203.0.113.7:4711\"", "203.0.113.7 http own"),
            ("for=\"[2001:db8:cafe::17]:4711\"", "2001:db8:cafe::17 http own"),
            ("for=\"[2001:db8:cafe::17]\"", "2001:db8:cafe::17 http own"),
            ("for=203.0.113.7;host=\"shop.example:8443\"", "203.0.113.7 http shop.example:8443"),
            ("for=203.0.113.7 ; proto=https", "203.0.113.7 https own"),
            ("for=1.1.1.1,for=203.0.113.7", "203.0.113.7 http own"),
            ("for=1.1.1.1, ,for=203.0.113.7,", "203.0.113.7 http own"),
            ("for=203.0.113.7, for=10.0.0.3", "203.0.113.7 http own"),
            ("for=203.0.113.7;proto=https;host=shop.example, for=10.0.0.3;proto=http;host=inner", "203.0.113.7 https shop.example"),
            // Separators within quotes are part of the value.
            ("for=203.0.113.7;secret=\"a,for=1.1.1.1\"", "203.0.113.7 http own"),
            ("for=203.0.113.7;secret=\"a;for=1.1.1.1\"", "203.0.113.7 http own"),
            ("for=203.0.113.7;secret=\"a=b\"", "203.0.113.7 http own"),
            // What the client sent may open a quote, or hide a separator; the proxy's own item stands behind it all the same.
            ("for=\", for=203.0.113.7", "203.0.113.7 http own"), ("x=\"a\\\", for=203.0.113.7", "203.0.113.7 http own"),
            ("for=1.1.1.1\u{600}, for=203.0.113.7", "203.0.113.7 http own"),
            ("for=1.1.1.1;x=\"\", for=203.0.113.7;host=\"a,for=2.2.2.2\"", "203.0.113.7 http own"),
            // Section 6: nodes that tell no address. The client before an unknown hop is only hearsay.
            ("for=unknown", nobodyBelieved), ("for=_hidden", nobodyBelieved), ("for=\"_hidden:_port\"", nobodyBelieved),
            ("for=1.1.1.1, for=unknown", nobodyBelieved), ("for=1.1.1.1, for=_hidden", nobodyBelieved),
            ("for=\"203.0.113.7:_port\"", "203.0.113.7 http own"),
            // What is none of these.
            ("", nobodyBelieved), ("for", nobodyBelieved), ("for=", nobodyBelieved), ("for=\"\"", nobodyBelieved),
            ("=203.0.113.7", nobodyBelieved),
            ("203.0.113.7", nobodyBelieved), (";;;", nobodyBelieved), (",,,", nobodyBelieved), ("for=\"", nobodyBelieved),
            ("\"", nobodyBelieved),
            ("by=203.0.113.7", nobodyBelieved), ("xfor=203.0.113.7", nobodyBelieved), ("for=client.example", nobodyBelieved),
            ("for=1.1.1.1, by=10.0.0.1", nobodyBelieved), ("for=1.1.1.1, nonsense", nobodyBelieved),
        ])
    func forwardedField(value: String, expected: String) throws {
        #expect(try forwarded(value) == expected)
    }

    @Test("Several Forwarded fields are one list (RFC 7239 section 4)")
    func severalFields() throws {
        #expect(try forwarded("for=1.1.1.1", "for=203.0.113.7;proto=https", "for=10.0.0.3") == "203.0.113.7 https own")
        #expect(try forwarded("for=1.1.1.1, for=203.0.113.7", "for=10.0.0.3, for=10.0.0.2") == "203.0.113.7 http own")
    }

    // MARK: Through a server

    @Test("The handler sees the client, not the proxy; a client on its own cannot pretend")
    func throughServer() async throws {
        let handler: Handler = { .text("\($0.remoteAddress.host) \($0.head.scheme ?? "-") \($0.head.authority ?? "-")") }
        let request =
            "GET / HTTP/1.1\r\nHost: own\r\nX-Forwarded-For: 1.1.1.1, 203.0.113.7\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: shop.example\r\n\r\n"
        for isTrusted in [true, false] {
            let proxies = try #require(TrustedProxies([isTrusted ? "127.0.0.0/8" : "10.0.0.0/8"]))
            try await withServer({ $0.trustedProxies = proxies }, handler: handler) { address, _ in
                let answer = try await RawClient(address).exchange(request)
                #expect(answer.text == (isTrusted ? "203.0.113.7 https shop.example" : "127.0.0.1 http own"))
            }
        }
    }
}
