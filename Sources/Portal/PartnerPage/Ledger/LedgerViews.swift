import Foundation
import HTTPServer
import HTTPTypes
import Integration
import Store

/// The page of all syncs.
struct RunListView: Sendable, Hashable {
    var frame: PageFrame
    var zoneName: String
    var history: HistoryView?
    /// False on a later page, which links back to the first.
    var isFirst: Bool
    /// The last run shown, for the link to older ones; empty when there are none.
    var olderBefore: String

    init(
        _ partner: Partner, product: String, _ runs: [SyncRun], isFirst: Bool, hasMore: Bool, csrf: String, settings: PortalSettings
    ) {
        let time = LocalTime(zoneName: partner.timeZone)
        frame = PageFrame(
            title: "All syncs", product: product, partnerName: partner.name, csrf: csrf,
            version: settings.version)
        zoneName = time.zoneName
        history = HistoryView(runs, hasMore: false, time: time)
        self.isFirst = isFirst
        olderBefore = hasMore ? runs.last?.id.rawValue ?? "" : ""
    }
}

/// Which lines of a ledger are shown.
struct LineFilter: Sendable, Hashable {
    /// Nil shows all.
    var state: UsageLineState?

    /// - Throws: `HTTPError` 400 for a word that is no state.
    init(_ word: String?) throws(HTTPError) {
        guard let word, !word.isEmpty else { return }
        guard let state = UsageLineState(rawValue: word) else {
            throw HTTPError(.badRequest, code: "unknown-state", message: "There is no such state of a count.")
        }
        self.state = state
    }

    /// What is on its way counts as waiting, as the page says.
    var states: Set<UsageLineState>? {
        state.map { $0 == .planned ? [.planned, .sending] : [$0] }
    }
}

/// One run and its ledger.
struct RunPageView: Sendable, Hashable {
    var frame: PageFrame
    var runID: String
    var zoneName: String
    var badge: BadgeView
    var headline: String
    /// Nil when the run has ended.
    var running: RunningView?
    var facts: [ConnectionCardView.FactView]
    var outcome: String
    var remarks: [String]
    var failure: String
    var filters: [Filter]
    var rows: [Row]
    /// False when the lines were removed for their age, so that there is no file to download.
    var keepsLines: Bool
    /// Why there is no row; empty when there is one.
    var emptyText: String
    /// The query of the next page; empty on the last.
    var nextQuery: String
    /// The query of the first page; empty when this is it.
    var firstQuery: String

    struct Filter: Sendable, Hashable {
        var query: String
        var label: String
        var count: String
        var isCurrent: Bool
    }

    struct Row: Sendable, Hashable {
        var account: String
        var accountID: String
        var service: String
        /// What was counted; empty when that was not recorded.
        var basis: String
        var count: String
        /// What the vendor counted, when another number was sent.
        var rawRemark: String
        var badge: BadgeView
        var message: String
    }

    init(
        _ partner: Partner, product: String, _ run: SyncRun, _ lines: [UsageLine], _ filter: LineFilter, isFirst: Bool,
        hasMore: Bool, csrf: String, settings: PortalSettings
    ) {
        let time = LocalTime(zoneName: partner.timeZone)
        headline = "Sync of \(time.dateAndTime(run.startedAt ?? run.createdAt))"
        frame = PageFrame(
            title: headline, product: product, partnerName: partner.name, csrf: csrf,
            refreshes: run.state.isActive, version: settings.version)
        runID = run.id.rawValue
        zoneName = time.zoneName
        badge = BadgeView(run.state)
        running = run.state.isActive ? RunningView(run, time) : nil
        facts = Self.facts(run, time)
        outcome = RunSummaryView.outcome(run.tally)
        remarks = RunSummaryView.remarks(run.findings)
        failure = run.failure?.message ?? ""
        filters = Self.filters(run.tally, filter)
        rows = lines.map(Row.init)
        keepsLines = run.linesRemovedAt == nil
        emptyText =
            if let removedAt = run.linesRemovedAt {
                "The single counts of this sync were removed on \(time.date(removedAt)) for their age. The numbers above stay."
            } else if !lines.isEmpty {
                ""
            } else {
                filter.state == nil ? "No counts are in this sync's ledger." : "No count of this sync is in this state."
            }
        let stateQuery = filter.state.map { "state=\($0.rawValue)" }
        nextQuery = hasMore ? Self.query([stateQuery, lines.last.map { "after=\($0.position)" }]) : ""
        firstQuery = isFirst ? "" : Self.query([stateQuery])
    }

    private static func query(_ parts: [String?]) -> String {
        "?" + parts.compactMap(\.self).joined(separator: "&")
    }

    private static func facts(_ run: SyncRun, _ time: LocalTime) -> [ConnectionCardView.FactView] {
        var facts: [ConnectionCardView.FactView] = []
        func add(_ label: String, _ value: String, _ remark: String = "") {
            facts.append(ConnectionCardView.FactView(label: label, value: value, remark: remark))
        }
        add("Started by", run.startedBy ?? (run.trigger == .schedule ? "Schedule" : run.trigger.rawValue.capitalized))
        if let startedAt = run.startedAt { add("Started", time.dateAndTime(startedAt)) }
        if let finishedAt = run.finishedAt {
            let took = run.startedAt.map { "took \(Wording.duration(finishedAt.timeIntervalSince($0)))" } ?? ""
            add("Ended", time.dateAndTime(finishedAt), took)
        }
        if let usage = run.usage {
            let (value, verb) =
                switch usage.origin {
                case .push: ("Pushed", "arrived")
                case .upload: ("Uploaded", "arrived")
                case .file: ("File \(usage.name)", "written")
                }
            add("Usage", value, "\(verb) \(time.dateAndTime(usage.countsFrom))")
        }
        if run.findings.accountsRead > 0 { add("Accounts read", Wording.number(run.findings.accountsRead)) }
        return facts
    }

    private static func filters(_ tally: RunTally, _ filter: LineFilter) -> [Filter] {
        let all: [(UsageLineState?, String, Int)] = [
            (nil, "All", tally.toSend + tally.excluded + tally.droppedToZero), (.accepted, "Accepted", tally.accepted),
            (.notMapped, "Not mapped", tally.notMapped), (.rejected, "Rejected", tally.rejected),
            (.failed, "Failed", tally.failed), (.notSent, "Not sent", tally.notSent), (.planned, "Waiting", tally.open),
            (.excluded, "Left out", tally.excluded), (.droppedToZero, "Dropped to zero", tally.droppedToZero),
        ]
        return all.filter { $0.2 > 0 || $0.0 == nil || $0.0 == filter.state }.map { state, label, count in
            Filter(
                query: query([state.map { "state=\($0.rawValue)" }]), label: label, count: Wording.number(count),
                isCurrent: state == filter.state)
        }
    }
}

extension Desk {
    /// None for a run whose lines were removed, which the page tells.
    func linesToShow(
        of run: SyncRun, states: Set<UsageLineState>?, after cursor: Int?, limit: Int
    ) async throws(IntegrationError) -> [UsageLine] {
        run.linesRemovedAt == nil ? try await lines(run.id, states: states, after: cursor, limit: limit) : []
    }
}

extension RunPageView.Row {
    init(_ line: UsageLine) {
        account = line.accountName
        accountID = line.accountID
        service = line.serviceName
        basis = line.basis.map(Wording.basis) ?? ""
        count = Wording.number(line.sentCount ?? line.rawCount)
        rawRemark =
            line.sentCount == nil || line.sentCount == line.rawCount
            ? "" : "vendor: \(Wording.number(line.rawCount))"
        badge = BadgeView(line.state)
        message = line.message ?? ""
    }
}
