import Foundation
import HTTPServer
import HTTPTypes

/// The pages on which a person does what a partner does in Synthesize (contract section 13). They
/// work without JavaScript.
struct Pages: Sendable {
    let sandbox: SandboxServer

    var router: Router {
        var router = Router()
        router.get("/sandbox.css") { _ in
            Response(
                headerFields: [.contentType: "text/css; charset=utf-8", .xContentTypeOptions: "nosniff"],
                body: .bytes(Array(sandboxStyleSheet.utf8)))
        }
        router.get("/") { [self] request in
            let origin = "http://\(request.head.authority ?? "localhost")"
            return sandbox.withModel { model, _ in StartPage(model: model, origin: origin).response }
        }
        router.get("/vendor-portal") { [self] _ in
            guard let portal = sandbox.vendorPortal else { throw SandboxError(.notFound, "This sandbox knows no portal.") }
            return .redirect(to: try await portal())
        }
        addIntegration(&router)
        addMapping(&router)
        addResults(&router)
        return router
    }

    /// Finds the page, or shows why there is none.
    func respond(to request: Request) async throws -> Response {
        do {
            return try await router.respond(to: request)
        } catch let error as SandboxError where error.code == .notFound {
            return PageLayout(title: "Not found").response("<p>\(error.message)</p>", status: .notFound)
        } catch let error as HTTPError where error.status == .notFound {
            return PageLayout(title: "Not found").response("<p>There is no such page.</p>", status: .notFound)
        }
    }

    /// A page of one organization, read at this instant.
    private func page(
        _ request: Request, _ show: (inout SandboxModel, Organization, Date) throws -> Response
    ) throws -> Response {
        try sandbox.withModel { model, now in
            let organization = try model.organization(request.parameters["id"] ?? "")
            return try show(&model, organization, now)
        }
    }

    /// Does what a form asks and shows the result: the page after it, or the same page with the reason why not.
    private func act(
        _ request: Request, _ change: (inout SandboxModel, String, Date) throws(SandboxError) -> Void,
        then location: (String) -> String, otherwise show: (SandboxModel, Organization, String) -> Response
    ) throws -> Response {
        let id = request.parameters["id"] ?? ""
        return try sandbox.withModel { model, now in
            _ = try model.organization(id)
            var changed = model
            do throws(SandboxError) {
                try change(&changed, id, now)
            } catch {
                return show(model, try model.organization(id), error.message)
            }
            model = changed
            return Response.redirect(to: location(id))
        }
    }

    private func addIntegration(_ router: inout Router) {
        router.get("/organizations/{id}") { [self] request in
            try page(request) { model, organization, now in
                var page = IntegrationPage(organization: organization, vendor: model.vendor)
                page.hasVendorPortal = sandbox.vendorPortal != nil
                page.notice = Notice(request)
                page.newKey = model.takeKeyToShow(organization: organization.id)
                return page.response
            }
        }
        router.post("/organizations/{id}/key") { [self] request in
            try act(
                request,
                { (model, id, now) throws(SandboxError) in
                    try model.generatePartnerKey(organization: id, at: now)
                    try model.showKeyOnce(organization: id)
                }, then: { "/organizations/\($0)#key" },
                otherwise: { IntegrationPage(organization: $1, vendor: $0.vendor, problem: $2).response })
        }
        router.get("/organizations/{id}/disconnect") { [self] request in
            try page(request) { model, organization, _ in DisconnectPage(organization: organization).response }
        }
        router.post("/organizations/{id}/disconnect") { [self] request in
            try act(
                request, { (model, id, now) throws(SandboxError) in try model.disconnect(organization: id, at: now) },
                then: { "/organizations/\($0)?notice=\(Notice.disconnected.rawValue)" },
                otherwise: { IntegrationPage(organization: $1, vendor: $0.vendor, problem: $2).response })
        }
    }

    private func addMapping(_ router: inout Router) {
        router.get("/organizations/{id}/mapping/accounts") { [self] request in
            try page(request) { _, organization, _ in
                let number = request.query["page"].flatMap(Int.init) ?? 1
                return AccountMappingPage(organization: organization, number: number, notice: Notice(request)).response
            }
        }
        router.post("/organizations/{id}/mapping/accounts") { [self] request in
            let form = try await request.form(upTo: 1 << 20)
            let choices = AccountMappingPage.choices(form)
            let number = form["page"].flatMap(Int.init) ?? 1
            return try act(
                request,
                { (model, id, _) throws(SandboxError) in
                    try model.map(organization: id, accounts: choices)
                    if form["action"] == "auto" { try model.mapExactNames(organization: id) }
                },
                then: { "/organizations/\($0)/mapping/accounts?page=\(number)&notice=\(Notice.saved.rawValue)" },
                otherwise: { AccountMappingPage(organization: $1, number: number, problem: $2).response })
        }
        router.get("/organizations/{id}/mapping/services") { [self] request in
            try page(request) { model, organization, _ in
                ServiceMappingPage(organization: organization, vendor: model.vendor, notice: Notice(request)).response
            }
        }
        router.post("/organizations/{id}/mapping/services") { [self] request in
            let form = try await request.form(upTo: 1 << 20)
            let choices = ServiceMappingPage.choices(form)
            let finishes = form["action"] == "finish"
            return try act(
                request,
                { (model, id, _) throws(SandboxError) in
                    try model.map(organization: id, services: choices)
                    if form["action"] == "auto" { try model.mapExactNames(organization: id) }
                    if finishes { try model.finishMapping(organization: id) }
                },
                then: { id in
                    finishes
                        ? "/organizations/\(id)?notice=\(Notice.finished.rawValue)"
                        : "/organizations/\(id)/mapping/services?notice=\(Notice.saved.rawValue)"
                },
                otherwise: { ServiceMappingPage(organization: $1, vendor: $0.vendor, problem: $2).response })
        }
    }

    private func addResults(_ router: inout Router) {
        router.get("/organizations/{id}/billing") { [self] request in
            try page(request) { model, organization, now in
                let shown = try model.showingBilling(organization: organization.id, at: now)
                return BillingPage(organization: shown, vendor: model.vendor).response
            }
        }
        router.post("/organizations/{id}/billing") { [self] request in
            try act(
                request, { (model, id, _) throws(SandboxError) in try model.refreshBilling(organization: id) },
                then: { "/organizations/\($0)/billing" },
                otherwise: { BillingPage(organization: $1, vendor: $0.vendor, problem: $2).response })
        }
        router.get("/organizations/{id}/tickets") { [self] request in
            try page(request) { _, organization, now in TicketsPage(organization: organization, now: now).response }
        }
    }
}

/// What an action did, carried over the redirect in the address.
enum Notice: String {
    case saved, finished, disconnected

    init?(_ request: Request) { self.init(rawValue: request.query["notice"] ?? "") }

    var text: String {
        switch self {
        case .saved: "Mappings saved."
        case .finished: "Mapping finished. Usage shows up once the vendor sends it."
        case .disconnected: "Disconnected. Accounts and mappings were deleted and the key was revoked."
        }
    }
}

extension SandboxModel {
    mutating func showKeyOnce(organization id: String) throws(SandboxError) {
        let position = try position(ofOrganization: id)
        organizations[position].keyToShow = organizations[position].partnerKey?.value
    }

    /// The new key, the first time it is asked for.
    mutating func takeKeyToShow(organization id: String) -> String? {
        // No organization, no key.
        guard let position = try? position(ofOrganization: id) else { return nil }
        return organizations[position].keyToShow.take()
    }

    /// The organization with a billing view that is not overdue.
    mutating func showingBilling(organization id: String, at now: Date) throws(SandboxError) -> Organization {
        let position = try position(ofOrganization: id)
        organizations[position].refreshBillingIfDue(at: now)
        return organizations[position]
    }
}
