import HTTPServer
import HTTPTypes
import Testing

@testable import Portal

@Suite("Guards in front of every route")
struct AccessGuardTests {
    /// Method, Origin, Sec-Fetch-Site, admitted.
    private static let origins: [(HTTPRequest.Method, String?, String?, Bool)] = [
        (.get, "https://evil.example", "cross-site", true),
        (.head, "https://evil.example", nil, true),
        (.options, nil, "cross-site", true),
        (.post, "https://perch.example", "same-origin", true),
        (.post, "https://perch.example", nil, true),
        (.post, nil, "same-origin", true),
        (.post, nil, "none", true),
        (.post, nil, nil, true),
        (.post, "https://evil.example", nil, false),
        (.post, "http://perch.example", nil, false),
        (.post, "https://perch.example:8443", nil, false),
        (.post, "https://perch.example.evil.example", nil, false),
        (.post, "https://PERCH.example", nil, false),
        (.post, "null", nil, false),
        (.post, "", nil, false),
        (.post, "https://perch.example https://evil.example", nil, false),
        (.post, nil, "cross-site", false),
        (.post, nil, "same-site", false),
        (.post, "https://evil.example", "same-origin", false),
        (.put, "https://evil.example", nil, false),
        (.patch, "https://evil.example", nil, false),
        (.delete, "https://evil.example", nil, false),
    ]

    @Test("refuses unsafe requests from elsewhere", arguments: origins.indices)
    func origin(_ index: Int) {
        let (method, origin, site, admitted) = Self.origins[index]
        let verdict = OriginCheck.admits(
            method: method, origin: origin, fetchSite: site, publicOrigin: WebOrigin("https://perch.example"))
        #expect(verdict == admitted)
    }

    @Test("admits nobody from a browser when the public address is none")
    func noOrigin() {
        #expect(!OriginCheck.admits(method: .post, origin: "https://a.example", fetchSite: nil, publicOrigin: WebOrigin("nonsense")))
    }

    @Test(
        "serializes origins as browsers do",
        arguments: [
            ("https://Perch.Example:443/some/path", "https://perch.example"), ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("http://localhost:80", "http://localhost"), ("https://x.example:80", "https://x.example:80"),
            ("ftp://x.example", nil), ("x.example", nil), ("", nil), ("https://", nil),
        ] as [(String, String?)])
    func serialization(_ address: String, _ expected: String?) {
        #expect(WebOrigin(address)?.description == expected)
    }

    @Test("keeps what a handler said and adds the rest")
    func headers() async throws {
        let headers = SecurityHeaders(PageSample.settings)
        let response = try await headers.respond(to: Request(.get, "/")) { _ in
            Response(headerFields: [.cacheControl: "no-cache"])
        }
        #expect(response.headerFields[.cacheControl] == "no-cache")
        #expect(response.headerFields[.xContentTypeOptions] == "nosniff")
        #expect(response.headerFields[.strictTransportSecurity] == "max-age=31536000")
        #expect(response.headerFields[.referrerPolicy] == "same-origin")

        var plain = PageSample.settings
        plain.publicURL = "http://127.0.0.1:8080"
        let overHTTP = try await SecurityHeaders(plain).respond(to: Request(.get, "/")) { _ in Response() }
        #expect(overHTTP.headerFields[.strictTransportSecurity] == nil)
    }

    @Test("lets only our own files in, and only configured parents around")
    func contentSecurityPolicy() {
        let closed = SecurityHeaders.contentSecurityPolicy(frameAncestors: [])
        #expect(closed.hasSuffix("frame-ancestors 'none'"))
        #expect(closed.hasPrefix("default-src 'none'; script-src 'self'; style-src 'self'"))
        #expect(!closed.contains("unsafe"))
        #expect(
            SecurityHeaders.contentSecurityPolicy(frameAncestors: ["https://a.example", "https://b.example"])
                .hasSuffix("frame-ancestors https://a.example https://b.example"))
    }
}
