extension RequestVectors {
    static let persistence: [RequestVector] = [
        connection("9112 9.6", "close", "close", "GET / 1.1 a close"),
        connection("9110 7.6.1", "close in capitals among others", "x, CLOSE", "GET / 1.1 a close"),
        connection("9110 7.6.1", "close before others without a blank", "close,x", "GET / 1.1 a close"),
        connection("9110 5.6.1", "close among empty list members", ", ,close,", "GET / 1.1 a close"),
        connection("9110 7.6.1", "close in a second field", "keep-alive\r\nConnection: close", "GET / 1.1 a close"),
        connection("9112 9.3", "close outranks keep-alive", "keep-alive, close", "GET / 1.1 a close"),
        connection("9112 9.3", "close before keep-alive", "close, keep-alive", "GET / 1.1 a close"),
        connection("9112 9.3", "keep-alive in HTTP/1.1 changes nothing", "keep-alive", ok),
        connection("9110 7.6.1", "an empty Connection", "", ok),
        connection("9110 7.6.1", "an option that starts with close", "closed", ok),
        connection("9110 7.6.1", "an option that ends in close", "x-close", ok),
        connection("9110 7.6.1", "close in quotes is no option", "\"close\"", ok),
        connection("9110 7.6.1", "close and a word in one option", "close x", ok),
        connection("9110 7.6.1", "an option that names a framing field", "Content-Length\r\nContent-Length: 0", ok),
        connection("9110 7.8", "an offer of WebSocket is ignored", "Upgrade\r\nUpgrade: websocket", ok),
        connection("9113 3.1", "an offer of HTTP/2 is ignored", "Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk", ok),
        .init("9110 7.8", "an offer without Connection is ignored", get("Upgrade: websocket\r\n"), ok),
        .init("9110 7.6.1", "Proxy-Connection means nothing", get("Proxy-Connection: close\r\n"), ok),
        .init("9112 9.3", "Keep-Alive means nothing", get("Keep-Alive: timeout=1\r\n"), ok),
        .init(
            "9112 9.6", "close with a body", post("Connection: close\r\nContent-Length: 1\r\n", "x"),
            "POST / 1.1 a length=1 close | body=x | end"),
    ]

    static let expectations: [RequestVector] = [
        .init(
            "9110 10.1.1", "100-continue with a length", post("Content-Length: 1\r\nExpect: 100-continue\r\n", "x"),
            "POST / 1.1 a length=1 continue | body=x | end"),
        .init(
            "9110 10.1.1", "100-continue in mixed letters", post("Content-Length: 1\r\nExpect: 100-Continue\r\n", "x"),
            "POST / 1.1 a length=1 continue | body=x | end"),
        .init(
            "9110 10.1.1", "100-continue with chunked", post("Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n", "0\r\n\r\n"),
            "POST / 1.1 a chunked continue | end"),
        .init(
            "9110 10.1.1", "100-continue and a body still to come", post("Content-Length: 1\r\nExpect: 100-continue\r\n"),
            "POST / 1.1 a length=1 continue"),
        .init("9110 10.1.1", "100-continue without a body", get("Expect: 100-continue\r\n"), ok),
        .init("9110 10.1.1", "100-continue with length 0", post("Content-Length: 0\r\nExpect: 100-continue\r\n"), "POST / 1.1 a"),
        .init(
            "9110 10.1.1", "100-continue in HTTP/1.0 is ignored",
            "POST / HTTP/1.0\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\nx", "POST / 1.0 - length=1 close | body=x | end"),
        .init("9110 10.1.1", "another expectation in HTTP/1.0 is ignored", "GET / HTTP/1.0\r\nExpect: cake\r\n\r\n", "GET / 1.0 - close"),
        expectation("another expectation", "cake"),
        expectation("100-continue and another expectation", "100-continue, cake"),
        expectation("100-continue with a parameter", "100-continue;a=b"),
        expectation("100-continue with a blank for the dash", "100 continue"),
        expectation("101-continue", "101-continue"),
        expectation("an empty expectation", ""),
    ]

    static let pipelines: [RequestVector] = [
        .init("9112 9.3.2", "two requests in a row", get() + get(), "\(ok) | \(ok)"),
        .init(
            "9112 9.3.2", "three requests in a row", get() + post("Content-Length: 1\r\n", "x") + get(),
            "\(ok) | POST / 1.1 a length=1 | body=x | end | \(ok)"),
        .init(
            "9112 9.3.2", "a request after a body with a length", post("Content-Length: 2\r\n", "ab") + get(),
            "POST / 1.1 a length=2 | body=ab | end | \(ok)"),
        .init("9112 9.3.2", "a request after an empty body", post("Content-Length: 0\r\n") + get(), "POST / 1.1 a | \(ok)"),
        .init("9112 9.3.2", "a request after a chunked body", chunked("0\r\n\r\n") + get(), "POST / 1.1 a chunked | end | \(ok)"),
        .init(
            "9112 9.3.2", "a chunked body after a body with a length", post("Content-Length: 1\r\n", "x") + chunked("1\r\ny\r\n0\r\n\r\n"),
            "POST / 1.1 a length=1 | body=x | end | POST / 1.1 a chunked | body=y | end"),
        .init(
            "9112 9.3.2", "a body that is a request stays a body", post("Content-Length: 27\r\n", get()),
            "POST / 1.1 a length=27 | body=\(get()) | end"),
        .init(
            "9112 9.3.2", "a chunk that is a request stays a body", chunked("1b\r\n\(get())\r\n0\r\n\r\n"),
            "POST / 1.1 a chunked | body=\(get()) | end"),
        .init("9112 2.2", "an empty line between two requests", get() + "\r\n" + get(), "\(ok) | \(ok)"),
        .init(
            "9112 2.2", "an empty line after a body", post("Content-Length: 1\r\n", "x\r\n") + get(),
            "POST / 1.1 a length=1 | body=x | end | \(ok)"),
        .init("9112 2.2", "an empty line after a chunked body", chunked("0\r\n\r\n\r\n") + get(), "POST / 1.1 a chunked | end | \(ok)"),
        .init("9112 2.2", "two empty lines between two requests", get() + "\r\n\r\n" + get(), "\(ok) | 400 bad-request-line"),
        .init("9112 2.2", "a bare LF between two requests", get() + "\n" + get(), "\(ok) | 400 bare-line-feed"),
        .init("9112 2.2", "an empty line and nothing after a request", get() + "\r\n", ok),
        .init(
            "9112 9.3.2", "a body one byte longer than its length", post("Content-Length: 1\r\n", "xy") + get(),
            "POST / 1.1 a length=1 | body=x | end | yGET / 1.1 a"),
        .init("9112 9.3.2", "a body where none was announced", post("", "a=b\r\n"), "POST / 1.1 a | 400 bad-request-line"),
        .init("9112 9.3.2", "a second request without Host", get() + "GET / HTTP/1.1\r\n\r\n", "\(ok) | 400 bad-host"),
        .init(
            "9112 9.3.2", "a second request with two framings",
            get() + post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), "\(ok) | 400 ambiguous-length"),
        .init("9112 9.3.2", "a second request with a bare LF", get() + "GET / HTTP/1.1\nHost: a\r\n\r\n", "\(ok) | 400 bare-line-feed"),
        .init(
            "9112 9.3.2", "the fields of one request are not those of the next",
            post("Content-Length: 1\r\n", "x") + "GET / HTTP/1.1\r\nX: y\r\n\r\n", "POST / 1.1 a length=1 | body=x | end | 400 bad-host"),
        .init("9112 9.3.2", "half a second request is waited for", get() + "GET / HTTP/1.1\r\nHo", ok),
        .init(
            "9110 7.8", "an offer of WebSocket, then another request", get("Connection: Upgrade\r\nUpgrade: websocket\r\n") + get(),
            "\(ok) | \(ok)"),
        .init(
            "9112 9.3.2", "HTTP/1.0 that stays open, then HTTP/1.1",
            "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" + get(), "GET / 1.0 - | \(ok)"),
    ]

    static let oldVersion: [RequestVector] = [
        .init("9112 3.2", "HTTP/1.0 without Host", "GET / HTTP/1.0\r\n\r\n", "GET / 1.0 - close"),
        .init(
            "9112 9.3", "keep-alive with the Kelvin sign for k", "GET / HTTP/1.0\r\nConnection: \u{212A}eep-alive\r\n\r\n",
            "GET / 1.0 - close"),
        .init("9112 3.2", "HTTP/1.0 with Host", "GET / HTTP/1.0\r\nHost: a\r\n\r\n", "GET / 1.0 a close"),
        .init("9112 3.2", "HTTP/1.0 with Host twice", "GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n", "400 bad-host"),
        .init("9112 3.2", "HTTP/1.0 with an empty Host", "GET / HTTP/1.0\r\nHost:\r\n\r\n", "400 bad-host"),
        .init("9112 3.2.2", "HTTP/1.0 in absolute form without Host", "GET http://a/b HTTP/1.0\r\n\r\n", "GET /b 1.0 a close"),
        .init("9112 9.3", "keep-alive in HTTP/1.0", "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", "GET / 1.0 -"),
        .init("9112 9.3", "keep-alive among others in HTTP/1.0", "GET / HTTP/1.0\r\nConnection: x, keep-alive\r\n\r\n", "GET / 1.0 -"),
        .init(
            "9112 9.3", "keep-alive and close in HTTP/1.0", "GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n", "GET / 1.0 - close"),
        .init("9112 9.3", "another option in HTTP/1.0", "GET / HTTP/1.0\r\nConnection: x\r\n\r\n", "GET / 1.0 - close"),
        .init("9110 7.6.1", "Proxy-Connection in HTTP/1.0", "GET / HTTP/1.0\r\nProxy-Connection: keep-alive\r\n\r\n", "GET / 1.0 - close"),
        .init(
            "9112 6.3", "HTTP/1.0 with a length", "POST / HTTP/1.0\r\nContent-Length: 2\r\n\r\nab",
            "POST / 1.0 - length=2 close | body=ab | end"),
        .init("9112 6.3", "HTTP/1.0 without a length has no body", "POST / HTTP/1.0\r\n\r\n", "POST / 1.0 - close"),
    ]

    private static func connection(_ section: String, _ name: String, _ options: String, _ expected: String) -> RequestVector {
        .init(section, "Connection: " + name, get("Connection: \(options)\r\n"), expected)
    }

    private static func expectation(_ name: String, _ value: String) -> RequestVector {
        .init("9110 10.1.1", name, post("Content-Length: 1\r\nExpect: \(value)\r\n", "x"), "417 unknown-expectation")
    }
}
