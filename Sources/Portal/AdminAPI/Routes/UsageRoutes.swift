import HTTPServer
import HTTPTypes
import Integration
import Store

extension AdminAPI {
    static let usageRoutes = [
        AdminRoute(.get, "/partners/{partnerId}/usage", .viewer) { call in
            .answer(UsageDeliveryAnswer(try await call.desk.newestUsage(call.partnerID)))
        },
        AdminRoute(.put, "/partners/{partnerId}/usage", .operator) { call in
            guard call.request.isJSON else {
                throw HTTPError(
                    .unsupportedMediaType, code: "not-json", message: "Send the snapshot as application/json; a file goes to usage/file.")
            }
            return try await call.receive(.push)
        },
        // The file's own format is the configured one, whatever type the request gives it.
        AdminRoute(.put, "/partners/{partnerId}/usage/file", .operator) { call in try await call.receive(.upload) },
    ]
}

extension AdminCall {
    /// 202, because the sync goes on behind the answer.
    fileprivate func receive(_ channel: UsageChannel) async throws -> Response {
        // Asked before the body is read, which may be large.
        let limit = try desk.usageIntake().limit
        let partner = try await desk.partner(partnerID)
        let delivery = try await desk.receiveUsage(
            partner.id, channel, key: request.head.headerFields[.idempotencyKey], try await request.body.collect(upTo: limit), by: initiator
        )
        return .answer(UsageDeliveryAnswer(delivery), status: .accepted)
    }
}

extension HTTPField.Name {
    /// draft-ietf-httpapi-idempotency-key-header.
    static let idempotencyKey = known("Idempotency-Key")
}
