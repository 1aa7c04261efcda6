import Foundation
import HTTPTypes
import Testing

@testable import Synthesize

/// One call as the contract spells it (synthesize-api section 5).
struct WireCase: Sendable, CustomTestStringConvertible {
    var key: String
    var method: HTTPRequest.Method
    /// What follows `/api/vendor-api`.
    var path: String
    var body: String?
    var answer: String
    /// Makes the call; false when its answer was not read as meant.
    var perform: @Sendable (SynthesizeClient) async throws -> Bool

    var testDescription: String { "\(key) \(method.rawValue) \(path)" }
}

private let vendor = #"{"id":"v","name":"Acme","skus":[{"id":"s1","name":"Seats","description":"d"}]}"#
private let organization = #"{"organizationId":"o","name":"MSP","status":"pending"}"#
private let accounts = #"[{"id":"1","name":"A","description":""}]"#

private let cases: [WireCase] = [
    WireCase(key: "V1", method: .get, path: "", answer: #"{"status":200,"data":\#(vendor),"message":"ok"}"#) {
        try await $0.vendor().services.map(\.id) == ["s1"]
    },
    WireCase(
        key: "V2", method: .patch, path: "",
        body: #"{"name":"N","description":"D","vendorSupportPageUrl":"https://s","integrationPortalUrl":"https://p"}"#,
        answer: #"{"status":200,"data":\#(vendor)}"#
    ) {
        let changes = VendorChanges(
            name: "N", description: "D", vendorSupportPageUrl: "https://s", integrationPortalUrl: "https://p")
        return try await $0.updateVendor(changes).name == "Acme"
    },
    WireCase(
        key: "S1", method: .post, path: "/service",
        body:
            #"{"name":"Seats","description":"Seats","category":"security","subcategory":"DNS filtering","supportArticle":"https://a","supportContact":"a@b"}"#,
        answer: vendor
    ) {
        // The empty description becomes the name (U-34).
        let draft = ServiceDraft(
            name: "Seats", description: "", category: .security, subcategory: .dnsFiltering, supportArticle: "https://a",
            supportContact: "a@b")
        return try await $0.createService(draft)?.id == "s1"
    },
    WireCase(
        key: "S2", method: .get, path: "/service/s1", answer: #"{"status":200,"data":{"id":"s1","name":"Seats"}}"#
    ) {
        try await $0.service("s1").name == "Seats"
    },
    WireCase(
        key: "S3", method: .patch, path: "/service/s1", body: #"{"name":"N","category":"service delivery"}"#, answer: ""
    ) {
        try await $0.updateService("s1", ServiceChanges(name: "N", category: .serviceDelivery))
        return true
    },
    WireCase(
        key: "S4", method: .post, path: "/service/s1/count", body: #"{"accountId":"a1","unitCount":7}"#,
        answer: #"{"status":201,"message":"ok"}"#
    ) {
        try await $0.setUnitCount(serviceID: "s1", accountID: "a1", count: 7)
        return true
    },
    WireCase(
        key: "S4 without a rebuild", method: .post, path: "/service/s1/count?no_build=true",
        body: #"{"accountId":"a1","unitCount":0}"#, answer: ""
    ) {
        try await $0.setUnitCount(serviceID: "s1", accountID: "a1", count: 0, rebuildsBilling: false)
        return true
    },
    WireCase(key: "O1", method: .get, path: "/organization", answer: organization) {
        try await $0.organization().status == .pending
    },
    WireCase(
        key: "O2", method: .patch, path: "/organization/status/pending",
        answer: #"{"data":\#(organization),"status":200,"message":"ok"}"#
    ) {
        try await $0.updateStatus(.pending)?.organizationID == "o"
    },
    WireCase(key: "O3", method: .get, path: "/organization/clients", answer: #"{"meta":{},"clients":[]}"#) {
        try await $0.clients().isEmpty
    },
    WireCase(
        key: "O3 with a search", method: .get, path: "/organization/clients?search=a%20%26%2B%C3%A9",
        answer: #"{"clients":[]}"#
    ) {
        try await $0.clients(search: "a &+é").isEmpty
    },
    WireCase(key: "A1", method: .get, path: "/organization/accounts", answer: accounts) {
        try await $0.accounts().map(\.name) == ["A"]
    },
    WireCase(
        key: "A1 filtered", method: .get,
        path: "/organization/accounts?accountIds[]=a%2F1&accountIds[]=b%20%26&returnUnmapped=false", answer: accounts
    ) {
        try await $0.accounts(ids: ["a/1", "b &"], returnsUnmapped: false).count == 1
    },
    // An array even for one (U-5), ids as text (U-33).
    WireCase(
        key: "A2", method: .post, path: "/organization/accounts",
        body: #"[{"id":"42","name":" A \"b\" 🦜","description":""}]"#, answer: accounts
    ) {
        try await $0.createAccounts([MappingEntryDraft(id: "42", name: " A \"b\" 🦜")]).map(\.id) == ["1"]
    },
    WireCase(
        key: "A3", method: .patch, path: "/organization/accounts/1", body: #"{"name":"New"}"#,
        answer: #"{"id":"1","name":"New"}"#
    ) {
        try await $0.updateAccount("1", MappingEntryChanges(name: "New"))?.name == "New"
    },
    WireCase(key: "D1", method: .get, path: "/organization/services", answer: accounts) {
        try await $0.organizationServices().count == 1
    },
    WireCase(
        key: "D1 filtered", method: .get, path: "/organization/services?serviceIds[]=x&returnUnmapped=false",
        answer: "[]"
    ) {
        try await $0.organizationServices(ids: ["x"], returnsUnmapped: false).isEmpty
    },
    WireCase(
        key: "D2", method: .post, path: "/organization/services",
        body: #"[{"id":"x","name":"X","description":"dx"},{"id":"y","name":"Y","description":""}]"#, answer: accounts
    ) {
        try await $0.createOrganizationServices([
            MappingEntryDraft(id: "x", name: "X", description: "dx"), MappingEntryDraft(id: "y", name: "Y"),
        ]).count == 1
    },
    WireCase(
        key: "D3", method: .patch, path: "/organization/services/x",
        body: #"{"id":"z","name":"Z","description":"dz"}"#, answer: ""
    ) {
        // Any 2xx is success; an answer that shows nothing gives nil.
        let changes = MappingEntryChanges(id: "z", name: "Z", description: "dz")
        return try await $0.updateOrganizationService("x", changes) == nil
    },
    WireCase(
        key: "L1", method: .post, path: "/alerting/a1",
        body: #"{"title":"T \"x\"","description":"line\nline","alertId":"al-1","priority":4,"status":6}"#,
        answer: #"{"messageId":"m-1","alertId":"al-1","correlationID":"c"}"#
    ) {
        let alert = AlertDispatch(title: "T \"x\"", description: "line\nline", alertId: "al-1", priority: 4, status: 6)
        return try await $0.dispatchAlert(accountID: "a1", alert).messageId == "m-1"
    },
    WireCase(
        key: "L2", method: .get, path: "/alerting/debug/m-1", answer: #"{"status":"success","ticketId":"T1"}"#
    ) {
        try await $0.alertProgress(messageID: "m-1").ticketID == "T1"
    },
]

@Suite("Each call on the wire")
struct WireTests {
    @Test("Method, path, query, body and header fields are the contract's", arguments: cases)
    func request(_ wire: WireCase) async throws {
        let bench = ClientBench(.ok(wire.answer))
        #expect(try await wire.perform(bench.client))

        let request = try #require(bench.sender.requests.first)
        #expect(bench.sender.requests.count == 1)
        #expect(request.method == wire.method)
        #expect(request.url == "https://synthesize.example/api/vendor-api" + wire.path)
        // The contract's own example (section 2): bare Base64, no scheme word.
        #expect(request.headerFields[.init("GRADIENT-TOKEN")!] == "dmVuZG9ya2V5OnBhcnRuZXJrZXk=")
        #expect(request.headerFields[.authorization] == nil)
        #expect(request.headerFields[.accept] == "application/json")
        #expect(request.headerFields[.contentType] == (wire.body == nil ? nil : "application/json"))
        if let body = wire.body {
            #expect(try json(request.bodyText) == json(body))
        } else {
            #expect(request.body == nil)
        }
    }

    @Test("All 17 calls are covered")
    func everyCall() {
        let keys = Set(cases.map { String($0.key.prefix(2)) })
        #expect(
            keys == ["V1", "V2", "S1", "S2", "S3", "S4", "O1", "O2", "O3", "A1", "A2", "A3", "D1", "D2", "D3", "L1", "L2"])
    }

    @Test(
        "An id is one path segment, whatever is in it (U-32)",
        arguments: [
            ("a/b", "a%2Fb"), ("a b", "a%20b"), ("a+b", "a%2Bb"), ("🦜", "%F0%9F%A6%9C"), ("é?#%", "%C3%A9%3F%23%25"),
            ("contoso.onmicrosoft.com", "contoso.onmicrosoft.com"), ("1e-7~_", "1e-7~_"),
        ])
    func segments(_ id: String, _ encoded: String) async throws {
        let bench = ClientBench(.ok("{}"))
        try await bench.client.setUnitCount(serviceID: id, accountID: "a", count: 1)
        try await bench.client.updateAccount(id, MappingEntryChanges(name: "n"))
        _ = try await bench.client.alertProgress(messageID: id)
        #expect(
            bench.sender.requests.map(\.url) == [
                "https://synthesize.example/api/vendor-api/service/\(encoded)/count",
                "https://synthesize.example/api/vendor-api/organization/accounts/\(encoded)",
                "https://synthesize.example/api/vendor-api/alerting/debug/\(encoded)",
            ])
    }

    @Test(
        "Counts arrive to the last decimal",
        arguments: [
            (Decimal(string: "0.1")! + Decimal(string: "0.2")!, "0.3"),
            (Decimal(string: "12345678901234.5678")!, "12345678901234.5678"),
            (Decimal(string: "99999999999999999999999999.999999999999")!, "99999999999999999999999999.999999999999"),
            (Decimal(string: "1.10")!, "1.1"), (Decimal(3) / Decimal(2), "1.5"), (0, "0"), (1_000_000, "1000000"),
            (Decimal(sign: .plus, exponent: 3, significand: 5), "5000"),
            (Decimal(sign: .plus, exponent: -7, significand: 1), "0.0000001"),
        ])
    func decimals(_ count: Decimal, _ written: String) async throws {
        let bench = ClientBench(.ok(""))
        try await bench.client.setUnitCount(serviceID: "s", accountID: "a", count: count)
        let body = try #require(bench.sender.requests.first?.bodyText)
        #expect(body.contains("\"unitCount\":\(written)}") || body.contains("\"unitCount\":\(written),"), "\(body)")
    }

    @Test("The deprecated client id is never sent (U-9)")
    func noClientID() async throws {
        let bench = ClientBench(.ok(""))
        try await bench.client.setUnitCount(serviceID: "s", accountID: "a", count: 1)
        #expect(bench.sender.requests.first?.bodyText?.lowercased().contains("client") == false)
    }
}
