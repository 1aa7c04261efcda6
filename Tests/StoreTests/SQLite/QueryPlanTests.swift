import Foundation
import Testing

@testable import Store

/// With ten million lines, one query that reads a table from end to end is an outage.
@Suite("Every query that runs often is answered from an index")
struct QueryPlanTests {
    struct Query: Sendable, CustomTestStringConvertible {
        let sql: String
        /// What the plan must say of how the rows are found.
        let finding: String
        /// The chart's few rows are sorted after they were found; accepted lines are grouped once a run.
        var maySort = false
        var testDescription: String { sql }
    }

    static let byState = "INDEX usage_line_by_state (run=? AND state=?"

    static let queries: [Query] = [
        Query(sql: Queries.plannedLines, finding: byState + ")"),
        Query(sql: Queries.markSending, finding: byState + " AND position<?)"),
        Query(sql: Queries.changeState, finding: byState + ")"),
        Query(sql: Queries.recordOutcomes, finding: byState + " AND position=?)"),
        Query(sql: Queries.saveLastCounts, finding: "usage_line USING PRIMARY KEY (run=? AND position=?)"),
        Query(sql: Queries.countByState, finding: "usage_line USING COVERING INDEX usage_line_by_state (run=?)"),
        Query(sql: Queries.lines(nil), finding: "usage_line USING PRIMARY KEY (run=? AND position>?)"),
        Query(sql: Queries.lines([.rejected]), finding: byState + " AND position>?)"),
        Query(sql: Queries.lines([.rejected, .failed, .accepted]), finding: byState + " AND position>?)"),
        Query(sql: Queries.acceptedCounts, finding: byState + ")", maySort: true),
        Query(sql: Queries.runsToPrune, finding: "old USING INDEX sync_run_with_lines (finished_at<?)"),
        Query(sql: Queries.runsToPrune, finding: "sync_run USING INDEX sync_run_history (partner_id=?)"),
        Query(sql: Queries.removeLines, finding: "usage_line USING PRIMARY KEY (run=? AND position<?)"),
        Query(
            sql: Queries.lastCounts, finding: "last_count USING PRIMARY KEY (partner_id=? AND (account_id,service_id)>(?,?))"),
        Query(sql: Queries.serviceTotals, finding: "sync_run USING INDEX sync_run_counted (partner_id=?)", maySort: true),
        Query(sql: "DELETE FROM last_count WHERE partner_id = ?", finding: "last_count USING PRIMARY KEY (partner_id=?)"),

        Query(sql: Queries.claimableRun, finding: "sync_run USING INDEX sync_run_active"),
        Query(sql: Queries.lastRunWithUsage, finding: "sync_run USING INDEX sync_run_with_usage (partner_id=?)"),
        Query(sql: Queries.activeRun, finding: "sync_run USING INDEX sync_run_one_active_a_partner (partner_id=?)"),
        Query(
            sql: Queries.runs([.usage, .zeros], isPaged: false),
            finding: "sync_run USING INDEX sync_run_history (partner_id=?)"),
        Query(
            sql: Queries.runs([.usage], isPaged: true),
            finding: "sync_run USING INDEX sync_run_history (partner_id=? AND created_at<?)"),
        Query(sql: "SELECT * FROM sync_run WHERE id = ?", finding: "sync_run USING INDEX"),

        Query(sql: Queries.newestDelivery, finding: "usage_delivery USING INDEX usage_delivery_one_content_a_partner (partner_id=?)"),
        Query(sql: Queries.deliveredContent, finding: "usage_delivery USING INDEX usage_delivery_one_content_a_partner (partner_id=?)"),
        Query(sql: Queries.dropContent, finding: "usage_delivery USING INDEX usage_delivery_one_content_a_partner (partner_id=?)"),
        Query(
            sql: Queries.deliveryOfKey, finding: "usage_delivery USING INDEX usage_delivery_one_a_key (partner_id=? AND idempotency_key=?)"),
        Query(
            sql: Queries.forgetDeliveries, finding: "INDEX usage_delivery_by_age (partner_id=? AND received_at<?)"),

        Query(sql: Queries.dueSchedules, finding: "schedule USING INDEX schedule_due (next_run_at<?)"),
        Query(sql: Queries.earliestNextRun, finding: "schedule USING COVERING INDEX schedule_due"),
        Query(sql: Queries.dueAlerts, finding: "alert USING INDEX alert_due (next_action_at<?)"),
        Query(sql: Queries.earliestAlertAction, finding: "alert USING COVERING INDEX alert_due"),
        Query(sql: Queries.alerts(isPaged: false), finding: "alert USING INDEX alert_history (partner_id=?)"),
        Query(
            sql: Queries.alerts(isPaged: true),
            finding: "alert USING INDEX alert_history (partner_id=? AND created_at<?)"),
        Query(
            sql: "SELECT * FROM alert WHERE partner_id = ? AND alert_id = ?",
            finding: "alert USING INDEX alert_one_a_partner_and_alert_id (partner_id=? AND alert_id=?)"),

        Query(
            sql: Queries.auditEntries(ofPartner: true),
            finding: "audit_entry USING INDEX audit_entry_by_partner (partner_id=? AND sequence<?)"),
        Query(sql: Queries.auditEntries(ofPartner: false), finding: "audit_entry USING INTEGER PRIMARY KEY (rowid<?)"),
        Query(sql: "SELECT * FROM partner WHERE vendor_reference = ?", finding: "partner USING INDEX"),
        Query(sql: "SELECT * FROM operator_key WHERE hash = ?", finding: "operator_key USING INDEX"),
        Query(
            sql: "SELECT * FROM account WHERE partner_id = ? ORDER BY id",
            finding: "account USING PRIMARY KEY (partner_id=?)"),
        Query(sql: "DELETE FROM web_session WHERE expires_at <= ?", finding: "INDEX web_session_expiry (expires_at<?)"),
        Query(sql: "DELETE FROM launch_nonce WHERE expires_at <= ?", finding: "INDEX launch_nonce_expiry (expires_at<?)"),
        Query(sql: "DELETE FROM launch_link WHERE expires_at <= ?", finding: "INDEX launch_link_expiry (expires_at<?)"),
    ]

    @Test(arguments: queries)
    func usesIndex(query: Query) async throws {
        try await withSQLiteStore { store in
            let steps = try await store.plan(query.sql)
            #expect(steps.contains { $0.contains(query.finding) }, "\(steps)")
            for step in steps {
                // The chart's subquery is scanned after its own steps have found its rows.
                let readsTable = step.wholeMatch(of: /SCAN (\w+)/).map { $0.1 != "recent" } ?? false
                #expect(!readsTable, "\(steps)")
                if !query.maySort { #expect(!step.contains("TEMP B-TREE"), "\(steps)") }
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
