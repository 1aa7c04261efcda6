import Foundation
import HTTPClient
import HTTPTypes
import Synchronization
import Testing

@testable import Connectors

@Suite("A definition at work", .timeLimit(.minutes(3)))
struct EngineTests {
    private static let two = Reply.ok(#"[{"id":1,"name":"Acme"},{"id":"b","name":"Globex"}]"#)

    // MARK: Accounts and counts

    @Test("Records are counted by account, with 0 where there is none")
    func records() async throws {
        let bench = try DefinitionBench(["/customers": Self.two, "/seats": .ok(#"[{"customer":1},{"customer":"1"}]"#)])
        #expect(try await bench.lines() == ["1 Seats 2", "b Seats 0"])
        #expect(bench.asked == ["/customers", "/seats"])
        #expect(bench.sender.requests.allSatisfy { $0.headerFields[HTTPField.Name("X-Key")!] == "secret-key" })
    }

    @Test("Ids keep every digit")
    func ids() async throws {
        let ids = ["9223372036854775808", "9007199254740993", "1.0", "0012", "1e3", "-0"]
        let customers = ids.enumerated().map { #"{"id":\#($0.offset == 3 ? "\"0012\"" : $0.element),"name":"n"}"# }.joined(separator: ",")
        let seats = ids.enumerated().map { #"{"customer":\#($0.offset == 3 ? "\"0012\"" : $0.element)}"# }.joined(separator: ",")
        let bench = try DefinitionBench(["/customers": .ok("[\(customers)]"), "/seats": .ok("[\(seats)]")])
        let snapshot = try await bench.usage()
        #expect(snapshot.accounts.map(\.id) == ids)
        #expect(snapshot.usage.map(\.count) == ids.map { _ in 1 })
    }

    @Test("Sums, distinct values and the greatest")
    func measures() async throws {
        var small = SmallDefinition()
        small.services = ["Sum", "Distinct", "Greatest"].map {
            "  - {name: \($0), description: d, category: other, subcategory: other, basis: seats}"
        }.joined(separator: "\n")
        small.counts = """
              - {from: seats, service: Sum, account: $.customer, count: {sum: $.n}}
              - {from: seats, service: Distinct, account: $.customer, count: {distinct: $.user}}
              - {from: seats, service: Greatest, account: $.customer, count: {greatest: $.n}}
            """
        let bench = try DefinitionBench(
            small,
            [
                "/customers": Self.two,
                "/seats": .ok(#"[{"customer":1,"n":2,"user":"x"},{"customer":1,"n":"3.5","user":"y"},{"customer":1,"n":1,"user":"x"}]"#),
            ])
        #expect(
            try await bench.lines() == [
                "1 Distinct 2", "1 Greatest 3.5", "1 Sum 6.5", "b Distinct 0", "b Greatest 0", "b Sum 0",
            ])
    }

    @Test("Two rules for one service add up, and a computed service follows")
    func computed() async throws {
        var small = SmallDefinition()
        small.services = """
              - {name: Rest, description: d, category: other, subcategory: other, basis: seats, computed: {sum: [All], minus: [Shared]}}
              - {name: All, description: d, category: other, subcategory: other, basis: seats}
              - {name: Shared, description: d, category: other, subcategory: other, basis: seats}
            """
        small.counts = """
              - {from: seats, service: All, account: $.customer}
              - {from: seats, service: All, account: $.customer, where: [{field: $.twice, is: true, missing: skip}]}
              - {from: seats, service: Shared, account: $.customer, where: [{field: $.name, contains: shared, missing: skip}]}
            """
        let bench = try DefinitionBench(
            small, ["/customers": Self.two, "/seats": .ok(#"[{"customer":1,"name":"a SHARED one"},{"customer":1,"twice":true}]"#)])
        #expect(try await bench.lines() == ["1 All 3", "1 Rest 2", "1 Shared 1", "b All 0", "b Rest 0", "b Shared 0"])
    }

    @Test("A difference below zero is no count")
    func belowZero() async throws {
        var small = SmallDefinition()
        small.services = """
              - {name: Less, description: d, category: other, subcategory: other, basis: seats, computed: {sum: [A], minus: [B]}}
              - {name: A, description: d, category: other, subcategory: other, basis: seats}
              - {name: B, description: d, category: other, subcategory: other, basis: seats}
            """
        small.counts = """
              - {from: seats, service: {value: $.s, map: {a: A, b: B}}, account: $.customer}
            """
        let bench = try DefinitionBench(small, ["/customers": Self.two, "/seats": .ok(#"[{"customer":1,"s":"b"}]"#)])
        await expectFailure(.brokenAnswer) { _ = try await bench.usage() }
    }

    @Test("A service by a field: mapped, skipped, and refused when the definition does not know it")
    func mapped() async throws {
        var small = SmallDefinition()
        small.counts = "  - {from: seats, service: {value: $.s, map: {a: Seats}}, account: $.customer}"
        let answers: [String: Reply] = ["/customers": Self.two, "/seats": .ok(#"[{"customer":1,"s":"a"},{"customer":1,"s":"new"}]"#)]
        let error = await expectFailure(.brokenAnswer) { _ = try await DefinitionBench(small, answers).usage() }
        #expect(error?.message.contains("\"new\"") == true)
        small.counts = "  - {from: seats, service: {value: $.s, map: {a: Seats}, other: skip}, account: $.customer}"
        #expect(try await DefinitionBench(small, answers).lines() == ["1 Seats 1", "b Seats 0"])
        small.counts = "  - {from: seats, service: {value: $.s, map: {a: Seats}, other: Seats}, account: $.customer}"
        #expect(try await DefinitionBench(small, answers).lines() == ["1 Seats 2", "b Seats 0"])
    }

    @Test("Discovered services: one whatever the case, summed, only where there are some, and within the limit")
    func discovered() async throws {
        var small = SmallDefinition()
        small.services = "  []"
        small.more = "discovered: {limit: 2, category: productivity, subcategory: other, description: \"${$.p} (${$.sku})\", basis: seats}"
        small.counts = "  - {from: seats, service: {value: \"${$.p} ${$.term}\", discover: true}, account: $.customer, count: {sum: $.n}}"
        let seats =
            #"{"customer":1,"p":"Pro","term":"year","sku":"s1","n":2},{"customer":1,"p":"PRO","term":"year","sku":"s1","n":3},{"customer":"b","p":"Pro","term":"month","sku":"s2","n":1}"#
        let bench = try DefinitionBench(small, ["/customers": Self.two, "/seats": .ok("[\(seats)]")])
        let snapshot = try await bench.usage()
        #expect(snapshot.lines == ["1 Pro year 5", "b Pro month 1"])
        #expect(snapshot.discovered.map(\.name) == ["Pro year", "Pro month"])
        #expect(snapshot.discovered.map(\.description) == ["Pro (s1)", "Pro (s2)"])
        #expect(snapshot.discovered.allSatisfy { $0.category == "productivity" && $0.basis == CountBasis(name: "seats", version: 1) })
        #expect(bench.connector.discoversServices)
        let more = seats + #",{"customer":1,"p":"Third","term":"","sku":"","n":1}"#
        let full = try DefinitionBench(small, ["/customers": Self.two, "/seats": .ok("[\(more)]")])
        let error = await expectFailure(.brokenAnswer) { _ = try await full.usage() }
        #expect(error?.message.contains("names 3 services") == true)
    }

    @Test("Explode, join and conditions")
    func pipeline() async throws {
        var small = SmallDefinition()
        small.reads = """
              customers: {get: /customers, records: $.data, paging: none}
              roles: {get: /roles, records: $, paging: none}
              seats:
                get: /seats
                records: $.list
                explode: {list: $.licenses, as: license, missing: none}
                join: [{read: roles, on: $.license.role, key: $.id, as: role}]
                where: [{field: $.role.name, isNot: ghost, missing: skip}]
                paging: none
            """
        small.counts = "  - {from: seats, service: Seats, account: $.customer, count: {sum: $.license.n}}"
        let bench = try DefinitionBench(
            small,
            [
                "/customers": .ok(#"{"data":[{"id":1,"name":"Acme"}]}"#),
                "/roles": .ok(#"[{"id":7,"name":"user"},{"id":8,"name":"ghost"}]"#),
                "/seats": .ok(
                    #"{"list":[{"customer":1,"licenses":[{"role":7,"n":4},{"role":"7","n":1},{"role":8,"n":100},{"role":9,"n":1000}]},{"customer":1,"licenses":null},{"customer":1}]}"#
                ),
            ])
        #expect(try await bench.lines() == ["1 Seats 5"])
    }

    @Test("A record's list that is no list is no empty one")
    func explodeBroken() async throws {
        var small = SmallDefinition()
        small.reads = """
              customers: {get: /customers, records: $, paging: none}
              seats: {get: /seats, records: $, explode: {list: $.l, as: l}, paging: none}
            """
        for body in [#"[{"customer":1}]"#, #"[{"customer":1,"l":null}]"#, #"[{"customer":1,"l":{}}]"#] {
            let bench = try DefinitionBench(small, ["/customers": Self.two, "/seats": .ok(body)])
            await expectFailure(.brokenAnswer) { _ = try await bench.usage() }
        }
    }

    @Test("Accounts from several reads, with those left out not counted as strangers")
    func union() async throws {
        var small = SmallDefinition()
        small.reads = """
              customers: {get: /customers, records: $, paging: none}
              seats: {get: /seats, records: $, paging: none}
            """
        small.accounts = """

              - {from: customers, id: $.id, name: [$.displayName, $.name], where: [{field: $.off, isNot: true, missing: keep}]}
              - {from: seats, id: $.customer, name: $.customerName}
            """
        let bench = try DefinitionBench(
            small,
            [
                "/customers": .ok(
                    #"[{"id":1,"name":"Acme","displayName":"ACME"},{"id":2,"name":"Gone","off":true},{"id":4,"name":"Four","displayName":" "}]"#
                ),
                "/seats": .ok(
                    #"[{"customer":1,"customerName":"x"},{"customer":3,"customerName":"Three"},{"customer":2,"customerName":null},{"customer":9}]"#
                ),
            ])
        let snapshot = try await bench.usage()
        #expect(snapshot.accounts == [.init(id: "1", name: "ACME"), .init(id: "4", name: "Four"), .init(id: "3", name: "Three")])
        #expect(snapshot.lines == ["1 Seats 1", "3 Seats 1", "4 Seats 0"])
        // No name twice; and 9 is no account.
        #expect(snapshot.recordsDropped == 3)
    }

    @Test("A field that counts has to be there", arguments: ["fail", "zero", "drop"])
    func missing(_ missing: String) async throws {
        var small = SmallDefinition()
        small.counts = "  - {from: seats, service: Seats, account: $.customer, count: {sum: $.n}, missing: \(missing)}"
        let bench = try DefinitionBench(
            small, ["/customers": Self.two, "/seats": .ok(#"[{"customer":1,"n":null},{"customer":"b","n":2},{"customer":"b"}]"#)])
        switch missing {
        case "fail": await expectFailure(.brokenAnswer) { _ = try await bench.usage() }
        case "zero": #expect(try await bench.lines() == ["1 Seats 0", "b Seats 2"])
        default:
            let snapshot = try await bench.usage()
            // What is unknown is no zero.
            #expect(snapshot.lines == ["b Seats 2"])
            #expect(snapshot.recordsDropped == 2)
        }
    }

    @Test(
        "No list is no empty list",
        arguments: [
            "{}", "null", "[]x", #"{"data":null}"#, #"{"data":{}}"#, #"{"data":{"a":1}}"#, #"{"error":"quota"}"#, "[]", "7", "",
            #"{"data":"x"}"#,
        ])
    func noList(_ body: String) async throws {
        var small = SmallDefinition()
        small.reads = """
              customers: {get: /customers, records: $, paging: none}
              seats: {get: /seats, records: $.data, paging: none}
            """
        let bench = try DefinitionBench(small, ["/customers": Self.two, "/seats": .ok(body)])
        await expectFailure(.brokenAnswer) { _ = try await bench.usage() }
    }

    // MARK: Fan-out

    private static var fanned: SmallDefinition {
        var small = SmallDefinition()
        small.reads = """
              customers: {get: /customers, records: $, paging: none}
              seats:
                for: accounts
                each: {kind: [x, "y z"]}
                get: /customers/${account.id}/seats
                query: {"filter[kind]": "${each.kind}", site: "${account.$.site.key}"}
                records: $
                paging: none
            """
        small.counts = "  - {from: seats, service: Seats, where: [{field: \"${each.kind}\", is: x}]}"
        return small
    }

    @Test("Once for each account and constant, everything encoded for its place")
    func fan() async throws {
        let bench = try DefinitionBench(
            Self.fanned,
            [
                "/customers": .ok(#"[{"id":"a/b?","name":"A","site":{"key":"ü&"}},{"id":2,"name":"B","site":{"key":"k"}}]"#),
                "/customers/a%2Fb%3F/seats?filter%5Bkind%5D=x&site=%C3%BC%26": .ok("[{},{}]"),
                "/customers/a%2Fb%3F/seats?filter%5Bkind%5D=y%20z&site=%C3%BC%26": .ok("[{}]"),
                "/customers/2/seats?filter%5Bkind%5D=x&site=k": .ok("[]"), "/customers/2/seats?filter%5Bkind%5D=y%20z&site=k": .ok("[]"),
            ])
        #expect(try await bench.lines() == ["2 Seats 0", "a/b? Seats 2"])
        #expect(bench.asked.count == 5)
    }

    @Test("An account's id that would lead elsewhere is not followed", arguments: ["..", "."])
    func dots(_ id: String) async throws {
        let bench = try DefinitionBench(
            try Self.fanned.definition(),
            ScriptedSender { request, _ throws(HTTPClientError) in
                if request.url.hasSuffix("/customers") {
                    return try Reply.ok(#"[{"id":"\#(id)","name":"A","site":{"key":"k"}}]"#).perform()
                }
                // As the client refuses such a path (RequestURL).
                throw HTTPClientError(code: .invalidRequest, delivery: .neverSent, message: "m")
            })
        await expectFailure(.unreachable) { _ = try await bench.usage() }
    }

    @Test("One account that fails makes the whole fetch fail")
    func oneFails() async throws {
        let customers = (1...30).map { #"{"id":\#($0),"name":"C","site":{"key":"k"}}"# }.joined(separator: ",")
        let sender = ScriptedSender { request, _ throws(HTTPClientError) in
            if request.url.hasSuffix("/customers") { return try Reply.ok("[\(customers)]").perform() }
            return try (request.url.contains("/17/seats?filter%5Bkind%5D=y") ? Reply.status(404) : .ok("[]")).perform()
        }
        let bench = try DefinitionBench(try Self.fanned.definition(), sender)
        await expectFailure(.refused) { _ = try await bench.usage() }
    }

    @Test("Never more at once than allowed, and as many", arguments: [1, 3, 8])
    func parallel(_ limit: Int) async throws {
        let customers = (1...20).map { #"{"id":\#($0),"name":"C","site":{"key":"k"}}"# }.joined(separator: ",")
        let crowd = Crowd()
        let sender = ScriptedSender { request, _ throws(HTTPClientError) in
            if request.url.hasSuffix("/customers") { return try Reply.ok("[\(customers)]").perform() }
            await crowd.enter(waitingFor: limit)
            crowd.leave()
            return try Reply.ok("[{}]").perform()
        }
        var small = Self.fanned
        small.requests += "\nparallel: \(limit)"
        let snapshot = try await DefinitionBench(try small.definition(), sender).usage()
        #expect(crowd.most == limit)
        #expect(snapshot.usage.map(\.accountID) == (1...20).map(String.init))
    }

    // MARK: Requests a second

    @Test("Never more requests in any second than the definition says", arguments: [0.5, 1, 5, 20])
    func perSecond(_ rate: Double) async throws {
        let customers = (1...50).map { #"{"id":\#($0),"name":"C","site":{"key":"k"}}"# }.joined(separator: ",")
        let clock = VirtualClock()
        let times = Mutex<[Duration]>([])
        let sender = ScriptedSender { request, _ throws(HTTPClientError) in
            times.withLock { $0.append(clock.elapsed) }
            if request.url.hasSuffix("/customers") { return try Reply.ok("[\(customers)]").perform() }
            return try Reply.ok("[]").perform()
        }
        var small = Self.fanned
        // One after the other: a task that has its turn would else be overtaken by one that turns the clock before it has sent.
        small.requests += "\nparallel: 1\nperSecond: \(rate)"
        let connector = try DefinedConnector(
            try small.definition(),
            environment: VendorEnvironment(http: sender, time: clock.source, random: .seeded(1), retry: RetryPolicy()))
        _ = try await connector.fetchUsage(connector.credential(from: ["apiKey": "k"]))
        let starts = times.withLock { $0.sorted() }
        #expect(starts.count == 101)
        let window = Duration.seconds(max(1, 1 / rate))
        for start in starts {
            let within = starts.count { $0 >= start && $0 - start < window }
            #expect(Double(within) <= max(1, rate), "at \(start)")
        }
        // And not much slower than allowed.
        #expect((starts.last ?? .zero).seconds < 101 / rate * 1.1 + 2)
    }

    // MARK: Requests

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

    // MARK: Signing

    private static func signed(_ auth: String, settings: String? = nil) -> SmallDefinition {
        var small = SmallDefinition()
        small.auth = auth
        if let settings { small.settings = settings }
        return small
    }

    @Test("Basic, bearer, raw header, query")
    func signing() async throws {
        func request(_ auth: String) async throws -> OutgoingRequest {
            let bench = try DefinitionBench(try Self.signed(auth).definition(), ScriptedSender([Self.two]))
            _ = try await bench.accounts()
            return try #require(bench.sender.requests.first)
        }
        #expect(
            try await request("basic: {user: me@x, password: \"${apiKey}\"}").headerFields[.authorization] == "Basic bWVAeDpzZWNyZXQta2V5")
        #expect(try await request("bearer: ${apiKey}").headerFields[.authorization] == "Bearer secret-key")
        #expect(try await request("headers: {Authorization: \"ApiToken ${apiKey}\"}").headerFields[.authorization] == "ApiToken secret-key")
        #expect(
            try await request("query: {client_secret: \"${apiKey}\"}").url == "https://vendor.example/v1/customers?client_secret=secret-key"
        )
    }

    @Test("Secrets in addresses are hidden in the trace and in log lines")
    func hidden() async throws {
        var small = Self.signed("query: {client_secret: \"${apiKey}\"}")
        small.requests = "base: https://vendor.example/v1/${apiKey}"
        let bench = try DefinitionBench(try small.definition(), ScriptedSender([Self.two]))
        _ = try await bench.accounts()
        #expect(bench.trace.entries.map(\.url) == ["https://vendor.example/v1/***/customers?client_secret=***"])
        #expect(bench.sender.requests.first?.pathForLog == "/v1/***/customers")
        #expect(bench.trace.entries.first?.status == 200)
    }

    private static let oauth = """
        oauth2:
          grant: clientCredentials
          url: https://vendor.example/token
          clientId: me
          clientSecret: ${apiKey}
          scope: monitoring
        """

    /// A vendor that gives out `t1`, `t2` and so on, and takes only those in `valid`.
    private static func tokenVendor(valid: @escaping @Sendable (String) -> Bool, lifetime: String = #""expires_in":3600"#) -> ScriptedSender
    {
        let given = Mutex(0)
        return ScriptedSender { request, _ throws(HTTPClientError) in
            if request.url.hasSuffix("/token") {
                let number = given.withLock { given in
                    given += 1
                    return given
                }
                return try Reply.ok(#"{"access_token":"t\#(number)",\#(lifetime)}"#).perform()
            }
            let token = request.headerFields[.authorization]?.split(separator: " ").last.map(String.init) ?? ""
            guard valid(token) else { return try Reply.status(401).perform() }
            return try (request.url.hasSuffix("/customers") ? Self.two : .ok("[]")).perform()
        }
    }

    @Test("A token is fetched once and kept for the fetch")
    func tokenOnce() async throws {
        let bench = try DefinitionBench(try Self.signed(Self.oauth).definition(), Self.tokenVendor(valid: { $0 == "t1" }))
        _ = try await bench.usage()
        #expect(bench.sender.requests.map(\.url.lastPart) == ["token", "customers", "seats"])
        #expect(bench.sender.requests[0].bodyText == "grant_type=client_credentials&client_id=me&client_secret=secret-key&scope=monitoring")
        #expect(bench.trace.entries.map(\.purpose) == ["token", "customers", "seats"])
    }

    @Test("A token that is refused is renewed once; the next refusal is the credential's")
    func tokenRenewed() async throws {
        let renewed = try DefinitionBench(try Self.signed(Self.oauth).definition(), Self.tokenVendor(valid: { $0 == "t2" }))
        _ = try await renewed.usage()
        #expect(renewed.sender.requests.map(\.url.lastPart) == ["token", "customers", "token", "customers", "seats"])
        let refused = try DefinitionBench(try Self.signed(Self.oauth).definition(), Self.tokenVendor(valid: { _ in false }))
        let error = await expectFailure(.credentialRefused) { _ = try await refused.usage() }
        #expect(error?.field == "apiKey")
        #expect(refused.sender.requests.map(\.url.lastPart) == ["token", "customers", "token", "customers"])
    }

    @Test("A token near its end is fetched anew")
    func tokenExpires() async throws {
        var small = Self.signed(Self.oauth)
        // 1 request in 100 s: the second read comes after the token's end.
        small.requests += "\nperSecond: 0.1"
        let bench = try DefinitionBench(try small.definition(), Self.tokenVendor(valid: { _ in true }, lifetime: #""expires_in":"12""#))
        _ = try await bench.usage()
        #expect(bench.sender.requests.map(\.url.lastPart).filter { $0 == "token" }.count > 1)
    }

    @Test("Many who need a token make one request for it")
    func tokenShared() async throws {
        var small = Self.fanned
        small.auth = Self.oauth
        let customers = (1...20).map { #"{"id":\#($0),"name":"C","site":{"key":"k"}}"# }.joined(separator: ",")
        let given = Mutex(0)
        let sender = ScriptedSender { request, _ throws(HTTPClientError) in
            if request.url.hasSuffix("/token") {
                let number = given.withLock { given in
                    given += 1
                    return given
                }
                return try Reply.ok(#"{"access_token":"t\#(number)"}"#).perform()
            }
            if request.url.hasSuffix("/customers") { return try Reply.ok("[\(customers)]").perform() }
            // The first token ends in the middle of the fan-out.
            return try (request.headerFields[.authorization] == "Bearer t2" ? Reply.ok("[]") : .status(401)).perform()
        }
        let bench = try DefinitionBench(try small.definition(), sender)
        _ = try await bench.usage()
        #expect(given.withLock { $0 } == 2)
    }

    @Test("A wrong client is refused, not unreachable", arguments: [400, 401, 403])
    func tokenRefused(_ status: Int) async throws {
        let bench = try DefinitionBench(
            try Self.signed(Self.oauth).definition(), ScriptedSender([.status(status, #"{"error":"invalid_client"}"#)]))
        let error = await expectFailure(.credentialRefused) { _ = try await bench.usage() }
        #expect(error?.field == "apiKey")
        #expect(bench.sender.requests.count == 1)
    }

    @Test("Password grant with the client in Basic, and a token step of its own kind")
    func otherTokens() async throws {
        let password = """
            oauth2:
              grant: password
              url: https://vendor.example/token
              clientId: ${public}
              clientSecret: ${public}
              clientIn: basic
              user: me
              password: ${apiKey}
            """
        var small = Self.signed(password)
        small.more = "constants: {public: public}"
        let bench = try DefinitionBench(try small.definition(), Self.tokenVendor(valid: { $0 == "t1" }))
        _ = try await bench.accounts()
        #expect(bench.sender.requests[0].bodyText == "grant_type=password&username=me&password=secret-key")
        #expect(bench.sender.requests[0].headerFields[.authorization] == "Basic cHVibGljOnB1YmxpYw==")

        let login = """
            token: {post: "https://vendor.example/login", json: {user: me, pass: "${apiKey}"}, value: $.Result.ApiToken}
            headers: {X-Session: "${token}"}
            """
        let sender = ScriptedSender { request, _ throws(HTTPClientError) in
            if request.url.hasSuffix("/login") { return try Reply.ok(#"{"Result":{"ApiToken":12345678901234567890}}"#).perform() }
            return try Self.two.perform()
        }
        let other = try DefinitionBench(try Self.signed(login).definition(), sender)
        _ = try await other.accounts()
        #expect(sender.requests[0].bodyText == #"{"user":"me","pass":"secret-key"}"#)
        #expect(sender.requests[1].headerFields[HTTPField.Name("X-Session")!] == "12345678901234567890")
    }

    // MARK: Lookups, dates, settings, tests

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
        let bench = try DefinitionBench(try Self.fanned.definition(), sender, parallelism: 4)
        let fetch = Task { try await bench.usage() }
        await crowd.reached(4)
        fetch.cancel()
        await expectFailure(.cancelled) { _ = try await fetch.value }
        #expect(sender.requests.count == 5)
    }
}

extension String {
    fileprivate var lastPart: String { String(split(separator: "/").last ?? "") }
}
