import Testing

@testable import HTTPClient

@Suite("Which addresses are public")
struct IPAddressTests {
    @Test(
        "Addresses of one host on the Internet",
        arguments: [
            "1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.1",
            "169.253.255.255", "169.255.0.0",
            "172.15.255.255", "172.32.0.0", "192.0.1.0", "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0",
            "223.255.255.255", "2606:4700::1111",
            "2a00:1450:4001::1", "2001:4860:4860::8888", "2001:200::1", "64:ff9b::8.8.8.8",
        ])
    func isPublic(text: String) throws { #expect(try #require(IPAddress(text)).isPublic) }

    @Test(
        "Addresses that are not",
        arguments: [
            "0.0.0.0", "0.1.2.3", "10.0.0.0", "10.255.255.255", "100.64.0.0", "100.100.100.200", "100.127.255.255", "127.0.0.1",
            "127.255.255.255", "168.63.129.16",
            "169.254.0.1", "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.192", "192.0.2.1", "192.88.99.1", "192.168.0.1",
            "198.18.0.1", "198.51.100.1",
            "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255", "::", "::1", "::ffff:127.0.0.1",
            "::ffff:8.8.8.8", "::8.8.8.8",
            "64:ff9b::127.0.0.1", "64:ff9b::169.254.169.254", "64:ff9b::10.0.0.1", "64:ff9b:1::1", "100::1", "fe80::1", "febf::1",
            "fec0::1", "fc00::1", "fd00:ec2::254", "ff02::1",
            "2001::1", "2001:db8::1", "2002:7f00:1::1", "2002:808:808::1", "3fff::1", "4000::1", "5f00::1",
        ])
    func isNotPublic(text: String) throws { #expect(try !#require(IPAddress(text)).isPublic) }

    @Test(
        "Every spelling of an address in a URL's host",
        arguments: [
            ("127.0.0.1", "127.0.0.1"), ("127.1", "127.0.0.1"), ("127.0.1", "127.0.0.1"), ("2130706433", "127.0.0.1"),
            ("0x7f000001", "127.0.0.1"),
            ("0x7f.1", "127.0.0.1"), ("0x7f.0x0.0x0.0x1", "127.0.0.1"), ("0177.0.0.1", "127.0.0.1"), ("017700000001", "127.0.0.1"),
            ("0", "0.0.0.0"),
            ("127.0.0.1.", "127.0.0.1"), ("[::1]", "::1"), ("[0:0:0:0:0:0:0:1]", "::1"), ("[::ffff:7f00:1]", "::ffff:127.0.0.1"),
            ("2852039166", "169.254.169.254"),
        ])
    func spellings(host: String, address: String) { #expect(IPAddress(urlHost: host)?.description == address) }

    @Test("Names are no addresses", arguments: ["localhost", "1.example.com", "a", "256.1.1.1", "1.2.3.4.5", "0x7g", "[::g]", ""])
    func names(host: String) { #expect(IPAddress(urlHost: host) == nil) }

    @Test("Ranges")
    func ranges() throws {
        for (network, address, isIn) in [
            ("10.1.0.0/16", "10.1.255.255", true), ("10.1.0.0/16", "10.2.0.0", false), ("127.0.0.1", "127.0.0.1", true),
            ("127.0.0.1", "127.0.0.2", false),
            ("::/0", "fe80::1", true), ("0.0.0.0/0", "::1", false), ("fd00::/8", "fd12::1", true), ("10.0.0.0/9", "10.128.0.0", false),
        ] {
            let (network, address) = try (#require(IPNetwork(network)), #require(IPAddress(address)))
            #expect(network.contains(address) == isIn, "\(address) in \(network)")
        }
        #expect(IPNetwork("fd00::/8")?.description == "fd00::/8")
        for text in [
            "10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/", "10.0.0.0/8/8", "example.com", "10.1/16", "", "::1/129", "10.0.0.0/+8",
        ] {
            #expect(IPNetwork(text) == nil, "\(text)")
        }
    }

    @Test("Hosts by name")
    func hosts() {
        let rule = DestinationRule(hosts: ["API.example.com", "*.vendor.example", "127.0.0.1"])
        for host in [
            "api.example.com", "API.EXAMPLE.COM", "api.example.com.", "a.vendor.example", "a.b.vendor.example", "127.0.0.1", "0x7f.1",
        ] {
            #expect(rule.allows(host: host), "\(host)")
        }
        for host in [
            "example.com", "x.api.example.com", "vendor.example", "avendor.example", "vendor.example.org", "api.example.com.evil.org",
            "127.0.0.2", "[::1]",
        ] {
            #expect(!rule.allows(host: host), "\(host)")
        }
        #expect(!DestinationRule(hosts: []).allows(host: "a") && DestinationRule(hosts: nil).allows(host: "a"))
        #expect(!DestinationRule(hosts: ["*.0.0.1"]).allows(host: "127.0.0.1"))
    }

    @Test("The environment's proxies")
    func proxies() throws {
        func proxy(_ url: String, _ environment: [String: String]) throws -> String? {
            ProxyChoice(environment: environment).proxy(for: try RequestURL(url).origin)
        }
        #expect(try proxy("http://a.example/", ["http_proxy": "p"]) == "p")
        // HTTP_PROXY in capitals comes from a `Proxy` header in CGI programs, so curl never reads it.
        #expect(try proxy("http://a.example/", ["HTTP_PROXY": "p", "https_proxy": "q"]) == nil)
        #expect(try proxy("https://a.example/", ["HTTPS_PROXY": "p"]) == "p")
        #expect(try proxy("https://a.example/", ["all_proxy": "p", "https_proxy": ""]) == "p")
        for (exceptions, isStraight) in [
            ("*", true), ("a.example", true), (".a.example", true), ("example", true), ("b.example, A.Example", true),
            ("b.example A.example.", true), ("ample", false), ("b.a.example", false),
            ("", false),
        ] {
            #expect(try (proxy("https://a.example/", ["all_proxy": "p", "no_proxy": exceptions]) == nil) == isStraight, "\(exceptions)")
        }
        #expect(try proxy("http://10.1.2.3/", ["http_proxy": "p", "NO_PROXY": "10.0.0.0/8"]) == nil)
        #expect(try proxy("http://[::1]/", ["http_proxy": "p", "NO_PROXY": "[::1]"]) == nil)
        #expect(try proxy("http://11.1.2.3/", ["http_proxy": "p", "NO_PROXY": "10.0.0.0/8,1.2.3"]) == "p")
    }
}
