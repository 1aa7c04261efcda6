import Foundation
import HTTPServer
import HTTPTypes
import Integration
import Store

/// One authorised call of the admin API.
struct AdminCall: Sendable {
    let request: Request
    /// Whose call it is.
    let key: OperatorKey
    let environment: PortalEnvironment

    var desk: Desk { environment.desk }

    var initiator: Initiator { .operator(key.id, name: key.name, address: request.remoteAddress.host) }

    var partnerID: PartnerID { PartnerID(parameter("partnerId")) }

    var runID: SyncRunID { SyncRunID(parameter("runId")) }

    /// What `{name}` in the route's path held.
    func parameter(_ name: String) -> String {
        request.parameters[name] ?? ""
    }

    /// The body, which may hold the fields of `Body` and nothing else. At most 1 MiB.
    func body<Body: StrictBody>(_ type: Body.Type) async throws -> Body {
        try await request.json(StrictlyDecoded<Body>.self).body
    }
}

/// What the caller sent cannot be right.
func invalidInput(_ message: String, field: String? = nil) -> IntegrationError {
    IntegrationError(code: .invalidInput, message: message, field: field)
}

extension Response {
    /// A JSON answer of the admin API.
    static func answer(
        _ value: some Encodable, status: HTTPResponse.Status = .ok, location: String? = nil
    ) -> Response {
        var response = Response.json(value, status: status, encoder: AdminJSON.encoder())
        if let location { response.headerFields[.location] = AdminAPI.prefix + location }
        return response
    }
}

/// How the admin API writes JSON.
enum AdminJSON {
    /// Instants are RFC 3339 in UTC with milliseconds; counts are exact decimal numbers.
    static func encoder() -> JSONEncoder {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.dateEncodingStrategy = .custom { date, encoder in
            var container = encoder.singleValueContainer()
            try container.encode(instant(date))
        }
        return encoder
    }

    /// For instance `2026-03-01T02:30:00.000Z`.
    static func instant(_ date: Date) -> String {
        // Rounded first: the style cuts, and an instant stored in whole milliseconds is not exact as a Double.
        let rounded = Date(timeIntervalSince1970: (date.timeIntervalSince1970 * 1000).rounded() / 1000 + 1e-5)
        return rounded.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
    }
}

/// Written as `null` when there is no value, so that every answer has every field.
@propertyWrapper
struct OrNull<Value: Encodable & Sendable>: Encodable, Sendable {
    var wrappedValue: Value?

    init(wrappedValue: Value?) { self.wrappedValue = wrappedValue }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        if let wrappedValue { try container.encode(wrappedValue) } else { try container.encodeNil() }
    }
}
