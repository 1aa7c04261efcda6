import Foundation
import HTTPServer
import HTTPTypes
import Logging
import Secrets
import Store

/// Signing in with an operator key, and out.
struct ConsoleSignIn: Sendable {
    static let address = "/console/sign-in"
    static let fieldName = "key"

    private let environment: PortalEnvironment
    private let sessions: Sessions
    private let authentication: OperatorAuthentication

    init(_ environment: PortalEnvironment) {
        self.environment = environment
        sessions = Sessions(environment)
        authentication = OperatorAuthentication(environment)
    }

    private struct SignInView: Sendable {
        var frame: ConsoleFrame
        /// Why the key was not taken; empty at first.
        var error: String
    }

    func show(_ request: Request) async throws -> Response {
        page(error: "", status: .ok)
    }

    /// A wrong, a revoked, an expired and an unknown key get the same answer, and a wait after too many of them.
    func enter(_ request: Request) async throws -> Response {
        let entered = try await request.form()[Self.fieldName] ?? ""
        let token = Secret(entered.trimmingCharacters(in: .whitespacesAndNewlines))
        let key: OperatorKey?
        do {
            key = try await authentication.key(for: token, from: request.remoteAddress.host, to: "the console")
        } catch let error as HTTPError {
            var response = page(error: error.message, status: error.status)
            response.headerFields.append(contentsOf: error.headerFields)
            return response
        }
        guard let key else { return page(error: "This key is not known here, or it was revoked.", status: .unauthorized) }
        let cookie = try await environment.store.audited(
            AuditEntry(
                at: environment.time.now(), actor: "operator:\(key.id)", action: "session.open", partnerID: nil,
                address: request.remoteAddress.host, details: "Signed in to the console.")
        ) { () async throws(StoreError) in try await sessions.open(.operator(key.id), replacing: request) }
        var response = Response.redirect(to: ConsoleFrame.Place.partners.address)
        response.setCookie(cookie)
        return response
    }

    func leave(_ visit: ConsoleVisit, _ form: FormFields) async throws -> Response {
        var response = Response.redirect(to: Self.address)
        let entry = AuditEntry(
            at: environment.time.now(), actor: visit.initiator.actor, action: "session.close", partnerID: nil,
            address: visit.initiator.address, details: "Signed out of the console.")
        response.setCookie(
            try await environment.store.audited(entry) { () async throws(StoreError) in
                try await sessions.close(.operator, of: visit.request)
            })
        return response
    }

    private func page(error: String, status: HTTPResponse.Status) -> Response {
        let frame = ConsoleFrame("Sign in", version: environment.settings.version)
        return .html(Console.library.html("console-sign-in", SignInView(frame: frame, error: error)), status: status)
    }
}
