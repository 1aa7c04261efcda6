/// What requests are taken for, and which are refused. Each row names the section that decides it; where that section
/// leaves a choice between repairing and refusing, the row shows the refusal.
struct RequestVector: Sendable, CustomStringConvertible {
    let section: String
    let name: String
    let bytes: String
    let expected: String

    init(_ section: String, _ name: String, _ bytes: String, _ expected: String) {
        self.section = section
        self.name = name
        self.bytes = bytes
        self.expected = expected
    }

    /// A refusal is the last thing a parser says, and starts with its status.
    var isRefused: Bool { expected.split(separator: "|").last?.trimmingPrefix(" ").first?.isNumber == true }

    var description: String { "\(section): \(name)" }

    static let all = requestLines + targets + hosts + fields + lengths + codings + chunks + connections

    private static func get(_ fields: String) -> String { "GET / HTTP/1.1\r\nHost: a\r\n\(fields)\r\n" }
    private static func post(_ fields: String, _ body: String) -> String { "POST / HTTP/1.1\r\nHost: a\r\n\(fields)\r\n\(body)" }
    private static func chunked(_ body: String) -> String { post("Transfer-Encoding: chunked\r\n", body) }
    private static let ok = "GET / 1.1 a"

    static let requestLines = [
        RequestVector("9112 3", "an ordinary request", get(""), ok),
        RequestVector("9112 2.2", "one empty line before a request is ignored", "\r\n" + get(""), ok),
        RequestVector("9112 2.2", "two empty lines are not", "\r\n\r\n" + get(""), "400 bad-request-line"),
        RequestVector("9112 2.2", "bare LF after the request line", "GET / HTTP/1.1\nHost: a\r\n\r\n", "400 bare-line-feed"),
        RequestVector("9112 2.2", "bare LF as the empty line", "GET / HTTP/1.1\r\nHost: a\r\n\n", "400 bare-line-feed"),
        RequestVector("9112 2.2", "bare CR in the request line", "GET /\r HTTP/1.1\r\n", "400 bare-return"),
        RequestVector("9112 2.2", "white space before the request line", " GET / HTTP/1.1\r\n", "400 bad-request-line"),
        RequestVector("9112 3", "two spaces after the method", "GET  / HTTP/1.1\r\n", "400 bad-target"),
        RequestVector("9112 3", "a tab between method and target", "GET\t/ HTTP/1.1\r\n", "400 bad-request-line"),
        RequestVector("9112 3", "a space at the line's end", "GET / HTTP/1.1 \r\n", "400 bad-version"),
        RequestVector("9112 3", "a space in the target", "GET /a b HTTP/1.1\r\n", "400 bad-target"),
        RequestVector("9112 3", "no version, as in HTTP/0.9", "GET /\r\n", "400 bad-request-line"),
        RequestVector("9112 3", "no target", "GET HTTP/1.1\r\n", "400 bad-request-line"),
        RequestVector("9110 9.1", "a method is case-sensitive, any token will do", "get / HTTP/1.1\r\nHost: a\r\n\r\n", "get / 1.1 a"),
        RequestVector("9110 9.1", "a method that is no token", "G<T / HTTP/1.1\r\n", "400 bad-request-line"),
        RequestVector("9110 9.3.6", "CONNECT", "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", "501 no-tunnels"),
        RequestVector("9112 2.3", "version in small letters", "GET / http/1.1\r\n", "400 bad-version"),
        RequestVector("9112 2.3", "version 1.10", "GET / HTTP/1.10\r\n", "400 bad-version"),
        RequestVector("9112 2.3", "version 1", "GET / HTTP/1\r\n", "400 bad-version"),
        RequestVector("9112 2.3", "version +1.1", "GET / HTTP/+1.1\r\n", "400 bad-version"),
        RequestVector("9110 2.5", "a higher minor version is read as 1.1", "GET / HTTP/1.2\r\nHost: a\r\n\r\n", ok),
        RequestVector("9110 15.6.6", "HTTP/2.0", "GET / HTTP/2.0\r\nHost: a\r\n\r\n", "505 unknown-version"),
        RequestVector("9113 3.4", "the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "505 unknown-version"),
        RequestVector("9110 15.6.6", "HTTP/0.9 spelled out", "GET / HTTP/0.9\r\n\r\n", "505 unknown-version"),
        RequestVector("9110 5.5", "a TLS hello", "\u{16}\u{03}\u{01}", "400 control-character"),
    ]

    static let targets = [
        RequestVector("9112 3.2.1", "path and query", "GET /a/b?c=d&e HTTP/1.1\r\nHost: a\r\n\r\n", "GET /a/b?c=d&e 1.1 a"),
        RequestVector("9112 3.2.2", "absolute form", "GET http://a/b HTTP/1.1\r\nHost: a\r\n\r\n", "GET /b 1.1 a"),
        RequestVector("9112 3.2.2", "absolute form, empty path, capitals", "GET HTTP://A?x HTTP/1.1\r\nHost: a\r\n\r\n", "GET /?x 1.1 a"),
        RequestVector("9112 3.2.2", "absolute form that differs from Host", "GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n", "400 bad-host"),
        RequestVector("9112 3.2.2", "absolute form without Host", "GET http://a/ HTTP/1.1\r\n\r\n", "400 bad-host"),
        RequestVector("9110 4.2.4", "user information in the target", "GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n", "400 bad-target"),
        RequestVector("9112 3.2", "another scheme", "GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", "400 bad-target"),
        RequestVector("9112 3.2", "a relative target", "GET a HTTP/1.1\r\nHost: a\r\n\r\n", "400 bad-target"),
        RequestVector("9112 3.2.4", "OPTIONS *", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "OPTIONS * 1.1 a"),
        RequestVector("9112 3.2.4", "GET *", "GET * HTTP/1.1\r\nHost: a\r\n\r\n", "400 bad-target"),
        RequestVector("9112 3.2", "a fragment", "GET /#a HTTP/1.1\r\n", "400 bad-target"),
        RequestVector("3986 2.1", "an escape that is not hex", "GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", "400 bad-target"),
        RequestVector("3986 2.1", "an escape cut short", "GET /%2 HTTP/1.1\r\nHost: a\r\n\r\n", "400 bad-target"),
        RequestVector("3986 2", "a byte above ASCII", "GET /é HTTP/1.1\r\n", "400 bad-target"),
        RequestVector("9110 5.5", "NUL in the target", "GET /\0 HTTP/1.1\r\n", "400 control-character"),
    ]

    static let hosts = [
        RequestVector("9112 3.2", "no Host in HTTP/1.1", "GET / HTTP/1.1\r\n\r\n", "400 bad-host"),
        RequestVector("9112 3.2", "no Host in HTTP/1.0", "GET / HTTP/1.0\r\n\r\n", "GET / 1.0 - close"),
        RequestVector("9112 3.2", "Host twice", get("Host: b\r\n"), "400 bad-host"),
        RequestVector("9112 3.2", "the same Host twice", get("host: a\r\n"), "400 bad-host"),
        RequestVector("9112 3.2", "an empty Host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", "400 bad-host"),
        RequestVector("9110 7.2", "Host with a port", "GET / HTTP/1.1\r\nHost: a.example:8080\r\n\r\n", "GET / 1.1 a.example:8080"),
        RequestVector("9110 7.2", "Host as an IPv6 literal", "GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", "GET / 1.1 [::1]:80"),
        RequestVector("9110 7.2", "a port that is too large", "GET / HTTP/1.1\r\nHost: a:65536\r\n\r\n", "400 bad-host"),
        RequestVector("9110 7.2", "a port that is no number", "GET / HTTP/1.1\r\nHost: a:8o\r\n\r\n", "400 bad-host"),
        RequestVector("9110 7.2", "two hosts in one field", "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", "400 bad-host"),
        RequestVector("9110 4.2.4", "user information in Host", "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", "400 bad-host"),
        RequestVector("9110 7.2", "a path in Host", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", "400 bad-host"),
    ]

    static let fields = [
        RequestVector("9112 5.1", "a space before the colon", get("X : y\r\n"), "400 bad-header"),
        RequestVector("9112 5.1", "a tab before the colon", get("X\t: y\r\n"), "400 bad-header"),
        RequestVector("9112 5.2", "a folded line", get("X: y\r\n z\r\n"), "400 folded-header"),
        RequestVector("9112 2.2", "a first field that starts with white space", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", "400 folded-header"),
        RequestVector("9112 5", "a line without a colon", get("X\r\n"), "400 bad-header"),
        RequestVector("9112 5", "an empty name", get(": y\r\n"), "400 bad-header"),
        RequestVector("9110 5.1", "a name with a bracket", get("X[: y\r\n"), "400 bad-header"),
        RequestVector("9110 5.5", "NUL in a value", get("X: a\0b\r\n"), "400 control-character"),
        RequestVector("9110 5.5", "a bell in a value", get("X: a\u{7}b\r\n"), "400 control-character"),
        RequestVector("9110 5.5", "DEL in a value", get("X: a\u{7F}b\r\n"), "400 control-character"),
        RequestVector("9110 5.5", "bare CR in a value", get("X: a\rb\r\n"), "400 bare-return"),
        RequestVector("9112 2.2", "bare LF after a field", get("X: a\nY: b\r\n"), "400 bare-line-feed"),
        RequestVector("9110 5.5", "bytes above ASCII and a tab in a value", get("X: é\tü\r\n"), ok),
        RequestVector("9112 5.1", "no space after the colon, blanks at the end", get("X:y \t \r\n"), ok),
        RequestVector("9110 5.5", "an empty value", get("X:\r\n"), ok),
    ]

    static let lengths = [
        RequestVector("9112 6.3", "a body with a length", post("Content-Length: 5\r\n", "hello"), "POST / 1.1 a length=5 | body=hello | end"),
        RequestVector("9112 6.3", "no length, no body", post("", ""), "POST / 1.1 a"),
        RequestVector("9112 6.3", "length 0", post("Content-Length: 0\r\n", ""), "POST / 1.1 a"),
        RequestVector("9112 6.3", "a body with GET is framed as any other", "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab", "GET / 1.1 a length=2 | body=ab | end"),
        RequestVector("9110 8.6", "leading zeros", post("Content-Length: 0002\r\n", "ab"), "POST / 1.1 a length=2 | body=ab | end"),
        RequestVector("9112 6.3", "two differing lengths", post("Content-Length: 5\r\nContent-Length: 6\r\n", ""), "400 ambiguous-length"),
        RequestVector("9112 6.3", "two equal lengths", post("Content-Length: 5\r\nContent-Length: 5\r\n", ""), "400 ambiguous-length"),
        RequestVector("9110 8.6", "a list of lengths", post("Content-Length: 5, 5\r\n", ""), "400 bad-length"),
        RequestVector("9110 8.6", "length +5", post("Content-Length: +5\r\n", ""), "400 bad-length"),
        RequestVector("9110 8.6", "length -1", post("Content-Length: -1\r\n", ""), "400 bad-length"),
        RequestVector("9110 8.6", "length 0x10", post("Content-Length: 0x10\r\n", ""), "400 bad-length"),
        RequestVector("9110 8.6", "length 1_000", post("Content-Length: 1_000\r\n", ""), "400 bad-length"),
        RequestVector("9110 8.6", "length 5 5", post("Content-Length: 5 5\r\n", ""), "400 bad-length"),
        RequestVector("9110 8.6", "an empty length", post("Content-Length:\r\n", ""), "400 bad-length"),
        RequestVector("9110 8.6", "digits of another script", post("Content-Length: ٥\r\n", ""), "400 bad-length"),
        RequestVector("9110 8.6", "a length that would overflow", post("Content-Length: 18446744073709551621\r\n", ""), "400 bad-length"),
        RequestVector("9110 15.5.14", "a length above the limit", post("Content-Length: 999999999999\r\n", ""), "413 body-too-large"),
        RequestVector("9112 6.1", "length and chunked", post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), "400 ambiguous-length"),
        RequestVector("9112 9.3", "two requests in a row", post("Content-Length: 2\r\n", "ab") + get(""), "POST / 1.1 a length=2 | body=ab | end | " + ok),
    ]

    static let codings = [
        RequestVector("9112 7", "the coding's name is case-insensitive", post("Transfer-Encoding: CHUNKED\r\n", "0\r\n\r\n"), "POST / 1.1 a chunked | end"),
        RequestVector("9112 6.1", "another coding", post("Transfer-Encoding: gzip\r\n", ""), "501 unknown-coding"),
        RequestVector("9112 6.1", "gzip, chunked", post("Transfer-Encoding: gzip, chunked\r\n", ""), "501 unknown-coding"),
        RequestVector("9112 6.3", "chunked, gzip", post("Transfer-Encoding: chunked, gzip\r\n", ""), "400 ambiguous-length"),
        RequestVector("9112 6.1", "chunked, chunked", post("Transfer-Encoding: chunked, chunked\r\n", ""), "400 ambiguous-length"),
        RequestVector("9112 6.1", "chunked in two fields", post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", ""), "400 ambiguous-length"),
        RequestVector("9112 6.1", "identity", post("Transfer-Encoding: identity\r\n", ""), "501 unknown-coding"),
        RequestVector("9112 6.1", "xchunked", post("Transfer-Encoding: xchunked\r\n", ""), "501 unknown-coding"),
        RequestVector("9112 6.1", "chunked with a list comma", post("Transfer-Encoding: chunked,\r\n", ""), "501 unknown-coding"),
        RequestVector("9112 6.1", "an empty coding", post("Transfer-Encoding:\r\n", ""), "501 unknown-coding"),
        RequestVector("9110 5.5", "a vertical tab before chunked", post("Transfer-Encoding: \u{0B}chunked\r\n", ""), "400 control-character"),
        RequestVector("9112 6.1", "a coding in HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", "400 ambiguous-length"),
    ]

    static let chunks = [
        RequestVector("9112 7.1", "two chunks", chunked("3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n"), "POST / 1.1 a chunked | body=abc0123456789 | end"),
        RequestVector("9112 7.1", "leading zeros in a size", chunked("003\r\nabc\r\n000\r\n\r\n"), "POST / 1.1 a chunked | body=abc | end"),
        RequestVector("9112 7.1.1", "extensions are ignored", chunked("1;a;b=c;d=\"e;\\\"f\"\r\nx\r\n0\r\n\r\n"), "POST / 1.1 a chunked | body=x | end"),
        RequestVector("9112 7.1.1", "white space before an extension", chunked("1 ;a\r\nx\r\n"), "POST / 1.1 a chunked | 400 bad-chunk"),
        RequestVector("9112 7.1.1", "an extension without a name", chunked("1;\r\nx\r\n"), "POST / 1.1 a chunked | 400 bad-chunk"),
        RequestVector("9112 7.1.1", "an open quote in an extension", chunked("1;a=\"b\r\nx\r\n"), "POST / 1.1 a chunked | 400 bad-chunk"),
        RequestVector("9112 7.1.1", "a huge extension", chunked("1;a=" + String(repeating: "b", count: 300)), "POST / 1.1 a chunked | 400 bad-chunk"),
        RequestVector("9112 7.1.1", "many extensions", chunked(String(repeating: "1;a=" + String(repeating: "b", count: 200) + "\r\nx\r\n", count: 21)),
            "POST / 1.1 a chunked | body=" + String(repeating: "x", count: 20) + " | 400 bad-chunk"),
        RequestVector("9112 7.1", "a blank after the size", chunked("1 \r\nx\r\n"), "POST / 1.1 a chunked | 400 bad-chunk"),
        RequestVector("9112 7.1", "a sign before the size", chunked("+1\r\nx\r\n"), "POST / 1.1 a chunked | 400 bad-chunk"),
        RequestVector("9112 7.1", "a size with 0x", chunked("0x1\r\nx\r\n"), "POST / 1.1 a chunked | 400 bad-chunk"),
        RequestVector("9112 7.1", "an empty size", chunked("\r\n"), "POST / 1.1 a chunked | 400 bad-chunk"),
        RequestVector("9112 7.1", "a size that would overflow", chunked("FFFFFFFFFFFFFFFFF\r\n"), "POST / 1.1 a chunked | 400 bad-chunk"),
        RequestVector("9110 15.5.14", "a size above the limit", chunked("FFFFFFFFF\r\n"), "POST / 1.1 a chunked | 413 body-too-large"),
        RequestVector("9112 7.1", "a bare LF after the size", chunked("1\nx\r\n"), "POST / 1.1 a chunked | 400 bare-line-feed"),
        RequestVector("9112 7.1", "a bare LF after the data", chunked("1\r\nx\n0\r\n\r\n"), "POST / 1.1 a chunked | body=x | 400 bad-chunk"),
        RequestVector("9112 7.1", "data longer than its size", chunked("1\r\nxy\r\n"), "POST / 1.1 a chunked | body=x | 400 bad-chunk"),
        RequestVector("9112 7.1", "CR and not LF after the data", chunked("1\r\nx\rz"), "POST / 1.1 a chunked | body=x | 400 bad-chunk"),
        RequestVector("9112 7.1.2", "a trailer is checked and dropped", chunked("0\r\nX-Sum: 1\r\n\r\n"), "POST / 1.1 a chunked | end"),
        RequestVector("9110 6.5.1", "a trailer that sets a length", chunked("0\r\nContent-Length: 1\r\n\r\n"), "POST / 1.1 a chunked | 400 bad-trailer"),
        RequestVector("9110 6.5.1", "a trailer that sets the host", chunked("0\r\nHost: b\r\n\r\n"), "POST / 1.1 a chunked | 400 bad-trailer"),
        RequestVector("9112 7.1.2", "a broken trailer", chunked("0\r\nX : 1\r\n\r\n"), "POST / 1.1 a chunked | 400 bad-header"),
        RequestVector("9112 9.3", "a request after a chunked one", chunked("0\r\n\r\n") + get(""), "POST / 1.1 a chunked | end | " + ok),
    ]

    static let connections = [
        RequestVector("9112 9.6", "close", get("Connection: close\r\n"), "GET / 1.1 a close"),
        RequestVector("9110 7.6.1", "close among others, in capitals", get("Connection: x, CLOSE\r\n"), "GET / 1.1 a close"),
        RequestVector("9110 7.6.1", "close in a second field", get("Connection: keep-alive\r\nConnection: close\r\n"), "GET / 1.1 a close"),
        RequestVector("9112 9.3", "keep-alive from HTTP/1.0", "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", "GET / 1.0 -"),
        RequestVector("9110 10.1.1", "100-continue", post("Content-Length: 1\r\nExpect: 100-Continue\r\n", "x"), "POST / 1.1 a length=1 continue | body=x | end"),
        RequestVector("9110 10.1.1", "100-continue without a body", get("Expect: 100-continue\r\n"), ok),
        RequestVector("9110 10.1.1", "100-continue in HTTP/1.0 is ignored", "POST / HTTP/1.0\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\nx", "POST / 1.0 - length=1 close | body=x | end"),
        RequestVector("9110 10.1.1", "another expectation", get("Expect: cake\r\n"), "417 unknown-expectation"),
    ]
}
