import Foundation
import HTTPClient
import HTTPTypes
import Synchronization

/// Synthesize, played: organizations with accounts, mappings and counts, the vendor's services, alerts; and faults when the
/// test asks for them. Calls go by the contract's keys.
final class PlayedSynthesize: HTTPSender {
    struct Organization: Sendable {
        var id = "org-1"
        var name = "Example MSP"
        var status = "inactive"
        var accounts: [Entry] = []
        var mappedAccounts: Set<String> = []
        /// By account and service, `1/s1`.
        var counts: [String: Decimal] = [:]
    }

    struct Entry: Sendable, Hashable {
        var id: String
        var name: String
    }

    struct Service: Sendable, Hashable {
        var id: String
        var name: String
        var description: String
        var category: String
        var subcategory: String
        var isMapped = true
    }

    struct AlertMessage: Sendable, Hashable {
        var accountID: String
        var alertID: String
        var title: String
    }

    struct Call: Sendable {
        /// The contract's key, for instance `S4`.
        var key: String
        var partnerKey: String
        /// The id in the path, decoded; empty where there is none.
        var subject: String
        var body: [UInt8]
        /// The account that a count is for.
        var accountID: String? { (try? JSONDecoder().decode(Count.self, from: Data(body)))?.accountId }
    }

    enum Fault: Sendable {
        /// Answered without doing anything.
        case answer(Int, String = #"{"statusCode":0,"message":"fault"}"#, retryAfter: String? = nil)
        case neverSent
        /// Lost on the way there.
        case lost
        /// Done, and the answer lost: accept and drop.
        case doneAndLost
        /// Waits, and is then done.
        case held(Hold)
    }

    struct State: Sendable {
        /// By partner key; a key that is not here is refused.
        var organizations: [String: Organization] = [:]
        var services: [Service] = []
        var alerts: [AlertMessage] = []
        /// Whether a second service or account with a name or an id that is there is made, or answered with 409 (U-6, U-37).
        var allowsDuplicates = false
        /// Ids of accounts that are not taken as the vendor has them, and what is said then.
        var refusedAccounts: Set<String> = []
        var refusal = "name must be shorter"
        /// Strikes calls by what they are and how often they came before.
        var decide: (@Sendable (Call, _ tries: Int) -> Fault?)?
        /// The words that O2 knows.
        var statuses: Set<String> = ["inactive", "pending", "active"]
        /// The status of S4's success.
        var countStatus = 201
        /// What L2 answers.
        var alertProgress = #"{"status":"success","ticketId":"T-1"}"#
        var calls: [Call] = []
        fileprivate var planned: [PlannedFault] = []
    }

    fileprivate struct PlannedFault: Sendable {
        var key: String
        var subject: String?
        var fault: Fault
        /// Calls that pass before it strikes.
        var after: Int
        var times: Int
    }

    private let journal: Journal
    private let state = Mutex(State())
    private let watcher = Mutex<(@Sendable (Call) async -> Void)?>(nil)

    init(journal: Journal) { self.journal = journal }

    // MARK: The test's side

    func change(_ body: (inout State) -> Void) { state.withLock { body(&$0) } }

    func organization(_ key: String) -> Organization { state.withLock { $0.organizations[key] ?? Organization() } }

    func changeOrganization(_ key: String, _ body: (inout Organization) -> Void) {
        state.withLock { body(&$0.organizations[key, default: Organization()]) }
    }

    var services: [Service] { state.withLock { $0.services } }
    var alerts: [AlertMessage] { state.withLock { $0.alerts } }
    var calls: [Call] { state.withLock { $0.calls } }

    func calls(_ key: String) -> [Call] { calls.filter { $0.key == key } }

    /// Makes calls fail.
    /// - Parameters:
    ///   - subject: only those with this account (S4) or this id in the path.
    ///   - after: so many pass first.
    func fail(_ key: String, _ fault: Fault, subject: String? = nil, after: Int = 0, times: Int = .max) {
        state.withLock {
            $0.planned.append(PlannedFault(key: key, subject: subject, fault: fault, after: after, times: times))
        }
    }

    func stopFailing() { state.withLock { $0.planned = [] } }

    /// Calls `body` when a request has arrived, before anything is done about it.
    func watch(_ body: (@Sendable (Call) async -> Void)?) { watcher.withLock { $0 = body } }

    /// What Gradient's Disconnect does: the key is revoked, accounts and mappings are gone.
    func disconnect(_ key: String, newKey: String) {
        state.withLock { state in
            var organization = state.organizations.removeValue(forKey: key) ?? Organization()
            (organization.accounts, organization.mappedAccounts, organization.status) = ([], [], "inactive")
            state.organizations[newKey] = organization
        }
    }

    // MARK: The server's side

    func send(_ request: OutgoingRequest) async throws(HTTPClientError) -> IncomingResponse {
        let call = Self.read(request)
        let fault = state.withLock { state in
            state.calls.append(call)
            return state.strike(call)
        }
        journal.note(call.key)
        await watcher.withLock { $0 }?(call)
        switch fault {
        case nil: return answer(call)
        case .answer(let status, let body, let retryAfter):
            var response = Self.response(status, body)
            response.headerFields[.retryAfter] = retryAfter
            return response
        case .neverSent:
            throw HTTPClientError(code: .connectionRefused, delivery: .neverSent, message: "The connection was refused.")
        case .lost: throw Self.lost
        case .doneAndLost:
            _ = answer(call)
            throw Self.lost
        case .held(let hold):
            try await hold.arrive()
            return answer(call)
        }
    }

    private static let lost = HTTPClientError(code: .connectionLost, delivery: .unknown, message: "The connection broke.")

    private func answer(_ call: Call) -> IncomingResponse {
        state.withLock { state in
            guard state.organizations[call.partnerKey] != nil else {
                return Self.response(401, #"{"statusCode":401,"message":"Unauthorized"}"#)
            }
            return state.answer(call)
        }
    }

    fileprivate static func response(_ status: Int, _ body: String) -> IncomingResponse {
        IncomingResponse(status: .init(code: status), body: Array(body.utf8))
    }

    private static func read(_ request: OutgoingRequest) -> Call {
        let token = request.headerFields[HTTPField.Name("GRADIENT-TOKEN")!] ?? ""
        let keys = String(decoding: Data(base64Encoded: token) ?? Data(), as: UTF8.self)
        let url = request.url.replacing("https://synthesize.example/api/vendor-api", with: "", maxReplacements: 1)
        let path = url.split(separator: "?").first.map(String.init) ?? ""
        let parts = path.split(separator: "/").map { $0.removingPercentEncoding ?? "" }
        let (key, subject): (String, String) =
            switch (request.method, parts.first, parts.dropFirst().first, parts.count) {
            case (.get, nil, _, _): ("V1", "")
            case (.patch, nil, _, _): ("V2", "")
            case (.post, "service", _, 1): ("S1", "")
            case (.get, "service", let id?, 2): ("S2", id)
            case (.patch, "service", let id?, 2): ("S3", id)
            case (.post, "service", let id?, 3): ("S4", id)
            case (.get, "organization", nil, _): ("O1", "")
            case (.patch, "organization", "status", 3): ("O2", parts[2])
            case (.get, "organization", "clients", _): ("O3", "")
            case (.get, "organization", "accounts", _): ("A1", "")
            case (.post, "organization", "accounts", _): ("A2", "")
            case (.patch, "organization", "accounts", 3): ("A3", parts[2])
            case (.post, "alerting", let id?, 2): ("L1", id)
            case (.get, "alerting", "debug", 3): ("L2", parts[2])
            default: ("?? \(request.method) \(path)", "")
            }
        return Call(
            key: key, partnerKey: keys.split(separator: ":", maxSplits: 1).dropFirst().first.map(String.init) ?? "", subject: subject,
            body: request.body ?? [])
    }
}

private struct Count: Decodable {
    let accountId: String
    let unitCount: Decimal
}

private struct Draft: Codable {
    var id: String?
    var name: String?
    var description: String?
    var category: String?
    var subcategory: String?
    var alertId: String?
    var title: String?
}

extension PlayedSynthesize.State {
    fileprivate mutating func strike(_ call: PlayedSynthesize.Call) -> PlayedSynthesize.Fault? {
        let tries = calls.count { $0.key == call.key && $0.subject == call.subject && $0.body == call.body }
        if let fault = decide?(call, tries) { return fault }
        let subjects = [call.subject, call.accountID]
        guard
            let index = planned.firstIndex(where: {
                $0.key == call.key && $0.times > 0 && ($0.subject == nil || subjects.contains($0.subject))
            })
        else { return nil }
        if planned[index].after > 0 {
            planned[index].after -= 1
            return nil
        }
        planned[index].times -= 1
        return planned[index].fault
    }

    fileprivate mutating func answer(_ call: PlayedSynthesize.Call) -> IncomingResponse {
        var organization = organizations[call.partnerKey] ?? .init()
        defer { organizations[call.partnerKey] = organization }
        switch call.key {
        case "V1": return ok(["data": vendor, "status": 200])
        case "S1": return createService(call)
        case "S3": return updateService(call)
        case "S4": return setCount(call, &organization)
        case "O1": return ok(integration(organization))
        case "O2":
            guard statuses.contains(call.subject) else { return error(400, "status must be one of") }
            organization.status = call.subject
            return ok(["data": integration(organization), "status": 200])
        case "O3": return ok(["meta": [:], "clients": [["id": "c1", "name": "PSA client"]]])
        case "A1": return ok(organization.accounts.map { entry($0, organization) })
        case "A2": return createAccounts(call, &organization)
        case "A3":
            guard let index = organization.accounts.firstIndex(where: { $0.id == call.subject }) else { return error(404, "no account") }
            if refusedAccounts.contains(call.subject) { return error(400, refusal) }
            let draft = read(Draft.self, call)
            organization.accounts[index].name = draft?.name ?? organization.accounts[index].name
            organization.accounts[index].id = draft?.id ?? organization.accounts[index].id
            return ok(entry(organization.accounts[index], organization))
        case "L1":
            guard organization.mappedAccounts.contains(call.subject) else {
                return error(404, "No account map found with id: \(call.subject)")
            }
            let draft = read(Draft.self, call)
            alerts.append(.init(accountID: call.subject, alertID: draft?.alertId ?? "", title: draft?.title ?? ""))
            return ok(["messageId": "m-\(alerts.count)", "alertId": draft?.alertId ?? "", "correlationID": "c"], 201)
        case "L2": return PlayedSynthesize.response(200, alertProgress)
        default: return error(404, "Cannot \(call.key)")
        }
    }

    private mutating func createService(_ call: PlayedSynthesize.Call) -> IncomingResponse {
        guard let draft = read(Draft.self, call), let name = draft.name else { return error(400, "name should not be empty") }
        if !allowsDuplicates, services.contains(where: { $0.name == name }) {
            return error(409, "A resource with this name already exists.")
        }
        services.append(
            .init(
                id: "s\(services.count + 1)", name: name, description: draft.description ?? "", category: draft.category ?? "",
                subcategory: draft.subcategory ?? ""))
        return ok(vendor, 201)
    }

    private mutating func updateService(_ call: PlayedSynthesize.Call) -> IncomingResponse {
        guard let index = services.firstIndex(where: { $0.id == call.subject }) else { return error(404, "no service") }
        let draft = read(Draft.self, call)
        services[index].name = draft?.name ?? services[index].name
        services[index].description = draft?.description ?? services[index].description
        return ok([:])
    }

    private mutating func setCount(_ call: PlayedSynthesize.Call, _ organization: inout PlayedSynthesize.Organization) -> IncomingResponse {
        guard let count = read(Count.self, call) else { return error(400, "unitCount must be a number") }
        guard organization.mappedAccounts.contains(count.accountId) else {
            return error(404, "No account map found with id: \(count.accountId)")
        }
        guard services.contains(where: { $0.id == call.subject && $0.isMapped }) else { return error(404, "No service map found") }
        organization.counts["\(count.accountId)/\(call.subject)"] = count.unitCount
        organization.status = "active"
        return ok(["status": countStatus, "message": "Success"], countStatus)
    }

    private mutating func createAccounts(
        _ call: PlayedSynthesize.Call, _ organization: inout PlayedSynthesize.Organization
    ) -> IncomingResponse {
        guard let drafts = read([Draft].self, call) else { return error(400, "an array is expected") }
        if drafts.contains(where: { refusedAccounts.contains($0.id ?? "") }) { return error(400, refusal) }
        // The whole request or nothing (U-6).
        if !allowsDuplicates, drafts.contains(where: { draft in organization.accounts.contains { $0.id == draft.id } }) {
            return error(409, "A resource with this Id already exists.")
        }
        let new = drafts.map { PlayedSynthesize.Entry(id: $0.id ?? "", name: $0.name ?? "") }
        organization.accounts += new
        return ok(new.map { entry($0, organization) }, 201)
    }

    // MARK: Shapes

    private var vendor: [String: Any] {
        [
            "id": "v", "name": "Acme", "modules": [["variation": "billing"]],
            "skus": services.map { service in
                [
                    "id": service.id, "name": service.name, "description": service.description, "category": service.category,
                    "subcategory": service.subcategory,
                ]
            },
        ]
    }

    private func integration(_ organization: PlayedSynthesize.Organization) -> [String: Any] {
        ["organizationId": organization.id, "name": organization.name, "vendorName": "Acme", "status": organization.status]
    }

    private func entry(_ entry: PlayedSynthesize.Entry, _ organization: PlayedSynthesize.Organization) -> [String: Any] {
        ["id": entry.id, "name": entry.name, "description": "", "isMapped": organization.mappedAccounts.contains(entry.id)]
    }

    private func read<Value: Decodable>(_ type: Value.Type, _ call: PlayedSynthesize.Call) -> Value? {
        try? JSONDecoder().decode(type, from: Data(call.body))
    }

    private func ok(_ value: Any, _ status: Int = 200) -> IncomingResponse {
        let body = (try? JSONSerialization.data(withJSONObject: value)) ?? Data()
        return PlayedSynthesize.response(status, String(decoding: body, as: UTF8.self))
    }

    private func error(_ status: Int, _ message: String) -> IncomingResponse { ok(["statusCode": status, "message": message], status) }
}
