extension RequestVectors {
    static let fieldNames: [RequestVector] = [
        .init("9110 5.1", "a name of every token character", get("A!#$%&'*+-.^_`|~9z: y\r\n"), ok),
        .init("9110 5.1", "a name of one digit", get("1: y\r\n"), ok),
        .init("9110 5.3", "an ordinary field twice", get("X: y\r\nx: z\r\n"), ok),
        .init("9110 5.1", "Content_Length with an underscore is another field", get("Content_Length: 5\r\n"), ok),
        .init("9110 5.1", "Transfer_Encoding with an underscore is another field", get("Transfer_Encoding: chunked\r\n"), ok),
        .init("9110 5.1", "X-Content-Length is another field", get("X-Content-Length: 5\r\n"), ok),
        name("9112 5.1", "a space before the colon", "X "),
        name("9112 5.1", "a tab before the colon", "X\t"),
        name("9112 5.1", "a space before the colon of Content-Length", "Content-Length "),
        name("9112 5.1", "a space before the colon of Transfer-Encoding", "Transfer-Encoding "),
        name("9112 5.1", "a tab before the colon of Transfer-Encoding", "Transfer-Encoding\t"),
        name("9110 5.1", "a space inside a name", "Transfer Encoding"),
        name("9112 5", "an empty name", ""),
        name("9110 5.1", "a name with a bracket", "X["),
        name("9110 5.1", "a name with a parenthesis", "X(y)"),
        name("9110 5.1", "a name with a slash", "X/Y"),
        name("9110 5.1", "a name with an at sign", "X@Y"),
        name("9110 5.1", "a name with an equals sign", "X=Y"),
        name("9110 5.1", "a name with a comma", "X,Y"),
        name("9110 5.1", "a name with a semicolon", "X;Y"),
        name("9110 5.1", "a name in quotes", "\"X\""),
        name("9110 5.1", "a name with a brace", "{X}"),
        name("9110 5.1", "a name with a backslash", "X\\Y"),
        name("9110 5.1", "a name above ASCII", "É"),
        name("9110 5.1", "NUL in a name", "X\0Y", "400 control-character"),
        name("9110 5.1", "NUL at the end of Content-Length's name", "Content-Length\0", "400 control-character"),
        name("9110 5.1", "DEL in a name", "X\u{7F}", "400 control-character"),
        name("9110 5.1", "a vertical tab before Transfer-Encoding", "\u{0B}Transfer-Encoding", "400 control-character"),
        name("9110 5.1", "a bare CR before a name", "\rX", "400 bare-return"),
        name("9110 5.1", "a bare CR inside a name", "X\rY", "400 bare-return"),
        name("9110 5.1", "a bare LF inside a name", "X\nY", "400 bare-line-feed"),
        .init("9112 5", "a line without a colon", get("X\r\n"), "400 bad-header"),
        .init("9112 5", "a line of one colon", get(":\r\n"), "400 bad-header"),
        .init("9112 5", "a name after a colon", get(":X: y\r\n"), "400 bad-header"),
        .init("9112 5", "a second request line among the fields", get("GET /b HTTP/1.1\r\n"), "400 bad-header"),
        .init("9112 5", "a request line in absolute form among the fields", get("GET http://b/ HTTP/1.1\r\n"), "400 bad-header"),
        .init("9112 5", "a line without a colon as the first field", "GET / HTTP/1.1\r\nX\r\nHost: a\r\n\r\n", "400 bad-header"),
    ]

    static let fieldValues: [RequestVector] = [
        .init("9112 5.1", "no space after the colon, blanks at the end", get("X:y \t \r\n"), ok),
        .init("9110 5.5", "an empty value", get("X:\r\n"), ok),
        .init("9110 5.5", "a value of blanks", get("X: \t \r\n"), ok),
        .init("9110 5.5", "colons in a value", get("X: y:z::\r\n"), ok),
        .init("9110 5.5", "every visible ASCII character in a value", get("X: \(visible)\r\n"), ok),
        .init("9110 5.5", "bytes above ASCII and a tab in a value", get("X: é\tü\r\n"), ok),
        .init(
            "9110 5.5", "bytes in a value that are not UTF-8",
            Array("GET / HTTP/1.1\r\nHost: a\r\nX: ".utf8) + [0x80, 0xFF, 13, 10, 13, 10], ok),
        .init("9112 5.2", "a line folded with a space", get("X: y\r\n z\r\n"), "400 folded-header"),
        .init("9112 5.2", "a line folded with a tab", get("X: y\r\n\tz\r\n"), "400 folded-header"),
        .init("9112 5.2", "an empty value folded", get("X:\r\n y\r\n"), "400 folded-header"),
        .init("9112 5.2", "a folded line of blanks", get("X: y\r\n \t\r\n"), "400 folded-header"),
        .init("9112 5.2", "a folded line that looks like a field", get("X: y\r\n Content-Length: 5\r\n"), "400 folded-header"),
        .init("9112 5.2", "a folded Content-Length", post("Content-Length:\r\n 5\r\n"), "400 folded-header"),
        .init("9112 5.2", "a folded Transfer-Encoding", post("Transfer-Encoding:\r\n chunked\r\n"), "400 folded-header"),
        .init("9112 2.2", "a first field that starts with a space", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", "400 folded-header"),
        .init("9112 2.2", "a first field that starts with a tab", "GET / HTTP/1.1\r\n\tHost: a\r\n\r\n", "400 folded-header"),
        .init("9112 2.2", "a line of blanks before the first field", "GET / HTTP/1.1\r\n \r\nHost: a\r\n\r\n", "400 folded-header"),
        value("NUL in a value", "a\0b"),
        value("NUL as a value", "\0"),
        value("a bell in a value", "a\u{7}b"),
        value("an escape character in a value", "\u{1B}[2J"),
        value("a vertical tab in a value", "a\u{0B}b"),
        value("a form feed in a value", "a\u{0C}b"),
        value("a unit separator in a value", "a\u{1F}b"),
        value("DEL in a value", "a\u{7F}b"),
    ]

    static let lineEnds: [RequestVector] = [
        .init("9112 2.2", "bare LF after the request line", "GET / HTTP/1.1\nHost: a\r\n\r\n", "400 bare-line-feed"),
        .init("9112 2.2", "bare LF inside the request line", "GET /\n HTTP/1.1\r\nHost: a\r\n\r\n", "400 bare-line-feed"),
        .init("9112 2.2", "bare CR inside the request line", "GET /\r HTTP/1.1\r\nHost: a\r\n\r\n", "400 bare-return"),
        .init("9112 2.2", "bare CR after the request line", "GET / HTTP/1.1\rHost: a\r\n\r\n", "400 bare-return"),
        .init("9112 2.2", "CR CR LF after the request line", "GET / HTTP/1.1\r\r\nHost: a\r\n\r\n", "400 bare-return"),
        .init("9112 2.2", "LF CR after the request line", "GET / HTTP/1.1\n\rHost: a\r\n\r\n", "400 bare-line-feed"),
        .init("9112 2.2", "bare LF as every line end", "GET / HTTP/1.1\nHost: a\n\n", "400 bare-line-feed"),
        .init("9112 2.2", "bare CR as every line end", "GET / HTTP/1.1\rHost: a\r\r", "400 bare-return"),
        .init("9112 2.2", "bare LF after a field", get("X: a\nY: b\r\n"), "400 bare-line-feed"),
        .init("9112 2.2", "bare LF before a hidden Transfer-Encoding", post("X: y\nTransfer-Encoding: chunked\r\n"), "400 bare-line-feed"),
        .init("9110 5.5", "bare CR in a value", get("X: a\rb\r\n"), "400 bare-return"),
        .init("9110 5.5", "bare CR before a hidden Transfer-Encoding", post("X: y\rTransfer-Encoding: chunked\r\n"), "400 bare-return"),
        .init("9112 2.2", "CR CR LF after a field", get("X: a\r\r\n"), "400 bare-return"),
        .init("9112 2.2", "CR, a space and LF after a field", get("X: a\r \n"), "400 bare-return"),
        .init("9112 2.2", "bare LF as the empty line", "GET / HTTP/1.1\r\nHost: a\r\n\n", "400 bare-line-feed"),
        .init("9112 2.2", "bare CR as the empty line", "GET / HTTP/1.1\r\nHost: a\r\n\rGET", "400 bare-return"),
        .init("9112 2.2", "CR CR LF as the empty line", "GET / HTTP/1.1\r\nHost: a\r\n\r\r\n", "400 bare-return"),
        .init("9112 2.2", "two bare LFs after the last field", "GET / HTTP/1.1\r\nHost: a\n\n", "400 bare-line-feed"),
        .init("9112 2.1", "a head without its empty line is waited for", "GET / HTTP/1.1\r\nHost: a\r\n", ""),
        .init("9112 2.1", "a head with half an empty line is waited for", "GET / HTTP/1.1\r\nHost: a\r\n\r", ""),
        .init("9112 2.1", "a head that ends inside a field is waited for", "GET / HTTP/1.1\r\nHost: a\r\nX: y", ""),
    ]

    private static let visible = String(decoding: (0x21...0x7E).map { UInt8($0) }, as: UTF8.self)

    private static func name(
        _ section: String, _ name: String, _ fieldName: String, _ expected: String = "400 bad-header"
    ) -> RequestVector {
        .init(section, name, get("\(fieldName): y\r\n"), expected)
    }

    private static func value(_ name: String, _ value: String) -> RequestVector {
        .init("9110 5.5", name, get("X: \(value)\r\n"), "400 control-character")
    }
}
