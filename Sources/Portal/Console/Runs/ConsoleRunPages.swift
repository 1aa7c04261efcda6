import HTTPServer
import Integration
import Store

/// `GET /console/runs/{runId}`: a run and its ledger.
struct ConsoleRunView: Sendable {
    var frame: ConsoleFrame
    var partnerID: String
    var partnerName: String
    /// What the partner sees of it, in the partner's time zone.
    var run: RunPageView
    var isActive: Bool
    var canCancel: Bool
    var canRelease: Bool
}

/// `GET /console/partners/{partnerId}/runs`: a partner's older runs.
struct ConsoleRunListView: Sendable {
    var frame: ConsoleFrame
    var partnerID: String
    var partnerName: String
    var runs: [HistoryView.Row]
    var olderBefore: String
    var zoneName: String
}

extension ConsoleVisit {
    private static let linesPerPage = 100
    private static let runsPerPage = 50

    func runPage() async throws -> Response {
        let run = try await desk.syncRun(runID)
        let filter = try LineFilter(request.query["state"])
        let after = request.query["after"].flatMap { Int($0) }
        let partner = try await desk.partner(run.partnerID)
        let lines = try await desk.linesToShow(of: run, states: filter.states, after: after, limit: Self.linesPerPage + 1)
        let view = RunPageView(
            partner, product: desk.productName, run, Array(lines.prefix(Self.linesPerPage)), filter, isFirst: after == nil,
            hasMore: lines.count > Self.linesPerPage, csrf: session.csrfToken, settings: environment.settings)
        return page(
            "console-run",
            ConsoleRunView(
                frame: frame(view.headline, .partners), partnerID: run.partnerID.rawValue,
                partnerName: partner.name, run: view, isActive: run.state.isActive,
                canCancel: run.state.isActive && mayAct(as: .operator),
                canRelease: run.state == .held && mayAct(as: .operator)))
    }

    func export(_ format: LedgerExport.Format) async throws -> Response {
        try await LedgerExport(desk: desk).response(desk.syncRun(runID), format)
    }

    func runList() async throws -> Response {
        let partner = try await desk.partner(partnerID)
        let time = LocalTime(zoneName: partner.timeZone)
        let runs = try await desk.syncRuns(
            partner.id, before: request.query["before"].map { SyncRunID($0) }, limit: Self.runsPerPage + 1)
        let shown = runs.prefix(Self.runsPerPage)
        return page(
            "console-runs",
            ConsoleRunListView(
                frame: frame("Syncs of \(partner.name)", .partners), partnerID: partner.id.rawValue, partnerName: partner.name,
                runs: shown.map { HistoryView.Row($0, time) },
                olderBefore: runs.count > Self.runsPerPage ? shown.last?.id.rawValue ?? "" : "", zoneName: time.zoneName))
    }
}

extension Console {
    static let runRoutes: [ConsoleRoute] = [
        .page("/console/partners/{partnerId}/runs", .viewer) { visit in try await visit.runList() },
        .page("/console/runs/{runId}", .viewer) { visit in try await visit.runPage() },
        .page("/console/runs/{runId}/lines.csv", .viewer) { visit in try await visit.export(.csv) },
        .page("/console/runs/{runId}/lines.json", .viewer) { visit in try await visit.export(.json) },
        .form("/console/runs/{runId}/cancel", .operator) { visit, _ in
            let run = try await visit.desk.cancelRun(visit.runID, by: visit.initiator)
            return .redirect(to: "/console/runs/\(run.id)")
        },
        .confirmedForm("/console/runs/{runId}/release", .operator) { visit, _ in
            let run = try await visit.desk.releaseRun(visit.runID, by: visit.initiator).run
            return .redirect(to: "/console/runs/\(run.id)")
        },
    ]
}
