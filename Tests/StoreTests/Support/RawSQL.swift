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

    /// Runs statements on the writing connection, in one transaction.
    func raw(all statements: [String]) async throws(StoreError) {
        try await write { database in
            for sql in statements { try database.change(sql) }
        }
    }

    /// The column named `text` of what a query on the writing connection returns.
    func rawTexts(_ sql: String) async throws(StoreError) -> [String] {
        try await write { try $0.fetchAll(RawText.self, sql).map(\.text) }
    }

    /// What `EXPLAIN QUERY PLAN` says, a line a step. Every parameter is bound to 1.
    func plan(_ sql: String) async throws(StoreError) -> [String] {
        try await write { database in
            let bound = sql.replacing(/:\w+|\?/, with: "1")
            return try database.fetchAll(PlanStep.self, "EXPLAIN QUERY PLAN " + bound).map(\.detail)
        }
    }

    /// What SQLite finds wrong with the file; empty when nothing.
    func damage() async throws(StoreError) -> [String] {
        let integrity = try await rawTexts("SELECT integrity_check AS text FROM pragma_integrity_check")
        let references = try await rawTexts("SELECT \"table\" AS text FROM pragma_foreign_key_check")
        return integrity.filter { $0 != "ok" } + references
    }
}

private struct PlanStep: StoredRecord {
    static let table = "plan"
    static let key: [String] = []
    let detail: String

    init(_ row: RowReader) throws(StoreError) {
        detail = try row.text("detail")
    }
}

/// Runs the body with an empty SQLite store, which is closed and removed afterwards.
func withSQLiteStore(_ body: (SQLiteStore) async throws -> Void) async throws {
    try await withTemporaryDirectory { directory in
        let store = try openSQLiteStore(directory)
        try await body(store)
        try await store.close()
    }
}
