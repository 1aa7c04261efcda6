import Foundation
import HTTPClient
import HTTPTypes
import Testing

@testable import Connectors

/// Answers that a vendor may give, and what becomes of them.
@Suite("What vendors answer", .timeLimit(.minutes(3)))
struct AnswerTests {
    private static let two = Reply.ok(#"[{"id":1,"name":"Acme"},{"id":"b","name":"Globex"}]"#)

    private static func summed(_ more: String = "") -> SmallDefinition {
        var small = SmallDefinition()
        small.counts = "  - {from: seats, service: Seats, account: $.customer, count: {sum: $.n}\(more)}"
        return small
    }

    // MARK: Errors where the list would be

    @Test("An error in the place of the list is seen by failWhen")
    func errorForList() async throws {
        var small = SmallDefinition()
        small.requests +=
            "\nfailWhen: [{field: $.error, present: true, message: $.error}, {field: $.data.code, above: 0, message: $.data.text}]"
        small.reads = """
              customers: {get: /customers, records: $, paging: none}
              seats: {get: /seats, records: $.data, paging: none}
            """
        let atRoot = try DefinitionBench(small, ["/customers": .ok(#"{"error":"quota"}"#)])
        let error = await expectFailure(.refused) { _ = try await atRoot.usage() }
        #expect(error?.message.contains("quota") == true)
        let below = try DefinitionBench(small, ["/customers": Self.two, "/seats": .ok(#"{"data":{"code":7,"text":"closed"}}"#)])
        let other = await expectFailure(.refused) { _ = try await below.usage() }
        #expect(other?.message.contains("closed") == true)
    }

    // MARK: Counts

    @Test("A count that nobody can mean fails the fetch, with account, service and value")
    func hugeCounts() async throws {
        for (number, shown) in [("1e30", "1000000000000000000000000000000"), ("1000000001", "1000000001")] {
            let bench = try DefinitionBench(
                Self.summed(), ["/customers": Self.two, "/seats": .ok(#"[{"customer":1,"n":\#(number)}]"#)])
            let error = await expectFailure(.brokenAnswer) { _ = try await bench.usage() }
            for part in ["Acme", "(1)", "Seats", shown] { #expect(error?.message.contains(part) == true, "\(error?.message ?? "")") }
        }
        // What is no number any more once it is added up.
        let many = Array(repeating: #"{"customer":1,"n":9e126}"#, count: 200).joined(separator: ",")
        let bench = try DefinitionBench(Self.summed(), ["/customers": Self.two, "/seats": .ok("[\(many)]")])
        await expectFailure(.brokenAnswer) { _ = try await bench.usage() }
    }

    @Test("The most that is taken is taken, and bytes are measured in their unit")
    func largeCounts() async throws {
        let bench = try DefinitionBench(Self.summed(), ["/customers": Self.two, "/seats": .ok(#"[{"customer":1,"n":1000000000}]"#)])
        #expect(try await bench.lines() == ["1 Seats 1000000000", "b Seats 0"])
        let bytes = try DefinitionBench(
            Self.summed(", number: {bytes: TB}"), ["/customers": Self.two, "/seats": .ok(#"[{"customer":1,"n":10995116277760}]"#)])
        #expect(try await bytes.lines() == ["1 Seats 10", "b Seats 0"])
    }

    @Test(
        "With a decimal comma a point only stands between groups of three",
        arguments: [
            ("1.234,5", "1234.5"), ("1.234", "1234"), ("1.234.567", "1234567"), ("12,5", "12.5"), ("1234,5", "1234.5"), ("7", "7"),
            ("1.5", nil),
            ("12.34", nil), ("1234.567", nil), ("1.23,4", nil), ("1,234.5", nil), ("1.234.5", nil), (".123", nil), ("1,2,3", nil),
            ("0.123", nil),
            ("1.2345", nil), ("", nil),
        ])
    func decimalComma(_ text: String, _ count: String?) async throws {
        let bench = try DefinitionBench(
            Self.summed(", number: {comma: true}"), ["/customers": Self.two, "/seats": .ok(#"[{"customer":1,"n":"\#(text)"}]"#)])
        if let count {
            #expect(try await bench.lines() == ["1 Seats \(count)", "b Seats 0"])
        } else {
            await expectFailure(.brokenAnswer) { _ = try await bench.usage() }
        }
    }

    // MARK: Waiting

    private static func busy(_ retryAfter: String, status: Int = 429) -> Reply {
        .status(status, "{}", retryAfter: retryAfter)
    }

    @Test("A vendor that asks for a long wait is not waited for: the fetch fails and says so")
    func longWait() async throws {
        for seconds in ["1200", "301", "86400"] {
            let bench = try DefinitionBench(try SmallDefinition().definition(), ScriptedSender([Self.busy(seconds)]), attempts: 5)
            let error = await expectFailure(.refused) { _ = try await bench.usage() }
            #expect(bench.clock.sleeps == [], "\(seconds)")
            #expect(bench.sender.requests.count == 1)
            #expect(error?.message.contains("429") == true && error?.message.contains("customers") == true, "\(error?.message ?? "")")
        }
        let error = await expectFailure(.refused) {
            _ = try await DefinitionBench(try SmallDefinition().definition(), ScriptedSender([Self.busy("1200")])).usage()
        }
        #expect(error?.message.contains("asks to be left alone for 20 minutes") == true, "\(error?.message ?? "")")
    }

    @Test("All waits of one request together are bounded too")
    func manyWaits() async throws {
        let bench = try DefinitionBench(try SmallDefinition().definition(), ScriptedSender([Self.busy("140")]), attempts: 20)
        await expectFailure(.refused) { _ = try await bench.usage() }
        #expect(bench.clock.sleeps == [.seconds(140), .seconds(140)])
    }

    @Test("A wait that is waited is told while it lasts, and stands in the trace")
    func toldWait() async throws {
        let bench = try DefinitionBench(
            try SmallDefinition().definition(), ScriptedSender([Self.busy("90"), Self.two, .ok("[]")]))
        _ = try await bench.usage()
        #expect(bench.clock.sleeps == [.seconds(90)])
        #expect(bench.trace.entries.first?.wait == .seconds(90))
        #expect(bench.trace.entries.map(\.wait).dropFirst().allSatisfy { $0 == nil })
        #expect(bench.told.lines == ["Small is asked again in 90 seconds: it answered 429 to the read customers."])
    }

    // MARK: What is said of an error

    private static var fanned: SmallDefinition {
        var small = SmallDefinition()
        small.reads = """
              customers: {get: /customers, records: $, paging: none}
              seats: {for: accounts, get: "/customers/${account.id}/seats", records: $, paging: none}
            """
        small.counts = "  - {from: seats, service: Seats}"
        return small
    }

    @Test("An error names the read, the account and the vendor's own reason", arguments: [404, 403, 409, 500])
    func namedErrors(_ status: Int) async throws {
        let bench = try DefinitionBench(
            Self.fanned,
            [
                "/customers": Self.two, "/customers/1/seats": .ok("[]"),
                "/customers/b/seats": .status(status, #"{"message":"No seats here."}"#),
            ])
        let error = await expectFailure(status == 403 ? .credentialRefused : .refused) { _ = try await bench.usage() }
        let message = error?.message ?? ""
        for part in ["\(status)", "the read seats", "Globex", "No seats here"] { #expect(message.contains(part), "\(message)") }
        #expect(!message.contains(".."), "\(message)")
    }

    @Test(
        "The reason is taken from where vendors write it",
        arguments: [
            #"{"error":"why"}"#, #"{"error":{"message":"why"}}"#, #"{"errors":[{"message":"why"}]}"#, #"{"errors":[{"detail":"why"}]}"#,
            #"{"errors":["why"]}"#, #"{"Message":"why"}"#, #"{"error_description":"why","error":"code"}"#, #"{"detail":"why"}"#,
            #"{"title":"why"}"#, #"{"fault":{"faultstring":"why"}}"#, #"{"status":"error","reason":"why"}"#, "why",
        ])
    func reasons(_ body: String) async throws {
        let bench = try DefinitionBench(try SmallDefinition().definition(), ScriptedSender([.status(409, body)]))
        let error = await expectFailure(.refused) { _ = try await bench.usage() }
        #expect(error?.message.contains("customers: why. Nothing was changed") == true, "\(error?.message ?? "")")
    }

    @Test(
        "No reason is better than a page of markup",
        arguments: ["<html><body>why</body></html>", "", "{}", "[]", "\u{FEFF}<!doctype html>why"])
    func noReason(_ body: String) async throws {
        let bench = try DefinitionBench(try SmallDefinition().definition(), ScriptedSender([.status(409, body)]))
        let error = await expectFailure(.refused) { _ = try await bench.usage() }
        #expect(
            error?.message == "Small answered 409 to the read customers. Nothing was changed; Perch tries again at the next sync.")
    }

    @Test("A long reason is cut, and its control characters are left out")
    func longReason() async throws {
        let long = String(repeating: "x", count: 5000)
        let bench = try DefinitionBench(
            try SmallDefinition().definition(), ScriptedSender([.status(409, #"{"message":"\u001b[31m\#(long)"}"#)]))
        let error = await expectFailure(.refused) { _ = try await bench.usage() }
        #expect((error?.message.count ?? 0) < 500)
        #expect(error?.message.contains("\u{1B}") == false)
    }

    @Test("A broken answer names the account of a fan-out")
    func brokenForAccount() async throws {
        let bench = try DefinitionBench(
            Self.fanned, ["/customers": Self.two, "/customers/1/seats": .ok("[]"), "/customers/b/seats": .ok("{}")])
        let error = await expectFailure(.brokenAnswer) { _ = try await bench.usage() }
        #expect(error?.message.contains("seats of Globex") == true, "\(error?.message ?? "")")
    }

    @Test("Sentences end once", arguments: [#"{"error":"Too busy."}"#, #"{"error":"Too busy"}"#])
    func fullStops(_ body: String) async throws {
        var small = SmallDefinition()
        small.requests += "\nfailWhen: [{field: $.error, present: true, message: $.error}]"
        small.reads = "  customers: {get: /customers, records: $.data, paging: none}\n  seats: {get: /seats, records: $, paging: none}"
        let bench = try DefinitionBench(small, ["/customers": .ok(body)])
        let error = await expectFailure(.refused) { _ = try await bench.usage() }
        #expect(error?.message.contains("Too busy. Nothing") == true, "\(error?.message ?? "")")
        let unreached = try DefinitionBench(
            try SmallDefinition().definition(),
            ScriptedSender { _, _ throws(HTTPClientError) in
                throw HTTPClientError(code: .destinationRefused, delivery: .neverSent, message: "The host is private.")
            })
        let refused = await expectFailure(.refused) { _ = try await unreached.usage() }
        #expect(refused?.message.contains("private. Nothing") == true, "\(refused?.message ?? "")")
    }

    // MARK: Control characters

    @Test("Control characters are left out of names")
    func controlsInNames() async throws {
        var small = SmallDefinition()
        small.services = "  []"
        small.more = "discovered: {limit: 2, category: productivity, subcategory: other, description: \"${$.p}\", basis: seats}"
        small.counts = "  - {from: seats, service: {value: $.p, discover: true}, account: $.customer}"
        let bench = try DefinitionBench(
            small,
            [
                "/customers": .ok(#"[{"id":1,"name":"\u001b]0;Ac\u0007me\tand\r\nSons\u009b"},{"id":2,"name":"\u0000\u001f"}]"#),
                "/seats": .ok(#"[{"customer":1,"p":"Pro\u001b[2J"},{"customer":1,"p":"Pro[2J"}]"#),
            ])
        let snapshot = try await bench.usage()
        #expect(snapshot.accounts == [.init(id: "1", name: "]0;Acme and Sons")])
        #expect(snapshot.recordsDropped == 1)
        #expect(snapshot.discovered.map(\.name) == ["Pro[2J"] && snapshot.discovered.map(\.description) == ["Pro[2J"])
        #expect(snapshot.lines == ["1 Pro[2J 2"])
    }

    @Test("An id with a control character is no id", arguments: [#"a\u001bb"#, #"\u0000"#, #"a\n"#, #"\u007f"#, #"\u0085x"#])
    func controlsInIDs(_ id: String) async throws {
        let bench = try DefinitionBench(["/customers": .ok(#"[{"id":"\#(id)","name":"A"}]"#)])
        let error = await expectFailure(.brokenAnswer) { _ = try await bench.accounts() }
        #expect(error?.message.contains("control character") == true, "\(error?.message ?? "")")
        #expect(error?.message.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control } == true)
    }

    @Test("What a message repeats of an answer holds no control characters either")
    func controlsInMessages() async throws {
        var small = SmallDefinition()
        small.counts = "  - {from: seats, service: {value: $.s, map: {a: Seats}}, account: $.customer}"
        let bench = try DefinitionBench(small, ["/customers": Self.two, "/seats": .ok(#"[{"customer":1,"s":"\u001b[2J"}]"#)])
        let error = await expectFailure(.brokenAnswer) { _ = try await bench.usage() }
        #expect(error?.message.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control } == true)
    }

    // MARK: What docs/connector-format.md promises

    @Test("A null list read as a record and exploded is nobody; null in the place of a list is an error")
    func nullLists() async throws {
        var small = SmallDefinition()
        small.reads = """
              customers: {get: /customers, records: $, paging: none}
              seats: {get: /seats, record: $, explode: {list: $.items, as: item, missing: none}, paging: none}
            """
        small.counts = "  - {from: seats, service: Seats, account: $.item.customer}"
        for (body, count) in [(#"{"items":null}"#, 0), (#"{}"#, 0), (#"{"items":[{"customer":1},{"customer":1}]}"#, 2)] {
            let bench = try DefinitionBench(small, ["/customers": Self.two, "/seats": .ok(body)])
            #expect(try await bench.lines() == ["1 Seats \(count)", "b Seats 0"], "\(body)")
        }
        let plain = try DefinitionBench(["/customers": Self.two, "/seats": .ok("null")])
        await expectFailure(.brokenAnswer) { _ = try await plain.usage() }
    }

    @Test("Of a tree, those without a parent are taken by present: false, those with one by present: true")
    func parents() async throws {
        let tree =
            #"[{"id":1,"name":"Top","parentId":null},{"id":2,"name":"Also"},{"id":3,"name":"Below","parentId":1},{"id":4,"name":"Blank","parentId":" "}]"#
        for (present, ids) in [("false", ["1", "2", "4"]), ("true", ["3"])] {
            var small = SmallDefinition()
            small.accounts = "{from: customers, id: $.id, name: $.name, where: [{field: $.parentId, present: \(present)}]}"
            let bench = try DefinitionBench(small, ["/customers": .ok(tree)])
            #expect(try await bench.accounts().accounts.map(\.id) == ids)
        }
    }

    @Test("A region that partners choose makes the host, and goes to no other")
    func regions() async throws {
        var small = SmallDefinition()
        small.settings = """
              partner:
                apiKey: {kind: secret, label: Key, help: Anywhere.}
                region: {kind: choice, label: Region, help: Where., choices: {api: North America, api.eu: Europe, evil: Nowhere}}
            """
        small.hosts = "[api.vendor.example, api.eu.vendor.example]"
        small.requests = "base: https://${region}.vendor.example"
        for (region, isAllowed) in [("api.eu", true), ("evil", false)] {
            let bench = try DefinitionBench(try small.definition(), ScriptedSender([Self.two]))
            let credential = try bench.connector.credential(from: ["apiKey": "k", "region": region])
            if isAllowed {
                _ = try await bench.connector.fetchAccounts(credential)
                #expect(bench.sender.requests.map(\.url) == ["https://api.eu.vendor.example/customers"])
            } else {
                await expectFailure(.refused) { _ = try await bench.connector.fetchAccounts(credential) }
                #expect(bench.sender.requests.isEmpty)
            }
        }
    }

    @Test("An id in the variables of GraphQL stays one text, whatever it holds")
    func graphQL() async throws {
        var small = SmallDefinition()
        small.reads = """
              customers: {get: /customers, records: $, paging: none}
              seats: {for: accounts, post: /graphql, json: {query: "query($id: ID!) { x }", variables: {id: "${account.id}"}}, records: $, paging: none}
            """
        small.counts = "  - {from: seats, service: Seats}"
        let bench = try DefinitionBench(small, ["/customers": .ok(#"[{"id":"1\") { all } #\\","name":"A"}]"#), "/graphql": .ok("[]")])
        _ = try await bench.usage()
        let body = try JSONValue(parsing: bench.sender.requests[1].body ?? [])
        #expect(body["variables"]?["id"]?.string == "1\") { all } #\\")
        #expect(body["query"]?.string == "query($id: ID!) { x }")
    }

    // MARK: Next addresses

    @Test(
        "A next address may be relative to the page it stands in (RFC 3986)",
        arguments: [
            ("seats?p=2", "https://vendor.example/v1/seats?p=2"), ("?p=2", "https://vendor.example/v1/seats?p=2"),
            ("./more/seats?p=2", "https://vendor.example/v1/more/seats?p=2"), ("../v2/seats", "https://vendor.example/v2/seats"),
            ("../../../x", "https://vendor.example/x"), ("//vendor.example/v3?p=2", "https://vendor.example/v3?p=2"),
            ("/a/./b/../c", "https://vendor.example/a/c"),
            ("seats?next=https://evil.example/", "https://vendor.example/v1/seats?next=https://evil.example/"),
            ("HTTPS://vendor.example/v4", "HTTPS://vendor.example/v4"),
        ])
    func relativeNext(_ next: String, _ asked: String) async throws {
        let bench = try Self.paged(next, then: "https://vendor.example/end")
        #expect(try await bench.lines() == ["1 Seats 3", "b Seats 0"])
        #expect(bench.sender.requests[2].url == asked)
    }

    @Test("It is relative to the page before it, not to the first")
    func relativeToLast() async throws {
        let bench = try Self.paged("https://vendor.example/other/place?p=2", then: "third")
        #expect(try await bench.lines() == ["1 Seats 3", "b Seats 0"])
        #expect(bench.sender.requests[3].url == "https://vendor.example/other/third")
    }

    @Test(
        "It leads to no other host and to nothing but the web",
        arguments: [
            "//evil.example/", "///evil.example", "mailto:a@vendor.example", "javascript:alert(1)", "file:///etc/passwd", "http:seats",
            "a:b",
        ])
    func nextElsewhere(_ next: String) async throws {
        let bench = try Self.paged(next, then: "https://vendor.example/end")
        await #expect(throws: ConnectorError.self) { _ = try await bench.usage() }
        #expect(bench.sender.requests.count == 2)
    }

    private static func paged(_ next: String, then third: String) throws -> DefinitionBench {
        var small = SmallDefinition()
        small.reads = """
              customers: {get: /customers, records: $, paging: none}
              seats: {get: /seats, records: $.data, paging: {by: nextURL, next: $.next, stop: [noNext], cap: 5}}
            """
        return try DefinitionBench(
            try small.definition(),
            ScriptedSender { request, number throws(HTTPClientError) in
                switch number {
                case 0: try two.perform()
                case 1: try Reply.ok(#"{"data":[{"customer":1}],"next":"\#(next)"}"#).perform()
                case 2: try Reply.ok(#"{"data":[{"customer":1}],"next":"\#(third)"}"#).perform()
                default: try Reply.ok(#"{"data":[{"customer":1}],"next":null}"#).perform()
                }
            })
    }
}
