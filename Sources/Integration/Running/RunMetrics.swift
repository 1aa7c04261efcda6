import Metrics
import Store

/// What operators watch: how runs end and what became of their counts.
enum RunMetrics {
    static func record(_ run: SyncRun) {
        Counter(
            label: "perch_runs_total", dimensions: [("purpose", run.purpose.rawValue), ("state", run.state.rawValue)]
        ).increment()
        let outcomes = [
            ("accepted", run.tally.accepted), ("notMapped", run.tally.notMapped), ("rejected", run.tally.rejected),
            ("failed", run.tally.failed), ("notSent", run.tally.notSent),
        ]
        for (outcome, count) in outcomes where count > 0 {
            Counter(label: "perch_counts_total", dimensions: [("outcome", outcome)]).increment(by: count)
        }
    }
}
