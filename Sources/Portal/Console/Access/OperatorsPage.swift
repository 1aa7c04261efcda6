import Foundation
import HTTPServer
import HTTPTypes
import Integration
import Secrets
import Store

/// `GET /console/operators`: who may do what, and the keys that are no more.
struct OperatorsView: Sendable {
    struct Row: Sendable, Hashable {
        var id: String
        var name: String
        var role: String
        var createdAt: TimeView
        var lastUsedAt: TimeView?
        var revokedAt: TimeView?
        var expiresAt: TimeView?
        var canRevoke: Bool

        init(_ key: OperatorKey) {
            let time = LocalTime(zoneName: "UTC")
            id = key.id.rawValue
            name = key.name
            role = key.role.rawValue
            createdAt = TimeView(key.createdAt, time)
            lastUsedAt = key.lastUsedAt.map { TimeView($0, time) }
            revokedAt = key.revokedAt.map { TimeView($0, time) }
            expiresAt = key.revokedAt == nil ? key.expiresAt.map { TimeView($0, time) } : nil
            canRevoke = key.revokedAt == nil
        }
    }

    /// A new key, shown this once.
    struct Issued: Sendable, Hashable {
        var name: String
        var key: String
    }

    var frame: ConsoleFrame
    var rows: [Row]
    var issued: Issued?
    /// Why no key was issued; empty when nothing went wrong.
    var error: String
}

extension ConsoleVisit {
    fileprivate func operatorsPage(
        issued: OperatorsView.Issued? = nil, error: String = "", status: HTTPResponse.Status = .ok
    ) async throws -> Response {
        // Those in use first, each group oldest first.
        let keys = try await environment.store.operatorKeys()
        let rows = (keys.filter { $0.revokedAt == nil } + keys.filter { $0.revokedAt != nil }).map(OperatorsView.Row.init)
        let view = OperatorsView(frame: frame("Operators", .operators), rows: rows, issued: issued, error: error)
        return page("console-operators", view, status: status)
    }
}

extension Console {
    static let operatorRoutes: [ConsoleRoute] = [
        .page("/console/operators", .admin) { visit in try await visit.operatorsPage() },
        // Answered with the page itself: the key is shown once and stands in no address.
        .confirmedForm("/console/operators", .admin) { visit, form in
            let environment = visit.environment
            do {
                let (key, secret) = try await OperatorKeys.issue(
                    name: form["name"] ?? "", role: choice(OperatorRole.self, form["role"] ?? "", field: "role"),
                    expiresAt: try expiry(form["expiresInDays"] ?? "", environment), store: environment.store,
                    keyRing: environment.keyRing, random: environment.random, time: environment.time, by: visit.initiator)
                return try await visit.operatorsPage(issued: .init(name: key.name, key: secret.reveal()))
            } catch let error as IntegrationError where error.code == .invalidInput {
                return try await visit.operatorsPage(error: error.message, status: error.pageStatus)
            }
        },
        .confirmedForm("/console/operators/{operatorId}/revoke", .admin) { visit, _ in
            try await OperatorKeys.revoke(
                OperatorKeyID(visit.request.parameters["operatorId"] ?? ""), store: visit.environment.store,
                keyRing: visit.environment.keyRing, time: visit.environment.time, by: visit.initiator)
            return .redirect(to: ConsoleFrame.Place.operators.address)
        },
    ]
}

/// Nil for an empty field: a key without an end.
private func expiry(_ text: String, _ environment: PortalEnvironment) throws(IntegrationError) -> Date? {
    let text = text.trimmingCharacters(in: .whitespaces)
    guard !text.isEmpty else { return nil }
    guard let days = Int(text), (1...OperatorKeys.longestLifeInDays).contains(days) else {
        throw invalidInput("A key lives 1 to \(OperatorKeys.longestLifeInDays) days; leave the field empty for one without an end.")
    }
    return environment.time.now().addingTimeInterval(Double(days) * 86_400)
}
