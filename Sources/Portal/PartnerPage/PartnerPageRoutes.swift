import HTTPServer
import HTTPTypes
import Integration
import Store

/// The partner's routes (design section 6).
func addPartnerPageRoutes(to router: inout Router, _ environment: PortalEnvironment) {
    let gate = PartnerGate(environment)
    let page = PartnerPage(environment)
    let actions = PartnerActions(environment, page)
    let ledger = LedgerPages(environment)
    let door = LaunchDoor(environment)
    let sessions = Sessions(environment)

    router.get("/launch", door.respond)
    router.get("/", gate.page(page.show))
    router.post("/connect", gate.form(actions.connect))
    router.post("/disable", gate.form(actions.disable))
    router.post("/enable", gate.form(actions.enable))
    router.post("/forget-key", gate.form(actions.forgetKey))
    router.post("/sync", gate.form(actions.startSync))
    router.post("/preview", gate.form(actions.preview))
    router.post("/send-zeros", gate.form(actions.sendZeros))
    router.post("/test-alert", gate.form(actions.sendTestAlert))
    router.post("/schedule", gate.form(actions.saveSchedule))
    router.get("/runs", gate.page(ledger.list))
    router.get("/runs/{id}", gate.page(ledger.show))
    router.get("/runs/{id}/lines.csv", gate.page(ledger.export(.csv)))
    router.get("/runs/{id}/lines.json", gate.page(ledger.export(.json)))
    router.get("/runs/{id}/events", gate.page(ledger.events))
    router.post(
        "/sign-out",
        gate.form(forViewers: true) { visit, _ in
            var response = ErrorPages.page(
                .ok, headline: "You are signed out", message: "Open the page again from your vendor's portal.",
                version: environment.settings.version)
            let entry = AuditEntry(
                at: environment.time.now(), actor: visit.initiator.actor, action: "session.close", partnerID: visit.partnerID,
                address: visit.initiator.address, details: "Signed out.")
            response.setCookie(
                try await environment.store.audited(entry) { () async throws(StoreError) in
                    try await sessions.close(.partner, of: visit.request)
                })
            return response
        })
}

/// `GET /`, and the same page again when something asked for was not done.
struct PartnerPage: Sendable {
    let environment: PortalEnvironment

    init(_ environment: PortalEnvironment) {
        self.environment = environment
    }

    func show(_ visit: PartnerVisit) async throws -> Response {
        let notice = visit.request.query[Notice.queryName].flatMap(Notice.init(rawValue:))
        return try await response(visit, PageOccasion(csrf: visit.session.csrfToken, notice: notice))
    }

    /// The page as an answer to a form that was not taken.
    func response(
        _ visit: PartnerVisit, _ occasion: PageOccasion, status: HTTPResponse.Status = .ok
    ) async throws -> Response {
        let overview = try await currentOverview(of: visit.partnerID)
        var view = PartnerPageView(overview, occasion, settings: environment.settings)
        if !visit.session.mayChange { view.showOnly() }
        return .html(Self.library.html("partner-page", view), status: status)
    }

    /// With the numbers of this moment for a running sync: the store's are counted at its end.
    private func currentOverview(of partner: PartnerID) async throws(IntegrationError) -> PartnerOverview {
        var overview = try await environment.desk.overview(partner)
        if let active = overview.activeRun {
            let current = try await environment.desk.syncRun(active.id)
            // It ended in between, and may have changed the connection: all is read anew.
            guard current.state.isActive else { return try await environment.desk.overview(partner) }
            overview.activeRun = current
            overview.history = overview.history.map { $0.id == current.id ? current : $0 }
        }
        return overview
    }

    static let library = PageLibrary([
        "partner-page": PackageResources.partner_page_mustache,
        "partner-connection": PackageResources.partner_connection_mustache,
        "partner-connect-form": PackageResources.partner_connect_form_mustache,
        "partner-field": PackageResources.partner_field_mustache,
        "partner-sync": PackageResources.partner_sync_mustache,
        "partner-progress": PackageResources.partner_progress_mustache,
        "partner-to-do": PackageResources.partner_to_do_mustache,
        "partner-schedule": PackageResources.partner_schedule_mustache,
        "partner-chart": PackageResources.partner_chart_mustache,
        "partner-history": PackageResources.partner_history_mustache,
        "partner-test-alert": PackageResources.partner_test_alert_mustache,
        "partner-way": PackageResources.partner_way_mustache,
    ])
}
