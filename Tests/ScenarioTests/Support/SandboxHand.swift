import Foundation
import HTTPClient
import HTTPTypes
import Sandbox
import Secrets

/// A customer of the MSP as the simulated SaaS Alerts has it. Without id or name it is a record that a connector must drop.
struct Customer: Sendable, Encodable {
    var id: String?
    var name: String?
    /// Billable users: the count that must reach Synthesize.
    var billable: Int
    /// The answer to the question for its users, when it is to be broken.
    var raw: String?

    init(_ id: String?, _ name: String?, billable: Int = 3, raw: String? = nil) {
        (self.id, self.name, self.billable, self.raw) = (id, name, billable, raw)
    }

    var record: SaaSAlertsCustomer {
        var record = SaaSAlertsCustomer(id: id, name: name, billable: billable)
        record.raw = raw
        return record
    }

    static let few = [
        Customer("c1", "Brightwater Law", billable: 5), Customer("c2", "Lumen Optics", billable: 7),
        Customer("c3", "Harbor Dental", billable: 2), Customer("c4", "Cedar Architects", billable: 11),
    ]

    static func many(_ count: Int, prefix: String = "c") -> [Customer] {
        (1...count).map { Customer("\(prefix)\($0)", "Customer \(prefix) \($0)", billable: 1 + $0 % 9) }
    }
}

/// Something that goes wrong in the sandbox (design section 8).
struct Weather: Sendable, Encodable {
    var status: Int?
    var delayMs: Int?
    var drop: Bool?
    var acceptAndDrop: Bool?
    var malformed: Bool?
    var half: Bool?
    var retryAfter: Int?
}

/// What a partner does in Synthesize, and what tests do to it: the sandbox through its control API.
struct SandboxHand: Sendable {
    let server: SandboxServer
    let url: String
    let client: CurlHTTPClient

    func state() async throws -> SandboxState {
        try JSONDecoder().decode(SandboxState.self, from: Data(try await control(.get, "/state")))
    }

    func organization(_ partner: StagePartner) async throws -> SandboxState.Organization {
        let organizations = try await state().organizations
        guard let found = organizations.first(where: { $0.id == partner.organizationID }) else {
            throw Stuck("the sandbox has no organization \(partner.organizationID)")
        }
        return found
    }

    func createOrganization(_ name: String) async throws -> OrganizationKey {
        let body = try JSONEncoder().encode(["name": name])
        return try JSONDecoder().decode(
            OrganizationKey.self, from: Data(try await control(.post, "/organizations", Array(body))))
    }

    /// Maps all accounts and services, each to a client or product made for it.
    func mapEverything(_ partner: StagePartner) async throws {
        try await control(.post, "/organizations/\(partner.organizationID)/map", Array(#"{"all":true}"#.utf8))
    }

    func map(_ partner: StagePartner, accounts: [String], services: [String] = []) async throws {
        let body = try JSONEncoder().encode(["accounts": accounts, "services": services])
        try await control(.post, "/organizations/\(partner.organizationID)/map", Array(body))
    }

    /// The partner asks for a new key; the old one is refused from now on.
    func regenerateKey(_ partner: StagePartner) async throws -> String {
        let answer = try await control(.post, "/organizations/\(partner.organizationID)/regenerate-key")
        return try JSONDecoder().decode(OrganizationKey.self, from: Data(answer)).partnerKey
    }

    func disconnect(_ partner: StagePartner) async throws {
        try await control(.post, "/organizations/\(partner.organizationID)/disconnect")
    }

    /// What SaaS Alerts has from now on.
    func vendorHas(_ customers: [Customer], raw: String? = nil) async throws {
        struct Configuration: Encodable {
            var customers: [Customer]
            var raw: String?
        }
        let body = try JSONEncoder().encode(Configuration(customers: customers, raw: raw))
        try await control(.put, "/saas-alerts", Array(body))
    }

    /// The weather of the next `times` calls of a kind; -1 for all of them, until `clearSky`.
    func set(_ weather: Weather, for call: Call, times: Int = -1) async throws {
        struct Fault: Encodable {
            var call: Call
            var times: Int
            var weather: Weather

            private enum Key: CodingKey { case method, path, times }

            func encode(to encoder: any Encoder) throws {
                try weather.encode(to: encoder)
                var container = encoder.container(keyedBy: Key.self)
                try container.encode(call.method.rawValue, forKey: .method)
                try container.encode("*" + call.pathEnd, forKey: .path)
                try container.encode(times, forKey: .times)
            }
        }
        let body = try JSONEncoder().encode([Fault(call: call, times: times, weather: weather)])
        try await control(.put, "/faults", Array(body))
    }

    func clearSky() async throws {
        try await control(.put, "/faults", Array("[]".utf8))
    }

    func settings(_ json: String) async throws {
        try await control(.patch, "/settings", Array(json.utf8))
    }

    func forgetRequests() async throws {
        try await control(.delete, "/requests")
    }

    @discardableResult
    private func control(_ method: HTTPRequest.Method, _ path: String, _ body: [UInt8]? = nil) async throws -> [UInt8] {
        let answer = try await client.send(
            OutgoingRequest(
                method: method, url: url + "/control" + path,
                headerFields: body == nil ? [:] : [.contentType: "application/json"], body: body))
        guard answer.status.kind == .successful else {
            throw Stuck("\(method) \(path): \(answer.status.code) \(String(decoding: answer.body, as: UTF8.self))")
        }
        return answer.body
    }
}

struct OrganizationKey: Decodable {
    var id: String
    var partnerKey: String
    var token: String
}

/// `GET /control/state`, as far as scenarios look at it.
struct SandboxState: Decodable {
    struct Organization: Decodable {
        struct Account: Decodable, Hashable {
            var id: String
            var name: String
            var mappedTo: String?
        }

        struct Count: Decodable, Hashable {
            var accountId: String
            var unitCount: Double
            var times: Int
        }

        struct Ticket: Decodable, Hashable {
            var id: String
            var title: String
            var accountId: String
        }

        var id: String
        var status: String
        var accounts: [Account]
        var counts: [Count]
        var tickets: [Ticket]

        /// Counts by account, for a vendor of one service.
        var countByAccount: [String: Double] {
            Dictionary(counts.map { ($0.accountId, $0.unitCount) }, uniquingKeysWith: { first, _ in first })
        }
    }

    struct Vendor: Decodable {
        struct Service: Decodable {
            var id: String
            var name: String
        }

        var services: [Service]
    }

    struct Requests: Decodable {
        var total: Int
        var byStatus: [String: Int]
        var byCall: [String: Int]
        var maxPerSecond: Int

        func count(_ call: Call) -> Int { byCall[call.key] ?? 0 }

        /// Calls that change something in Synthesize.
        var writes: [String: Int] { byCall.filter { ["A2", "A3", "S1", "S3", "S4", "L1"].contains($0.key) } }
    }

    var organizations: [Organization]
    var vendor: Vendor
    var requests: Requests
    var vendorRequests: [String: Requests]
}
