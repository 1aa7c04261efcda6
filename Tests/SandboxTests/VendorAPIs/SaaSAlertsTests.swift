import Testing

@testable import Sandbox

@Suite("Simulated SaaS Alerts")
struct SaaSAlertsTests {
    static let base = "/saas-alerts/reportApi/api/v1"

    static func configured(_ json: String) throws -> Desk {
        var desk = Desk()
        try desk.model.vendorAPIs[0].configure(try JSONParser.parse(Array(json.utf8)))
        return desk
    }

    private func get(_ desk: inout Desk, _ path: String, key: String? = "k", header: String = "api_key") -> Desk.Reply {
        desk.send(.get, Self.base + path, headers: key.map { [header: $0] } ?? [:])
    }

    @Test("customers, one customer, users with isBillable") func records() throws {
        var desk = try Self.configured(
            #"{"apiKey":"k","customers":[{"id":"c1","name":"Acme","billable":3,"nonBillable":2},{"id":"c2","name":"Zero","billable":0,"nonBillable":1}]}"#
        )
        #expect(
            get(&desk, "/customers").json == [
                ["id": "c1", "name": "Acme", "status": "active"], ["id": "c2", "name": "Zero", "status": "active"],
            ])
        #expect(get(&desk, "/customers/c2").json["name"] == "Zero")
        #expect(get(&desk, "/customers/c9").status == 404)
        let users = try #require(get(&desk, "/reports/users?customerId=c1").json.elements)
        #expect(users.map { $0["isBillable"] } == [true, true, true, false, false])
        #expect(Set(users.compactMap { $0["id"]?.string }).count == 5)
        #expect(users.allSatisfy { $0["customerId"] == "c1" && $0["name"]?.string != nil })
        #expect(get(&desk, "/reports/users?customerId=c2").json.elements?.map { $0["isBillable"] } == [false])
        #expect(get(&desk, "/reports/users?customerId=c9").json == [])
    }

    @Test("401 without the key", arguments: [nil, "", "K", "k "]) func unauthorized(key: String?) throws {
        var desk = try Self.configured(#"{"apiKey":"k"}"#)
        if key == "k " { return #expect(get(&desk, "/customers", key: key).status == 200, "HTTP trims the value") }
        #expect(get(&desk, "/customers", key: key).status == 401)
        #expect(get(&desk, "/reports/users?customerId=1", key: key).status == 401)
    }

    @Test("the header's name is a setting") func headerName() throws {
        var desk = try Self.configured(#"{"apiKey":"k","headerName":"X-API-Key"}"#)
        #expect(get(&desk, "/customers").status == 401)
        #expect(get(&desk, "/customers", header: "x-api-key").status == 200)
    }

    @Test("bad data on request: null ids and names, literal bodies") func badData() throws {
        var desk = try Self.configured(
            #"{"apiKey":"k","customers":[{"id":null,"name":"No id","billable":1},{"id":"c","name":null,"billable":2,"namelessUsers":1},{"id":"r","name":"Raw","raw":"<html>"}]}"#
        )
        #expect(get(&desk, "/customers").json.elements?.map { $0["id"] } == [.null, "c", "r"])
        #expect(get(&desk, "/customers").json.elements?.map { $0["name"] } == ["No id", .null, "Raw"])
        #expect(get(&desk, "/reports/users?customerId=c").json.elements?.map { $0["name"]?.isNull } == [true, false])
        #expect(get(&desk, "/reports/users?customerId=r").text == "<html>")
        desk = try Self.configured(#"{"apiKey":"k","raw":"{\"customers\":[]}"}"#)
        #expect(get(&desk, "/customers").text == #"{"customers":[]}"#)
    }

    @Test("mistakes in a question") func mistakes() throws {
        var desk = try Self.configured(#"{"apiKey":"k"}"#)
        for query in ["", "?customerId=", "?customerId=%zz", "?other=1"] {
            let reply = get(&desk, "/reports/users\(query)")
            #expect(reply.status == 400)
            #expect(reply.json.members?.map(\.name) == ["message", "details"])
        }
        #expect(get(&desk, "/nothing").status == 404)
        #expect(desk.send(.post, Self.base + "/customers", headers: ["api_key": "k"]).status == 404)
    }

    @Test(
        "a wrong configuration changes nothing",
        arguments: [
            "[]", #"{"customers":[{"id":"c","billable":-1}]}"#, #"{"customers":["c"]}"#, #"{"customers":[{"nonBillable":"many"}]}"#,
        ])
    func wrongConfiguration(json: String) throws {
        var desk = try Self.configured(#"{"apiKey":"k","customers":[{"id":"c","name":"C","billable":1}]}"#)
        #expect(throws: SandboxError.self) {
            try desk.model.vendorAPIs[0].configure(try JSONParser.parse(Array(json.utf8)))
        }
        #expect(get(&desk, "/customers").json.elements?.count == 1)
    }

    @Test("its requests are counted apart from Synthesize's") func metered() throws {
        var desk = try Self.configured(#"{"apiKey":"k"}"#)
        _ = get(&desk, "/customers")
        _ = get(&desk, "/reports/users?customerId=1")
        _ = get(&desk, "/nothing")
        let meter = desk.model.vendorAPIs[0].requests
        #expect(meter.byCall == ["GET /customers": 1, "GET /reports/users": 1, "other": 1])
        #expect(meter.byStatus == [200: 2, 404: 1])
        #expect(desk.model.requests.total == 0)
    }

    @Test("configured in Swift; the counters go on") func configuredInSwift() throws {
        var desk = try Self.configured(#"{"apiKey":"k"}"#)
        _ = get(&desk, "/customers")
        desk.model.configureSaaSAlerts(
            SaaSAlertsConfiguration(apiKey: "other", customers: [SaaSAlertsCustomer(id: "c", name: "C", billable: 1)]))
        #expect(get(&desk, "/customers").status == 401)
        #expect(get(&desk, "/customers", key: "other").json.elements?.count == 1)
        #expect(desk.model.vendorAPIs[0].requests.total == 3)
    }

    @Test("no rate limit and no token of Synthesize's") func separate() throws {
        var desk = try Self.configured(#"{"apiKey":"k"}"#)
        desk.model.settings.rateLimit = 1
        for _ in 1...5 { #expect(get(&desk, "/customers").status == 200) }
    }

    @Test("the demo: most names match, some do not, one has no billable user") func demo() throws {
        let seed = SandboxSeed.demo
        let clients = Set(seed.organizations[0].clients)
        let customers = seed.saasAlerts.customers
        #expect(seed.organizations[0].clients.count == 8)
        #expect(seed.organizations[0].products.count == 6)
        #expect(customers.filter { !clients.contains($0.name ?? "") }.map(\.name) == ["Harbor Dental", "Riverside Animal Hospital"])
        #expect(customers.filter { $0.billable == 0 }.count == 1)
        #expect(customers.contains { $0.name?.contains("\"") == true })
        for product in seed.organizations[0].products {
            #expect(Set(product.quantities.keys).isSubset(of: clients), "\(product.name)")
        }
    }
}
