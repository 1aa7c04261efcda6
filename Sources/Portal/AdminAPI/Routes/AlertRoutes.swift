import Foundation
import HTTPServer
import Integration
import Store

extension AdminAPI {
    static let alertRoutes = [
        AdminRoute(.get, "/partners/{partnerId}/alerts", .viewer, query: AdminRoute.paging) { call in
            let page = try PageRequest(call.request.query)
            let partner = try await call.desk.partner(call.partnerID)
            let cursor = page.after.map { AlertID($0) }
            if let cursor, try await call.environment.store.alert(cursor, of: partner.id) == nil { throw PageRequest.badCursor }
            let alerts = try await call.desk.alerts(partner.id, before: cursor, limit: page.limitAndOne)
            return .answer(Page(alerts, page, key: \.id.rawValue, item: AlertAnswer.init))
        },
        AdminRoute(.post, "/partners/{partnerId}/alerts", .operator) { call in
            let body = try await call.body(AlertBody.self)
            let submission = AlertSubmission(
                alertID: body.alertId, accountID: body.accountId, title: body.title, text: body.description,
                priority: body.priority?.value ?? 2, statusCode: body.status?.value ?? 1)
            let received = call.environment.time.now()
            let alert = try await call.desk.submitAlert(call.partnerID, submission, by: call.initiator)
            return answer(alert, isNew: alert.createdAt > received.addingTimeInterval(-storedPrecision))
        },
        AdminRoute(.get, "/partners/{partnerId}/alerts/{alert}", .viewer) { call in
            .answer(AlertAnswer(try await call.desk.alert(AlertID(call.parameter("alert")), of: call.partnerID)))
        },
        AdminRoute(.post, "/partners/{partnerId}/test-alert", .operator, takesBody: false) { call in
            answer(try await call.desk.sendTestAlert(call.partnerID, by: call.initiator), isNew: true)
        },
    ]

    /// The store keeps instants to the millisecond.
    private static let storedPrecision: TimeInterval = 0.001

    /// 202 for a new alert, 200 for the one that was stored under the same alert id before.
    private static func answer(_ alert: Alert, isNew: Bool) -> Response {
        .answer(
            AlertAnswer(alert), status: isNew ? .accepted : .ok,
            location: "/partners/\(alert.partnerID)/alerts/\(alert.id)")
    }
}

private struct AlertBody: StrictBody {
    var alertId: String?
    var accountId: String
    var title: String
    var description: String
    var priority: WholeNumber?
    var status: WholeNumber?

    enum CodingKeys: String, CodingKey, CaseIterable {
        case alertId, accountId, title, description, priority, status
    }
}
