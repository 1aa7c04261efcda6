import Foundation
import Testing

@testable import Connectors

@Suite("Conditions and numbers")
struct ConditionTests {
    /// The verdict of one condition, written as in a definition, on a record.
    private func verdict(_ condition: String, _ record: String) throws -> RecordJudge.Verdict {
        var small = SmallDefinition()
        small.counts = "  - {from: seats, service: Seats, account: $.customer, where: [\(condition)]}"
        let definition = try small.definition()
        let values = FetchValues(
            definition, deployment: [:], credential: ConnectorCredential(openFields: [:], secretFields: [:]), now: .distantPast)
        var presence: [Int: RecordJudge.Presence] = [:]
        return try RecordJudge(values: values).verdict(
            definition.counts[0].conditions, FillContext(record: try JSONValue(parsing: Array(record.utf8))), &presence)
    }

    @Test(
        "What holds",
        arguments: [
            ("{field: $.a, is: true}", #"{"a":true}"#), ("{field: $.a, is: false}", #"{"a":false}"#),
            ("{field: $.a, isNot: true}", #"{"a":false}"#),
            ("{field: $.a, is: active}", #"{"a":"active"}"#), ("{field: $.a, is: 5}", #"{"a":5}"#), ("{field: $.a, is: 5}", #"{"a":5.0}"#),
            ("{field: $.a, is: 5}", #"{"a":"5"}"#), ("{field: $.a, is: \"5\"}", #"{"a":5}"#),
            ("{field: $.a, isNot: active}", #"{"a":"Active"}"#),
            ("{field: $.a, in: [x, y]}", #"{"a":"y"}"#), ("{field: $.a, notIn: [x, y]}", #"{"a":"z"}"#),
            ("{field: $.a, contains: SHARED}", #"{"a":"is shared with"}"#), ("{field: $.a, notContains: shared}", #"{"a":"own"}"#),
            ("{field: $.a, matches: \"(?i)server|^mac$\"}", #"{"a":"WINDOWS_SERVER"}"#),
            ("{field: $.a, notMatches: \"^mac$\"}", #"{"a":"macx"}"#),
            ("{field: $.a, above: 0}", #"{"a":0.5}"#), ("{field: $.a, below: 10}", #"{"a":"9"}"#),
            ("{field: $.a, present: true}", #"{"a":0}"#),
            ("{field: $.a, present: true}", #"{"a":{}}"#), ("{field: $.a, present: false}", #"{"a":null}"#),
            ("{field: $.a, present: false}", "{}"),
            ("{field: $.a, present: false}", #"{"a":" "}"#), ("{any: [{field: $.a, is: 1}, {field: $.a, is: 2}]}", #"{"a":2}"#),
            ("{field: [$.b, $.a], is: x}", #"{"b":null,"a":"x"}"#), ("{field: [$.b, $.a], is: x}", #"{"b":"","a":"x"}"#),
            ("{field: $.a, is: x, missing: keep}", "{}"), ("{field: $.a, is: x, missing: keep}", #"{"a":null}"#),
        ])
    func holds(_ condition: String, _ record: String) throws {
        #expect(try verdict(condition, record) == .holds)
    }

    @Test(
        "What fails",
        arguments: [
            ("{field: $.a, is: true}", #"{"a":false}"#), ("{field: $.a, is: active}", #"{"a":"Active"}"#),
            ("{field: $.a, is: 5}", #"{"a":"05"}"#),
            ("{field: $.a, is: \"a\u{301}\"}", "{\"a\":\"\u{E1}\"}"), ("{field: $.a, isNot: x}", #"{"a":"x"}"#),
            ("{field: $.a, in: [x]}", #"{"a":"y"}"#),
            ("{field: $.a, notIn: [x, y]}", #"{"a":"x"}"#), ("{field: $.a, contains: x}", #"{"a":"y"}"#),
            ("{field: $.a, above: 5}", #"{"a":5}"#),
            ("{field: $.a, below: 5}", #"{"a":5}"#), ("{field: $.a, present: true}", #"{"a":null}"#),
            ("{field: $.a, present: false}", #"{"a":1}"#),
            ("{any: [{field: $.a, is: 1}, {field: $.a, is: 2}]}", #"{"a":3}"#), ("{field: $.a, is: x, missing: skip}", "{}"),
            ("{field: $.a, is: x}, {field: $.b, is: y}", #"{"a":"x","b":"z"}"#),
        ])
    func fails(_ condition: String, _ record: String) throws {
        #expect(try verdict(condition, record) == .fails)
    }

    @Test("A missing field that is dropped", arguments: ["{}", #"{"a":null}"#])
    func drops(_ record: String) throws {
        #expect(try verdict("{field: $.a, is: true, missing: drop}", record) == .drops)
    }

    @Test(
        "What cannot be compared is no answer",
        arguments: [
            ("{field: $.a, is: true}", "{}"), ("{field: $.a, is: true}", #"{"a":null}"#), ("{field: $.a, is: true}", #"{"a":"true"}"#),
            ("{field: $.a, is: true}", #"{"a":1}"#), ("{field: $.a, is: x}", #"{"a":true}"#), ("{field: $.a, is: x}", #"{"a":{}}"#),
            ("{field: $.a, is: x}", #"{"a":["x"]}"#), ("{field: $.a, above: 1}", #"{"a":"many"}"#),
            ("{field: $.a, above: 1}", #"{"a":""}"#),
            ("{field: $.a, is: true, missing: drop}", #"{"a":0}"#),
        ])
    func broken(_ condition: String, _ record: String) {
        let error = #expect(throws: ConnectorError.self) { try verdict(condition, record) }
        #expect(error?.code == .brokenAnswer)
    }

    private func number(_ rule: NumberRule, _ json: String) throws -> Decimal {
        let value = try Value("$")
        return rule.finished(try rule.number(try JSONValue(parsing: Array(json.utf8)), value))
    }

    @Test("Numbers as numbers and in texts")
    func numbers() throws {
        #expect(try number(NumberRule(), "12") == 12)
        #expect(try number(NumberRule(), "12345678901234567890") == Decimal(string: "12345678901234567890"))
        #expect(try number(NumberRule(), "0.1") == Decimal(string: "0.1"))
        #expect(try number(NumberRule(), #"" 12.5 ""#) == Decimal(string: "12.5"))
        #expect(try number(NumberRule(), "1e3") == 1000)
        #expect(try number(NumberRule(hasDecimalComma: true), #""1.234,5""#) == Decimal(string: "1234.5"))
        for text in [#""""#, #""1,5""#, #""0x10""#, #""nan""#, #""1 2""#, "true", "null", "[]", "1e400"] {
            #expect(throws: ConnectorError.self, "\(text)") { try number(NumberRule(), text) }
        }
    }

    @Test("Bytes and rounding")
    func bytes() throws {
        #expect(try number(NumberRule(bytes: .GB, decimals: 0, rounding: .up), "1073741825") == 2)
        #expect(try number(NumberRule(bytes: .GB, decimals: 0, rounding: .down), "2147483647") == 1)
        #expect(try number(NumberRule(bytes: .kB, decimals: 1), "1536") == Decimal(string: "1.5"))
        #expect(try number(NumberRule(bytes: .TB, decimals: 2), "1649267441664") == Decimal(string: "1.5"))
        #expect(try number(NumberRule(decimals: 0), "2.5") == 3)
        #expect(try number(NumberRule(), "2.5") == Decimal(string: "2.5"))
    }

    @Test("Dates in a zone, from one instant")
    func dates() {
        let now = Date(timeIntervalSince1970: 1_773_446_399)  // 2026-03-13T23:59:59Z
        func text(_ start: DateRule.Start, days: Int = 0, months: Int = 0, hours: Int = 0, zone: String = "UTC", _ format: String) -> String
        {
            DateRule(start: start, days: days, months: months, hours: hours, zone: zone, format: format).text(now)
        }
        #expect(text(.now, "yyyy-MM-dd") == "2026-03-13")
        #expect(text(.now, zone: "Europe/Berlin", "yyyy-MM-dd") == "2026-03-14")
        #expect(text(.now, days: -30, "yyyy-MM-dd") == "2026-02-11")
        #expect(text(.month, "yyyy-MM-dd'T'HH:mm:ss") == "2026-03-01T00:00:00")
        #expect(text(.month, months: -1, "yyyy-MM") == "2026-02")
        #expect(text(.day, hours: 1, zone: "America/New_York", "iso8601") == "2026-03-13T01:00:00-04:00")
        #expect(text(.now, "iso8601") == "2026-03-13T23:59:59Z")
        #expect(text(.now, "unix") == "1773446399")
        #expect(text(.now, "unixMilliseconds") == "1773446399000")
        #expect(text(.now, days: -2, "yyyy-MM-dd'T'HH:mm:ss.SSSSSSS'Z'") == "2026-03-11T23:59:59.0000000Z")
    }

    @Test("Secrets are hidden, encoded or not, the longest first")
    func redaction() {
        let redaction = Redaction(["a b", "a b c", "", "k&y"])
        #expect(redaction("https://v/?x=a%20b%20c&y=a%20b&z=k%26y k&y") == "https://v/?x=***&y=***&z=*** ***")
    }
}
