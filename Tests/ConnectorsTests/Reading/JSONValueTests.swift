import Foundation
import Testing

@testable import Connectors

func json(_ text: String) throws(ConnectorError) -> JSONValue { try JSONValue(parsing: Array(text.utf8)) }

@Suite("JSON as a vendor wrote it")
struct JSONValueTests {
    @Test("every kind of value, members in their order")
    func kinds() throws {
        let value = try json(#" {"b" : [ true,false , null ], "a":{"x":-0.50e+1 },"":"" , "t":"é\u00e9\ud83d\ude00\n\/"} "#)
        #expect(value.members?.map(\.name) == ["b", "a", "", "t"])
        #expect(value["b"]?.elements == [.bool(true), .bool(false), .null])
        #expect(value["a"]?["x"] == .number("-0.50e+1"))
        #expect(value["t"]?.string == "éé😀\n/")
        #expect(value["c"] == nil)
        #expect(try json(value.jsonText) == value)
        for plain in ["1", "\"x\"", "null", "true", "false", "[]", "{}", " [ ] ", "\u{FEFF}[1]"] { _ = try json(plain) }
    }

    @Test("a name is found by its bytes: composed and decomposed letters are two names")
    func exactNames() throws {
        let value = try json("{\"\u{E9}\":1,\"e\u{301}\":2}")
        #expect(value["\u{E9}"] == .number("1"))
        #expect(value["e\u{301}"] == .number("2"))
    }

    @Test("digits are kept, and become a decimal only without loss")
    func numbers() throws {
        #expect(try json("12345678901234567890123").text == "12345678901234567890123")
        #expect(try json("1001.0").text == "1001.0")
        let exact: [(String, Decimal?)] = [
            ("0", 0), ("-0", 0), ("0.00", 0), ("0e999", 0), ("12", 12), ("-12.50", Decimal(string: "-12.5")), ("1e3", 1000),
            ("1.5E-2", Decimal(string: "0.015")), ("12345678901234567890123", Decimal(string: "12345678901234567890123")),
            ("10000000000000000000000000000000000000000000", Decimal(string: "1e43")),
            ("12345678901234567890123456789012345678", Decimal(string: "12345678901234567890123456789012345678")),
            ("123456789012345678901234567890123456789", nil), ("1e200", nil), ("1e-200", nil), ("1e99999999999999999999", nil),
            ("0.1", Decimal(string: "0.1")),
        ]
        for (text, decimal) in exact { #expect(try json(text).decimal == decimal, "\(text)") }
        #expect(try json("\"12\"").decimal == nil)
        #expect(try json("{}").text == nil && json("true").text == nil && json("null").text == nil)
    }

    @Test(
        "what is no JSON is named with its place",
        arguments: [
            "", "  ", "{", "[1", "[1,]", "[,1]", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}", "{'a':1}", "[1 2]", "1 2", "{}{}", "]", "}",
            "[}", "{]",
            "tru", "trux", "nul", "TRUE", "True", "NaN", "Infinity", "01", "-", "-01", "1.", ".5", "+1", "1e", "1e+", "0x10", "1_000",
            "--1", "1-2",
            "\"", "\"a", "\"\\x\"", "\"\\u12\"", "\"\\u12G4\"", "\"\\\"", "\"a\nb\"", "\"a\tb\"", "\"\u{0}\"", "[\"a\", // x\n 1]",
            "/* */ 1", "<html>", "\u{FEFF}", "\u{FEFF}\u{FEFF}1",
            "\"\\uD83D\\u\"", "[1]\u{0}", "\u{A0}1",
        ])
    func broken(text: String) {
        #expect { _ = try json(text) } throws: { ($0 as? ConnectorError)?.code == .brokenAnswer }
    }

    @Test(
        "broken UTF-8",
        arguments: [[0xFF], [0xC3], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xE2, 0x82]] as [[UInt8]])
    func utf8(bytes: [UInt8]) {
        for text in [[0x22] + bytes + [0x22], [0x7B, 0x22] + bytes + [0x22, 0x3A, 0x31, 0x7D], bytes] {
            #expect { _ = try JSONValue(parsing: text) } throws: { ($0 as? ConnectorError)?.code == .brokenAnswer }
        }
    }

    @Test("half a surrogate pair, as cut names have it, becomes the replacement character")
    func halfPairs() throws {
        #expect(try json(#""a\ud83d""#).string == "a\u{FFFD}")
        #expect(try json(#""\ud83dx""#).string == "\u{FFFD}x")
        #expect(try json(#""\ude00\ud83d\ud83d\ude00\n""#).string == "\u{FFFD}\u{FFFD}😀\n")
        #expect(try json(#""\ud83d\n""#).string == "\u{FFFD}\n")
    }

    @Test("the place is the line and the byte")
    func place() {
        #expect { _ = try json("{\n \"a\": 1,\n \"b\" 2}") } throws: {
            ($0 as? ConnectorError)?.message == "This is not JSON in line 3, byte 16: expected ':'."
        }
    }

    @Test("a name that comes twice is refused, in small and in large objects, however it is written")
    func duplicates() throws {
        let many = (0..<40).map { "\"n\($0)\":\($0)" }.joined(separator: ",")
        for text in [
            #"{"a":1,"a":1}"#, #"{"a":1,"\u0061":2}"#, #"[{"x":{"a":1,"b":2,"a":3}}]"#, "{\(many),\"n3\":1}", "{\(many),\"n39\":1}",
        ] {
            #expect { _ = try json(text) } throws: { ($0 as? ConnectorError)?.code == .brokenAnswer }
        }
        #expect(try json("{\(many)}").members?.count == 40)
        #expect(try json(#"[{"a":1},{"a":1}]"#).elements?.count == 2)
    }

    @Test("evil texts end at a limit, with little held")
    func limits() throws {
        var limits = JSONLimits()
        limits.heldValues = 1000
        limits.heldBytes = 5000
        limits.textBytes = 2000
        let evil: [String] = [
            String(repeating: "[", count: 100_000), String(repeating: #"{"a":"#, count: 100_000), String(repeating: "9", count: 10 << 20),
            "\"" + String(repeating: "a", count: 3000) + "\"", "[" + String(repeating: "0,", count: 1000) + "0]",
            "[" + String(repeating: "[],", count: 1000) + "0]",
            "[" + String(repeating: "\"\(String(repeating: "x", count: 1000))\",", count: 6) + "0]",
            "{\"" + String(repeating: "n", count: 2001) + "\":1}", "-" + String(repeating: "1", count: 400),
            "1e" + String(repeating: "0", count: 400),
        ]
        for text in evil {
            #expect { _ = try JSONValue(parsing: Array(text.utf8), limits: limits) } throws: { ($0 as? ConnectorError)?.code == .tooLarge }
        }
        limits.totalBytes = 100
        #expect { _ = try JSONValue(parsing: [UInt8](repeating: 0x20, count: 101), limits: limits) } throws: {
            ($0 as? ConnectorError)?.code == .tooLarge
        }
        let deep = String(repeating: "[", count: 64) + String(repeating: "]", count: 64)
        _ = try json(deep)
        #expect { _ = try json("[\(deep)]") } throws: { ($0 as? ConnectorError)?.code == .tooLarge }
    }

    @Test("a member is set in its place or at the end")
    func setting() throws {
        #expect(try json(#"{"a":1,"b":2}"#).setting("a", to: .null)?.jsonText == #"{"a":null,"b":2}"#)
        #expect(try json(#"{"a":1}"#).setting("b", to: "x".jsonValue)?.jsonText == #"{"a":1,"b":"x"}"#)
        #expect(try json("[]").setting("a", to: .null) == nil)
    }
}

extension String {
    fileprivate var jsonValue: JSONValue { .string(self) }
}
