import Testing

@testable import Sandbox

@Suite("Section 5: V1, V2, S1, S2, S3")
struct VendorTests {
    @Test("V1: every documented field, and only those") func vendorData() {
        var desk = Desk()
        desk.createService()
        let reply = desk.call(.get)
        #expect(reply.message == "Success - Retrieved Vendor")
        let data = reply.json["data"]
        #expect(
            data?.members?.map(\.name) == [
                "_id", "id", "name", "description", "integrationType", "isDistributor", "externalIntegrationStatus",
                "mappingResponsibilities", "modules", "organizationId", "attributes", "skus", "createdAt", "updatedAt", "__v",
            ])
        #expect(data?["_id"] == data?["id"])
        #expect(data?["integrationType"] == "custom")
        #expect(data?["modules"] == [["variation": "billing"], ["variation": "alerts"]])
        #expect(data?["organizationId"] == .string(desk.keys.organizationID))
        #expect(data?["createdAt"] == "2025-06-15T15:06:40.250Z")
        #expect(data?["skus"]?.elements?.first?.members?.map(\.name) == ["_id", "id", "name", "description", "category", "subcategory"])
    }

    @Test("V2: any subset, the rest stays", arguments: ["name", "description", "vendorSupportPageUrl", "integrationPortalUrl"])
    func updateVendor(field: String) {
        var desk = Desk()
        let before = desk.call(.get).json["data"]
        desk.wait(seconds: 5)
        let data = desk.call(.patch, "", #"{"\#(field)":"https://new.example"}"#).json["data"]
        #expect(data?[field] == "https://new.example")
        #expect(data?["createdAt"] == before?["createdAt"])
        #expect(data?["updatedAt"] != before?["updatedAt"])
        for other in ["name", "description"] where other != field { #expect(data?[other] == before?[other]) }
        #expect(desk.call(.get).json["data"] == data)
    }

    @Test("V2: 400 for nothing to change", arguments: ["", "{}", #"{"other":1}"#, #"{"name":null}"#])
    func updateVendorWithNothing(body: String) {
        var desk = Desk()
        #expect(desk.call(.patch, "", body).status == 400)
    }

    @Test("V2: 400 names the wrong field") func updateVendorWrongType() {
        var desk = Desk()
        let reply = desk.call(.patch, "", #"{"name":5,"description":[]}"#)
        #expect(reply.status == 400)
        #expect(reply.message == "name must be a string; description must be a string")
    }

    @Test("S1: stores all fields") func createService() {
        var desk = Desk()
        let reply = desk.call(
            .post, "/service",
            #"""
            {"name":"EDR","description":"d","category":"service delivery","subcategory":"other",
             "supportArticle":"https://a.example","supportContact":"help@a.example","price":5}
            """#)
        let sku = reply.json["skus"]?.elements?.first
        #expect(reply.status == 201)
        #expect(sku?["category"] == "service delivery")
        #expect(sku?["supportArticle"] == "https://a.example")
        #expect(sku?["supportContact"] == "help@a.example")
        #expect(sku?["price"] == nil)
        #expect(desk.call(.get).json["data"]?["skus"]?.elements?.first == sku)
    }

    @Test("S1: 400 for a missing or null field (U-34)", arguments: ["name", "description", "category", "subcategory"], [true, false])
    func createServiceWithout(field: String, isNull: Bool) {
        var members = ["name": "n", "description": "d", "category": "other", "subcategory": "other"]
        members[field] = nil
        var json = JSONValue.object(members.map { .init(name: $0.key, value: .string($0.value)) })
        if isNull, case .object(let rest) = json { json = .object(rest + [.init(name: field, value: .null)]) }
        var desk = Desk()
        let reply = desk.call(.post, "/service", String(decoding: json.bytes, as: UTF8.self))
        #expect(reply.status == 400)
        #expect(reply.message?.hasPrefix("\(field) must be") == true)
        #expect(desk.model.vendor.services.isEmpty)
    }

    @Test("S1: empty texts are accepted (U-34)") func emptyDescription() {
        var desk = Desk()
        let body = #"{"name":"n","description":"","category":"other","subcategory":"other"}"#
        #expect(desk.call(.post, "/service", body).status == 201)
    }

    @Test(
        "6.1: each category",
        arguments: [
            "security", "backup", "productivity", "infrastructure", "service delivery", "consulting", "other",
        ])
    func category(word: String) {
        var desk = Desk()
        func body(_ word: String) -> String {
            #"{"name":"n","description":"d","category":"\#(word)","subcategory":"hosted email"}"#
        }
        #expect(desk.call(.post, "/service", body(word.uppercased())).status == 400, "U-36: case-sensitive")
        #expect(desk.call(.post, "/service", body(word)).status == 201)
    }

    static let subcategories = """
        endpoint detection and response (EDR)|email security|virtual private network services (VPN)|DNS filtering|\
        dark web monitoring|password management|single sign on (SSO)|\
        priviledged access and identity management (PAM/PIM)|security information and event management (SIEM)|\
        mobile device management (MDM)|application security|mobile application management (MAM)|\
        multi factor authentication (MFA)|cloud backup|local backup|desktop backup|data archiving|\
        physical offsite storage|business continuity|hosted email|video conferencing|voice over IP services (VOIP)|\
        line of business application support|unified communications as a service (UCaaS)|\
        customer relationship management|cloud storage|website hosting|hardware as a service (HaaS)|\
        managed print services|virtual desktop infrastructure (VDI)|virtual server hosting|\
        infrastructure as a service (IaaS)|end user support|server management and support|\
        network management and support|printer management and support|desktop management and support|\
        hosted security operations centre (SOC)|software development|penetration testing|project services|\
        governance and compliance|business intelligence services / analytics|phishing simulation|\
        privacy and security awareness training|other
        """.split(separator: "|").map(String.init)

    @Test("6.2: each of the 46 subcategories") func subcategories() {
        #expect(Self.subcategories.count == 46)
        var desk = Desk()
        for (index, word) in Self.subcategories.enumerated() {
            let body = #"{"name":"s\#(index)","description":"d","category":"other","subcategory":"\#(word)"}"#
            #expect(desk.call(.post, "/service", body).status == 201, "\(word)")
        }
    }

    @Test(
        "U-36: other spellings are refused and the field is named",
        arguments: [
            "privileged access and identity management (PAM/PIM)", "hosted security operations center (SOC)",
            "dns filtering", "Other", " other", "",
        ])
    func wrongSubcategory(word: String) {
        var desk = Desk()
        let body = #"{"name":"n","description":"d","category":"other","subcategory":"\#(word)"}"#
        let reply = desk.call(.post, "/service", body)
        #expect(reply.status == 400)
        #expect(reply.message?.hasPrefix("subcategory must be one of: ") == true)
    }

    @Test("S2: one service, enveloped (U-15)") func getService() {
        var desk = Desk()
        let id = desk.createService()
        let reply = desk.call(.get, "/service/\(id)")
        #expect(reply.json["data"]?["name"] == "Seats")
        #expect(reply.json["data"]?["_id"] == .string(id))
        #expect(desk.call(.get, "/service/64aa00000000000000000000").status == 404)
    }

    @Test(
        "S3: any subset; visible in V1 (U-13)",
        arguments: [
            (#"{"name":"New"}"#, "name", "New"), (#"{"description":""}"#, "description", ""),
            (#"{"category":"backup"}"#, "category", "backup"), (#"{"subcategory":"cloud backup"}"#, "subcategory", "cloud backup"),
            (#"{"supportArticle":"u"}"#, "supportArticle", "u"), (#"{"supportContact":"c"}"#, "supportContact", "c"),
        ])
    func updateService(body: String, field: String, value: String) {
        var desk = Desk()
        let id = desk.createService()
        let reply = desk.call(.patch, "/service/\(id)", body)
        #expect(reply.json["data"]?[field] == .string(value))
        #expect(desk.call(.get).json["data"]?["skus"]?.elements == [reply.json["data"] ?? .null])
    }

    @Test(
        "S3: errors",
        arguments: [
            (#"{"category":"Backup"}"#, 400), (#"{"name":7}"#, 400), ("[]", 400), (#"{"name":"Taken"}"#, 409), ("{}", 200), ("", 200),
        ])
    func updateServiceErrors(body: String, status: Int) {
        var desk = Desk()
        desk.createService("Taken")
        let id = desk.createService()
        #expect(desk.call(.patch, "/service/\(id)", body).status == status)
        #expect(desk.call(.get, "/service/\(id)").json["data"]?["name"] == "Seats")
    }

    @Test("S3: a freed name can be used again") func renameFreesTheName() {
        var desk = Desk()
        let id = desk.createService("Old")
        desk.call(.patch, "/service/\(id)", #"{"name":"New"}"#)
        #expect(desk.call(.post, "/service", #"{"name":"Old","description":"","category":"other","subcategory":"other"}"#).status == 201)
        #expect(desk.call(.post, "/service", #"{"name":"New","description":"","category":"other","subcategory":"other"}"#).status == 409)
    }

    @Test("S3: unknown service") func updateUnknownService() {
        var desk = Desk()
        #expect(desk.call(.patch, "/service/64aa00000000000000000000", "{}").status == 404)
    }
}
