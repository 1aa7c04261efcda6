import Foundation
import Integration
import Store

/// Sync Now, how far a running sync is, and how the last one ended.
struct SyncPanelView: Sendable, Hashable {
    var canStart: Bool
    var running: RunningView?
    var last: RunSummaryView?

    init(_ overview: PartnerOverview, time: LocalTime) {
        let active = overview.activeRun
        running = active.map { RunningView($0, time) }
        canStart = overview.connection.state == .connected && active == nil && overview.standing != .connecting
        last = overview.lastRun.map { RunSummaryView($0, time) }
    }
}

/// A run that is under way.
struct RunningView: Sendable, Hashable {
    var runID: String
    var text: String
    /// Per cent; nil while it cannot be told.
    var percent: Int?
    var startedAt: TimeView

    init(_ run: SyncRun, _ time: LocalTime) {
        let report = ProgressReport(run)
        runID = run.id.rawValue
        text = report.text
        percent = report.percent
        startedAt = TimeView(run.startedAt ?? run.createdAt, time)
    }
}

/// How far a run is: what the page shows and what its events carry.
struct ProgressReport: Sendable, Hashable, Encodable {
    var state: RunState
    var stage: RunStage
    /// Counts answered so far, of `total`.
    var settled: Int
    var total: Int
    /// Counts a second; 0 until it can be told.
    var rate: Double
    /// Nil until it can be told.
    var secondsLeft: Int?
    /// Only sending has a known size.
    var percent: Int?
    /// All of this in words.
    var text: String

    init(_ run: SyncRun) {
        self.init(
            state: run.state, stage: run.stage, settled: run.tally.settled, total: run.tally.toSend, rate: 0,
            secondsLeft: nil)
    }

    init(_ progress: RunProgress) {
        self.init(
            state: progress.state, stage: progress.stage, settled: progress.settled, total: progress.total,
            rate: progress.rate, secondsLeft: progress.secondsLeft)
    }

    init(state: RunState, stage: RunStage, settled: Int, total: Int, rate: Double, secondsLeft: Int?) {
        self.state = state
        self.stage = stage
        self.settled = settled
        self.total = total
        self.rate = rate
        self.secondsLeft = secondsLeft
        switch stage {
        case .usage where total > 0: percent = settled * 100 / total
        case .finish: percent = 100
        default: percent = nil
        }
        text = ""
        text = inWords
    }

    private var inWords: String {
        guard state != .queued else { return "Waiting for its turn" }
        guard stage == .usage, total > 0 else { return Self.words(stage) }
        var parts = ["\(Wording.number(settled)) of \(Wording.count(total, "count")) sent"]
        if rate >= 1 { parts.append("\(Wording.number(Int(rate.rounded()))) a second") }
        if let secondsLeft { parts.append("about \(Wording.duration(TimeInterval(secondsLeft))) left") }
        return parts.joined(separator: ", ")
    }

    private static func words(_ stage: RunStage) -> String {
        switch stage {
        case .verify: "Checking the key"
        case .fetch: "Reading customers and usage"
        case .accounts: "Making accounts ready in Synthesize"
        case .services: "Making services ready in Synthesize"
        case .usage: "Preparing the counts"
        case .finish: "Finishing"
        }
    }
}

/// How a run ended.
struct RunSummaryView: Sendable, Hashable {
    var runID: String
    var badge: BadgeView
    var finishedAt: TimeView
    /// "118 accepted, 4 not mapped, 2 left out".
    var outcome: String
    /// Further sentences: what became active, what was created.
    var remarks: [String]
    /// Why it did not go well; empty when it did.
    var failure: String

    init(_ run: SyncRun, _ time: LocalTime) {
        runID = run.id.rawValue
        badge = BadgeView(run.state)
        finishedAt = TimeView(run.finishedAt ?? run.createdAt, time)
        outcome = Self.outcome(run.tally)
        remarks = Self.remarks(run.findings)
        failure = run.failure?.message ?? ""
    }

    static func outcome(_ tally: RunTally) -> String {
        let parts = [
            (tally.accepted, "accepted"), (tally.notMapped, "not mapped"), (tally.rejected, "rejected"),
            (tally.failed, "failed"), (tally.notSent, "not sent"), (tally.excluded, "left out (below 1)"),
            (tally.droppedToZero, "dropped to zero"), (tally.open, "still to send"),
        ]
        let told = parts.filter { $0.0 > 0 }.map { "\(Wording.number($0.0)) \($0.1)" }
        return told.isEmpty ? "No counts" : told.joined(separator: ", ")
    }

    static func remarks(_ findings: RunFindings) -> [String] {
        var remarks: [String] = []
        if findings.statusBefore == "pending", findings.statusAfter == "active" {
            remarks.append("With this sync the integration became active in Synthesize.")
        }
        let made = [
            (findings.accountsCreated, "account", "created"), (findings.accountsUpdated, "account", "renamed"),
            (findings.servicesCreated, "service", "created"), (findings.servicesUpdated, "service", "updated"),
        ].filter { $0.0 > 0 }.map { "\(Wording.count($0.0, $0.1)) \($0.2)" }
        if !made.isEmpty { remarks.append("In Synthesize: \(Wording.list(made)).") }
        if findings.recordsDropped > 0 {
            remarks.append(
                "\(Wording.count(findings.recordsDropped, "record")) of the vendor lacked an id, a name or a count and "
                    + "\(findings.recordsDropped == 1 ? "was" : "were") left out.")
        }
        for refused in findings.accountsRefused.prefix(5) {
            remarks.append("Synthesize would not take the account \"\(refused.name)\": \(refused.message)")
        }
        if findings.mappingLost {
            remarks.append("Synthesize had lost accounts, so they were created anew. Mapping must be redone there.")
        }
        return remarks
    }
}
