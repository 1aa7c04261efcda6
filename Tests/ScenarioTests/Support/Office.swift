import Foundation
import HTTPClient
import HTTPTypes
import Secrets

/// An operator at the admin API.
struct Office: Sendable {
    let portalURL: String
    let key: Secret
    let client: CurlHTTPClient

    struct Answer: Sendable {
        var status: Int
        var body: [UInt8]
        var text: String { String(decoding: body, as: UTF8.self) }
    }

    func call(_ method: HTTPRequest.Method, _ path: String, _ body: (some Encodable)? = nil as String?) async throws -> Answer {
        var fields: HTTPFields = [.authorization: "Bearer " + key.reveal()]
        var bytes: [UInt8]?
        if let body {
            bytes = Array(try JSONEncoder().encode(body))
            fields[.contentType] = "application/json"
        }
        let answer = try await client.send(
            OutgoingRequest(method: method, url: portalURL + "/api/v1" + path, headerFields: fields, body: bytes))
        return Answer(status: answer.status.code, body: answer.body)
    }

    /// Hands in usage.
    func put(_ path: String, _ body: [UInt8], key: String? = nil, type: String = "application/json") async throws -> Answer {
        var fields: HTTPFields = [.authorization: "Bearer " + self.key.reveal(), .contentType: type]
        if let key, let name = HTTPField.Name("Idempotency-Key") { fields[name] = key }
        let answer = try await client.send(
            OutgoingRequest(method: .put, url: portalURL + "/api/v1" + path, headerFields: fields, body: body))
        return Answer(status: answer.status.code, body: answer.body)
    }

    /// A call that must succeed, and its answer.
    func get<Value: Decodable>(_ type: Value.Type, _ path: String) async throws -> Value {
        try read(type, try await call(.get, path), path)
    }

    func post<Value: Decodable>(_ type: Value.Type, _ path: String, _ body: (some Encodable)? = nil as String?) async throws -> Value {
        try read(type, try await call(.post, path, body), path)
    }

    private func read<Value: Decodable>(_ type: Value.Type, _ answer: Answer, _ path: String) throws -> Value {
        guard (200..<300).contains(answer.status) else { throw Stuck("\(path): \(answer.status) \(answer.text)") }
        return try JSONDecoder().decode(type, from: Data(answer.body))
    }

    func runs(_ partner: StagePartner) async throws -> [RunAnswer] {
        try await get(PageAnswer<RunAnswer>.self, "/partners/\(partner.id)/sync-runs").items
    }

    func run(_ id: String) async throws -> RunAnswer {
        try await get(RunAnswer.self, "/sync-runs/\(id)")
    }

    func lines(_ run: RunAnswer) async throws -> [LineAnswer] {
        try await get(PageAnswer<LineAnswer>.self, "/sync-runs/\(run.id)/lines?limit=200").items
    }

    func connection(_ partner: StagePartner) async throws -> ConnectionAnswer {
        try await get(ConnectionAnswer.self, "/partners/\(partner.id)/connection")
    }

    func alerts(_ partner: StagePartner) async throws -> [AlertAnswer] {
        try await get(PageAnswer<AlertAnswer>.self, "/partners/\(partner.id)/alerts").items
    }
}

struct PageAnswer<Item: Decodable>: Decodable {
    var items: [Item]
}

struct PartnerAnswer: Decodable {
    var id: String
    var standing: String
}

struct FailureAnswer: Decodable, Hashable {
    var code: String
    var message: String
}

struct RunAnswer: Decodable {
    struct Tally: Decodable, Hashable {
        var accepted, notMapped, rejected, failed, excluded, droppedToZero, notSent, open: Int
    }

    struct Findings: Decodable, Hashable {
        var accountsRead, accountsCreated, accountsUpdated, servicesCreated, recordsDropped: Int
        var statusBefore: String?
        var statusAfter: String?
        var mappingLost: Bool
    }

    var id: String
    var state: String
    var stage: String
    var trigger: String
    var failure: FailureAnswer?
    var interruptions: Int
    var usage: Usage?
    var tally: Tally
    var findings: Findings

    struct Usage: Decodable, Hashable {
        var origin, name, countsFrom: String
    }
}

struct LineAnswer: Decodable, Hashable {
    var accountId: String
    var accountName: String
    var serviceName: String
    var rawCount: Double
    var sentCount: Double?
    var state: String
    var attempts: Int
}

struct ConnectionAnswer: Decodable {
    var standing: String
    var state: String
    var reportedStatus: String?
    var keyLastFour: String?
    var mappingLostAt: String?
    var failure: FailureAnswer?
}

struct AlertAnswer: Decodable {
    var id: String
    var alertId: String
    var accountId: String
    var state: String
    var ticketId: String?
    var errors: [String]
}
