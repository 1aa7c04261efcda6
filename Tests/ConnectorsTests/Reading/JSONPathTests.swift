import Testing

@testable import Connectors

@Suite("JSON path")
struct JSONPathTests {
    /// The values as JSON texts.
    private func found(_ path: String, in text: String) throws -> [String] {
        try JSONPath(path).values(in: json(text)).map(\.jsonText)
    }

    private static let letters = #"["a","b","c","d","e","f","g"]"#

    /// The tables of RFC 9535 sections 1.5, 2.2.3, 2.3.1.3, 2.3.2.3, 2.3.3.3, 2.3.4.3, 2.5.1.3 and 2.6.1, as far as they use no filter and no `..`.
    @Test(
        "The examples of RFC 9535",
        arguments: [
            ("$", #"{"k":"v"}"#, [#"{"k":"v"}"#]),
            ("$.o['j j']", #"{"o":{"j j":{"k.k":3}},"'":{"@":2}}"#, [#"{"k.k":3}"#]),
            ("$.o['j j']['k.k']", #"{"o":{"j j":{"k.k":3}},"'":{"@":2}}"#, ["3"]),
            (#"$.o["j j"]["k.k"]"#, #"{"o":{"j j":{"k.k":3}},"'":{"@":2}}"#, ["3"]),
            (#"$["'"]["@"]"#, #"{"o":{"j j":{"k.k":3}},"'":{"@":2}}"#, ["2"]),
            ("$[*]", #"{"o":{"j":1,"k":2},"a":[5,3]}"#, [#"{"j":1,"k":2}"#, "[5,3]"]),
            ("$.o[*]", #"{"o":{"j":1,"k":2},"a":[5,3]}"#, ["1", "2"]),
            ("$.o[*,*]", #"{"o":{"j":1,"k":2},"a":[5,3]}"#, ["1", "2", "1", "2"]),
            ("$.a[*]", #"{"o":{"j":1,"k":2},"a":[5,3]}"#, ["5", "3"]),
            ("$[1]", #"["a","b"]"#, [#""b""#]),
            ("$[-2]", #"["a","b"]"#, [#""a""#]),
            ("$[1:3]", letters, [#""b""#, #""c""#]),
            ("$[5:]", letters, [#""f""#, #""g""#]),
            ("$[1:5:2]", letters, [#""b""#, #""d""#]),
            ("$[5:1:-2]", letters, [#""f""#, #""d""#]),
            ("$[::-1]", letters, [#""g""#, #""f""#, #""e""#, #""d""#, #""c""#, #""b""#, #""a""#]),
            ("$[0,3]", letters, [#""a""#, #""d""#]),
            ("$[0:2,5]", letters, [#""a""#, #""b""#, #""f""#]),
            ("$[0,0]", letters, [#""a""#, #""a""#]),
            ("$.a", #"{"a":null,"b":[null],"c":[{}],"null":1}"#, ["null"]),
            ("$.a[0]", #"{"a":null,"b":[null],"c":[{}],"null":1}"#, []),
            ("$.a.d", #"{"a":null,"b":[null],"c":[{}],"null":1}"#, []),
            ("$.b[0]", #"{"a":null,"b":[null],"c":[{}],"null":1}"#, ["null"]),
            ("$.b[*]", #"{"a":null,"b":[null],"c":[{}],"null":1}"#, ["null"]),
            ("$.null", #"{"a":null,"b":[null],"c":[{}],"null":1}"#, ["1"]),
            (
                "$.store.book[*].author", #"{"store":{"book":[{"author":"R"},{"author":"W"},{"title":"t"}],"bicycle":{"price":399}}}"#,
                [#""R""#, #""W""#]
            ),
            ("$.store.*", #"{"store":{"book":[1],"bicycle":{"price":399}}}"#, ["[1]", #"{"price":399}"#]),
        ] as [(String, String, [String])])
    func examples(path: String, text: String, values: [String]) throws {
        #expect(try found(path, in: text) == values)
        #expect(try JSONPath(path).first(in: json(text))?.jsonText == values.first)
    }

    @Test(
        "edges of indexes and slices",
        arguments: [
            ("$[7]", []), ("$[-8]", []), ("$[6]", ["g"]), ("$[-1]", ["g"]), ("$[0:0]", []), ("$[3:1]", []), ("$[-2:]", ["f", "g"]),
            ("$[:-5]", ["a", "b"]),
            ("$[:100]", ["a", "b", "c", "d", "e", "f", "g"]), ("$[-100:2]", ["a", "b"]), ("$[::0]", []), ("$[::3]", ["a", "d", "g"]),
            ("$[1::-1]", ["b", "a"]), ("$[100::-3]", ["g", "d", "a"]), ("$[:4:-1]", ["g", "f"]),
            ("$[-9007199254740991:9007199254740991:9007199254740991]", ["a"]),
            ("$ [ 1 : 3 : 1 ]", ["b", "c"]), ("$[ 0 , 1 ]", ["a", "b"]), ("$\n.*", ["a", "b", "c", "d", "e", "f", "g"]),
        ] as [(String, [String])])
    func edges(path: String, letters: [String]) throws {
        #expect(try JSONPath(path).values(in: json(Self.letters)).compactMap(\.string) == letters)
    }

    @Test("a name finds nothing in a list, an index nothing in an object, a wildcard nothing in a text")
    func otherKinds() throws {
        #expect(try found("$.length", in: "[1]") == [])
        #expect(try found("$['0']", in: "[1]") == [])
        #expect(try found("$[0]", in: #"{"0":1}"#) == [])
        #expect(try found("$[*]", in: #""text""#) == [])
        #expect(try found("$[0:1]", in: #""text""#) == [])
    }

    @Test("names with every way to write them")
    func names() throws {
        let text = #"{"_a1":1,"ünï":2,"a'b":3,"a\"b":4,"☺":5,"a/b\\":6,"\n":7,"😀":8,"":9}"#
        for (path, value) in [
            ("$._a1", "1"), ("$.ünï", "2"), (#"$['a\'b']"#, "3"), (#"$["a'b"]"#, "3"), (#"$["a\"b"]"#, "4"), ("$.☺", "5"),
            (#"$['\u263A']"#, "5"),
            (#"$['a\/b\\']"#, "6"), (#"$["\n"]"#, "7"), (#"$['\ud83D\uDe00']"#, "8"), ("$['']", "9"),
        ] { #expect(try found(path, in: text) == [value], "\(path)") }
    }

    @Test(
        "mistakes are named with their place",
        arguments: [
            ("", 1), ("a", 1), (" $", 1), ("$ ", 2), ("$.", 3), ("$.a.", 5), ("$..a", 3), ("$.1a", 3), ("$.a-b", 4), ("$. a", 3), ("$[", 3),
            ("$[]", 3), ("$[1", 4), ("$[1,", 5),
            ("$[1,]", 5), ("$['a]", 3), ("$[\"a']", 3), ("$[a]", 3), ("$[01]", 3), ("$[-0]", 3), ("$[-]", 4), ("$[1.0]", 4),
            ("$[9007199254740992]", 3),
            ("$[1:2:3:4]", 8), ("$[?@.a]", 3), (#"$['\x']"#, 4), (#"$['\"']"#, 4), (#"$['\ud800']"#, 4), (#"$['\ud800\u0041']"#, 4),
            ("$['\n']", 4), (#"$['\u00g0']"#, 4), ("$a", 2), ("$.a b", 4), ("@.a", 1),
        ] as [(String, Int)])
    func mistakes(path: String, character: Int) {
        #expect { _ = try JSONPath(path) } throws: {
            guard let error = $0 as? ConnectorError else { return false }
            return error.code == .invalidDefinition && error.message.contains(" at character \(character):")
        }
    }

    @Test("too long a path is refused")
    func tooLong() {
        #expect(throws: ConnectorError.self) { try JSONPath("$" + String(repeating: ".a", count: 500)) }
    }

    @Test("which paths find one value, and which can be read while the answer comes")
    func kinds() throws {
        for (path, isSingular, isStreamable) in [
            ("$", true, true), ("$.a['b'][0]", true, true), ("$[-1]", true, false), ("$.a[*]", false, true), ("$.*.b[*]", false, true),
            ("$[0:1]", false, false),
            ("$['a','b']", false, false), ("$[0,1].a", false, false),
        ] {
            #expect(try JSONPath(path).isSingular == isSingular, "\(path)")
            #expect(try JSONPath(path).isStreamable == isStreamable, "\(path)")
        }
    }
}
