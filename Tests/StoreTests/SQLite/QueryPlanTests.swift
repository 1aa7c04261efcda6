import Foundation
import Testing

@testable import Store

/// With ten million lines, one query that reads a table from end to end is an outage.
@Suite("Every query that runs often is answered from an index")
struct QueryPlanTests {
    static let queries: [String] = [
        Queries.claimableRun, Queries.activeRun, Queries.runs([.usage, .zeros], isPaged: false),
        Queries.runs([.usage], isPaged: true), Queries.plannedLines, Queries.countByState, Queries.lines(nil),
        Queries.lines([.rejected]), Queries.lines([.rejected, .failed, .accepted]), Queries.acceptedCounts, Queries.lastCounts,
        Queries.serviceTotals, Queries.dueSchedules, Queries.earliestNextRun, Queries.dueAlerts,
        Queries.earliestAlertAction, Queries.alerts(isPaged: false), Queries.alerts(isPaged: true),
        Queries.auditEntries(ofPartner: true), Queries.auditEntries(ofPartner: false),
        "SELECT * FROM sync_run WHERE id = ?", "SELECT * FROM alert WHERE partner_id = ? AND alert_id = ?",
        "SELECT * FROM partner WHERE vendor_reference = ?", "SELECT * FROM operator_key WHERE hash = ?",
        "SELECT * FROM account WHERE partner_id = ? ORDER BY id", "DELETE FROM web_session WHERE expires_at <= ?",
        "DELETE FROM launch_nonce WHERE expires_at <= ?", "DELETE FROM launch_link WHERE expires_at <= ?",
        "DELETE FROM last_count WHERE partner_id = ?",
        "UPDATE usage_line SET state = 'planned' WHERE run = ? AND state = 'sending'",
        "UPDATE usage_line SET intent_at = ? WHERE run = ? AND state = 'planned' AND position <= ?",
        "UPDATE usage_line SET outcome_at = ? WHERE run = ? AND position = ? AND state = 'sending'",
    ]

    /// The chart's few rows are sorted after they were found; accepted lines are grouped once a run.
    static let sorting = [Queries.serviceTotals, Queries.acceptedCounts]

    @Test(arguments: queries)
    func usesIndex(sql: String) async throws {
        try await withSQLiteStore { store in
            let steps = try await store.plan(sql)
            #expect(!steps.isEmpty)
            for step in steps {
                // A subquery is scanned after its own steps have found its rows.
                let readsTable = step.wholeMatch(of: /SCAN (\w+)/).map { $0.1 != "recent" } ?? false
                #expect(!readsTable, "\(steps)")
                if !Self.sorting.contains(sql) { #expect(!step.contains("TEMP B-TREE"), "\(steps)") }
            }
        }
    }

    @Test("and the check would notice one that is not")
    func wouldNotice() async throws {
        try await withSQLiteStore { store in
            let steps = try await store.plan("SELECT * FROM usage_line WHERE account_id = ? ORDER BY message")
            #expect(steps.contains("SCAN usage_line"))
            #expect(steps.contains { $0.contains("TEMP B-TREE") })
        }
    }
}
