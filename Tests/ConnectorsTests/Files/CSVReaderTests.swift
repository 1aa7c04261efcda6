import Testing

@testable import Connectors

@Suite("Comma-separated values")
struct CSVReaderTests {
    private func rows(_ text: String, delimiter: Character = ",") throws(ConnectorError) -> [CSVReader.Row] {
        var reader = CSVReader(Array(text.utf8), delimiter: delimiter.asciiValue!)
        var rows: [CSVReader.Row] = []
        while let row = try reader.next() { rows.append(row) }
        return rows
    }

    @Test(
        "fields",
        arguments: [
            ("", []), ("a", [["a"]]), ("a,b\r\n", [["a", "b"]]), ("a,b\nc,d", [["a", "b"], ["c", "d"]]), ("a\rb\r", [["a"], ["b"]]),
            (",", [["", ""]]), ("a,", [["a", ""]]), ("a,\n", [["a", ""]]),
            ("\n", [[""]]), ("a\n\nb", [["a"], [""], ["b"]]), (#""a""#, [["a"]]), (#""a,b",c"#, [["a,b", "c"]]),
            (#""say ""hi""",x"#, [[#"say "hi""#, "x"]]), ("\"\",\"", nil), ("\"\"", [[""]]),
            ("\",\"", [[","]]), ("\"two\r\nlines\",x\r\ny,z", [["two\r\nlines", "x"], ["y", "z"]]), (" a , b ", [[" a ", " b "]]),
            (#"a"b"#, nil), (#""a"b"#, nil), (#""a" ,b"#, nil), (#""a"#, nil),
            (#" "a""#, nil), ("é,😀", [["é", "😀"]]),
        ] as [(String, [[String]]?)])
    func fields(text: String, expected: [[String]]?) throws {
        if let expected {
            let rows = try rows(text)
            #expect(rows.map(\.fields) == expected)
        } else {
            #expect { _ = try rows(text) } throws: { ($0 as? ConnectorError)?.code == .invalidFile }
        }
    }

    @Test("lines are counted through quoted line ends of every kind")
    func lines() throws {
        let text = "h\n\"a\nb\"\r\n\"c\r\nd\re\"\rx\n\ny"
        #expect(try rows(text).map(\.line) == [1, 2, 4, 7, 8, 9])
        #expect { _ = try rows("a\n\"b\n\nc") } throws: {
            ($0 as? ConnectorError)?.message.hasPrefix("The quote that line 2 opens is never closed.") == true
        }
        #expect { _ = try rows("a\n\"b\n\"c\"") } throws: { ($0 as? ConnectorError)?.message.hasPrefix("Line 3 goes on behind") == true }
    }

    @Test("other delimiters", arguments: [";", "\t", "|"] as [Character])
    func delimiters(delimiter: Character) throws {
        #expect(
            try rows("a,b\(delimiter)c\n\"\(delimiter)\"\(delimiter)d", delimiter: delimiter).map(\.fields) == [
                ["a,b", "c"], [String(delimiter), "d"],
            ])
    }

    @Test("endless fields and rows end at a limit")
    func limits() {
        for text in [
            String(repeating: "x", count: 1 << 21), "\"" + String(repeating: "x", count: 1 << 21), String(repeating: ",", count: 1001),
        ] {
            #expect { _ = try rows(text) } throws: { ($0 as? ConnectorError)?.code == .invalidFile }
        }
    }
}
