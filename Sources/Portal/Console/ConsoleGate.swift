import Foundation
import HTTPServer
import HTTPTypes
import Integration
import Secrets
import Store

/// One request of a signed-in operator.
struct ConsoleVisit: Sendable {
    var request: Request
    var session: BrowserSession
    var key: OperatorKey
    var environment: PortalEnvironment

    var desk: Desk { environment.desk }
    var initiator: Initiator { .operator(key.id, name: key.name, address: request.remoteAddress.host) }
    var partnerID: PartnerID { PartnerID(request.parameters["partnerId"] ?? "") }
    var runID: SyncRunID { SyncRunID(request.parameters["runId"] ?? "") }

    func mayAct(as role: OperatorRole) -> Bool { key.role >= role }

    /// The field of a form in which the operator's key is entered again.
    static let confirmationField = "operatorKey"

    /// Wrong keys are counted by session, and too many end it: whoever holds a stolen cookie guesses a few times, and the operator is not
    /// kept from confirming in a session of his own.
    /// - Throws: `HTTPError` 403 unless the form holds this operator's own key; `StoreError`.
    func requireKeyAgain(_ form: FormFields) async throws {
        let (now, accessGuard, store) = (environment.time.now(), environment.accessGuard, environment.store)
        let entered = Secret((form[Self.confirmationField] ?? "").trimmingCharacters(in: .whitespacesAndNewlines))
        let hashing = try await accessGuard.operatorKeyHash(store, environment.keyRing, environment.random)
        if TokenHash.equal(hashing.hash(entered), key.hash) { return }
        let isOver = accessGuard.countWrongConfirmation(in: session.stored, at: now)
        func entry(_ action: String, _ details: String) -> AuditEntry {
            AuditEntry(
                at: now, actor: initiator.actor, action: action, partnerID: nil, address: initiator.address, details: details)
        }
        try await store.appendAudit(
            entry("confirmation.refused", "A key entered again for \(request.path) was not the operator's."))
        guard isOver else {
            throw HTTPError(
                .forbidden, code: "key-needed-again",
                message: "Enter your own operator key again for this. Nothing was changed.")
        }
        try await store.audited(entry("session.end", "Too many wrong keys were entered again in this session.")) {
            () async throws(StoreError) in try await store.deleteSession(tokenHash: session.tokenHash)
        }
        throw HTTPError(
            .forbidden, code: "session-ended",
            message: "Too many wrong keys were entered here, so this session was ended. Nothing was changed. Sign in again.")
    }

    func frame(_ title: String, _ place: ConsoleFrame.Place? = nil) -> ConsoleFrame {
        ConsoleFrame(title, place, of: key, csrf: session.csrfToken, version: environment.settings.version)
    }

    func page(_ template: String, _ view: Any, status: HTTPResponse.Status = .ok) -> Response {
        .html(Console.library.html(template, view), status: status)
    }
}

/// What stands around every page of the console.
struct ConsoleFrame: Sendable, Hashable {
    enum Place: String, Sendable, CaseIterable {
        case partners = "Partners"
        case services = "Services"
        case audit = "Audit trail"
        case operators = "Operators"

        var address: String {
            switch self {
            case .partners: "/console"
            case .services: "/console/services"
            case .audit: "/console/audit"
            case .operators: "/console/operators"
            }
        }

        var role: OperatorRole { self == .operators ? .admin : .viewer }
    }

    struct Link: Sendable, Hashable {
        var address: String
        var label: String
        var isCurrent: Bool
    }

    var title: String
    var links: [Link]
    /// Empty before sign-in, like the token.
    var operatorName: String
    var role: String
    var csrf: String
    var version: String

    init(_ title: String, _ place: Place?, of key: OperatorKey, csrf: String, version: String) {
        self.title = title
        links = Place.allCases.filter { key.role >= $0.role }
            .map { Link(address: $0.address, label: $0.rawValue, isCurrent: $0 == place) }
        operatorName = key.name
        role = key.role.rawValue
        self.csrf = csrf
        self.version = version
    }

    /// Before sign-in.
    init(_ title: String, version: String) {
        self.title = title
        links = []
        operatorName = ""
        role = ""
        csrf = ""
        self.version = version
    }
}

/// Lets signed-in operators through to what their role allows; sends others to the sign-in page.
struct ConsoleGate: Sendable {
    private let environment: PortalEnvironment
    private let sessions: Sessions

    init(_ environment: PortalEnvironment) {
        self.environment = environment
        sessions = Sessions(environment)
    }

    func handler(_ route: ConsoleRoute) -> Handler {
        { request in
            guard let visit = try await visit(request) else { return .redirect(to: ConsoleSignIn.address) }
            do {
                guard visit.mayAct(as: route.role) else {
                    try await environment.noteRefusal(
                        of: visit.key, from: request.remoteAddress.host, "\(route.method.rawValue) \(route.path)", needing: route.role)
                    throw HTTPError(
                        .forbidden, code: "role-too-low",
                        message: "This needs the role \(route.role.rawValue); your key has the role \(visit.key.role.rawValue).")
                }
                return try await route.respond(visit)
            } catch let error as IntegrationError {
                return message(visit, error.pageStatus, error.message)
            } catch let error as HTTPError {
                var response = message(visit, error.status, error.message)
                response.headerFields.append(contentsOf: error.headerFields)
                return response
            }
        }
    }

    /// A key that was revoked ends its sessions with the next request.
    private func visit(_ request: Request) async throws -> ConsoleVisit? {
        guard let session = try await sessions.current(.operator, of: request),
            case .operator(let id) = session.subject,
            let key = try await environment.store.operatorKey(id), key.isProven(by: environment.keyRing),
            key.isUsable(at: environment.time.now())
        else { return nil }
        return ConsoleVisit(request: request, session: session, key: key, environment: environment)
    }

    private struct MessageView: Sendable {
        var frame: ConsoleFrame
        var message: String
    }

    private func message(_ visit: ConsoleVisit, _ status: HTTPResponse.Status, _ text: String) -> Response {
        if status.kind == .serverError {
            environment.logger.warning("A console page could not be made: \(text)")
        }
        let title = status == .notFound ? "There is nothing here" : "Not done"
        return visit.page("console-message", MessageView(frame: visit.frame(title), message: text), status: status)
    }
}
