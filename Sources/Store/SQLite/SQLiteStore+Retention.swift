import Foundation
import GRDB

extension SQLiteStore {
    @discardableResult
    public func removeLines(
        endedBefore end: Date, limit: Int, at instant: Date
    ) async throws(StoreError) -> Int {
        try await write { database in
            var left = limit
            for run in try database.runsToPrune(end, limit) where left > 0 {
                left -= max(1, try database.removeLines(of: run, left, instant))
            }
            return limit - left
        }
    }
}

extension Queries {
    /// Arguments: instant. How many lines a run has is told by its tally, unless some of them were removed before.
    ///
    /// The index is walked past the runs that keep their lines, about one a partner that syncs no more.
    static let runsToPrune = """
        SELECT sequence, CASE WHEN lines_removed_at IS NULL
            THEN tally_accepted + tally_not_mapped + tally_rejected + tally_failed + tally_excluded + tally_dropped_to_zero
                + tally_not_sent + tally_open
            ELSE 0 END AS lines
        FROM sync_run AS old
        WHERE may_have_lines = 1 AND finished_at < ? AND state <> 'held' AND sequence IS NOT (
            SELECT sequence FROM sync_run
            WHERE partner_id = old.partner_id AND purpose = 'usage' AND finished_at IS NOT NULL AND stage IN ('usage', 'finish')
            ORDER BY created_at DESC, sequence DESC LIMIT 1)
        ORDER BY finished_at, sequence
        """

    /// Arguments: run, run, number of lines.
    static let removeLines = """
        DELETE FROM usage_line WHERE run = ? AND position <= (
            SELECT MAX(position) FROM (SELECT position FROM usage_line WHERE run = ? ORDER BY position LIMIT ?))
        """
}

extension Database {
    /// The oldest runs that together have `limit` lines or more; a run without any counts as one.
    fileprivate func runsToPrune(_ end: Date, _ limit: Int) throws -> [Int64] {
        let rows = try Row.fetchCursor(cachedStatement(sql: Queries.runsToPrune), arguments: [end.milliseconds])
        var runs: [Int64] = []
        var lines = 0
        while lines < limit, let row = try rows.next() {
            let reader = RowReader(row, of: "sync_run", key: ["sequence"])
            runs.append(Int64(try reader.integer("sequence")))
            lines += max(1, try reader.integer("lines"))
        }
        return runs
    }

    /// Removes the run's first lines, at most `limit`; returns how many.
    fileprivate func removeLines(of run: Int64, _ limit: Int, _ instant: Date) throws -> Int {
        let removed = try change(Queries.removeLines, [run, run, limit])
        try change(
            "UPDATE sync_run SET may_have_lines = ?, lines_removed_at = COALESCE(lines_removed_at, ?) WHERE sequence = ?",
            [removed == limit, removed > 0 ? instant.milliseconds : nil, run])
        return removed
    }
}
