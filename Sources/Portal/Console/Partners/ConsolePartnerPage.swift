import Foundation
import HTTPServer
import Integration
import Store

/// `GET /console/partners/{partnerId}`: one partner as an operator sees it.
struct ConsolePartnerView: Sendable {
    var frame: ConsoleFrame
    var id: String
    var name: String
    var facts: [ConnectionCardView.FactView]
    var badge: BadgeView
    var since: TimeView
    /// Why the state is as it is; empty when it says it all.
    var reason: String
    /// That its schedule fails and what Perch does about it; empty when it does not.
    var failingSchedule: String
    var notMapped: String
    var hasRuns: Bool
    var runs: [HistoryView.Row]
    /// The last run shown, for the link to older ones; empty when there are none.
    var olderBefore: String
    var hasAlerts: Bool
    var alerts: [AlertRow]
    var canAct: Bool
    /// Nil where the vendor is asked for usage.
    var usage: ConsoleUsageView?
    /// Shown once, just after it was made.
    var launchLink: LaunchLinkView?
    var zoneName: String

    struct AlertRow: Sendable, Hashable {
        var title: String
        var accountID: String
        var alertID: String
        var createdAt: TimeView
        var badge: BadgeView
        var ticket: String
        var errors: [String]
    }

    struct LaunchLinkView: Sendable, Hashable {
        var url: String
        var until: TimeView
    }

    init(_ overview: PartnerOverview, _ alerts: [Alert], usage: ConsoleUsageView? = nil, frame: ConsoleFrame, canAct: Bool) {
        self.usage = usage
        let time = LocalTime(zoneName: overview.partner.timeZone)
        let card = ConnectionCardView(overview, time: time, mappingURL: "")
        self.frame = frame
        id = overview.partner.id.rawValue
        name = overview.partner.name
        facts = [
            ConnectionCardView.FactView(label: "Vendor reference", value: overview.partner.vendorReference, remark: ""),
            ConnectionCardView.FactView(
                label: "Next sync",
                value: overview.schedule?.nextRunAt.map(time.dateAndTime) ?? "not planned",
                remark: overview.schedule?.cadence.rawValue ?? ""),
        ]
        facts += card.facts
        badge = BadgeView(overview.standing)
        since = TimeView(overview.connection.stateSince, time)
        failingSchedule =
            overview.connection.state == .connected ? overview.failingSchedule?.text(time, button: "Start sync") ?? "" : ""
        reason = overview.standing.failure?.message ?? overview.connection.stateReason ?? ""
        let list = overview.notMapped
        notMapped =
            list.isEmpty
            ? ""
            : "Not mapped in Synthesize: \(Wording.count(list.accounts.count, "account")), "
                + "\(Wording.count(list.services.count, "service")); \(Wording.count(list.counts, "count")) of the last sync "
                + "\(list.counts == 1 ? "waits" : "wait") for it."
        runs = overview.history.map { HistoryView.Row($0, time) }
        hasRuns = !runs.isEmpty
        // The overview holds twenty; fewer are all there are.
        olderBefore = runs.count < 20 ? "" : overview.history.last?.id.rawValue ?? ""
        self.alerts = alerts.map { AlertRow($0, time) }
        hasAlerts = !alerts.isEmpty
        self.canAct = canAct
        zoneName = time.zoneName
    }
}

extension ConsolePartnerView.AlertRow {
    init(_ alert: Alert, _ time: LocalTime) {
        title = alert.title
        accountID = alert.accountID
        alertID = alert.alertID
        createdAt = TimeView(alert.createdAt, time)
        badge = BadgeView(alert.state)
        ticket = alert.ticketID ?? ""
        errors = alert.errors
    }
}

extension ConsoleVisit {
    static let alertsShown = 20

    /// - Parameter usageError: why a file was not taken.
    func partnerView(usageError: String = "") async throws(IntegrationError) -> ConsolePartnerView {
        let overview = try await desk.overview(partnerID)
        let alerts = try await desk.alerts(partnerID, before: nil, limit: Self.alertsShown)
        return ConsolePartnerView(
            overview, alerts, usage: try await usageView(overview, error: usageError), frame: frame(overview.partner.name, .partners),
            canAct: mayAct(as: .operator))
    }
}

extension Console {
    static let partnerRoutes: [ConsoleRoute] = [
        .page("/console", .viewer) { visit in try await visit.partnerList() },
        .form("/console/partners", .operator) { visit, form in
            let partner = try await visit.desk.createPartner(
                vendorReference: form["vendorReference"] ?? "", name: form["name"] ?? "",
                timeZone: visit.environment.settings.defaultTimeZone, by: visit.initiator)
            return .redirect(to: "/console/partners/\(partner.id)")
        },
        .page("/console/partners/{partnerId}", .viewer) { visit in
            visit.page("console-partner", try await visit.partnerView())
        },
        .form("/console/partners/{partnerId}/sync", .operator) { visit, _ in
            let run = try await visit.desk.startSync(visit.partnerID, by: visit.initiator).run
            return .redirect(to: "/console/runs/\(run.id)")
        },
        // Answered with the page itself: the link must stand in no address and no history.
        .form("/console/partners/{partnerId}/launch-link", .operator) { visit, _ in
            let link = try await LaunchLinks.make(for: visit.partnerID, by: visit.initiator, visit.environment)
            var view = try await visit.partnerView()
            view.launchLink = ConsolePartnerView.LaunchLinkView(
                url: link.url, until: TimeView(link.expiresAt, LocalTime(zoneName: view.zoneName)))
            return visit.page("console-partner", view)
        },
    ]
}
