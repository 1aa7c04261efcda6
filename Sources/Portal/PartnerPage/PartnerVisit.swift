import HTTPServer
import HTTPTypes
import Integration
import Store

/// One request of a signed-in partner.
struct PartnerVisit: Sendable {
    var request: Request
    var session: BrowserSession
    var partnerID: PartnerID

    var initiator: Initiator { .partner(partnerID, address: request.remoteAddress.host) }

    /// A run of this partner by the id in the path.
    /// - Throws: `notFound` for another partner's run too: that it exists is not told.
    func run(_ desk: Desk) async throws(IntegrationError) -> SyncRun {
        try await desk.syncRun(SyncRunID(request.parameters["id"] ?? ""), of: partnerID)
    }
}

/// Lets signed-in partners through, and nobody else.
struct PartnerGate: Sendable {
    private let sessions: Sessions

    init(_ environment: PortalEnvironment) {
        sessions = Sessions(environment)
    }

    /// A handler for reading.
    func page(_ handler: @escaping @Sendable (PartnerVisit) async throws -> Response) -> Handler {
        { request in try await handler(visit(request)) }
    }

    /// A handler for a form, whose token is checked first, and whether this user may change anything.
    func form(
        forViewers: Bool = false,
        _ handler: @escaping @Sendable (PartnerVisit, FormFields) async throws -> Response
    ) -> Handler {
        { request in
            let visit = try await visit(request)
            let form = try await FormToken.checkedForm(request, visit.session)
            guard visit.session.mayChange || forViewers else {
                throw HTTPError(
                    .forbidden, code: "viewer-may-only-look",
                    message: "You may look at this page but not change anything. Ask the owner or an admin of your account.")
            }
            return try await handler(visit, form)
        }
    }

    private func visit(_ request: Request) async throws -> PartnerVisit {
        guard let session = try await sessions.current(.partner, of: request), case .partner(let id) = session.subject else {
            throw HTTPError(
                .unauthorized, code: "not-signed-in",
                message: "Open this page from your vendor's portal. A sign-in ends after a while without use.")
        }
        return PartnerVisit(request: request, session: session, partnerID: id)
    }
}
