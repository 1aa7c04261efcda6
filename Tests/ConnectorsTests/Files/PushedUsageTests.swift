import Foundation
import Testing

@testable import Connectors

@Suite("A pushed snapshot")
struct PushedUsageTests {
    private static let services: Set<String> = ["Seats", "Backups"]

    private func snapshot(_ text: String) throws -> VendorSnapshot {
        try PushedUsage.snapshot(of: Array(text.utf8), services: Self.services)
    }

    @Test("is accounts, each with its counts, exact and summed nowhere")
    func whole() throws {
        let snapshot = try snapshot(
            #"""
            {"accounts": [
              {"id": "007", "name": "Müller", "usage": [
                {"service": "Seats", "count": 12}, {"count": 2.50, "service": "Seats"}, {"service": "Backups", "count": 0}]},
              {"name": "Zero", "usage": [], "id": "a/b"}
            ]}
            """#)
        #expect(snapshot.accounts == [VendorAccount(id: "007", name: "Müller"), VendorAccount(id: "a/b", name: "Zero")])
        #expect(
            snapshot.usage == [
                UsageRecord(accountID: "007", serviceName: "Seats", count: 12),
                UsageRecord(accountID: "007", serviceName: "Seats", count: Decimal(string: "2.5")!),
                UsageRecord(accountID: "007", serviceName: "Backups", count: 0),
            ])
    }

    static let account = #"{"id": "1", "name": "A", "usage": []}"#

    static func count(_ text: String) -> String {
        #"{"accounts": [{"id": "1", "name": "A", "usage": [{"service": "Seats", "count": 1}, {"service": "Seats", "count": \#(text)}]}]}"#
    }

    static let mistakes: [(text: String, field: String?, says: String)] = [
        ("", nil, "nothing where JSON was expected"), ("{", nil, "ends in the middle"), ("[]", nil, "has to be an object"),
        ("12", nil, "has to be an object"), ("{}", "accounts", "has to hold the list 'accounts'"),
        (#"{"accounts": {}}"#, "accounts", "has to hold the list"), (#"{"accounts": null}"#, "accounts", "has to hold the list"),
        (#"{"accounts": {"a": \#(account)}}"#, "accounts", "has to hold the list"),
        (#"{"accounts": [\#(account)], "account": []}"#, "account", "is not known here"),
        (#"{"accounts": [\#(account)], "accounts": []}"#, nil, "comes twice"),
        (#"{"accounts": [7]}"#, "accounts[0]", "has to be an object, and is a number"),
        (#"{"accounts": [\#(account), {"id": 2, "name": "B", "usage": []}]}"#, "accounts[1].id", "and is a number"),
        (#"{"accounts": [{"id": "  ", "name": "B", "usage": []}]}"#, "accounts[0].id", "not empty"),
        (#"{"accounts": [{"name": "B", "usage": []}]}"#, "accounts[0].id", "is missing"),
        (#"{"accounts": [{"id": " 007", "name": "B", "usage": []}]}"#, "accounts[0].id", "has blanks around it"),
        (#"{"accounts": [{"id": "7\u200b", "name": "B", "usage": []}]}"#, "accounts[0].id", "has blanks around it"),
        ("{\n" + #""accounts": [{"id": "\udc00", "name": "B", "usage": []}]}"#, nil, "line 2, byte 22: a text holds half a surrogate pair"),
        (#"{"accounts": [{"id": "1", "name": "B\ud83d", "usage": []}]}"#, nil, "half a surrogate pair"),
        (
            #"{"accounts": [{"id": "\u00e9", "name": "A", "usage": []}, {"id": "e\u0301", "name": "A", "usage": []}]}"#, "accounts[1].id",
            "which 'accounts[0].id' writes in other bytes"
        ),
        (#"{"accounts": [{"id": "1", "usage": []}]}"#, "accounts[0].name", "is missing"),
        (#"{"accounts": [{"id": "1\u0000", "name": "B", "usage": []}]}"#, "accounts[0].id", "U+0000"),
        (#"{"accounts": [{"id": "\#(String(repeating: "x", count: 1001))", "name": "B", "usage": []}]}"#, "accounts[0].id", "longer than"),
        // A list left out must not become zeros.
        (#"{"accounts": [{"id": "1", "name": "A"}]}"#, "accounts[0].usage", "has to be a list"),
        (#"{"accounts": [{"id": "1", "name": "A", "usage": [], "tier": 1}]}"#, "accounts[0].tier", "is not known here"),
        (#"{"accounts": [\#(account), \#(account)]}"#, "accounts[1].id", "as 'accounts[0].id' is"),
        (
            #"{"accounts": [{"id": "1", "name": "A", "usage": [{"service": "Chairs", "count": 1}]}]}"#, "accounts[0].usage[0].service",
            "Chairs"
        ),
        (#"{"accounts": [{"id": "1", "name": "A", "usage": [{"count": 1}]}]}"#, "accounts[0].usage[0].service", "is missing"),
        (#"{"accounts": [{"id": "1", "name": "A", "usage": [{"service": "Seats"}]}]}"#, "accounts[0].usage[0].count", "is missing"),
        (count("-1"), "accounts[0].usage[1].count", "is -1, and no count is below 0"),
        (count("\"5\""), "accounts[0].usage[1].count", "from 0 to"),
        (count("null"), "accounts[0].usage[1].count", "from 0 to"),
        (count("1e30"), "accounts[0].usage[1].count", "is 1e30, which is more than 1000000000000"),
        (count("1e999999999999999999999"), "accounts[0].usage[1].count", "which has more digits, or a larger exponent"),
        (count("NaN"), nil, "not JSON"),
    ]

    @Test("with a mistake is refused with its field", arguments: mistakes)
    func mistake(text: String, field: String?, says: String) {
        let error = #expect(throws: ConnectorError.self) { try snapshot(text) }
        #expect(error?.code == .invalidFile)
        #expect(error?.field == field)
        #expect(error?.message.contains(says) == true, "\(error?.message ?? "")")
    }

    @Test("without an account, nested deeper than anyone writes, or not UTF-8 is refused")
    func evil() {
        #expect(#expect(throws: ConnectorError.self) { try snapshot(#"{"accounts": []}"#) }?.code == .emptyList)
        let deep = #"{"accounts": "# + String(repeating: "[", count: 100_000)
        let tooDeep = #expect(throws: ConnectorError.self) { try snapshot(deep) }
        #expect(tooDeep?.code == .tooLarge && tooDeep?.message.hasPrefix("The body is more than Perch reads: it nests deeper") == true)
        let bytes = Array(#"{"accounts": [{"id": "1", "name": ""#.utf8) + [0xFF] + Array(#"", "usage": []}]}"#.utf8)
        let error = #expect(throws: ConnectorError.self) { try PushedUsage.snapshot(of: bytes, services: Self.services) }
        #expect(error?.message.contains("line 1") == true && error?.message.contains("not UTF-8") == true)
    }
}
