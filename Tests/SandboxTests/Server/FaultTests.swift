import Foundation
import HTTPTypes
import Testing

@testable import Sandbox

@Suite("Faults")
struct FaultTests {
    @Test(
        "paths: a beginning, or a pattern with *",
        arguments: [
            ("/api", true), ("/api/vendor-api/service/a/count", true), ("/api/vendor-api/service/a/count/x", false), ("/service", false),
            ("/api/vendor-api/service/*/count", true), ("/api/*", true), ("*", true), ("*/count", true), ("*/cou", false),
            ("/api/*/accounts", false),
            ("/api/*/service/*", true), ("/api/vendor-api/service/a/count*", true), ("*a*a*", true), ("/*/nothing/*", false),
        ])
    func matching(pattern: String, expected: Bool) {
        let fault = Fault(path: pattern, effect: .drop)
        #expect(fault.matches(method: .post, path: "/api/vendor-api/service/a/count") == expected)
    }

    @Test("method, times and order") func counting() {
        var desk = Desk()
        desk.model.setFaults([
            Fault(method: "GET", path: "/api/vendor-api/organization", times: 2, effect: .status(503, message: nil, retryAfter: "3")),
            Fault(path: "/api/vendor-api/organization", times: -1, effect: .status(500, message: "broken", retryAfter: nil)),
        ])
        #expect(desk.call(.patch, "/organization/status/pending").json == ["statusCode": 500, "message": "broken"])
        let first = desk.call(.get, "/organization")
        #expect(first.json == ["statusCode": 503, "message": "Injected fault"])
        #expect(first.answer.headerFields[.retryAfter] == "3")
        #expect(desk.call(.get, "/organization").status == 503)
        #expect(desk.call(.get, "/organization").status == 500)
        #expect(desk.model.faults.map(\.times) == [-1])
        #expect(desk.call(.get).status == 200)
        #expect(desk.model.requests.byStatus == [500: 2, 503: 2, 200: 1])
    }

    @Test("a share of the calls is struck by chance, the rest goes to the next fault or through") func share() {
        var desk = Desk()
        desk.model.setFaults([
            Fault(path: "/api", times: -1, share: 0.25, effect: .status(500, message: nil, retryAfter: nil)),
            Fault(path: "/api", times: -1, share: 0.5, effect: .status(503, message: nil, retryAfter: nil)),
        ])
        for _ in 0..<2_000 { _ = desk.call(.get) }
        let met = desk.model.requests.byStatus
        // Expected 500, 750 and 750; five standard deviations are about 100.
        #expect((400...600).contains(met[500] ?? 0))
        #expect((640...860).contains(met[503] ?? 0))
        #expect((met[500] ?? 0) + (met[503] ?? 0) + (met[200] ?? 0) + (met[429] ?? 0) == 2_000)
    }

    @Test(
        "what is carried out and what is not",
        arguments: [
            (Fault.Effect.status(500, message: nil, retryAfter: nil), false), (.drop, false), (.acceptAndDrop, true), (.malformed, true),
            (.half, true), (.none, true),
        ])
    func carriedOut(effect: Fault.Effect, expected: Bool) {
        var desk = Desk()
        desk.model.setFaults([Fault(path: "/", effect: effect, delayMilliseconds: 250)])
        let reply = desk.createAccount()
        #expect(reply.answer.delay == .milliseconds(250))
        #expect(desk.call(.get, "/organization/accounts").json.elements?.isEmpty == !expected)
        #expect(desk.model.faults.isEmpty)
    }

    @Test("over a socket: no answer, half an answer, no JSON") func overASocket() async throws {
        try await RunningSandbox.with { sandbox in
            let (id, token, _) = try await sandbox.partner()
            func faults(_ json: String) async throws { try await sandbox.control("PUT", "/faults", json) }
            let path = "/organization/status/pending"

            try await faults(#"[{"method":"PATCH","path":"/api/vendor-api/organization","drop":true}]"#)
            #expect(try await sandbox.vendor("PATCH", path, token: token).bytes.isEmpty)
            #expect(try await sandbox.control("GET", "/organizations/\(id)")["status"] == "inactive")

            try await faults(#"[{"path":"/api/vendor-api/organization/status/*","acceptAndDrop":true}]"#)
            #expect(try await sandbox.vendor("PATCH", path, token: token).bytes.isEmpty)
            #expect(try await sandbox.control("GET", "/organizations/\(id)")["status"] == "pending")

            try await faults(#"[{"path":"/api","half":true}]"#)
            let half = try await sandbox.vendor("GET", "/organization", token: token)
            let announced = try #require(half.header("Content-Length").flatMap { Int($0) })
            #expect(half.status == 200)
            #expect(half.body.utf8.count == announced / 2)

            try await faults(#"[{"path":"/api","malformed":true,"delayMs":30}]"#)
            let malformed = try await sandbox.vendor("GET", "/organization", token: token)
            #expect(malformed.status == 200)
            #expect(throws: JSONParser.Failure.self) { try JSONParser.parse(Array(malformed.body.utf8)) }
            #expect(sandbox.time.delays.withLock(\.last) == .milliseconds(30))

            #expect(try await sandbox.vendor("GET", "/organization", token: token).status == 200, "the fault is used up")
            let requests = try await sandbox.control("GET", "/state")["requests"]
            #expect(requests?["byStatus"]?["dropped"] == 2)
        }
    }

    @Test("a wait cut short: carried out, not answered") func waitCutShort() async throws {
        try await RunningSandbox.with { sandbox in
            let (id, token, _) = try await sandbox.partner()
            try await sandbox.control("PUT", "/faults", #"[{"path":"/api","delayMs":5000}]"#)
            sandbox.time.waitsAreCancelled.withLock { $0 = true }
            #expect(try await sandbox.vendor("PATCH", "/organization/status/pending", token: token).bytes.isEmpty)
            #expect(try await sandbox.control("GET", "/organizations/\(id)")["status"] == "pending")
        }
    }

    @Test("vendor APIs too; control API and pages never") func whereFaultsStrike() async throws {
        try await RunningSandbox.with(seed: .demo) { sandbox in
            try await sandbox.control("PUT", "/faults", #"[{"path":"/","times":-1,"status":500}]"#)
            let customers = try await sandbox.client.send(
                "GET", "/saas-alerts/reportApi/api/v1/customers", headers: ["api_key": sandbox.server.saasAlertsAPIKey])
            #expect(customers.status == 500)
            #expect(try await sandbox.client.send("GET", "/").status == 200)
            let state = try await sandbox.control("GET", "/state")
            #expect(state["faults"] == [["path": "/", "times": -1, "status": 500]])
            #expect(state["vendorRequests"]?["saas-alerts"]?["byStatus"] == ["500": 1])
            #expect(try await sandbox.control("PUT", "/faults", "[]") == [])
        }
    }

    @Test(
        "read back as written",
        arguments: [
            #"{"method":"GET","path":"/a","times":3,"status":429,"message":"m","retryAfter":"5"}"#,
            #"{"path":"/a","times":1,"delayMs":10}"#,
            #"{"path":"/a","times":1,"drop":true}"#, #"{"path":"/a","times":1,"acceptAndDrop":true}"#,
            #"{"path":"/a","times":1,"malformed":true}"#,
            #"{"path":"*x*","times":-1,"delayMs":5,"half":true}"#,
        ])
    func roundTrip(text: String) throws {
        let json = try JSONParser.parse(Array(text.utf8))
        #expect(String(decoding: try Fault(json).json.bytes, as: UTF8.self) == text)
    }
}
