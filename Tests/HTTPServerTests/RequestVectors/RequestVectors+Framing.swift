extension RequestVectors {
    static let lengths: [RequestVector] = [
        .init("9112 6.3", "a body with a length", post("Content-Length: 5\r\n", "hello"), "POST / 1.1 a length=5 | body=hello | end"),
        .init("9112 6.3", "no length, no body", post(""), "POST / 1.1 a"),
        .init("9112 6.3", "length 0", post("Content-Length: 0\r\n"), "POST / 1.1 a"),
        .init(
            "9112 6.3", "a body with GET is framed as any other", get("Content-Length: 2\r\n") + "ab",
            "GET / 1.1 a length=2 | body=ab | end"),
        .init(
            "9112 6.3", "a body with DELETE is framed as any other",
            "DELETE / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab", "DELETE / 1.1 a length=2 | body=ab | end"),
        .init("9110 5.1", "Content-Length in odd letters", post("cOnTeNt-LeNgTh: 2\r\n", "ab"), "POST / 1.1 a length=2 | body=ab | end"),
        .init("9112 5.1", "blanks around a length", post("Content-Length: \t2 \t\r\n", "ab"), "POST / 1.1 a length=2 | body=ab | end"),
        .init("9112 6.3", "half a body is waited for", post("Content-Length: 5\r\n", "he"), "POST / 1.1 a length=5 | body=he"),
        .init(
            "9112 6.3", "a body of line ends, NUL and other controls", post("Content-Length: 6\r\n", "\r\n\n\0\r\u{7F}"),
            "POST / 1.1 a length=6 | body=\r\n\n\0\r\u{7F} | end"),
        .init("9110 8.6", "leading zeros in a length", post("Content-Length: 0002\r\n", "ab"), "POST / 1.1 a length=2 | body=ab | end"),
        .init(
            "9110 8.6", "a length of 18 digits", post("Content-Length: 000000000000000002\r\n", "ab"),
            "POST / 1.1 a length=2 | body=ab | end"),
        length("a length of 19 digits", "0000000000000000002"),
        length("length +5", "+5"),
        length("length -1", "-1"),
        length("length -0", "-0"),
        length("length +0", "+0"),
        length("length 0x10", "0x10"),
        length("length in hex digits", "A"),
        length("length 0b1", "0b1"),
        length("length 1_000", "1_000"),
        length("length 1,000", "1,000"),
        length("length 1'000", "1'000"),
        length("length 1e1", "1e1"),
        length("length 5.0", "5.0"),
        length("length 5 5", "5 5"),
        length("length 5 with a tab and a digit", "5\t5"),
        length("a length in quotes", "\"5\""),
        length("a length in words", "five"),
        length("an empty length", ""),
        length("a length of blanks", " \t "),
        length("a length with a parameter", "5;a=b"),
        length("digits of another script", "٥"),
        length("a superscript digit", "⁵"),
        length("a full-width digit", "５"),
        length("a minus sign above ASCII", "−5"),
        length("a list of equal lengths", "5, 5"),
        length("a list of equal lengths without a blank", "5,5"),
        length("a list of differing lengths", "5, 6"),
        length("a length and a list comma", "5,"),
        length("a list comma and a length", ",5"),
        length("a length one above 64 bits signed", "9223372036854775808"),
        length("a length that wraps round to 5", "18446744073709551621"),
        length("a length of a hundred digits", repeated("9", 100)),
        length("a vertical tab after a length", "5\u{0B}", "400 control-character"),
        length("NUL after a length", "5\0", "400 control-character"),
        length("a length that wraps round to 5 in 32 bits", "4294967301", "413 body-too-large"),
        length("the highest length that is read", "999999999999999999", "413 body-too-large"),
        length("a length one above the limit", "16777217", "413 body-too-large"),
        length("a length at the limit", "16777216", "POST / 1.1 a length=16777216"),
    ]

    static let doubleFraming: [RequestVector] = [
        double("two differing lengths", "Content-Length: 5\r\nContent-Length: 6\r\n"),
        double("two equal lengths", "Content-Length: 5\r\nContent-Length: 5\r\n"),
        double("two lengths of zero", "Content-Length: 0\r\nContent-Length: 0\r\n"),
        double("two lengths in unlike letters", "Content-Length: 5\r\ncontent-length: 6\r\n"),
        double("two lengths with a field between", "Content-Length: 5\r\nX: y\r\nContent-Length: 6\r\n"),
        double("an empty length and a length", "Content-Length:\r\nContent-Length: 5\r\n"),
        double("a broken length and a length", "Content-Length: x\r\nContent-Length: 5\r\n"),
        double("three lengths", "Content-Length: 5\r\nContent-Length: 5\r\nContent-Length: 5\r\n"),
        double("a length before chunked", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"),
        double("a length after chunked", "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"),
        double("a length and chunked in small letters", "content-length: 5\r\ntransfer-encoding: chunked\r\n"),
        double("a length and chunked in capitals", "CONTENT-LENGTH: 5\r\nTRANSFER-ENCODING: CHUNKED\r\n"),
        double("a length and chunked with a field between", "Content-Length: 5\r\nX: y\r\nTransfer-Encoding: chunked\r\n"),
        double("a length of zero and chunked", "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n"),
        double("a broken length and chunked", "Content-Length: x\r\nTransfer-Encoding: chunked\r\n"),
        double("a length and identity", "Content-Length: 5\r\nTransfer-Encoding: identity\r\n"),
        double("a length and an unknown coding", "Content-Length: 5\r\nTransfer-Encoding: xchunked\r\n"),
        double("a length and an empty coding", "Content-Length: 5\r\nTransfer-Encoding:\r\n"),
        .init(
            "9112 6.1", "a length and chunked with GET", get("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), "400 ambiguous-length"),
        .init(
            "9112 6.1", "a length and chunked in HTTP/1.0",
            "POST / HTTP/1.0\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400 ambiguous-length"),
        .init("9112 6.1", "chunked in HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400 ambiguous-length"),
        .init(
            "9112 6.1", "chunked in HTTP/1.0 that stays open",
            "POST / HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400 ambiguous-length"),
    ]

    static let codings: [RequestVector] = [
        coding("9112 7", "chunked", "chunked", "POST / 1.1 a chunked | end"),
        coding("9112 7", "chunked in capitals", "CHUNKED", "POST / 1.1 a chunked | end"),
        coding("9112 7", "chunked in mixed letters", "cHuNkEd", "POST / 1.1 a chunked | end"),
        coding("9112 5.1", "blanks around chunked", "\t chunked \t", "POST / 1.1 a chunked | end"),
        .init("9112 5.1", "no blank before chunked", post("Transfer-Encoding:chunked\r\n", "0\r\n\r\n"), "POST / 1.1 a chunked | end"),
        .init(
            "9112 7", "chunked with GET", get("Transfer-Encoding: chunked\r\n") + "1\r\nx\r\n0\r\n\r\n",
            "GET / 1.1 a chunked | body=x | end"),
        coding("9112 6.1", "gzip", "gzip"),
        coding("9112 6.1", "gzip, chunked", "gzip, chunked"),
        coding("9112 6.1", "identity", "identity"),
        coding("9112 6.1", "identity, chunked", "identity, chunked"),
        coding("9112 6.1", "xchunked", "xchunked"),
        coding("9112 6.1", "chunkedx", "chunkedx"),
        coding("9112 6.1", "chunk", "chunk"),
        coding("9112 6.1", "chunked with a blank inside", "chun ked"),
        coding("9112 6.1", "two words, the last chunked", "x chunked"),
        coding("9112 6.1", "chunked in quotes", "\"chunked\""),
        coding("9112 6.1", "chunked with a parameter", "chunked;q=1"),
        coding("9112 6.1", "chunked with a semicolon", "chunked;"),
        coding("9112 6.1", "chunked with a colon before it", ":chunked"),
        coding("9112 6.1", "chunked and a list comma", "chunked,"),
        coding("9112 6.1", "a list comma and chunked", ",chunked"),
        coding("9112 6.1", "list commas and blanks around chunked", " , chunked ,"),
        coding("9112 6.1", "a list comma alone", ","),
        coding("9112 6.1", "an empty coding", ""),
        coding("9112 6.1", "chunked with the Kelvin sign for k", "chun\u{212A}ed"),
        coding("9112 6.1", "chunked with a full-width letter", "ｃhunked"),
        coding("9112 6.1", "chunked and a no-break space", "chunked\u{A0}"),
        coding("9112 6.3", "chunked, gzip", "chunked, gzip", "400 ambiguous-length"),
        coding("9112 6.3", "chunked, identity", "chunked, identity", "400 ambiguous-length"),
        coding("9112 6.3", "gzip, chunked, gzip", "gzip, chunked, gzip", "400 ambiguous-length"),
        coding("9112 6.1", "chunked, chunked", "chunked, chunked", "400 ambiguous-length"),
        coding("9112 6.1", "chunked, CHUNKED without a blank", "chunked,CHUNKED", "400 ambiguous-length"),
        coding("9112 6.1", "chunked in two fields", "chunked\r\nTransfer-Encoding: chunked", "400 ambiguous-length"),
        coding("9112 6.1", "gzip and chunked in two fields", "gzip\r\nTransfer-Encoding: chunked", "400 ambiguous-length"),
        coding("9112 6.1", "chunked and an empty coding in two fields", "chunked\r\nTransfer-Encoding:", "400 ambiguous-length"),
        coding("9112 6.1", "chunked and an unknown coding in unlike letters", "chunked\r\ntransfer-encoding: x", "400 ambiguous-length"),
        coding("9110 5.5", "a vertical tab before chunked", "\u{0B}chunked", "400 control-character"),
        coding("9110 5.5", "a form feed after chunked", "chunked\u{0C}", "400 control-character"),
        coding("9110 5.5", "NUL after chunked", "chunked\0", "400 control-character"),
        .init("9110 10.1.4", "TE is no framing field", get("TE: chunked\r\n"), ok),
        .init("9110 8.4", "Content-Encoding is no framing field", get("Content-Encoding: chunked\r\n"), ok),
    ]

    private static func length(_ name: String, _ value: String, _ expected: String = "400 bad-length") -> RequestVector {
        .init("9110 8.6", name, post("Content-Length: \(value)\r\n"), expected)
    }

    private static func double(_ name: String, _ fields: String) -> RequestVector {
        .init("9112 6.3", name, post(fields, "0\r\n\r\n"), "400 ambiguous-length")
    }

    private static func coding(
        _ section: String, _ name: String, _ value: String, _ expected: String = "501 unknown-coding"
    ) -> RequestVector {
        .init(section, name, post("Transfer-Encoding: \(value)\r\n", "0\r\n\r\n"), expected)
    }
}
