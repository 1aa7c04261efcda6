import Foundation
import Testing

@testable import Sandbox

@Suite("Control API, over a socket")
struct ControlTests {
    @Test("the QA checklist of section 12, from disconnected to usage, twice") func qaChecklist() async throws {
        try await RunningSandbox.with { sandbox in
            var (id, token, service) = try await sandbox.partner()
            for round in 1...2 {
                #expect(try await sandbox.vendor("GET", "/organization", token: token).body.contains(#""status":"inactive""#))
                #expect(try await sandbox.vendor("PATCH", "/organization/status/pending", token: token).status == 200)
                #expect(
                    try await sandbox.vendor("POST", "/service/\(service)/count", #"{"accountId":"1","unitCount":2}"#, token: token).status
                        == 404)
                try await sandbox.control("POST", "/organizations/\(id)/map", #"{"auto":true}"#)
                #expect(
                    try await sandbox.vendor("POST", "/service/\(service)/count", #"{"accountId":"1","unitCount":\#(round)}"#, token: token)
                        .status == 201)
                let state = try await sandbox.control("GET", "/organizations/\(id)")
                #expect(state["status"] == "active")
                #expect(state["counts"]?.elements?.first?["unitCount"]?.integer == round)
                #expect(state["counts"]?.elements?.first?["serviceName"] == "Seats")

                let after = try await sandbox.control("POST", "/organizations/\(id)/disconnect")
                #expect(after["partnerKey"] == .null)
                #expect(after["accounts"] == [])
                #expect(try await sandbox.vendor("GET", "/organization", token: token).status == 401)
                token = try await sandbox.control("POST", "/organizations/\(id)/connect")["token"]?.string ?? ""
                #expect(try await sandbox.vendor("GET", "/organization/accounts", token: token).body == "[]")
                _ = try await sandbox.vendor("POST", "/organization/accounts", #"[{"id":"1","name":"Acme"}]"#, token: token)
            }
        }
    }

    @Test("state has every documented name") func state() async throws {
        try await RunningSandbox.with { sandbox in
            let (id, token, service) = try await sandbox.partner()
            _ = try await sandbox.vendor("POST", "/organization/services", #"[{"id":"d","name":"Dynamic"}]"#, token: token)
            try await sandbox.control("POST", "/organizations/\(id)/map", #"{"all":true}"#)
            _ = try await sandbox.vendor("POST", "/service/\(service)/count", #"{"accountId":"1","unitCount":2.5}"#, token: token)
            _ = try await sandbox.vendor(
                "POST", "/alerting/1", #"{"title":"t","description":"d","alertId":"x","priority":3,"status":2}"#, token: token)
            sandbox.wait(seconds: 2)
            let state = try await sandbox.control("GET", "/state")
            #expect(state.members?.map(\.name) == ["organizations", "vendor", "settings", "faults", "requests", "vendorRequests"])
            let organization = try #require(state["organizations"]?.elements?.first)
            #expect(
                organization.members?.map(\.name) == [
                    "id", "name", "integrationId", "partnerKey", "revokedKeys", "status", "lastSyncedAt", "mappingFinished", "accounts",
                    "services", "accountMap", "serviceMap", "excludedServices", "counts", "alerts", "tickets", "clients", "products",
                ])
            let client = try #require(organization["clients"]?.elements?.first?["id"])
            let product = try #require(organization["products"]?.elements?.first?["id"])
            #expect(
                organization["accounts"] == [["id": "1", "name": "Acme", "description": "", "mappedTo": client, "excluded": false]])
            #expect(organization["accountMap"] == ["1": client])
            #expect(organization["serviceMap"]?[service] == [product])
            #expect(organization["services"]?.elements?.first?["mappedTo"]?.elements?.count == 1)
            #expect(
                organization["counts"] == [
                    [
                        "accountId": "1", "serviceId": .string(service), "serviceName": "Seats", "unitCount": .number("2.5"),
                        "at": "2025-06-15T15:06:40.250Z", "times": 1,
                    ]
                ])
            #expect(organization["lastSyncedAt"] == "2025-06-15T15:06:40.250Z")
            #expect(organization["alerts"]?.elements?.first?["status"] == "success")
            #expect(organization["tickets"]?.elements?.first?["clientName"] == "Acme")
            #expect(state["vendor"]?["vendorKey"] == .string(sandbox.server.vendorAPIKey))
            #expect(state["vendor"]?["services"]?.elements?.count == 1)
            #expect(state["requests"]?["byCall"]?["S4"] == 1)
            #expect(state["requests"]?["byStatus"]?["201"] == 5)
            #expect(state["requests"]?["total"] == 5)
            #expect(state["requests"]?["maxPerSecond"] == 5)
            #expect(try await sandbox.control("DELETE", "/requests")["total"] == 0)
        }
    }

    @Test("journal: every request in its order with its body and answer, while it is switched on") func journal() async throws {
        try await RunningSandbox.with { sandbox in
            let (id, token, service) = try await sandbox.partner()
            #expect(try await sandbox.control("GET", "/journal").elements?.isEmpty == true, "off by default")
            try await sandbox.control("PATCH", "/settings", #"{"journal":true}"#)
            _ = try await sandbox.vendor("GET", "/organization", token: token)
            let count = #"{"accountId":"none","unitCount":1}"#
            _ = try await sandbox.vendor("POST", "/service/\(service)/count", count, token: token)
            _ = try await sandbox.vendor("GET", "", token: "nobody's")
            #expect(
                try await sandbox.control("GET", "/journal") == [
                    ["call": "O1", "parameter": "", "organization": .string(id), "body": "", "status": 200],
                    ["call": "S4", "parameter": .string(service), "organization": .string(id), "body": .string(count), "status": 404],
                    ["call": "V1", "parameter": "", "organization": .null, "body": "", "status": 401],
                ])
            let meters = try await sandbox.control("GET", "/requests")
            #expect(meters["requests"]?["byCall"]?["S4"] == 1)
            #expect(meters["vendorRequests"]?["saas-alerts"]?["total"] == 0)
            try await sandbox.control("DELETE", "/requests")
            #expect(try await sandbox.control("GET", "/journal").elements?.isEmpty == true)
        }
    }

    @Test("regenerate-key: new key, old one 401, accounts and mappings kept") func regenerate() async throws {
        try await RunningSandbox.with { sandbox in
            let (id, token, service) = try await sandbox.partner()
            try await sandbox.control("POST", "/organizations/\(id)/map", #"{"all":true}"#)
            let keys = try await sandbox.control("POST", "/organizations/\(id)/regenerate-key")
            #expect(keys.members?.map(\.name) == ["id", "integrationId", "vendorId", "partnerKey", "vendorKey", "token"])
            #expect(try await sandbox.vendor("GET", "/organization", token: token).status == 401)
            let fresh = try #require(keys["token"]?.string)
            #expect(
                try await sandbox.vendor("POST", "/service/\(service)/count", #"{"accountId":"1","unitCount":1}"#, token: fresh).status
                    == 201)
            let state = try await sandbox.control("GET", "/organizations/\(id)")
            #expect(state["partnerKey"] == keys["partnerKey"])
            #expect(state["revokedKeys"]?.elements?.count == 1)
        }
    }

    @Test("map, unmap and exclude by lists, all or none") func lists() async throws {
        try await RunningSandbox.with { sandbox in
            let (id, token, service) = try await sandbox.partner()
            _ = try await sandbox.vendor("POST", "/organization/accounts", #"[{"id":"2","name":"Globex"}]"#, token: token)
            let path = "/organizations/\(id)"
            var state = try await sandbox.control("POST", "\(path)/map", #"{"accounts":["2"],"services":["\#(service)"]}"#)
            #expect(state["accountMap"]?.members?.map(\.name) == ["2"])
            #expect(state["serviceMap"]?.members?.map(\.name) == [service])
            #expect(state["clients"]?.elements?.compactMap { $0["name"] } == ["Acme", "Globex"], "a client was made")

            let acme = state["clients"]?.elements?.first?["id"]?.string ?? ""
            state = try await sandbox.control("POST", "\(path)/map", #"{"accounts":[{"id":"1","clientId":"\#(acme)"}]}"#)
            #expect(state["accountMap"]?["1"] == .string(acme))
            try await sandbox.control("POST", "\(path)/map", #"{"accounts":[{"id":"2","clientId":"\#(acme)"}]}"#, expecting: 409)
            try await sandbox.control("POST", "\(path)/map", #"{"accounts":["1","nope"]}"#, expecting: 404)

            state = try await sandbox.control("POST", "\(path)/exclude", #"{"accounts":["1"],"services":["\#(service)"]}"#)
            #expect(state["accounts"]?.elements?.compactMap { $0["excluded"] } == [true, false])
            #expect(state["excludedServices"] == [.string(service)])
            state = try await sandbox.control("POST", "\(path)/map", #"{"auto":true}"#)
            #expect(state["accountMap"]?.members?.map(\.name) == ["2"], "excluded stays excluded")
            state = try await sandbox.control("POST", "\(path)/unmap", #"{"all":true}"#)
            #expect(state["accountMap"] == [:])
            #expect(state["serviceMap"] == [:])
            state = try await sandbox.control("POST", "\(path)/map", #"{"all":true}"#)
            #expect(state["accountMap"]?.members?.map(\.name) == ["1", "2"])
        }
    }

    @Test(
        "mistakes are told",
        arguments: [
            ("PUT", "/faults", "{}", 400), ("PUT", "/faults", "[", 400), ("PUT", "/faults", #"[{"path":"/"}]"#, 400),
            ("PUT", "/faults", #"[{"status":500}]"#, 400), ("PUT", "/faults", #"[{"path":"/x","status":99}]"#, 400),
            ("PUT", "/faults", #"[{"path":"/x","drop":true,"half":true}]"#, 400), ("PUT", "/faults", #"[{"path":"/x","dorp":true}]"#, 400),
            ("PUT", "/faults", #"[{"path":"/x","drop":true,"times":-2}]"#, 400),
            ("PATCH", "/settings", #"{"rateLimit":0}"#, 400), ("PATCH", "/settings", #"{"rateLimits":5}"#, 400),
            ("PATCH", "/settings", #"{"latencyMs":"5"}"#, 400), ("PATCH", "/settings", #"{"strictIds":1}"#, 400),
            ("PATCH", "/settings", "[]", 400), ("POST", "/organizations", "{}", 400),
            ("POST", "/organizations/nope/map", #"{"all":true}"#, 404),
            ("POST", "/organizations/nope/disconnect", "", 404), ("POST", "/organizations/nope/regenerate-key", "", 404),
            ("GET", "/nothing", "", 404), ("DELETE", "/state", "", 405), ("PUT", "/saas-alerts", "[]", 400),
        ])
    func mistakes(method: String, path: String, body: String, status: Int) async throws {
        try await RunningSandbox.with { sandbox in
            let answer = try await sandbox.control(method, path, body.isEmpty ? nil : body, expecting: status)
            #expect(answer["statusCode"]?.integer == status)
            #expect(answer["message"]?.string?.isEmpty == false)
        }
    }

    @Test("map needs to be told what") func mapNothing() async throws {
        try await RunningSandbox.with { sandbox in
            let (id, _, _) = try await sandbox.partner()
            let answer = try await sandbox.control("POST", "/organizations/\(id)/map", "{}", expecting: 400)
            #expect(answer["message"] == #"Send {"auto":true}, {"all":true} or {"accounts":[..],"services":[..]}."#)
        }
    }

    @Test("settings: all or none, read back") func settings() async throws {
        try await RunningSandbox.with { sandbox in
            let changed = try await sandbox.control("PATCH", "/settings", #"{"rateLimit":null,"latencyMs":40,"strictIds":true}"#)
            #expect(changed["rateLimit"] == .null)
            #expect(changed["latencyMs"] == 40)
            try await sandbox.control("PATCH", "/settings", #"{"latencyMs":50,"nope":1}"#, expecting: 400)
            #expect(try await sandbox.control("GET", "/state")["settings"]?["latencyMs"] == 40)
            let (_, token, _) = try await sandbox.partner()
            _ = try await sandbox.vendor("GET", "/organization", token: token)
            #expect(sandbox.time.delays.withLock(\.last) == .milliseconds(40))
            try await sandbox.control("PATCH", "/settings", #"{"latencySpreadMs":300}"#)
            for _ in 0..<20 { _ = try await sandbox.vendor("GET", "/organization", token: token) }
            let delays = sandbox.time.delays.withLock { $0.suffix(20) }
            #expect(delays.allSatisfy { (.milliseconds(40) ..< .milliseconds(340)).contains($0) })
            #expect(Set(delays).count > 10)
        }
    }

    @Test("every switch of section 15 is a setting") func everySwitch() async throws {
        try await RunningSandbox.with { sandbox in
            for setting in SandboxSettings.switches {
                let changed = try await sandbox.control("PATCH", "/settings", #"{"\#(setting.name)":true}"#)
                #expect(changed[setting.name] == true)
            }
            for setting in SandboxSettings.numbers + [] {
                #expect(try await sandbox.control("PATCH", "/settings", #"{"\#(setting.name)":7}"#)[setting.name] == 7)
            }
            for setting in SandboxSettings.limits {
                #expect(try await sandbox.control("PATCH", "/settings", #"{"\#(setting.name)":9}"#)[setting.name] == 9)
            }
        }
    }

    @Test("a taken port is told in one line") func portTaken() async throws {
        try await RunningSandbox.with { sandbox in
            let second = SandboxServer(
                configuration: SandboxConfiguration(port: sandbox.client.address.port), logger: .init(label: "second"))
            await #expect(throws: (any Error).self) { try await second.start() }
        }
    }
}
