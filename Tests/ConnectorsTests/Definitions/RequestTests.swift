import Foundation
import HTTPClient
import HTTPTypes
import Synchronization
import Testing

@testable import Connectors

@Suite("Requests of a definition", .timeLimit(.minutes(3)))
struct RequestTests {
    private static let two = Reply.ok(#"[{"id":1,"name":"Acme"},{"id":"b","name":"Globex"}]"#)

    @Test("Bodies: a form, JSON with templates, numbers of pages as numbers")
    func bodies() async throws {
        var small = SmallDefinition()
        small.reads = """
              customers:
                post: /customers
                form: {who: "${apiKey}", "a b": "ü"}
                records: $
                paging: none
              seats:
                post: /seats
                json: {query: "query($id: ID) { x }", variables: {key: "${apiKey}\\"}"}, list: [1, true, null, "2"]}
                records: $
                paging: {by: page, parameter: pageNumber, in: json, size: {parameter: pageSize, value: 2}, stop: [shortPage], cap: 5}
            """
        let bench = try DefinitionBench(
            try small.definition(),
            ScriptedSender { request, number throws(HTTPClientError) in
                switch number {
                case 0: try Self.two.perform()
                case 1: try Reply.ok(#"[{"customer":1},{"customer":1}]"#).perform()
                default: try Reply.ok("[]").perform()
                }
            })
        #expect(try await bench.lines() == ["1 Seats 2", "b Seats 0"])
        let requests = bench.sender.requests
        #expect(requests.map(\.method) == [.post, .post, .post])
        #expect(requests[0].bodyText == "who=secret-key&a%20b=%C3%BC")
        #expect(requests[0].headerFields[.contentType] == "application/x-www-form-urlencoded")
        #expect(
            requests[1].bodyText
                == #"{"query":"query($id: ID) { x }","variables":{"key":"secret-key\"}"},"list":[1,true,null,"2"],"pageNumber":1,"pageSize":2}"#
        )
        #expect(requests[2].bodyText?.contains(#""pageNumber":2"#) == true)
        #expect(requests[1].headerFields[.contentType] == "application/json")
    }

    @Test("Pages by address: with the same method and body, on allowed hosts only")
    func nextURL() async throws {
        var small = SmallDefinition()
        small.reads = """
              customers: {get: /customers, records: $, paging: none}
              seats:
                post: /seats
                json: {a: 1}
                records: $.data
                paging: {by: nextURL, next: $.next, stop: [noNext], cap: 5}
            """
        func bench(_ next: String) throws -> DefinitionBench {
            try DefinitionBench(
                try small.definition(),
                ScriptedSender { request, number throws(HTTPClientError) in
                    switch number {
                    case 0: try Self.two.perform()
                    case 1: try Reply.ok(#"{"data":[{"customer":1}],"next":"\#(next)"}"#).perform()
                    default: try Reply.ok(#"{"data":[{"customer":1}],"next":null}"#).perform()
                    }
                })
        }
        for (next, asked) in [
            ("https://vendor.example/v1/seats?p=2", "https://vendor.example/v1/seats?p=2"),
            ("/v9/seats?p=2", "https://vendor.example/v9/seats?p=2"),
        ] {
            let bench = try bench(next)
            #expect(try await bench.lines() == ["1 Seats 2", "b Seats 0"])
            #expect(bench.sender.requests[2].url == asked)
            #expect(bench.sender.requests[2].bodyText == #"{"a":1}"#)
        }
        for next in [
            "https://evil.example/", "http://vendor.example/v1/seats", "//evil.example/",
            "https://vendor.example@evil.example/", "https://vendor.example.evil.example/",
        ] {
            let bench = try bench(next)
            await #expect(throws: ConnectorError.self, "\(next)") { _ = try await bench.usage() }
            #expect(bench.sender.requests.allSatisfy { $0.url.hasPrefix("https://vendor.example/v1") })
        }
    }

    @Test("Next addresses without end stop at the cap")
    func endless() async throws {
        var small = SmallDefinition()
        small.reads = """
              customers: {get: /customers, records: $, paging: none}
              seats: {get: /seats, records: $.data, paging: {by: nextURL, next: $.next, stop: [noNext], cap: 7}}
            """
        let bench = try DefinitionBench(
            try small.definition(),
            ScriptedSender { request, number throws(HTTPClientError) in
                number == 0
                    ? try Self.two.perform() : try Reply.ok(#"{"data":[],"next":"https://vendor.example/v1/seats?p=\#(number)"}"#).perform()
            })
        let error = await expectFailure(.brokenAnswer) { _ = try await bench.usage() }
        #expect(error?.message.contains("after 7 pages") == true)
        #expect(bench.sender.requests.count == 8)
    }

    @Test("A page that fails makes the fetch fail, one that fails in passing does not")
    func failedPage() async throws {
        var small = SmallDefinition()
        small.reads = """
              customers: {get: /customers, records: $, paging: none}
              seats: {get: /seats, records: $, paging: {by: page, parameter: p, size: {parameter: s, value: 1}, stop: [shortPage], cap: 9}}
            """
        let first: [String: Reply] = ["/customers": Self.two, "/seats?p=1&s=1": .ok(#"[{"customer":1}]"#)]
        await expectFailure(.refused) { _ = try await DefinitionBench(small, first).usage() }
        await expectFailure(.brokenAnswer) {
            _ = try await DefinitionBench(small, first.merging(["/seats?p=2&s=1": .ok("[{}")]) { $1 }).usage()
        }
        let seen = Mutex(0)
        let bench = try DefinitionBench(
            try small.definition(),
            ScriptedSender { request, _ throws(HTTPClientError) in
                if request.url.hasSuffix("/customers") { return try Self.two.perform() }
                if request.url.hasSuffix("p=1&s=1") { return try Reply.ok(#"[{"customer":1}]"#).perform() }
                let number = seen.withLock { seen in
                    seen += 1
                    return seen
                }
                // Half a page first: its records may not count twice.
                return try (number == 1 ? Reply.ok(#"[{"customer":1},{"customer":"#) : number == 2 ? .status(503) : .ok("[]")).perform()
            })
        #expect(try await bench.lines() == ["1 Seats 1", "b Seats 0"])
    }

    @Test("Which statuses are tried again is the definition's to say")
    func statuses() async throws {
        var small = SmallDefinition()
        small.requests += "\nretry: {attempts: 2, first: 5, statuses: [423, 500-501]}"
        for (status, tries) in [(423, 2), (501, 2), (503, 1), (400, 1), (404, 1)] {
            let bench = try DefinitionBench(try small.definition(), ScriptedSender([.status(status)]))
            await expectFailure(.refused) { _ = try await bench.usage() }
            #expect(bench.sender.requests.count == tries, "\(status)")
            #expect(bench.clock.sleeps == (tries == 2 ? [.seconds(5)] : []))
        }
    }

    @Test("An error in a 200 answer is an error")
    func failWhen() async throws {
        var small = SmallDefinition()
        small.requests += """

            failWhen:
              - {field: "$.errors[0]", present: true, message: "$.errors[0].message"}
              - {field: $.success, is: false, means: credential}
              - {field: $.busy, is: true, means: busy}
            """
        small.reads = """
              customers: {get: /customers, records: $.data, paging: none}
              seats: {get: /seats, records: $.data, paging: none}
            """
        func failure(_ body: String, _ code: ConnectorError.Code, tries: Int) async throws -> ConnectorError? {
            let bench = try DefinitionBench(try small.definition(), ScriptedSender([.ok(body)]))
            let error = await expectFailure(code) { _ = try await bench.accounts() }
            #expect(bench.sender.requests.count == tries, "\(body)")
            return error
        }
        let told = try await failure(#"{"data":[{"id":1,"name":"A"}],"errors":[{"message":"no such secret-key"}]}"#, .refused, tries: 1)
        #expect(told?.message.contains("no such ***") == true)
        #expect(try await failure(#"{"data":[],"success":false}"#, .credentialRefused, tries: 1)?.field == "apiKey")
        _ = try await failure(#"{"data":[{"id":1,"name":"A"}],"busy":true}"#, .refused, tries: 3)
        let fine = try DefinitionBench(
            try small.definition(), ScriptedSender([.ok(#"{"data":[{"id":1,"name":"A"}],"errors":[],"success":true,"busy":null}"#)]))
        #expect(try await fine.accounts().accounts.count == 1)
    }

    @Test("An error that the answer tells is told before a record that is none", arguments: ["$.data", "[$.data, $.list]"])
    func failWhenBesideBrokenRecord(records: String) async throws {
        var small = SmallDefinition()
        small.requests += "\nfailWhen: [{field: $.error, present: true, message: $.error}]"
        small.reads = """
              customers: {get: /customers, records: \(records), paging: none}
              seats: {get: /seats, records: $.data, paging: none}
            """
        func error(_ body: String, _ code: ConnectorError.Code) async throws -> ConnectorError? {
            let bench = try DefinitionBench(try small.definition(), ScriptedSender([.ok(body)]))
            return await expectFailure(code) { _ = try await bench.accounts() }
        }
        #expect(
            try await error(#"{"data":[{"code":17},{"code":18}],"error":"licence ended"}"#, .refused)?.message.contains("licence ended")
                == true)
        #expect(try await error(#"{"data":[{"code":17}]}"#, .brokenAnswer)?.message.contains("so it is no account") == true)
    }

    @Test("A deployment's setting that a header cannot carry is refused when it is read, without its value")
    func deploymentInHeader() throws {
        func problem(_ auth: String, _ value: String) throws -> ConnectorError? {
            var small = SmallDefinition()
            small.settings += """

                  deployment:
                    vendorKey: {kind: secret, label: Vendor key, help: From the vendor.}
                """
            small.auth = auth
            let definition = try small.definition()
            do {
                _ = try DefinitionBench(definition, ScriptedSender([]), deployment: ["vendorKey": value])
                return nil
            } catch {
                return error as? ConnectorError
            }
        }
        let header = "headers: {X-Key: \"${apiKey}\", X-Vendor: \"${vendorKey}\"}"
        for value in ["clef-é", "a\nb", "a\u{7}b"] {
            let error = try problem(header, value)
            #expect(error?.code == .invalidInput && error?.field == "vendorKey", "\(value.debugDescription)")
            #expect(error?.message.contains(value) == false)
            // Basic encodes whatever it holds.
            #expect(try problem("basic: {user: \"${apiKey}\", password: \"${vendorKey}\"}", value) == nil)
        }
        #expect(try problem(header, "plain key") == nil)
    }

    @Test("Errors in an answer without its list are told as such")
    func failWhenWithoutList() async throws {
        var small = SmallDefinition()
        small.requests += "\nfailWhen: [{field: \"$.errors[0]\", present: true, message: \"$.errors[0].message\"}]"
        small.reads = """
              customers: {get: /customers, records: $.data.list, paging: none}
              seats: {get: /seats, records: [$.data, $.list], paging: none}
            """
        let bench = try DefinitionBench(try small.definition(), ScriptedSender([.ok(#"{"data":null,"errors":[{"message":"told"}]}"#)]))
        let error = await expectFailure(.refused) { _ = try await bench.accounts() }
        #expect(error?.message.contains("told") == true)
    }
}
