import Foundation
import HTTPServer
import HTTPTypes
import Integration
import Store
import Synchronization

/// All syncs, one sync's ledger, its files, and its progress as events.
struct LedgerPages: Sendable {
    private let environment: PortalEnvironment
    private let sessions: Sessions
    private let latestEvent = LatestEvent()
    private var desk: Desk { environment.desk }

    init(_ environment: PortalEnvironment) {
        self.environment = environment
        sessions = Sessions(environment)
    }

    private static let runsPerPage = 50
    private static let linesPerPage = 100

    func list(_ visit: PartnerVisit) async throws -> Response {
        let partner = try await desk.partner(visit.partnerID)
        let before = visit.request.query["before"].map { SyncRunID($0) }
        // One more than shown tells whether there is a next page.
        var runs = try await desk.syncRuns(visit.partnerID, before: before, limit: Self.runsPerPage + 1)
        let hasMore = runs.count > Self.runsPerPage
        runs = Array(runs.prefix(Self.runsPerPage))
        let view = RunListView(
            partner, product: desk.productName, runs, isFirst: before == nil, hasMore: hasMore, csrf: visit.session.csrfToken,
            settings: environment.settings)
        return .html(Self.library.html("partner-runs", view))
    }

    func show(_ visit: PartnerVisit) async throws -> Response {
        let run = try await visit.run(desk)
        let filter = try LineFilter(visit.request.query["state"])
        let after = visit.request.query["after"].flatMap { Int($0) }
        let partner = try await desk.partner(visit.partnerID)
        var lines = try await desk.linesToShow(of: run, states: filter.states, after: after, limit: Self.linesPerPage + 1)
        let hasMore = lines.count > Self.linesPerPage
        lines = Array(lines.prefix(Self.linesPerPage))
        let view = RunPageView(
            partner, product: desk.productName, run, lines, filter, isFirst: after == nil, hasMore: hasMore, csrf: visit.session.csrfToken,
            settings: environment.settings)
        return .html(Self.library.html("partner-run", view))
    }

    /// The whole ledger as a file.
    func export(_ format: LedgerExport.Format) -> @Sendable (PartnerVisit) async throws -> Response {
        { visit in try await LedgerExport(desk: desk).response(visit.run(desk), format) }
    }

    /// How soon a stream ends after the session that it was opened in.
    private static let lookAtSession = Duration.seconds(2)

    /// `progress` events while the run goes on, then one `end`. Without it when the session is over first: the browser then asks again,
    /// and is told.
    func events(_ visit: PartnerVisit) async throws -> Response {
        let run = try await visit.run(desk)
        let progress = try await desk.progress(of: run.id)
        var response = Response.serverSentEvents { [latestEvent, sessions, time = environment.time] events in
            try await withThrowingTaskGroup(of: Bool.self) { group in
                group.addTask {
                    for await snapshot in progress { try await events.send(latestEvent.event(of: snapshot)) }
                    return true
                }
                group.addTask {
                    while try await sessions.isOpen(visit.session.stored) { try await time.sleep(Self.lookAtSession) }
                    return false
                }
                let hasRunEnded = try await group.next() ?? false
                group.cancelAll()
                if hasRunEnded { try await events.send(ServerSentEvent(event: "end", data: "{}")) }
            }
        }
        response.headerFields[.accelBuffering] = "no"
        return response
    }

    static let library = PageLibrary([
        "partner-runs": PackageResources.partner_runs_mustache,
        "partner-run": PackageResources.partner_run_mustache,
        "partner-history": PackageResources.partner_history_mustache,
        "partner-progress": PackageResources.partner_progress_mustache,
    ])
}

/// The event last written, for the other viewers of the same run: writing it anew for each would be most of what a viewer costs.
private final class LatestEvent: Sendable {
    private let latest = Mutex<(snapshot: RunProgress, event: ServerSentEvent)?>(nil)

    func event(of snapshot: RunProgress) throws -> ServerSentEvent {
        if let latest = latest.withLock({ $0 }), latest.snapshot == snapshot { return latest.event }
        let json = try JSONEncoder().encode(ProgressReport(snapshot))
        let event = ServerSentEvent(event: "progress", data: String(decoding: json, as: UTF8.self), retryMilliseconds: 2000)
        latest.withLock { $0 = (snapshot, event) }
        return event
    }
}
