import HTTPServer
import Integration
import Store

extension AdminAPI {
    static let connectionRoutes = [
        AdminRoute(.get, "/partners/{partnerId}/connection", .viewer) { call in
            .answer(ConnectionAnswer(try await call.desk.overview(call.partnerID)))
        },
        AdminRoute(.post, "/partners/{partnerId}/connection", .operator) { call in
            let body = try await call.body(ConnectionBody.self)
            let request = ConnectRequest(
                partnerKey: body.partnerKey ?? "", fields: body.fields ?? [:],
                confirmsOtherOrganization: body.confirmsOtherOrganization ?? false)
            return accepted(try await call.desk.connect(call.partnerID, request, by: call.initiator))
        },
        AdminRoute(.delete, "/partners/{partnerId}/connection/key", .operator, takesBody: false) { call in
            try await call.desk.forgetKey(call.partnerID, by: call.initiator)
            return Response(status: .noContent)
        },
        AdminRoute(.post, "/partners/{partnerId}/connection/disable", .operator, takesBody: false) { call in
            let remark = try await call.desk.disable(call.partnerID, by: call.initiator)
            let connection = ConnectionAnswer(try await call.desk.overview(call.partnerID))
            return .answer(DisabledAnswer(connection: connection, remark: remark))
        },
        AdminRoute(.post, "/partners/{partnerId}/connection/enable", .operator, takesBody: false) { call in
            accepted(try await call.desk.enable(call.partnerID, by: call.initiator))
        },
    ]

    /// The job that was started, and where to watch it.
    private static func accepted(_ job: SyncRun) -> Response {
        .answer(SyncRunAnswer(job), status: .accepted, location: "/sync-runs/\(job.id)")
    }
}

private struct ConnectionBody: StrictBody {
    var partnerKey: String?
    var fields: [String: String]?
    var confirmsOtherOrganization: Bool?

    enum CodingKeys: String, CodingKey, CaseIterable {
        case partnerKey, fields, confirmsOtherOrganization
    }
}
