import Foundation
import Testing

@testable import Sandbox

@Suite("JSON texts (RFC 8259)")
struct JSONTests {
    @Test(arguments: [
        "null", "true", "[]", "{}", #"{"a":[1,-0.5,1e3,"x"],"b":{"c":null}}"#, #""\u00e9 \ud83d\ude00 \n \" \\ \/""#,
        " [ 1 , 2 ] ", #""é😀""#, "12345678901234567890.125", #"{"":""}"#,
    ])
    func agreesWithFoundation(text: String) throws {
        // As Foundation understands it, in its words: dictionaries with the same members may print them in different order.
        func understood(_ text: Data) throws -> Data {
            let value = try JSONSerialization.jsonObject(with: text, options: .fragmentsAllowed)
            return try JSONSerialization.data(withJSONObject: value, options: [.fragmentsAllowed, .sortedKeys])
        }
        let ours = try JSONParser.parse(Array(text.utf8))
        #expect(try understood(Data(ours.bytes)) == understood(Data(text.utf8)))
        #expect(try JSONParser.parse(ours.bytes) == ours)
    }

    @Test(arguments: [
        "", " ", "nul", "tru", "{", "[", "[1", "[1,", "[1,]", "{,}", #"{"a"}"#, #"{"a":}"#, #"{"a":1,}"#, "{a:1}", "01",
        "-", "1.", ".5", "1e", "+1", "NaN", "Infinity", #""a"#, #""\x""#, #""\u12""#, "\"\n\"", "1 2", "[1] x", "'a'",
        #"{"a":"he said "hi""}"#,
    ])
    func refusesWhatIsNotJSON(text: String) {
        #expect(throws: JSONParser.Failure.self) { try JSONParser.parse(Array(text.utf8)) }
    }

    @Test func refusesInvalidUTF8() {
        #expect(throws: JSONParser.Failure.self) { try JSONParser.parse([0x22, 0xFF, 0x22]) }
    }

    @Test func refusesDeepNestingWithoutCrashing() {
        let deep = Array(String(repeating: "[", count: 100_000).utf8)
        #expect(throws: JSONParser.Failure.self) { try JSONParser.parse(deep) }
    }

    @Test(arguments: [
        (#""\ud800""#, "\u{FFFD}"), (#""\ud800x""#, "\u{FFFD}x"), (#""\ud800\u0041""#, "\u{FFFD}A"), (#""\udc00""#, "\u{FFFD}"),
    ])
    func loneSurrogatesBecomeReplacementCharacters(text: String, expected: String) throws {
        #expect(try JSONParser.parse(Array(text.utf8)) == .string(expected))
    }

    @Test func repeatedMembersReadTheLast() throws {
        #expect(try JSONParser.parse(Array(#"{"a":1,"a":2}"#.utf8))["a"] == 2)
    }

    @Test func controlCharactersAreWrittenEscaped() throws {
        let text = String(String.UnicodeScalarView((0..<0x30).compactMap(Unicode.Scalar.init)))
        let bytes = JSONValue.string(text).bytes
        #expect(bytes.allSatisfy { $0 >= 0x20 })
        #expect(try JSONParser.parse(bytes) == .string(text))
    }

    @Test(arguments: [(12.0, "12"), (0.5, "0.5"), (0, "0"), (1e21, "1e+21"), (123456.789, "123456.789")])
    func numbersAreWrittenShort(value: Double, text: String) {
        #expect(String(decoding: JSONValue.number(value).bytes, as: UTF8.self) == text)
    }
}
