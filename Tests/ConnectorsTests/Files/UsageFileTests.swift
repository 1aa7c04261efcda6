import Foundation
import Testing

@testable import Connectors

@Suite("Usage in a file")
struct UsageFileTests {
    private static let services: Set<String> = ["Seats", "Backups"]

    private func csv(
        _ text: String, delimiter: Character = ",", decimalMark: UsageFileFormat.DecimalMark = .point
    ) throws -> VendorSnapshot {
        try UsageFileFormat(kind: .csv(delimiter: delimiter), decimalMark: decimalMark)
            .snapshot(of: Array(text.utf8), services: Self.services)
    }

    private func message(_ body: () throws -> Void) -> String {
        do {
            try body()
            return "taken"
        } catch {
            return (error as? ConnectorError)?.message ?? "\(error)"
        }
    }

    @Test("rows become accounts and counts; an account may use nothing, a count may come twice")
    func rows() throws {
        let snapshot = try csv(
            [
                "count,account_name,remark,account_id,service", "3,Acme,,1,Seats", #"2.50,Acme,"a, ""b""",1,Seats"#, "0, Acme ,,1,Backups",
                ",Zero,,2,", "", "",
            ].joined(separator: "\r\n"))
        #expect(snapshot.accounts == [VendorAccount(id: "1", name: "Acme"), VendorAccount(id: "2", name: "Zero")])
        #expect(
            snapshot.usage == [
                UsageRecord(accountID: "1", serviceName: "Seats", count: 3),
                UsageRecord(accountID: "1", serviceName: "Seats", count: Decimal(string: "2.5")!),
                UsageRecord(accountID: "1", serviceName: "Backups", count: 0),
            ])
        #expect(snapshot.recordsDropped == 0)
    }

    @Test("decimal comma, semicolons, other headers")
    func german() throws {
        let format = UsageFileFormat(
            kind: .csv(delimiter: ";"), decimalMark: .comma, accountID: "Kundennr.", accountName: "Kunde", service: "Dienst", count: "Menge"
        )
        let snapshot = try format.snapshot(of: Array("Kundennr.;Kunde;Dienst;Menge\n007;Müller;Seats;1,5\n".utf8), services: Self.services)
        #expect(snapshot.accounts == [VendorAccount(id: "007", name: "Müller")])
        #expect(snapshot.usage.first?.count == Decimal(string: "1.5"))
    }

    @Test(
        "a bad row is named with its line and refuses the file",
        arguments: [
            ("1,Acme,Seats", "Line 3 has 3 fields, the header has 4."), ("1,Acme,Seats,3,4", "Line 3 has 5 fields"),
            (",Acme,Seats,3", "Line 3 has no account id (column account_id)."),
            ("1,Ac\u{202E}me,Seats,3", "Line 3 has an account name that holds the character U+202E (RIGHT-TO-LEFT OVERRIDE)"),
            ("1\u{200B}2,Acme,Seats,3", "Line 3 has an account id that holds the character U+200B (ZERO WIDTH SPACE)"),
            ("1,\u{A0},Seats,3", "Line 3 has no account name (column account_name)."), ("1", "Line 3 has 1 field, the header has 4."),
            (
                "1,Acme,Chairs,3",
                "Line 3 names the service Chairs, which the catalogue does not have (Backups, Seats) (column service)."
            ),
            ("1,Acme,,3", "Line 3 has a count but no service (column service)."), ("1,Acme,Seats,", "Line 3 has the count (empty)"),
            (" 1,Acme,Seats,3", "Line 3 has an account id that has blanks around it"),
            ("\u{FEFF}1,Acme,Seats,3", "Line 3 has an account id that has blanks around it"),
            ("\(String(repeating: "é", count: 501)),Acme,Seats,3", "Line 3 has an account id that is longer than 1000 bytes"),
            ("1,Acme,Seats,1000000000001", "Line 3 has the count 1000000000001, which is more than 1000000000000"),
            ("1,Acme,Seats,0.\(String(repeating: "9", count: 39))", "Line 3 has the count 0.9999999999"),
            ("1,Acme,Seats,-1", "Line 3 has the count -1"),
            ("1,Acme,Seats,three", "Line 3 has the count three"), ("1,Acme,Seats,\"1,000\"", "Line 3 has the count 1,000"),
            ("1,Acme,Seats,1e3", "Line 3 has the count 1e3"),
            ("1,Acme,Seats,0x10", "Line 3 has the count 0x10"), ("1,Acme,Seats,1.2.3", "Line 3 has the count 1.2.3"),
            ("1,Acme,Seats,.5", "Line 3 has the count .5"), ("1,Acme,Seats,٣", "Line 3 has the count ٣"),
            (
                "1,Acme,Seats,\(String(repeating: "9", count: 60))",
                "Line 3 has the count \(String(repeating: "9", count: 60)), which has more digits"
            ),
            ("0,Other,Seats,1", "Line 3 calls the account 0 Other, an earlier row First (column account_name)."),
            ("1,Ac\"me,Seats,3", "Line 3 has a quote in the middle"),
            ("1,\"Acme,Seats,3", "The quote that line 3 opens is never closed."),
        ])
    func badRows(row: String, problem: String) {
        let text = "account_id,account_name,service,count\n0,First,Seats,1\n\(row)\n2,Last,Seats,1\n"
        let message = message { _ = try csv(text) }
        #expect(message.hasPrefix(problem), "\(message)")
        #expect(message.hasSuffix("The file was not taken, and nothing was changed."))
    }

    @Test("a mistake names its column for programs")
    func fields() {
        func field(_ row: String) -> String? {
            let text = "account_id,account_name,service,count\n\(row)\n"
            return #expect(throws: ConnectorError.self) { try csv(text) }?.field
        }
        #expect(field("1,A,Seats,x") == "count" && field("1,A,Chairs,1") == "service" && field(" 1,A,Seats,1") == "account_id")
        #expect(field("1,,Seats,1") == "account_name" && field("1,A,Seats") == nil)
        #expect(#expect(throws: ConnectorError.self) { try csv("account_id,service,count\n") }?.field == "account_name")
    }

    @Test("an id written in composed and in decomposed letters refuses the file, which names both lines")
    func sameLettersOtherBytes() throws {
        let text = "account_id,account_name,service,count\n\u{E9},A,Seats,1\ne,B,Seats,1\ne\u{301},A,Seats,2\n"
        let message = message { _ = try csv(text) }
        #expect(
            message.hasPrefix("Line 4 writes the account id e\u{301} in other bytes than Line 2 (composed and decomposed letters)"),
            "\(message)")
        let format = UsageFileFormat(kind: .json(records: "$[*]"))
        let records = #"[{"account_id":"\u00e9","account_name":"A"},{"account_id":"e\u0301","account_name":"A"}]"#
        #expect(
            self.message { _ = try format.snapshot(of: Array(records.utf8), services: Self.services) }.contains(
                "Record 2 writes the account id"))
        // A name may be written either way, and a service is the catalogue's.
        let cafe: Set<String> = ["Caf\u{E9}"]
        let snapshot = try UsageFileFormat(kind: .csv(delimiter: ",")).snapshot(
            of: Array("account_id,account_name,service,count\n1,\u{E9},Cafe\u{301},1\n1,e\u{301},Caf\u{E9},1\n".utf8), services: cafe)
        #expect(snapshot.usage.map { Array($0.serviceName.utf8) } == Array(repeating: Array("Caf\u{E9}".utf8), count: 2))
    }

    @Test("a file with another delimiter, or that is no text, is told by what it is")
    func otherFiles() throws {
        let wrong = message { _ = try csv("account_id;account_name;service;count\n1;A;Seats;1\n") }
        #expect(wrong.contains(#"It looks divided by ";", and the description has `delimiter: ","`."#), "\(wrong)")
        #expect(!message { _ = try csv("a\n") }.contains("divided"))
        func told(_ bytes: [UInt8], _ encoding: TextEncoding = .automatic) -> String {
            message {
                _ = try UsageFileFormat(kind: .csv(delimiter: ","), encoding: encoding).snapshot(of: bytes, services: Self.services)
            }
        }
        let wide = "account_id,account_name\n".utf16
        for (bytes, says) in [
            ([0x50, 0x4B, 3, 4, 0xFF, 0xFE], "an Excel workbook (.xlsx)"), ([0xD0, 0xCF, 0x11, 0xE0, 0xA1], "an old Excel workbook"),
            (Array("%PDF-1.7".utf8), "a PDF"), ([0x1F, 0x8B, 8], "compressed (gzip)"),
            (wide.flatMap { [UInt8($0), 0] }, "looks like utf-16le without a byte order mark"),
            (wide.flatMap { [0, UInt8($0)] }, "looks like utf-16be without a byte order mark"),
            ([1, 2, 3, 0xFF, 4, 5], "does not look like text at all"),
        ] as [([UInt8], String)] {
            #expect(told(bytes).contains(says), "\(told(bytes))")
            #expect(!told(bytes).contains("windows-1252"))
        }
        for encoding in [TextEncoding.utf8, .windows1252, .utf16BigEndian] {
            let told = told([0xFF, 0xFE] + wide.flatMap { [UInt8($0), 0] }, encoding)
            #expect(
                told.hasPrefix("The file begins with the byte order mark of utf-16le, and its encoding is set to \(encoding.rawValue)."))
        }
    }

    @Test("signs between thousands are refused whichever the decimal mark is")
    func thousands() {
        #expect(
            message { _ = try csv("account_id,account_name,service,count\n1,A,Seats,1.234", decimalMark: .comma) }.hasPrefix(
                "Line 2 has the count 1.234"))
    }

    @Test("headers that are missing or come twice; files with nothing in them")
    func headers() {
        #expect(
            message { _ = try csv("account_id,service,count\n1,Seats,1") }.hasPrefix(
                "Line 1 has no column account_name. Its columns: account_id, service, count."))
        #expect(message { _ = try csv("account_id,account_name,service,count,count\n") }.hasPrefix("Line 1 has the column count 2 times."))
        #expect(message { _ = try csv("") }.hasPrefix("The file is empty."))
        #expect { _ = try csv("account_id,account_name,service,count\n\n") } throws: { ($0 as? ConnectorError)?.code == .emptyList }
        #expect { _ = try csv("account_id;x", delimiter: "a") } throws: { ($0 as? ConnectorError)?.code == .invalidDefinition }
    }

    @Test("encodings: with a byte order mark by itself, others by setting")
    func encodings() throws {
        let text = "account_id,account_name,service,count\n1,Müller € „Büro“,Seats,1\n"
        func name(_ bytes: [UInt8], _ encoding: TextEncoding = .automatic) throws -> String? {
            try UsageFileFormat(kind: .csv(delimiter: ","), encoding: encoding).snapshot(of: bytes, services: Self.services).accounts.first?
                .name
        }
        let little = text.utf16.flatMap { [UInt8(truncatingIfNeeded: $0), UInt8($0 >> 8)] }
        let big = text.utf16.flatMap { [UInt8($0 >> 8), UInt8(truncatingIfNeeded: $0)] }
        let windows = text.unicodeScalars.flatMap { scalar -> [UInt8] in
            ["€": [0x80], "„": [0x84], "“": [0x93]][scalar] ?? [UInt8(scalar.value)]
        }
        let expected = "Müller € „Büro“"
        #expect(try name(Array(text.utf8)) == expected)
        #expect(try name([0xEF, 0xBB, 0xBF] + Array(text.utf8)) == expected)
        #expect(try name([0xFF, 0xFE] + little) == expected && name([0xFE, 0xFF] + big) == expected)
        #expect(try name(little, .utf16LittleEndian) == expected && name(big, .utf16BigEndian) == expected)
        #expect(try name([0xFF, 0xFE] + little, .utf16LittleEndian) == expected)
        #expect(try name(windows, .windows1252) == expected)
        #expect(
            message { _ = try name(windows) }.hasPrefix(
                "Line 2 is not text in UTF-8 (byte 41). If Excel on Windows wrote it, set the encoding to windows-1252."))
        #expect(message { _ = try name(windows + [0x81], .windows1252) }.hasPrefix("Line 3 holds the byte 81"))
        #expect(message { _ = try name(little + [0x41], .utf16LittleEndian) }.hasPrefix("The file ends in the middle of a character"))
        #expect(message { _ = try name(little + [0x00, 0xD8], .utf16LittleEndian) }.hasPrefix("The file holds what is no text in UTF-16"))
        // The mark itself is no part of the first name.
        #expect(try TextEncoding.automatic.utf8Bytes(of: [0xFF, 0xFE, 0x61, 0x00]) == [0x61])
        #expect(try TextEncoding.utf16BigEndian.utf8Bytes(of: [0xFE, 0xFF, 0x00, 0x61]) == [0x61])
        #expect(try TextEncoding.utf8.utf8Bytes(of: [0xEF, 0xBB, 0xBF, 0x61]) == [0x61])
        // Undone by a wrong setting it is refused, not read as something else.
        #expect(message { _ = try name(big, .utf16LittleEndian) } != "taken")
        #expect(message { _ = try name(little) } != "taken")
    }

    @Test("JSON records with names or paths")
    func json() throws {
        let text =
            #"{"when":"now","usage":[{"account":{"id":12,"name":"Acme"},"service":"Seats","n":"3"},{"account":{"id":"x","name":"Zero"}}]}"#
        var format = UsageFileFormat(
            kind: .json(records: "$.usage[*]"), accountID: "$.account.id", accountName: "$.account.name", service: "service", count: "n")
        let snapshot = try format.snapshot(of: Array(text.utf8), services: Self.services)
        #expect(snapshot.accounts == [VendorAccount(id: "12", name: "Acme"), VendorAccount(id: "x", name: "Zero")])
        #expect(snapshot.usage == [UsageRecord(accountID: "12", serviceName: "Seats", count: 3)])
        // A number of JSON is written with a point whatever texts are written with.
        let numbers =
            #"{"usage":[{"account":{"id":"1","name":"A"},"service":"Seats","n":2.5e1},{"account":{"id":"1","name":"A"},"service":"Seats","n":"2,5"}]}"#
        format.decimalMark = .comma
        #expect(try format.snapshot(of: Array(numbers.utf8), services: Self.services).usage.map(\.count) == [25, Decimal(string: "2.5")!])
        format.kind = .json(records: "$.other[*]")
        #expect(
            message { _ = try format.snapshot(of: Array(text.utf8), services: Self.services) }.contains("There is nothing at $.other[*]"))
    }

    @Test(
        "bad records are named, and refuse the file",
        arguments: [
            (#"[{"account_id":1,"account_name":"A","service":"Seats","count":1},5]"#, "Record 2 is a number, not an object."),
            (#"[{"account_id":[1],"account_name":"A","service":"Seats","count":1}]"#, "Record 1 has a list as account_id."),
            (#"[{"account_id":1,"account_name":null,"service":"Seats","count":1}]"#, "Record 1 has no account name (member account_name)."),
            (
                #"[{"account_id":"\ud800","account_name":"A","service":"Seats","count":1}]"#,
                "This is not JSON in line 1, byte 15: a text holds half"
            ),
            (#"[{"account_id":1,"account_name":"A","service":"Seats","count":1e13}]"#, "Record 1 has the count 1e13, which is more than"),
            (String(repeating: "[", count: 100), "The file is more than Perch reads: it nests deeper"),
            (#"[{"account_id":1,"account_name":"A","service":"Seats","count":true}]"#, "Record 1 has true or false as count."),
            (#"[{"account_id":1,"account_name":"A","service":"Seats","count":-2}]"#, "Record 1 has the count -2"),
            (#"[{"account_id":1,"account_name":"A""#, "This is not JSON in line 1, byte"),
            (#"{"data":1}"#, "Record 1 is a number, not an object."), ("5", "There is nothing at $[*]"),
        ])
    func badRecords(text: String, problem: String) {
        let format = UsageFileFormat(kind: .json(records: "$[*]"))
        let message = message { _ = try format.snapshot(of: Array(text.utf8), services: Self.services) }
        #expect(message.hasPrefix(problem), "\(message)")
    }

    @Test("paths that could find several values are refused", arguments: ["$.a[*]", "$[0,1]"])
    func severalValues(path: String) {
        let format = UsageFileFormat(kind: .json(records: "$[*]"), count: path)
        #expect { _ = try format.snapshot(of: Array("[]".utf8), services: []) } throws: {
            ($0 as? ConnectorError)?.code == .invalidDefinition
        }
    }
}
