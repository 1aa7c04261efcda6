import Foundation
import HTTPTypes

@testable import Sandbox

/// A sandbox model with one partner and a clock the test moves.
struct Desk {
    var model: SandboxModel
    var now = Date(timeIntervalSince1970: 1_750_000_000.25)
    var keys: OrganizationKeys

    init(settings: SandboxSettings = SandboxSettings(), seed: SandboxSeed = .empty, clients: [String] = ["Acme", "Globex"]) {
        model = SandboxModel(seed: seed, settings: settings, randomSeed: 7, at: now)
        keys = model.createOrganization(
            SandboxSeed.OrganizationSeed(
                name: "Example MSP", clients: clients,
                products: [SandboxSeed.ProductSeed(name: "Seats", quantities: ["Acme": 4])]),
            at: now)
    }

    init(_ change: (inout SandboxSettings) -> Void) {
        var settings = SandboxSettings()
        change(&settings)
        self.init(settings: settings)
    }

    struct Reply {
        var answer: SandboxAnswer
        var status: Int { answer.status.code }
        var text: String { String(decoding: answer.body, as: UTF8.self) }
        /// Null when the body is no JSON.
        var json: JSONValue { (try? JSONParser.parse(answer.body)) ?? .null }
        var message: String? { json["message"]?.string }
    }

    /// Calls the vendor API; `path` stands below `/api/vendor-api`.
    @discardableResult
    mutating func call(
        _ method: HTTPRequest.Method, _ path: String = "", _ body: String? = nil, type: String? = "application/json"
    ) -> Reply {
        send(method, "/api/vendor-api" + path, body, type: body == nil ? nil : type, headers: ["GRADIENT-TOKEN": keys.token])
    }

    @discardableResult
    mutating func send(
        _ method: HTTPRequest.Method, _ target: String, _ body: String? = nil, type: String? = nil,
        headers: [String: String] = [:]
    ) -> Reply {
        var fields = HTTPFields()
        for (name, value) in headers { fields[HTTPField.Name(name)!] = value }
        fields[.contentType] = type
        let head = HTTPRequest(method: method, scheme: "http", authority: "desk", path: target, headerFields: fields)
        return Reply(answer: model.answer(SandboxRequest(head: head, body: Array((body ?? "").utf8)), at: now))
    }

    mutating func wait(seconds: Double) { now += seconds }

    var organization: Organization { get throws { try model.organization(keys.organizationID) } }

    /// Creates a vendor-level service and answers its id.
    @discardableResult
    mutating func createService(_ name: String = "Seats") -> String {
        let reply = call(.post, "/service", #"{"name":"\#(name)","description":"d","category":"other","subcategory":"other"}"#)
        return reply.json["skus"]?.elements?.last?["id"]?.string ?? "service was not created: \(reply.text)"
    }

    @discardableResult
    mutating func createAccount(_ id: String = "1", _ name: String = "Acme") -> Reply {
        call(.post, "/organization/accounts", #"[{"id":"\#(id)","name":"\#(name)"}]"#)
    }

    /// One account "1" and one service, both mapped; answers the service's id.
    mutating func mapOne() throws -> String {
        let service = createService()
        createAccount()
        try model.mapEverything(organization: keys.organizationID, at: now)
        return service
    }

    @discardableResult
    mutating func count(_ value: String = "3", account: String = "1", service: String, query: String = "") -> Reply {
        call(.post, "/service/\(service)/count\(query)", #"{"accountId":"\#(account)","unitCount":\#(value)}"#)
    }

    @discardableResult
    mutating func alert(_ alertID: String = "a1", account: String = "1", title: String = "t") -> Reply {
        call(
            .post, "/alerting/\(account)",
            #"{"title":"\#(title)","description":"d","alertId":"\#(alertID)","priority":2,"status":1}"#)
    }
}
