import Foundation
import HTTPClient
import HTTPTypes
import Synchronization
import Testing

@testable import Connectors

@Suite("A definition at work", .timeLimit(.minutes(3)))
struct EngineTests {
    private static let two = Reply.ok(#"[{"id":1,"name":"Acme"},{"id":"b","name":"Globex"}]"#)

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
}
