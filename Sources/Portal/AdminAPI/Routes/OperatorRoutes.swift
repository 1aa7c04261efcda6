import Foundation
import HTTPServer
import Integration
import Store

extension AdminAPI {
    static let operatorRoutes = [
        AdminRoute(.get, "/operators", .admin, query: AdminRoute.paging) { call in
            let page = try PageRequest(call.request.query)
            let keys = try await call.environment.store.operatorKeys()
            return .answer(Page(ofAll: keys, page, key: \.id.rawValue, item: OperatorAnswer.init))
        },
        AdminRoute(.post, "/operators", .admin) { call in
            let body = try await call.body(OperatorBody.self)
            let environment = call.environment
            let (key, secret) = try await OperatorKeys.issue(
                name: body.name, role: choice(OperatorRole.self, body.role, field: "role"),
                expiresAt: body.expiresInDays.map { try expiry($0, environment) } ?? nil, store: environment.store,
                keyRing: environment.keyRing, random: environment.random, time: environment.time, by: call.initiator)
            let answer = IssuedOperatorAnswer(
                id: key.id, name: key.name, role: key.role, createdAt: key.createdAt, expiresAt: key.expiresAt,
                key: secret.reveal())
            return .answer(answer, status: .created)
        },
        AdminRoute(.delete, "/operators/{operatorId}", .admin, takesBody: false) { call in
            try await OperatorKeys.revoke(
                OperatorKeyID(call.parameter("operatorId")), store: call.environment.store,
                keyRing: call.environment.keyRing, time: call.environment.time, by: call.initiator)
            return Response(status: .noContent)
        },
    ]
}

private struct OperatorBody: StrictBody {
    var name: String
    var role: String
    var expiresInDays: WholeNumber?

    enum CodingKeys: String, CodingKey, CaseIterable {
        case name, role, expiresInDays
    }
}

private func expiry(_ days: WholeNumber, _ environment: PortalEnvironment) throws -> Date {
    guard (1...OperatorKeys.longestLifeInDays).contains(days.value) else {
        throw invalidInput(
            "A key lives 1 to \(OperatorKeys.longestLifeInDays) days; leave it out for one without an end.", field: "expiresInDays")
    }
    return environment.time.now().addingTimeInterval(Double(days.value) * 86_400)
}
