import HTTPTypes
import Testing

@testable import HTTPServer

@Suite("Messages: forms, cookies, dates, addresses")
struct MessageTests {
    @Test(
        "Forms are decoded in order",
        arguments: [
            ("a=1&b=2", ["a:1", "b:2"]), ("a=1&a=2", ["a:1", "a:2"]), ("a[]=1&a[]=2", ["a[]:1", "a[]:2"]),
            ("a=b+c%2B", ["a:b c+"]), ("a", ["a:"]), ("=a", [":a"]), ("a=b=c", ["a:b=c"]), ("&&a=1&", ["a:1"]), ("", []),
            ("%C3%A9=%E2%82%AC", ["é:€"]),
        ])
    func forms(text: String, pairs: [String]) throws {
        let fields = try FormFields.parse(text.utf8)
        #expect(fields.pairs.map { "\($0.name):\($0.value)" } == pairs)
    }

    @Test("Broken forms are 400", arguments: ["a=%", "a=%4", "a=%zz", "%=1", "a=%FF", "a=%ED%A0%80"])
    func brokenForms(text: String) {
        #expect(throws: HTTPError.self) { _ = try FormFields.parse(text.utf8) }
    }

    @Test("A broken query is read as far as it goes")
    func query() {
        let query = Request(.get, "/?a=1%&b=%FF&a=2").query
        #expect(query["a"] == "1%")
        #expect(query["b"] == "%FF")
        #expect(query.all("a") == ["1%", "2"])
        #expect(query["c"] == nil)
        #expect(Request(.get, "/").query.pairs.isEmpty)
    }

    @Test(
        "Cookies are found by exact name",
        arguments: [
            ("a=1", "1"), ("b=2; a=1", "1"), ("aa=2;a=1", "1"), ("a=1; a=2", "1"), ("a=\"1\"", "1"), ("a==1", "=1"),
            ("A=2; a=1", "1"), ("a=", ""), ("b=a=1", nil), ("a", nil), ("", nil),
        ] as [(String, String?)])
    func cookies(line: String, value: String?) {
        #expect(Request(.get, "/", headerFields: [.cookie: line]).cookie("a") == value)
    }

    @Test("A cookie to set carries its attributes; what could forge others is refused")
    func setCookie() throws {
        var cookie = try #require(ResponseCookie(name: "__Host-s", value: "x"))
        cookie.maxAge = 60
        cookie.sameSite = .strict
        var response = Response()
        response.setCookie(cookie)
        response.setCookie(try #require(ResponseCookie(name: "t", value: "")))
        #expect(
            response.headerFields[values: .setCookie] == [
                "__Host-s=x; Path=/; Max-Age=60; Secure; HttpOnly; SameSite=Strict", "t=; Path=/; Secure; HttpOnly; SameSite=Lax",
            ])
        for (name, value) in [("", "x"), ("a b", "x"), ("a;b", "x"), ("a", "x;y"), ("a", "x y"), ("a", "x\r\n"), ("a", "é"), ("a", "x,y")] {
            #expect(ResponseCookie(name: name, value: value) == nil)
        }
    }

    @Test(
        "Dates are written in the one form and read in all three (RFC 9110 section 5.6.7)",
        arguments: [
            "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994",
        ])
    func dates(text: String) {
        #expect(HTTPDate.parse(text) == 784_111_777)
        #expect(HTTPDate.format(784_111_777) == "Sun, 06 Nov 1994 08:49:37 GMT")
    }

    @Test("Every day of four centuries, at an odd second, survives writing and reading")
    func dateRoundTrip() {
        for day in stride(from: 0, to: 146_097, by: 13) {
            let seconds = day * 86400 + day % 86400
            #expect(HTTPDate.parse(HTTPDate.format(seconds)) == seconds)
        }
        #expect(HTTPDate.format(951_782_400) == "Tue, 29 Feb 2000 00:00:00 GMT")
    }

    @Test(
        "What is no date is none",
        arguments: [
            "", "x", "Sun, 06 Nov 1994 08:49:37", "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:49:37 GMT",
            "Sun, 06 Nov 1994 08:49 GMT", "Sun, 06 Nov 1969 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 CET",
        ])
    func noDates(text: String) {
        #expect(HTTPDate.parse(text) == nil)
    }

    @Test("A body in memory is read once, and held to its limit")
    func bodyInMemory() async throws {
        #expect(try await RequestBody([1, 2, 3]).collect(upTo: 3) == [1, 2, 3])
        let error = await #expect(throws: HTTPError.self) { _ = try await RequestBody([1, 2, 3]).collect(upTo: 2) }
        #expect(error?.status == .contentTooLarge)
    }
}
