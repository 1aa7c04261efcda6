import Connectors
import Foundation
import HTTPClient
import HTTPTypes
import Testing

@Suite("SaaS Alerts: customers and billable users", .timeLimit(.minutes(3)))
struct SaaSAlertsTests {
    private static let twoCustomers = Reply.ok(#"[{"id":"c1","name":"Acme","status":"active","more":{}},{"id":"c 2","name":"Globex"}]"#)

    @Test("One call for the list, one a customer, and those with isBillable true are counted")
    func happyPath() async throws {
        let bench = try VendorBench([
            "/customers": Self.twoCustomers,
            "/reports/users?customerId=c1": .ok(#"[{"isBillable":true,"product":"x"},{"isBillable":false},{"isBillable":true}]"#),
            "/reports/users?customerId=c%202": .ok("[]"),
        ])
        let snapshot = try await bench.usage()
        #expect(snapshot.accounts == [VendorAccount(id: "c1", name: "Acme"), VendorAccount(id: "c 2", name: "Globex")])
        #expect(
            snapshot.usage == [
                UsageRecord(accountID: "c1", serviceName: "SaaS Alerts Billable Users", count: 2),
                UsageRecord(accountID: "c 2", serviceName: "SaaS Alerts Billable Users", count: 0),
            ])
        #expect(snapshot.recordsDropped == 0)
        #expect(bench.sender.requests.count == 3)
        for request in bench.sender.requests {
            #expect(request.method == .get)
            #expect(request.url.hasPrefix("https://vendor.example/reportApi/api/v1/"))
            #expect(request.headerFields[HTTPField.Name("api_key")!] == "secret-key")
            #expect(request.headerFields[.accept] == "application/json")
            #expect(!request.url.contains("secret-key"))
            // Partners enter the address, so it must not lead into the service's own network.
            #expect(request.destinations == DestinationRule(hosts: ["vendor.example"]))
        }
    }

    @Test("Every counted service is in the catalogue")
    func catalogue() async throws {
        let bench = try VendorBench([
            "/customers": Self.twoCustomers, "/reports/users?customerId=c1": .ok("[]"), "/reports/users?customerId=c%202": .ok("[]"),
        ])
        let names = Set(bench.connector.services.map(\.name))
        #expect(Set(try await bench.usage().usage.map(\.serviceName)).isSubset(of: names))
    }

    @Test("The header that carries the key is a setting", arguments: ["api_key", "X-API-Key"])
    func header(_ name: String) async throws {
        let bench = try VendorBench(["/customers": Self.twoCustomers], keyFieldName: name)
        _ = try await bench.accounts()
        let fields = try #require(bench.sender.requests.first).headerFields
        #expect(fields[HTTPField.Name(name)!] == "secret-key")
        #expect(fields.count == 2)
    }

    // MARK: Shapes of the list

    @Test(
        "A list may be wrapped, and a single customer may come alone",
        arguments: [
            #"{"customers":[{"id":"c1","name":"Acme"}]}"#, #"{"data":[{"id":"c1","name":"Acme"}],"total":1}"#,
            #"{"id":"c1","name":"Acme"}"#, #"[{"id":"c1","name":"Acme"}]"#,
        ])
    func shapes(_ body: String) async throws {
        let list = try await VendorBench(["/customers": .ok(body)]).accounts()
        #expect(list.accounts == [VendorAccount(id: "c1", name: "Acme")])
    }

    @Test("A list of users may be wrapped", arguments: [#"{"users":[{"isBillable":true}]}"#, #"{"data":[{"isBillable":true}]}"#])
    func wrappedUsers(_ body: String) async throws {
        let bench = try VendorBench(["/customers": .ok(#"[{"id":1,"name":"A"}]"#), "/reports/users?customerId=1": .ok(body)])
        #expect(try await bench.usage().usage.map(\.count) == [1])
    }

    @Test("Names and ids arrive as they are")
    func names() async throws {
        let long = String(repeating: "n", count: 255)
        let names = ["  leading", "trailing  ", "🦜 & \"Söhne\"", long, "a\u{301}", "\u{E1}"]
        let records = names.enumerated().map { ["id": "c/\($0.offset)+é", "name": $0.element] }
        let body = String(decoding: try JSONSerialization.data(withJSONObject: records), as: UTF8.self)
        let list = try await VendorBench(["/customers": .ok(body)]).accounts()
        #expect(list.accounts.map { scalars($0.name) } == names.map(scalars))
        #expect(list.accounts.map(\.id) == records.map { $0["id"] })
    }

    @Test("Numbers are ids too")
    func numericIDs() async throws {
        let list = try await VendorBench(["/customers": .ok(#"[{"id":42,"name":"A"},{"id":-1,"name":"B"}]"#)]).accounts()
        #expect(list.accounts.map(\.id) == ["42", "-1"])
    }

    @Test("Records without id or name are left out and counted; of two with one id the first stays")
    func dropped() async throws {
        let body = """
            [{"id":"1","name":"A"},{"id":null,"name":"B"},{"id":"3","name":null},{"id":"","name":"D"},{"id":"5","name":"  "},
             {"id":"6"},{"name":"G"},{"id":"1","name":"A again"},{"id":"8","name":"H"}]
            """
        let list = try await VendorBench(["/customers": .ok(body)]).accounts()
        #expect(list.accounts == [VendorAccount(id: "1", name: "A"), VendorAccount(id: "8", name: "H")])
        #expect(list.recordsDropped == 6)
    }

    @Test("Users of whom nobody says whether they are billable are not counted, but told")
    func unknownUsers() async throws {
        let bench = try VendorBench([
            "/customers": .ok(#"[{"id":"1","name":"A"},{"id":null,"name":"B"}]"#),
            "/reports/users?customerId=1": .ok(#"[{"isBillable":true},{"isBillable":null},{"name":"x"},{"isBillable":false}]"#),
        ])
        let snapshot = try await bench.usage()
        #expect(snapshot.usage.map(\.count) == [1])
        #expect(snapshot.recordsDropped == 3)
    }

    // MARK: What is no list of customers

    @Test("No usable customer is an error, never an empty truth", arguments: ["[]", #"[{"id":null,"name":"x"}]"#, #"{"data":[]}"#])
    func empty(_ body: String) async throws {
        let bench = try VendorBench(["/customers": .ok(body)])
        await expectFailure(.emptyList) { _ = try await bench.accounts() }
        await expectFailure(.emptyList) { _ = try await bench.usage() }
    }

    @Test(
        "An answer of another form is no list",
        arguments: [
            "", "<html>", "null", "7", #""text""#, #"{"error":"quota exceeded"}"#, #"{"message":"m","details":[]}"#, #"["a"]"#,
            #"{"customers":null}"#, #"{"customers":{}}"#, #"[{"id":"1","name":"A"}"#, #"[{"id":{},"name":"A"}]"#, "[{}]",
        ])
    func brokenList(_ body: String) async throws {
        let bench = try VendorBench(["/customers": .ok(body)])
        await expectFailure(.brokenAnswer) { _ = try await bench.accounts() }
        // A broken answer may be a passing one, so it is asked for again.
        #expect(bench.sender.requests.count == 3)
    }

    @Test(
        "An answer of another form is no list of users, and no count of zero",
        arguments: [
            "", "null", "{}", #"{"error":"x"}"#, #"[{"name":"x"},{"name":"y"}]"#, #"[{"isBillable":"true"}]"#, #"[{"isBillable":1}]"#,
            "[1]", #"{"users":null}"#,
        ])
    func brokenUsers(_ body: String) async throws {
        let bench = try VendorBench(["/customers": .ok(#"[{"id":"1","name":"A"}]"#), "/reports/users?customerId=1": .ok(body)])
        await expectFailure(.brokenAnswer) { _ = try await bench.usage() }
    }

    // MARK: Failures

    @Test("A refused key names the field to mend and is not tried again", arguments: [401, 403])
    func refusedKey(_ status: Int) async throws {
        let bench = try VendorBench(["/customers": .status(status)])
        let error = await expectFailure(.credentialRefused) { _ = try await bench.accounts() }
        #expect(error?.field == "apiKey")
        #expect(error?.message.contains("secret-key") == false)
        #expect(bench.sender.requests.count == 1)
    }

    @Test(
        "A passing failure is tried again", arguments: [Reply.status(500), .status(503), .status(429), .neverSent, .answerLost, .ok("<")])
    func repeated(_ failure: Reply) async throws {
        let bench = try VendorBench(ScriptedSender([failure, failure, Self.twoCustomers]))
        #expect(try await bench.accounts().accounts.count == 2)
        #expect(bench.clock.sleeps == [.seconds(1), .seconds(2)])
    }

    @Test("Retry-After is honoured")
    func retryAfter() async throws {
        let bench = try VendorBench(ScriptedSender([.status(429, retryAfter: "30"), Self.twoCustomers]))
        _ = try await bench.accounts()
        #expect(bench.clock.sleeps == [.seconds(30)])
    }

    @Test(
        "A failure that stays ends the fetch",
        arguments: [
            (Reply.status(500), ConnectorError.Code.refused, 3), (.status(404), .refused, 1), (.status(302), .refused, 1),
            (.neverSent, .unreachable, 3), (.answerLost, .unreachable, 3),
            (.failure(HTTPClientError(code: .invalidRequest, delivery: .neverSent, message: "m")), .unreachable, 1),
        ])
    func lasting(_ failure: Reply, _ code: ConnectorError.Code, _ tries: Int) async throws {
        let bench = try VendorBench(ScriptedSender([failure]))
        let error = await expectFailure(code) { _ = try await bench.accounts() }
        #expect(bench.sender.requests.count == tries)
        #expect(error?.field == nil)
    }

    @Test("One customer that fails makes the whole fetch fail", arguments: [Reply.status(500), .status(404), .answerLost, .ok("[{}]")])
    func oneFails(_ failure: Reply) async throws {
        let customers = (1...30).map { #"{"id":"\#($0)","name":"C\#($0)"}"# }.joined(separator: ",")
        let sender = ScriptedSender { request, _ throws(HTTPClientError) in
            if request.url.hasSuffix("/customers") { return try Reply.ok("[\(customers)]").perform() }
            return try (request.url.hasSuffix("=17") ? failure : .ok(#"[{"isBillable":true}]"#)).perform()
        }
        let bench = try VendorBench(sender)
        await #expect(throws: ConnectorError.self) { _ = try await bench.usage() }
    }

    @Test("A key that is refused half-way names the field as well")
    func refusedHalfWay() async throws {
        let bench = try VendorBench([
            "/customers": Self.twoCustomers, "/reports/users?customerId=c1": .ok("[]"), "/reports/users?customerId=c%202": .status(401),
        ])
        let error = await expectFailure(.credentialRefused) { _ = try await bench.usage() }
        #expect(error?.field == "apiKey")
    }

    @Test("Customers are asked for at once, but never more than allowed", arguments: [1, 4, 8])
    func parallel(_ limit: Int) async throws {
        let customers = (1...40).map { #"{"id":"\#($0)","name":"C\#($0)"}"# }.joined(separator: ",")
        let crowd = Crowd()
        let sender = ScriptedSender { request, _ throws(HTTPClientError) in
            if request.url.hasSuffix("/customers") { return try Reply.ok("[\(customers)]").perform() }
            // Nobody is answered before as many as allowed are under way.
            await crowd.enter(waitingFor: limit)
            crowd.leave()
            let number = Int(request.url.split(separator: "=").last ?? "") ?? 0
            return try Reply.ok("[" + Array(repeating: #"{"isBillable":true}"#, count: number).joined(separator: ",") + "]").perform()
        }
        let snapshot = try await VendorBench(sender, parallelism: limit).usage()
        #expect(crowd.most == limit)
        // In the vendor's order, however the answers came.
        #expect(snapshot.usage.map(\.accountID) == (1...40).map(String.init))
        #expect(snapshot.usage.map(\.count) == (1...40).map { Decimal($0) })
    }

    @Test("A cancelled fetch ends as cancelled and starts no more calls")
    func cancellation() async throws {
        let customers = (1...40).map { #"{"id":"\#($0)","name":"C\#($0)"}"# }.joined(separator: ",")
        let crowd = Crowd()
        let sender = ScriptedSender { request, _ throws(HTTPClientError) in
            if request.url.hasSuffix("/customers") { return try Reply.ok("[\(customers)]").perform() }
            await crowd.enter(waitingFor: 1)
            await untilCancelled()
            throw HTTPClientError(code: .cancelled, delivery: .unknown, message: "cancelled")
        }
        let bench = try VendorBench(sender, parallelism: 4)
        let fetch = Task { try await bench.usage() }
        await crowd.reached(4)
        fetch.cancel()
        await expectFailure(.cancelled) { _ = try await fetch.value }
        #expect(sender.requests.count == 5)
    }

    @Test("A credential without its key is refused before anything is sent")
    func noKey() async throws {
        let bench = try VendorBench([:])
        let error = await expectFailure(.invalidInput) {
            _ = try await bench.connector.fetchAccounts(ConnectorCredential(openFields: [:], secretFields: [:]))
        }
        #expect(error?.field == "apiKey")
        #expect(bench.sender.requests.isEmpty)
    }
}
