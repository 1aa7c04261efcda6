import HTTPServer
import HTTPTypes
import Integration
import Store

/// What the page's buttons do. Done: 303 back to the page with a notice. Not done: the page again, saying why.
struct PartnerActions: Sendable {
    private let page: PartnerPage
    private let desk: Desk

    init(_ environment: PortalEnvironment, _ page: PartnerPage) {
        self.page = page
        desk = environment.desk
    }

    func connect(_ visit: PartnerVisit, _ form: FormFields) async throws -> Response {
        let fields = try await desk.overview(visit.partnerID).fields
        let request = ConnectFields.request(form, fields: fields)
        do {
            _ = try await desk.connect(visit.partnerID, request, by: visit.initiator)
            return .redirect(to: Notice.connecting.location)
        } catch {
            // Secrets are never sent back, not even to the one who typed them.
            let open = fields.filter { !$0.field.isSecret }.map(\.field.name)
            return try await again(visit, error) {
                $0.connectAttempt = ConnectAttempt(typed: request.fields.filter { open.contains($0.key) }, error: error)
            }
        }
    }

    func enable(_ visit: PartnerVisit, _ form: FormFields) async throws -> Response {
        do {
            _ = try await desk.enable(visit.partnerID, by: visit.initiator)
            return .redirect(to: Notice.enabling.location)
        } catch {
            // The stored key or credential is what failed, so the form that replaces it is opened.
            return try await again(visit, error) { $0.connectAttempt = ConnectAttempt(typed: [:], error: error) }
        }
    }

    func disable(_ visit: PartnerVisit, _ form: FormFields) async throws -> Response {
        try await perform(visit) { () async throws(IntegrationError) in
            try await desk.disable(visit.partnerID, by: visit.initiator) == nil ? .disabled : .disabledUntold
        }
    }

    func forgetKey(_ visit: PartnerVisit, _ form: FormFields) async throws -> Response {
        try await perform(visit) { () async throws(IntegrationError) in
            try await desk.forgetKey(visit.partnerID, by: visit.initiator)
            return .keyForgotten
        }
    }

    func startSync(_ visit: PartnerVisit, _ form: FormFields) async throws -> Response {
        try await perform(visit) { () async throws(IntegrationError) in
            switch try await desk.startSync(visit.partnerID, by: visit.initiator) {
            case .inserted: .syncStarted
            case .alreadyActive: .syncRunning
            }
        }
    }

    /// Answered with a page of its own, because nothing of it is kept that another address could show.
    func preview(_ visit: PartnerVisit, _ form: FormFields) async throws -> Response {
        let preview: UsagePreview
        do {
            preview = try await desk.previewSync(visit.partnerID)
        } catch {
            return try await again(visit, error) { $0.error = error }
        }
        let view = PreviewPageView(
            try await desk.overview(visit.partnerID), preview, csrf: visit.session.csrfToken, settings: page.environment.settings)
        return .html(PreviewPageView.library.html("partner-preview", view))
    }

    func sendZeros(_ visit: PartnerVisit, _ form: FormFields) async throws -> Response {
        try await perform(visit) { () async throws(IntegrationError) in
            switch try await desk.sendZeros(visit.partnerID, listed: SyncRunID(form["run"] ?? ""), by: visit.initiator) {
            case .inserted: .zerosStarted
            case .alreadyActive: .syncRunning
            }
        }
    }

    func sendTestAlert(_ visit: PartnerVisit, _ form: FormFields) async throws -> Response {
        try await perform(visit) { () async throws(IntegrationError) in
            _ = try await desk.sendTestAlert(visit.partnerID, by: visit.initiator)
            return .alertSent
        }
    }

    func saveSchedule(_ visit: PartnerVisit, _ form: FormFields) async throws -> Response {
        let choice = ScheduleFields.choice(form)
        do {
            _ = try await desk.saveSchedule(visit.partnerID, choice, by: visit.initiator)
            return .redirect(to: Notice.scheduleSaved.location)
        } catch {
            return try await again(visit, error) {
                $0.scheduleAttempt = ScheduleAttempt(
                    choice: choice, typedTime: form[ScheduleFields.time] ?? "", error: error)
            }
        }
    }

    private func perform(
        _ visit: PartnerVisit, _ action: () async throws(IntegrationError) -> Notice
    ) async throws -> Response {
        do {
            return .redirect(to: try await action().location)
        } catch {
            return try await again(visit, error) { $0.error = error }
        }
    }

    /// The page once more with what went wrong.
    private func again(
        _ visit: PartnerVisit, _ error: IntegrationError, _ change: (inout PageOccasion) -> Void
    ) async throws -> Response {
        var occasion = PageOccasion(csrf: visit.session.csrfToken)
        change(&occasion)
        return try await page.response(visit, occasion, status: error.pageStatus)
    }
}
