import Foundation
import Testing

@testable import Sandbox

/// Every call with a request that succeeds, for rules that hold for all of them.
struct ContractCall: Sendable, CustomTestStringConvertible {
    var key: String
    var perform: @Sendable (inout Desk, _ serviceID: String) -> Desk.Reply
    var testDescription: String { key }

    static let all: [ContractCall] = [
        ContractCall(key: "V1") { desk, _ in desk.call(.get) },
        ContractCall(key: "V2") { desk, _ in desk.call(.patch, "", #"{"name":"Acme Cloud"}"#) },
        ContractCall(key: "S1") { desk, _ in
            desk.call(.post, "/service", #"{"name":"New","description":"","category":"backup","subcategory":"cloud backup"}"#)
        },
        ContractCall(key: "S2") { desk, service in desk.call(.get, "/service/\(service)") },
        ContractCall(key: "S3") { desk, service in desk.call(.patch, "/service/\(service)", #"{"description":"new"}"#) },
        ContractCall(key: "S4") { desk, service in desk.count(service: service) },
        ContractCall(key: "O1") { desk, _ in desk.call(.get, "/organization") },
        ContractCall(key: "O2") { desk, _ in desk.call(.patch, "/organization/status/pending") },
        ContractCall(key: "O3") { desk, _ in desk.call(.get, "/organization/clients") },
        ContractCall(key: "A1") { desk, _ in desk.call(.get, "/organization/accounts") },
        ContractCall(key: "A2") { desk, _ in desk.createAccount("2", "Globex") },
        ContractCall(key: "A3") { desk, _ in desk.call(.patch, "/organization/accounts/1", #"{"name":"New name"}"#) },
        ContractCall(key: "D1") { desk, _ in desk.call(.get, "/organization/services") },
        ContractCall(key: "D2") { desk, _ in desk.call(.post, "/organization/services", #"[{"id":"d2","name":"D"}]"#) },
        ContractCall(key: "D3") { desk, _ in desk.call(.patch, "/organization/services/d1", #"{"name":"E"}"#) },
        ContractCall(key: "L1") { desk, _ in desk.alert() },
        ContractCall(key: "L2") { desk, _ in
            let message = desk.model.organizations.first?.alerts.alerts.first?.messageID
            return desk.call(.get, "/alerting/debug/\(message ?? "none")")
        },
    ]

    /// A desk on which every one of the calls succeeds.
    static func desk() throws -> (Desk, serviceID: String) {
        var desk = Desk()
        desk.call(.post, "/organization/services", #"[{"id":"d1","name":"Dynamic"}]"#)
        let service = try desk.mapOne()
        desk.alert("for-L2")
        return (desk, service)
    }
}

@Suite("Sections 2, 3.1, 4: transport, envelopes, calls")
struct TransportTests {
    /// Status and top-level names of each success, from contract sections 3.1 and 5 (201 by U-41).
    static let successes: [String: (status: Int, names: [String]?)] = [
        "V1": (200, ["status", "data", "message"]), "V2": (200, ["status", "data", "message"]),
        "S1": (201, nil), "S2": (200, ["status", "data", "message"]), "S3": (200, ["status", "data", "message"]),
        "S4": (201, ["status", "message"]),
        "O1": (200, ["organizationId", "name", "vendorId", "vendorName", "integrationId", "status", "lastSyncedAt"]),
        "O2": (200, ["status", "data", "message"]), "O3": (200, ["meta", "clients"]), "A1": (200, []), "A2": (201, []),
        "A3": (200, ["id", "name", "description", "isMapped"]), "D1": (200, []), "D2": (201, []),
        "D3": (200, ["id", "name", "description", "isMapped"]), "L1": (201, ["messageId", "alertId", "correlationID"]),
        "L2": (200, ["createdAt", "message", "messageId", "status"]),
    ]

    @Test("all 17 calls are here") func everyCallIsCovered() {
        #expect(Set(ContractCall.all.map(\.key)) == Set(VendorCall.allCases.map(\.rawValue)))
        #expect(VendorCall.allCases.count == 17)
    }

    @Test("status, envelope and media type", arguments: ContractCall.all)
    func succeeds(call: ContractCall) throws {
        var (desk, service) = try ContractCall.desk()
        let reply = call.perform(&desk, service)
        let expected = try #require(Self.successes[call.key])
        #expect(reply.status == expected.status)
        #expect(reply.answer.headerFields[.contentType] == "application/json; charset=utf-8")
        switch (call.key, expected.names) {
        case ("S1", _):
            #expect(reply.json["data"] == nil)
            #expect(reply.json["skus"]?.elements?.last?["name"] == "New")
        case (_, []): #expect(reply.json.elements != nil, "a bare array")
        case (_, let names): #expect(reply.json.members?.map(\.name) == names)
        }
        if reply.json["data"] != nil { #expect(reply.json["status"] == 200) }
        #expect(desk.model.requests.byCall[call.key] ?? 0 >= 1)
    }

    @Test("401 for every call once the key was regenerated", arguments: ContractCall.all)
    func refusesAnOldToken(call: ContractCall) throws {
        var (desk, service) = try ContractCall.desk()
        try desk.model.generatePartnerKey(organization: desk.keys.organizationID, at: desk.now)
        let reply = call.perform(&desk, service)
        #expect(reply.status == 401)
        #expect(reply.json == ["statusCode": 401, "message": "Unauthorized"])
    }

    @Test("429 over the limit for every call", arguments: ContractCall.all)
    func refusesTooManyRequests(call: ContractCall) throws {
        var (desk, service) = try ContractCall.desk()
        desk.model.settings.rateLimit = 1
        desk.wait(seconds: 1)
        desk.call(.get, "/organization")
        let reply = call.perform(&desk, service)
        #expect(reply.status == 429)
        #expect(reply.json["statusCode"] == 429)
        #expect(reply.json["message"]?.string != nil)
    }

    @Test("the token of the published example") func publishedToken() {
        #expect(TokenTable.text(vendorKey: "vendorkey", partnerKey: "partnerkey") == "dmVuZG9ya2V5OnBhcnRuZXJrZXk=")
    }

    @Test("header names without case (section 14)", arguments: ["GRADIENT-TOKEN", "Gradient-Token", "gradient-token"])
    func headerSpelling(name: String) {
        var desk = Desk()
        #expect(desk.send(.get, "/api/vendor-api/organization", headers: [name: desk.keys.token]).status == 200)
    }

    static let badTokens: [@Sendable (OrganizationKeys) -> String?] = [
        { _ in nil }, { _ in "" }, { _ in "not base64 !" }, { "Basic \($0.token)" }, { "Bearer \($0.token)" },
        { "\($0.vendorKey):\($0.partnerKey)" },
        { Data("\($0.partnerKey):\($0.vendorKey)".utf8).base64EncodedString() },
        { Data("\($0.vendorKey):wrong".utf8).base64EncodedString() },
        { Data("wrong:\($0.partnerKey)".utf8).base64EncodedString() },
        { Data($0.vendorKey.utf8).base64EncodedString() },
        { Data("\($0.vendorKey): \($0.partnerKey)".utf8).base64EncodedString() },
        { $0.token + "=" }, { $0.token.prefix(20) + " " + $0.token.dropFirst(20) }, { $0.token.lowercased() },
    ]

    @Test("U-27: 401 for a missing, malformed or wrong token", arguments: badTokens.indices)
    func badToken(index: Int) {
        var desk = Desk()
        let token = Self.badTokens[index](desk.keys)
        let reply = desk.send(.get, "/api/vendor-api", headers: token.map { ["GRADIENT-TOKEN": $0] } ?? [:])
        #expect(reply.status == 401)
        #expect(reply.json.members?.map(\.name) == ["statusCode", "message"])
    }

    @Test(
        "no such call",
        arguments: [
            ("DELETE", "/organization/accounts/1"), ("PUT", "/organization"), ("GET", "/nothing"), ("POST", ""),
            ("GET", "/service"), ("GET", "/alerting/debug"), ("PATCH", "/organization/accounts/"), ("GET", "/service/a/count"),
            ("GET", "/organization/clients/1"), ("POST", "/organization/status/pending"),
        ])
    func unknownCall(method: String, path: String) {
        var desk = Desk()
        let reply = desk.call(.init(method)!, path)
        #expect(reply.status == 404)
        #expect(reply.json["statusCode"] == 404)
        #expect(desk.model.requests.byCall == ["other": 1])
    }

    @Test("a path outside the API is no call") func outside() {
        var desk = Desk()
        #expect(desk.send(.get, "/api/vendor-apis/organization").status == 404)
        #expect(desk.send(.get, "/").status == 404)
    }

    @Test("broken escapes in the path are 400", arguments: ["%", "%2", "%zz", "%ff"]) func brokenEscape(id: String) {
        var desk = Desk()
        #expect(desk.call(.get, "/service/\(id)").status == 400)
    }

    @Test("ids look like Gradient's") func ids() throws {
        let hex24 = /[0-9a-f]{24}/
        let uuid = /[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/
        var desk = Desk()
        let service = try desk.mapOne()
        #expect(service.wholeMatch(of: hex24) != nil)
        #expect(desk.keys.organizationID.wholeMatch(of: hex24) != nil)
        #expect(desk.keys.partnerKey.wholeMatch(of: uuid) != nil)
        #expect(desk.keys.vendorKey.wholeMatch(of: uuid) != nil)
        let alert = desk.alert().json
        #expect(alert["messageId"]?.string?.wholeMatch(of: uuid) != nil)
        #expect(alert["correlationID"]?.string?.wholeMatch(of: hex24) != nil)
    }

    @Test("the same seed gives the same history") func deterministic() throws {
        func history() throws -> [UInt8] {
            var desk = Desk()
            let service = try desk.mapOne()
            desk.count(service: service)
            desk.alert()
            desk.wait(seconds: 10)
            return desk.model.state(at: desk.now)
        }
        #expect(try history() == history())
    }
}
