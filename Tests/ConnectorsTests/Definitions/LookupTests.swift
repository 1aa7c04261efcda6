import Foundation
import HTTPClient
import HTTPTypes
import Synchronization
import Testing

@testable import Connectors

@Suite("Lookups, settings and the test request of a definition", .timeLimit(.minutes(3)))
struct LookupTests {
    private static let two = Reply.ok(#"[{"id":1,"name":"Acme"},{"id":"b","name":"Globex"}]"#)

    @Test("A lookup is read first, and only when it is needed")
    func lookup() async throws {
        var small = SmallDefinition()
        small.reads = """
              seats: {get: /seats, query: {date: "${lookup.billing}", from: "${date.from}"}, records: $, paging: none}
              customers: {get: /customers, records: $, paging: none}
              dates: {get: /dates, records: $, paging: none}
            """
        small.more = """
            lookups: {billing: {from: dates, value: $, pick: greatest}}
            dates: {from: {days: -1, format: yyyy-MM-dd}}
            """
        let answers: [String: Reply] = [
            "/customers": Self.two, "/dates": .ok(#"["2026-01-01","2026-03-01","2026-02-01"]"#),
            "/seats?date=2026-03-01&from=2027-01-14": .ok("[]"),
        ]
        let bench = try DefinitionBench(small, answers)
        _ = try await bench.usage()
        #expect(bench.asked.last == "/seats?date=2026-03-01&from=2027-01-14")
        let accounts = try DefinitionBench(small, answers)
        _ = try await accounts.accounts()
        #expect(accounts.asked == ["/customers"])
        let empty = try DefinitionBench(small, answers.merging(["/dates": .ok("[]")]) { $1 })
        await expectFailure(.brokenAnswer) { _ = try await empty.usage() }
    }

    @Test("Settings: choices, optional ones, the deployment's, and hosts of what was entered")
    func settings() async throws {
        var small = SmallDefinition()
        small.settings = """
              deployment:
                region: {label: Region, help: Where., default: eu}
                tenant: {kind: url, label: Tenant, help: Where.}
              partner:
                apiKey: {kind: secret, label: Key, help: Anywhere.}
                plan: {kind: choice, label: Plan, help: Which., choices: {a: Alpha, b: Beta}, default: a}
                note: {label: Note, help: Any., default: ""}
                address: {kind: url, label: Address, help: Where., default: "${tenant}/${region}"}
            """
        small.hosts = "[vendor.example, \"*.tenant.example\"]"
        small.requests = "base: ${address}/api/v1\nheaders: {X-Note: \"${note}\", X-Plan: \"${plan}\", X-Region: \"${region}\"}"
        let definition = try small.definition()
        #expect(throws: ConnectorError.self) { try DefinitionBench(definition, ScriptedSender([Self.two])) }
        let bench = try DefinitionBench(definition, ScriptedSender([Self.two]), deployment: ["tenant": "https://a.tenant.example/"])
        #expect(bench.connector.fields.map(\.name) == ["apiKey", "plan", "note", "address"])
        #expect(bench.connector.fields.map(\.defaultValue) == [nil, "a", "", "https://a.tenant.example/eu"])
        #expect(bench.connector.fields[1].choices.map(\.label) == ["Alpha", "Beta"])
        _ = try await bench.accounts()
        let request = try #require(bench.sender.requests.first)
        #expect(request.url == "https://a.tenant.example/eu/api/v1/customers")
        #expect(request.headerFields[HTTPField.Name("X-Note")!] == nil)
        #expect(request.headerFields[HTTPField.Name("X-Plan")!] == "a")
        #expect(request.destinations?.hosts == ["vendor.example", "*.tenant.example"])

        func entered(_ changes: [String: String]) throws -> ConnectorCredential {
            try bench.connector.credential(from: ["apiKey": "k"].merging(changes) { $1 })
        }
        #expect(try entered(["address": "https://b.tenant.example/api/v1/"]).openFields["address"] == "https://b.tenant.example")
        for wrong in [
            "https://tenant.example", "https://evil.example", "https://x.tenant.example.evil.example", "https://x@vendor.example",
        ] {
            let error = #expect(throws: ConnectorError.self, "\(wrong)") { try entered(["address": wrong]) }
            #expect(error?.field == "address")
        }
        #expect(throws: ConnectorError.self) { try entered(["plan": "c"]) }
    }

    @Test("The test request shows who is logged in")
    func test() async throws {
        var small = SmallDefinition()
        small.more = "test: {get: /me, shows: \"${$.user} (${$.mail})\"}"
        let bench = try DefinitionBench(small, ["/me": .ok(#"{"user":"Ann","mail":"a@x"}"#)])
        #expect(try await bench.connector.test(bench.connector.credential(from: bench.entered)) == "Ann (a@x)")
        let refused = try DefinitionBench(small, ["/me": .status(401)])
        await expectFailure(.credentialRefused) {
            _ = try await refused.connector.test(refused.connector.credential(from: refused.entered))
        }
    }

    @Test("A cancelled fetch ends as cancelled and starts no more calls")
    func cancellation() async throws {
        let customers = (1...40).map { #"{"id":\#($0),"name":"C","site":{"key":"k"}}"# }.joined(separator: ",")
        let crowd = Crowd()
        let sender = ScriptedSender { request, _ throws(HTTPClientError) in
            if request.url.hasSuffix("/customers") { return try Reply.ok("[\(customers)]").perform() }
            await crowd.enter(waitingFor: 1)
            await untilCancelled()
            throw HTTPClientError(code: .cancelled, delivery: .unknown, message: "cancelled")
        }
        let bench = try DefinitionBench(try SmallDefinition.fanned.definition(), sender, parallelism: 4)
        let fetch = Task { try await bench.usage() }
        await crowd.reached(4)
        fetch.cancel()
        await expectFailure(.cancelled) { _ = try await fetch.value }
        #expect(sender.requests.count == 5)
    }
}
