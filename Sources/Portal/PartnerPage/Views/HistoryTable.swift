import Foundation
import Store

/// Syncs as rows, newest first.
struct HistoryView: Sendable, Hashable {
    var rows: [Row]
    /// More are on a page of their own.
    var hasMore: Bool

    struct Row: Sendable, Hashable {
        var runID: String
        var startedAt: TimeView
        /// Who or what started it, how long it took: "Schedule, 12 s".
        var circumstances: String
        var badge: BadgeView
        var accepted: String
        var notMapped: String
        var failed: String
        /// The three in one line, for narrow screens.
        var inShort: String

        init(_ run: SyncRun, _ time: LocalTime) {
            runID = run.id.rawValue
            startedAt = TimeView(run.startedAt ?? run.createdAt, time)
            circumstances = Self.circumstances(run)
            badge = BadgeView(run.state)
            accepted = Wording.number(run.tally.accepted)
            notMapped = Wording.number(run.tally.notMapped)
            failed = Wording.number(Self.failures(run.tally))
            inShort = Self.inShort(run.tally)
        }

        private static func circumstances(_ run: SyncRun) -> String {
            var parts = [run.startedBy ?? words(run.trigger)]
            if run.purpose == .zeros { parts.append("zeros") }
            if let finishedAt = run.finishedAt, let startedAt = run.startedAt {
                parts.append(Wording.duration(finishedAt.timeIntervalSince(startedAt)))
            }
            return parts.joined(separator: ", ")
        }

        private static func inShort(_ tally: RunTally) -> String {
            var parts = ["\(Wording.number(tally.accepted)) accepted"]
            if tally.notMapped > 0 { parts.append("\(Wording.number(tally.notMapped)) not mapped") }
            if failures(tally) > 0 { parts.append("\(Wording.number(failures(tally))) failed") }
            return parts.joined(separator: ", ")
        }

        /// Whatever should have arrived and did not.
        private static func failures(_ tally: RunTally) -> Int {
            tally.rejected + tally.failed + tally.notSent
        }

        private static func words(_ trigger: RunTrigger) -> String {
            switch trigger {
            case .partner: "Partner"
            case .schedule: "Schedule"
            case .operator: "Operator"
            case .commandLine: "Command line"
            }
        }
    }

    /// Nil when there is no run to show.
    init?(_ runs: [SyncRun], hasMore: Bool, time: LocalTime) {
        guard !runs.isEmpty else { return nil }
        rows = runs.map { Row($0, time) }
        self.hasMore = hasMore
    }
}
