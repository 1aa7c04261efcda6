import Testing

@testable import Connectors

@Suite("Records read one by one")
struct RecordReaderTests {
    struct Reading: Equatable {
        var records: [String] = []
        var envelope = ""
        var foundList = false
        var error: ConnectorError.Code?
    }

    private func read(_ bytes: [UInt8], at path: String, pieces: [Int], limits: JSONLimits = JSONLimits()) throws -> Reading {
        var reader = RecordReader(records: try JSONPath(path), limits: limits)
        var reading = Reading()
        let take = { (record: JSONValue) throws(ConnectorError) in reading.records.append(record.jsonText) }
        do throws(ConnectorError) {
            var rest = bytes[...]
            for piece in pieces {
                try reader.read(Array(rest.prefix(piece)), each: take)
                rest = rest.dropFirst(piece)
            }
            try reader.read(Array(rest), each: take)
            reading.envelope = try reader.finish(each: take).jsonText
        } catch {
            reading.error = error.code
        }
        reading.foundList = reader.foundList
        return reading
    }

    private func read(_ text: String, at path: String, pieces: [Int] = [], limits: JSONLimits = JSONLimits()) throws -> Reading {
        try read(Array(text.utf8), at: path, pieces: pieces, limits: limits)
    }

    @Test(
        "records and envelope",
        arguments: [
            ("$[*]", #"[{"id":1},2,[3]]"#, [#"{"id":1}"#, "2", "[3]"], "[]", true),
            (
                "$.data[*]", #"{"total":2,"data":[{"id":1},{"id":2}],"next":"c"}"#, [#"{"id":1}"#, #"{"id":2}"#],
                #"{"total":2,"data":[],"next":"c"}"#, true
            ),
            (
                "$.data.sites[*]", #"{"data":{"x":[1],"sites":["a"]},"sites":[9]}"#, [#""a""#],
                #"{"data":{"x":[1],"sites":[]},"sites":[9]}"#, true
            ),
            (
                "$.data[*].rows[*]", #"{"data":[{"k":1,"rows":[1,2]},{"rows":[3]},{"k":2}]}"#, ["1", "2", "3"],
                #"{"data":[{"k":1,"rows":[]},{"rows":[]},{"k":2}]}"#, true
            ),
            ("$.data[1].rows[*]", #"{"data":[{"rows":[1]},{"rows":[2,3]}]}"#, ["2", "3"], #"{"data":[{"rows":[1]},{"rows":[]}]}"#, true),
            ("$.data[*]", #"{"data":{"a":1,"b":[2]}}"#, ["1", "[2]"], #"{"data":{}}"#, true),
            ("$.data[*]", #"{"data":[]}"#, [], #"{"data":[]}"#, true), ("$.data[*]", #"{"data":null}"#, [], #"{"data":null}"#, false),
            ("$.data[*]", #"{"error":"no"}"#, [], #"{"error":"no"}"#, false),
            ("$.data[*]", #"[{"data":[1]}]"#, [], #"[{"data":[1]}]"#, false),
            ("$.data[*]", #"{"x":{"data":[1]}}"#, [], #"{"x":{"data":[1]}}"#, false), ("$", " 12", ["12"], "null", true),
            ("$", #"{"a":[1]}"#, [#"{"a":[1]}"#], "null", true),
            ("$.a", #"{"a":"x","b":"a"}"#, [#""x""#], #"{"b":"a"}"#, true),
            ("$.a.b", #"{"a":{"b":{"a":{"b":1}}}}"#, [#"{"a":{"b":1}}"#], #"{"a":{}}"#, true),
        ] as [(String, String, [String], String, Bool)])
    func records(path: String, text: String, records: [String], envelope: String, foundList: Bool) throws {
        let whole = try read(text, at: path)
        #expect(whole == Reading(records: records, envelope: envelope, foundList: foundList))
        #expect(try JSONPath(path).values(in: json(text)).map(\.jsonText) == records)
        for cut in 0...text.utf8.count { #expect(try read(text, at: path, pieces: [cut]) == whole, "cut at \(cut)") }
        #expect(try read(text, at: path, pieces: Array(repeating: 1, count: text.utf8.count)) == whole)
    }

    @Test("cut anywhere, texts with escapes and all kinds of values read the same, and so do broken ones")
    func cuts() throws {
        let good = "\u{FEFF}" + #"{"m":[-1.5e+3,true,false,null,"a\"\\\u00e9\ud83d\ude00\ud83d x é😀"],"d":[{"é\n":"\ud83d"}, "", 0]}"#
        for text in [good, String(good.dropLast()), good + "x", good.replacing("null", with: "nul"), good.replacing("1.5", with: "1..5")] {
            let bytes = Array(text.utf8)
            let whole = try read(bytes, at: "$.d[*]", pieces: [])
            #expect((whole.error == nil) == (text == good))
            for cut in 0...bytes.count { #expect(try read(bytes, at: "$.d[*]", pieces: [cut]) == whole, "cut at \(cut) of \(text)") }
            #expect(try read(bytes, at: "$.d[*]", pieces: Array(repeating: 1, count: bytes.count)) == whole)
        }
    }

    @Test("a name that comes twice is refused outside records, inside, and among them")
    func duplicates() throws {
        for (path, text) in [
            ("$.d[*]", #"{"d":[1],"d":[2]}"#), ("$.d[*]", #"{"d":[{"a":1,"a":2}]}"#), ("$.d[*]", #"{"d":{"a":1,"a":2}}"#),
            ("$.d[*]", #"{"x":{"a":1,"a":1},"d":[]}"#),
        ] { #expect(try read(text, at: path).error == .brokenAnswer, "\(text)") }
    }

    @Test("limits hold for one record and for everything beside them, not for all records together")
    func limits() throws {
        var limits = JSONLimits()
        limits.heldValues = 50
        limits.heldBytes = 500
        let record = #"{"id":1,"name":"0123456789"}"#
        let many = "[" + Array(repeating: record, count: 1000).joined(separator: ",") + "]"
        #expect(try read("{\"data\":\(many)}", at: "$.data[*]", limits: limits).records.count == 1000)
        #expect(try read("{\"data\":\(many)}", at: "$.other[*]", limits: limits).error == .tooLarge)
        #expect(try read("[[\(Array(repeating: "0", count: 51).joined(separator: ","))]]", at: "$[*]", limits: limits).error == .tooLarge)
        #expect(try read("[[\"\(String(repeating: "x", count: 501))\"]]", at: "$[*]", limits: limits).error == .tooLarge)
    }

    @Test("an error of the one who takes the records ends the reading")
    func refusal() throws {
        var reader = RecordReader(records: try JSONPath("$[*]"))
        var taken = 0
        #expect(throws: ConnectorError(code: .refused, message: "enough")) {
            try reader.read(Array("[1,2,3]".utf8)) { (_) throws(ConnectorError) in
                taken += 1
                if taken == 2 { throw ConnectorError(code: .refused, message: "enough") }
            }
        }
        #expect(taken == 2)
    }

    @Test("a list that is not there is an error of the short form")
    func missingList() throws {
        let path = try JSONPath("$.data[*]")
        var count = 0
        let envelope = try RecordReader.forEach(at: path, in: Array(#"{"data":[1,2],"n":2}"#.utf8)) { (_) throws(ConnectorError) in
            count += 1
        }
        #expect(count == 2 && envelope["n"] == .number("2"))
        #expect { _ = try RecordReader.forEach(at: path, in: Array("{}".utf8)) { (_) throws(ConnectorError) in } } throws: {
            ($0 as? ConnectorError)?.code == .brokenAnswer
        }
    }

    @Test("random documents: the records are what the path finds in the whole")
    func random() throws {
        let seed: UInt64 = 20_261_122
        var generator = Generator(state: seed)
        let paths = ["$", "$[*]", "$.a", "$.a[*]", "$.a.b[*]", "$[0][*]", "$.*.a", "$[*][*]", "$.a[1].b"]
        for round in 0..<2000 {
            let text = generator.document(depth: 0).jsonText
            let path = paths[round % paths.count]
            let expected = try JSONPath(path).values(in: json(text)).map(\.jsonText)
            let pieces = (0..<4).map { _ in Int(generator.next() % 9) }
            let reading = try read(text, at: path, pieces: pieces)
            #expect(reading.records == expected, "seed \(seed), round \(round): \(path) in \(text), cut at \(pieces)")
            #expect(reading.error == nil)
        }
    }
}

private struct Generator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return state >> 33
    }

    mutating func document(depth: Int) -> JSONValue {
        switch next() % (depth > 4 ? 5 : 9) {
        case 0: return .null
        case 1: return .bool(next() % 2 == 0)
        case 2: return .number(String(next() % 1000))
        case 3: return .string("a\"é\n😀")
        case 4: return .string("")
        case 5, 6: return .array((0..<next() % 4).map { _ in document(depth: depth + 1) })
        default:
            let names = ["a", "b", "c"].prefix(Int(next() % 4))
            return .object(names.map { JSONValue.Member(name: $0, value: document(depth: depth + 1)) })
        }
    }
}
