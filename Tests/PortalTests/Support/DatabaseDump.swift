import Foundation

@testable import Store

/// One text of one row, for looking at the database beneath the store.
private struct RawText: StoredRecord {
    static let table = "raw"
    static let key: [String] = []
    let text: String

    init(_ row: RowReader) throws(StoreError) {
        text = try row.text("text")
    }
}

extension SQLiteStore {
    /// Runs one statement on the writing connection.
    func raw(_ sql: String) async throws(StoreError) {
        try await write { try $0.change(sql) }
    }

    func rawTexts(_ sql: String) async throws(StoreError) -> [String] {
        try await read { try $0.fetchAll(RawText.self, sql).map(\.text) }
    }

    /// Everything that is stored, by table, but for the audit trail and for when somebody was last seen: two dumps are the same
    /// when nothing was changed in between.
    func dump() async throws -> [String: [String]] {
        let unchanging: Set<String> = ["last_seen_at", "last_used_at", "proof"]
        var dump: [String: [String]] = [:]
        let tables = try await rawTexts("SELECT name AS text FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
        for table in tables where !["audit_entry", "write_check"].contains(table) {
            let columns = try await rawTexts("SELECT name AS text FROM pragma_table_info('\(table)')").filter { !unchanging.contains($0) }
            let text = columns.map { "quote(\($0))" }.joined(separator: " || ',' || ")
            dump[table] = try await rawTexts("SELECT \(text) AS text FROM \(table) ORDER BY 1")
        }
        return dump
    }
}
