import GRDB

/// What a column takes; nil is NULL.
typealias ColumnValue = (any DatabaseValueConvertible)?

/// All SQL goes through statements that the connection keeps prepared.
extension Database {
    func fetchOne<Record: StoredRecord>(
        _ type: Record.Type, _ sql: String, _ arguments: StatementArguments = []
    ) throws -> Record? {
        try Row.fetchOne(cachedStatement(sql: sql), arguments: arguments)
            .map { try Record(RowReader($0, of: Record.table, key: Record.key)) }
    }

    func fetchAll<Record: StoredRecord>(
        _ type: Record.Type, _ sql: String, _ arguments: StatementArguments = []
    ) throws -> [Record] {
        let rows = try Row.fetchCursor(cachedStatement(sql: sql), arguments: arguments)
        var records: [Record] = []
        while let row = try rows.next() {
            records.append(try Record(RowReader(row, of: Record.table, key: Record.key)))
        }
        return records
    }

    /// One instant, such as the earliest of something.
    func fetchInstant(_ sql: String) throws -> Int64? {
        try Int64.fetchOne(cachedStatement(sql: sql))
    }

    /// Runs one statement and returns how many rows it changed.
    @discardableResult
    func change(_ sql: String, _ arguments: StatementArguments = []) throws -> Int {
        try cachedStatement(sql: sql).execute(arguments: arguments)
        return changesCount
    }

    /// Inserts one row.
    /// - Parameter conflict: what follows the values, such as an `ON CONFLICT` clause.
    func insert(
        into table: String, _ values: KeyValuePairs<String, ColumnValue>, _ conflict: String = ""
    ) throws {
        let columns = values.map(\.key).joined(separator: ", ")
        let marks = values.map { _ in "?" }.joined(separator: ", ")
        try change(
            "INSERT INTO \(table) (\(columns)) VALUES (\(marks)) \(conflict)", StatementArguments(values.map(\.value)))
    }

    /// Sets columns of the row with this key; returns false when there is none.
    @discardableResult
    func update(
        _ table: String, _ values: KeyValuePairs<String, ColumnValue>, where key: String, is id: any DatabaseValueConvertible
    ) throws -> Bool {
        let columns = values.map { "\($0.key) = ?" }.joined(separator: ", ")
        return try change(
            "UPDATE \(table) SET \(columns) WHERE \(key) = ?", StatementArguments(values.map(\.value) + [id])) > 0
    }
}
