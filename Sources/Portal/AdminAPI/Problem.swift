import Foundation
import HTTPServer
import HTTPTypes
import Integration
import Logging
import Store

/// What went wrong, as `application/problem+json` (RFC 9457) with two members of our own: `code` and `field`.
struct Problem: Encodable, Sendable, Equatable {
    /// The status says it all (RFC 9457 section 4.2.1).
    var type = "about:blank"
    var title: String
    var status: Int
    var detail: String
    /// For programs: `notFound`, `invalidInput`, ...
    var code: String
    /// The field of the body or the query to mend, when it is one.
    var field: String?

    init(_ status: HTTPResponse.Status, code: String, detail: String, field: String? = nil) {
        title = status.reasonPhrase
        self.status = status.code
        self.code = code
        self.detail = detail
        self.field = field
    }

    init(_ error: IntegrationError) {
        self.init(Self.status(error.code), code: error.code.rawValue, detail: error.message, field: error.field)
    }

    init(_ error: HTTPError) {
        self.init(error.status, code: Self.camelCased(error.code), detail: error.message)
    }

    init(_ error: StoreError) {
        self.init(Self.status(error.code), code: error.code.rawValue, detail: error.message)
    }

    private static func status(_ code: IntegrationError.Code) -> HTTPResponse.Status {
        switch code {
        case .invalidInput: .badRequest
        // 401 and 403 would speak of the operator's own key.
        case .keyRefused, .synthesizeRejected, .keyReused: .unprocessableContent
        case .forbidden, .synthesizeUnavailable, .vendorUnavailable: .badGateway
        case .otherOrganization, .conflict: .conflict
        case .notFound: .notFound
        case .gone: .gone
        case .store: .serviceUnavailable
        case .secrets: .internalServerError
        }
    }

    private static func status(_ code: StoreError.Code) -> HTTPResponse.Status {
        switch code {
        case .notFound: .notFound
        case .duplicate: .conflict
        case .unavailable, .locked, .full, .io: .serviceUnavailable
        case .newerSchema, .migration, .constraint, .corrupt: .internalServerError
        }
    }

    /// The HTTP room writes `not-found`, the domain `notFound`: callers see one spelling.
    private static func camelCased(_ code: String) -> String {
        let words = code.split(separator: "-")
        return words.prefix(1).joined() + words.dropFirst().map(\.capitalized).joined()
    }
}

/// The one place where the admin API's errors become answers. What nobody foresaw is logged under a reference, which is all
/// that the caller learns of it.
func problemResponse(for error: any Error, _ environment: PortalEnvironment) -> Response {
    let problem: Problem
    var fields: HTTPFields = [:]
    switch error {
    case let error as IntegrationError: problem = Problem(error)
    case let error as StoreError: problem = Problem(error)
    case let error as HTTPError:
        problem = Problem(error)
        fields = error.headerFields
    default:
        let reference = environment.random.identifier(prefix: "err_")
        environment.logger.error(
            "An admin call failed in a way nobody foresaw", metadata: ["reference": "\(reference)", "error": "\(error)"])
        problem = Problem(
            .internalServerError, code: "internal",
            detail: "Something went wrong inside Perch. The log has it under \(reference).")
    }
    if problem.status >= 500 {
        environment.logger.warning("\(problem.detail)", metadata: ["code": "\(problem.code)"])
    }
    var response = Response.json(
        problem, status: HTTPResponse.Status(code: problem.status, reasonPhrase: problem.title), encoder: AdminJSON.encoder())
    response.headerFields[.contentType] = "application/problem+json"
    response.headerFields[.cacheControl] = "no-store"
    response.headerFields.append(contentsOf: fields)
    return response
}
