import Foundation
import Testing

@testable import Sandbox

/// The simulator column of section 15, default and switch. Rows shown elsewhere, by key: U-1 to U-4
/// OrganizationTests and LifeCycleTests; U-8 TransportTests; U-10, U-34 AccountTests and VendorTests; U-12 UnitCountTests; U-15, U-35, U-36 VendorTests; U-16
/// OrganizationTests; U-17, U-18 UnitCountTests; U-20 to U-23 AlertTests; U-27 TransportTests; U-28 to U-31
/// LifeCycleTests; U-32 QuirkTests; U-38, U-39 AccountTests; U-41 TransportTests.
@Suite("Section 15: contradictions and unknowns")
struct UnknownsTests {
    @Test("U-5: strict mode refuses a bare object") func strictArray() {
        var desk = Desk { $0.strictAccountArray = true }
        let reply = desk.call(.post, "/organization/accounts", #"{"id":"1","name":"A"}"#)
        #expect(reply.json == ["statusCode": 400, "message": "body must be an array"])
        #expect(desk.createAccount().status == 201)
    }

    @Test("U-6: upsert behind a switch keeps the mapping") func upsert() throws {
        var desk = Desk { $0.upsertAccounts = true }
        _ = try desk.mapOne()
        let reply = desk.call(.post, "/organization/accounts", #"[{"id":"1","name":"Renamed"},{"id":"2","name":"New"}]"#)
        #expect(reply.status == 201)
        #expect(reply.json.elements?.map { $0["isMapped"] } == [true, false])
        #expect(desk.call(.get, "/organization/accounts").json.elements?.map { $0["name"] } == ["Renamed", "New"])
        desk.call(.post, "/organization/services", #"[{"id":"d","name":"D"}]"#)
        #expect(desk.call(.post, "/organization/services", #"[{"id":"d","name":"D"}]"#).status == 409, "D2 documents 409")
    }

    @Test("U-7: _id and id on vendor and services, only id on accounts and organisation services") func ids() {
        var desk = Desk()
        let service = desk.createService()
        let vendor = desk.call(.get).json["data"]
        #expect(vendor?["_id"] == vendor?["id"])
        #expect(vendor?["skus"]?.elements?.first?["_id"] == .string(service))
        #expect(desk.createAccount().json.elements?.first?["_id"] == nil)
        #expect(desk.call(.post, "/organization/services", #"[{"id":"d","name":"D"}]"#).json.elements?.first?["_id"] == nil)
    }

    @Test("U-9: a client id in either spelling, resolved through its mapping", arguments: ["clientOId", "clientOid"])
    func clientID(field: String) throws {
        var desk = Desk()
        let service = try desk.mapOne()
        let client = try #require(try desk.organization.mappedClient(ofAccountID: "1"))
        #expect(desk.call(.post, "/service/\(service)/count", #"{"\#(field)":"\#(client)","unitCount":4}"#).status == 201)
        #expect(try desk.organization.counts.values.map(\.value) == [4])
        let unknown = desk.call(.post, "/service/\(service)/count", #"{"\#(field)":"nobody","unitCount":4}"#)
        #expect(unknown.json == ["statusCode": 404, "message": "No client map found with id: nobody (simulated text)"])
    }

    @Test("U-9: 400 without either id; accountId wins over a client id") func neitherID() throws {
        var desk = Desk()
        let service = try desk.mapOne()
        #expect(desk.call(.post, "/service/\(service)/count", #"{"unitCount":1}"#).message == "accountId or clientOId must be a string")
        #expect(
            desk.call(.post, "/service/\(service)/count", #"{"accountId":"9","clientOid":"x","unitCount":1}"#).message
                == "No account map found with id: 9")
    }

    @Test("U-11: an organisation-level service by the vendor's id or the internal one") func organizationService() throws {
        var desk = Desk()
        _ = try desk.mapOne()
        desk.call(.post, "/organization/services", #"[{"id":"sku/1","name":"Dynamic"}]"#)
        #expect(desk.count(service: "sku%2F1").status == 404, "not mapped yet")
        try desk.model.mapEverything(organization: desk.keys.organizationID, at: desk.now)
        let key = try #require(try desk.organization.services.items.first?.key)
        #expect(desk.count("1", service: "sku%2F1").status == 201)
        #expect(desk.count("2", service: key).status == 201)
        #expect(try desk.organization.counts.values.map(\.times) == [2])
    }

    @Test("U-13: an empty answer behind a switch") func emptyAnswer() {
        var desk = Desk { $0.emptyServiceUpdateAnswer = true }
        let id = desk.createService()
        let reply = desk.call(.patch, "/service/\(id)", #"{"description":"changed"}"#)
        #expect(reply.status == 200)
        #expect(reply.text.isEmpty)
        #expect(desk.call(.get, "/service/\(id)").json["data"]?["description"] == "changed")
    }

    @Test("U-14: S1 answers 201 and the bare vendor") func createdService() {
        var desk = Desk()
        let reply = desk.call(.post, "/service", #"{"name":"n","description":"d","category":"other","subcategory":"other"}"#)
        #expect(reply.status == 201)
        #expect(reply.json == desk.call(.get).json["data"])
    }

    @Test("U-19: unknown fields are ignored") func unknownFields() throws {
        var desk = Desk()
        let service = try desk.mapOne()
        let body = #"{"accountId":"1","unitCount":1,"price":9.5,"nested":{"a":[1]}}"#
        #expect(desk.call(.post, "/service/\(service)/count", body).status == 201)
    }

    @Test("U-24: a sliding second per token; a refused request does not count") func rateLimit() {
        var desk = Desk()
        let start = desk.now
        for number in 0..<100 {
            desk.now = start + Double(number) * 0.005
            #expect(desk.call(.get, "/organization").status == 200)
        }
        let refused = desk.call(.get, "/organization")
        #expect(refused.status == 429)
        #expect(refused.json == ["statusCode": 429, "message": "ThrottlerException: Too Many Requests"])
        #expect(refused.answer.headerFields[.retryAfter] == nil)
        desk.now = start + 0.9999
        #expect(desk.call(.get, "/organization").status == 429)
        desk.now = start + 1
        #expect(desk.call(.get, "/organization").status == 200, "the first of the hundred is a second old")
        #expect(desk.call(.get, "/organization").status == 429)
        desk.now = start + 1.005
        #expect(desk.call(.get, "/organization").status == 200)

        let other = desk.model.createOrganization(.init(name: "Other"), at: desk.now)
        desk.keys = other
        #expect(desk.call(.get, "/organization").status == 200, "another token has its own second")
    }

    @Test("U-24: never more than the limit in any sliding second, whatever the rhythm", arguments: [1, 2, 3] as [UInt64])
    func rateLimitHoldsAlways(seed: UInt64) {
        var random = SeededRandom(state: seed)
        var desk = Desk { $0.rateLimit = 20 }
        var accepted: [Date] = []
        for _ in 0..<3000 {
            desk.wait(seconds: Double.random(in: 0...0.08, using: &random))
            if desk.call(.get, "/organization").status == 200 { accepted.append(desk.now) }
        }
        for (first, last) in zip(accepted, accepted.dropFirst(20)) {
            #expect(last.microseconds - first.microseconds >= 1_000_000, "seed \(seed)")
        }
        #expect(accepted.count > 1500, "seed \(seed)")
    }

    @Test("U-24: Retry-After behind a switch") func retryAfter() {
        var desk = Desk {
            $0.rateLimit = 1
            $0.retryAfter = true
        }
        desk.call(.get, "/organization")
        #expect(desk.call(.get, "/organization").answer.headerFields[.retryAfter] == "1")
    }

    @Test("U-24: no limit; an unknown token is 401 and takes nobody's share") func noLimit() {
        var desk = Desk { $0.rateLimit = 2 }
        for _ in 1...5 { #expect(desk.send(.get, "/api/vendor-api", headers: ["GRADIENT-TOKEN": "x"]).status == 401) }
        #expect(desk.call(.get, "/organization").status == 200)
        desk.model.settings.rateLimit = nil
        for _ in 1...200 { #expect(desk.call(.get, "/organization").status == 200) }
        #expect(desk.model.requests.maxPerSecond == 206)
    }

    @Test("U-25: 403 by fault injection") func forbidden() {
        var desk = Desk()
        desk.model.setFaults([Fault(path: "/api/vendor-api", effect: .status(403, message: nil, retryAfter: nil))])
        #expect(desk.call(.get).status == 403)
        #expect(desk.call(.get).status == 200)
    }

    @Test("U-26: the vendor key alone is 401; behind the switch vendor-level calls work", arguments: ContractCall.all)
    func vendorKeyAlone(call: ContractCall) throws {
        var (desk, service) = try ContractCall.desk()
        let vendorLevel = ["V1", "V2", "S1", "S2", "S3"].contains(call.key)
        desk.keys = OrganizationKeys(organizationID: desk.keys.organizationID, partnerKey: "", vendorKey: desk.keys.vendorKey)
        #expect(call.perform(&desk, service).status == 401)
        desk.model.settings.allowVendorKeyAlone = true
        let reply = call.perform(&desk, service)
        #expect((reply.status < 300) == vendorLevel)
        if !vendorLevel { #expect(reply.status == 401) }
        if call.key == "V1" { #expect(reply.json["data"]?["organizationId"] == nil) }
    }

    @Test("U-33: a numeric id is stored as its text; strict: 400", arguments: ["7", "12345678901234567890", "1.50", "-3"])
    func numericID(literal: String) throws {
        var desk = Desk()
        let service = desk.createService()
        let body = #"[{"id":\#(literal),"name":"N"}]"#
        #expect(desk.call(.post, "/organization/accounts", body).json.elements?.first?["id"] == .string(literal))
        try desk.model.mapEverything(organization: desk.keys.organizationID, at: desk.now)
        #expect(desk.call(.post, "/service/\(service)/count", #"{"accountId":\#(literal),"unitCount":1}"#).status == 201)
        desk.model.settings.strictIds = true
        #expect(desk.call(.post, "/organization/accounts", body).json == ["statusCode": 400, "message": "accounts[0].id must be a string"])
        #expect(desk.call(.post, "/service/\(service)/count", #"{"accountId":\#(literal),"unitCount":1}"#).status == 400)
    }

    @Test("U-37: 409 for a duplicate name; behind the switch a second one; other casing is another name") func duplicateService() {
        var desk = Desk()
        let body = #"{"name":"Seats","description":"d","category":"other","subcategory":"other"}"#
        #expect(desk.call(.post, "/service", body).status == 201)
        #expect(desk.call(.post, "/service", body).status == 409)
        #expect(desk.call(.post, "/service", body.replacingOccurrences(of: "Seats", with: "seats")).status == 201)
        desk.model.settings.allowDuplicateServices = true
        #expect(desk.call(.post, "/service", body).json["skus"]?.elements?.map { $0["name"] } == ["Seats", "seats", "Seats"])
    }

    @Test("U-40: 403 without the module behind a switch; default allow", arguments: [ModuleVariation.billing, .alerts])
    func modules(only: ModuleVariation) throws {
        var desk = Desk(seed: SandboxSeed(vendor: .init(name: "V", description: "", modules: [only])))
        let service = try desk.mapOne()
        #expect(desk.count(service: service).status == 201)
        #expect(desk.alert().status == 201)
        desk.model.settings.enforceModules = true
        #expect(desk.count(service: service).status == (only == .billing ? 201 : 403))
        #expect(desk.alert().status == (only == .alerts ? 201 : 403))
        #expect(desk.call(.get).json["data"]?["modules"] == [["variation": .string(only.rawValue)]])
    }

    @Test("U-42: no limits by default, configurable") func limits() {
        var desk = Desk()
        let long = String(repeating: "x", count: 100_000)
        #expect(desk.createAccount("long", long).status == 201)
        desk.model.settings.maximumTextLength = 10
        desk.model.settings.maximumBulkSize = 2
        #expect(desk.createAccount("1", "0123456789").status == 201)
        #expect(desk.createAccount("2", "0123456789x").message == "accounts[0].name must be at most 10 characters long")
        let three = (3...5).map { #"{"id":"\#($0)","name":"n"}"# }.joined(separator: ",")
        #expect(desk.call(.post, "/organization/accounts", "[\(three)]").message == "body must hold at most 2 elements")
    }

    @Test("section 2: the messages of a 400 as an array behind a switch") func messagesAsArray() {
        var desk = Desk { $0.validationMessagesAsArray = true }
        let reply = desk.call(.post, "/organization/accounts", "[{}]")
        #expect(reply.json == ["statusCode": 400, "message": ["accounts[0].id must be a string", "accounts[0].name must be a string"]])
        #expect(desk.count(service: "x").json["message"]?.string != nil, "only for a 400")
    }

    @Test("the meter's maximum is over any sliding second") func meter() {
        var desk = Desk { $0.rateLimit = nil }
        let start = desk.now
        for (offset, calls) in [(0.0, 3), (0.6, 4), (1.1, 5), (9, 2)] {
            desk.now = start + offset
            for _ in 1...calls { desk.call(.get, "/organization") }
        }
        #expect(desk.model.requests.maxPerSecond == 9)
        #expect(desk.model.requests.total == 14)
    }
}

/// SplitMix64, so that a failing run can be repeated by its seed.
struct SeededRandom: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return word ^ (word >> 31)
    }
}
