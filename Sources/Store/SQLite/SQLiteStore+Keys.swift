import Foundation
import GRDB
import Secrets

extension SQLiteStore {
    public func wrappedKey() async throws(StoreError) -> WrappedDataKey? {
        try await read { try $0.fetchOne(WrappedDataKey.self, "SELECT * FROM data_key WHERE retired_at IS NULL") }
    }

    public func wrappedKeys() async throws(StoreError) -> [WrappedDataKey] {
        try await read { database in
            try database.fetchAll(
                WrappedDataKey.self, "SELECT * FROM data_key ORDER BY retired_at IS NULL DESC, created_at DESC, id")
        }
    }

    public func insertWrappedKey(_ key: WrappedDataKey) async throws(StoreError) {
        try await write { try $0.insert(key) }
    }

    public func replaceWrappedKey(with key: WrappedDataKey, at instant: Date) async throws(StoreError) {
        try await write { database in
            try database.change("UPDATE data_key SET retired_at = ? WHERE retired_at IS NULL", [instant.milliseconds])
            try database.insert(key)
        }
    }

    public func rewrapKeys(_ keys: [WrappedDataKey]) async throws(StoreError) {
        try await write { try $0.rewrap(keys) }
    }

    public func adoptProofs(
        _ keys: [WrappedDataKey], partners: [PartnerID: String], operatorKeys: [OperatorKeyID: String]
    ) async throws(StoreError) {
        try await write { database in
            try database.rewrap(keys)
            for (id, proof) in partners { try database.update("partner", ["proof": proof], where: "id", is: id.rawValue) }
            for (id, proof) in operatorKeys { try database.update("operator_key", ["proof": proof], where: "id", is: id.rawValue) }
        }
    }

    public func removeUnusedKeys() async throws(StoreError) -> [String] {
        try await write { database in
            var removed: [String] = []
            for id in try String.fetchAll(database, sql: "SELECT id FROM data_key WHERE retired_at IS NOT NULL ORDER BY id") {
                let isUsed = try SealedColumn.all.contains { column in
                    try Bool.fetchOne(database, sql: column.existsUnder, arguments: [Data(id.utf8)]) ?? true
                }
                guard !isUsed else { continue }
                try database.change("DELETE FROM data_key WHERE id = ?", [id])
                removed.append(id)
            }
            return removed
        }
    }

    public func sealedValues(
        notUnder keyID: String?, after cursor: SealContext?, limit: Int
    ) async throws(StoreError) -> [SealedValue] {
        try await read { try $0.sealedValues(notUnder: keyID, after: cursor, limit: limit) }
    }

    public func replaceSealed(_ replacements: [SealedReplacement]) async throws(StoreError) -> Int {
        try await write { database in
            var replaced = 0
            for one in replacements {
                guard let column = SealedColumn.all.first(where: { $0.table == one.context.table && $0.column == one.context.column })
                else {
                    throw StoreError(code: .constraint, message: "No secret is kept in \(one.context.table). This is a defect in Perch.")
                }
                replaced += try database.change(
                    column.replace, [Data(one.after.bytes), one.context.row, Data(one.before.bytes)])
            }
            return replaced
        }
    }

    public func sealedSetting(_ name: String) async throws(StoreError) -> SealedSecret? {
        try await read { database in
            try Data.fetchOne(database.cachedStatement(sql: "SELECT value FROM sealed_setting WHERE name = ?"), arguments: [name])
                .map { SealedSecret(bytes: Array($0)) }
        }
    }

    public func insertSealedSetting(_ name: String, _ value: SealedSecret) async throws(StoreError) {
        try await write { try $0.insert(into: "sealed_setting", ["name": name, "value": Data(value.bytes)]) }
    }
}

/// A column that holds sealed values. A test compares this list with the schema.
struct SealedColumn: Sendable {
    var table: String
    /// The column whose value is `SealContext.row`.
    var row: String
    var column: String

    /// By table.
    static let all = [
        SealedColumn(table: "connection", row: "partner_id", column: "partner_key"),
        SealedColumn(table: "sealed_setting", row: "name", column: "value"),
        SealedColumn(table: "vendor_credential", row: "partner_id", column: "sealed_fields"),
    ]

    /// Where the id of the data key stands in the sealed bytes (`SealedSecret.bytes`).
    private func isUnder(_ mark: String) -> String {
        "substr(\(column), \(SealedSecret.keyIDOffset + 1), length(\(mark))) = \(mark)"
    }

    /// Argument: id of a data key, as bytes.
    var existsUnder: String { "SELECT EXISTS (SELECT 1 FROM \(table) WHERE \(column) IS NOT NULL AND \(isUnder("?1")))" }

    /// Arguments: row to begin after or null, twice; id of a data key, as bytes, or null; limit.
    var values: String {
        """
        SELECT \(row) AS "row", \(column) AS value FROM \(table)
        WHERE \(column) IS NOT NULL AND (?1 IS NULL OR \(row) > ?2) AND (?3 IS NULL OR NOT \(isUnder("?3")))
        ORDER BY \(row) LIMIT ?4
        """
    }

    /// Arguments: new value, row, old value.
    var replace: String { "UPDATE \(table) SET \(column) = ? WHERE \(row) = ? AND \(column) = ?" }
}

extension Database {
    /// Sealed values by table and row, those after `cursor`, leaving out what this data key sealed.
    func sealedValues(notUnder keyID: String?, after cursor: SealContext?, limit: Int) throws -> [SealedValue] {
        var found: [SealedValue] = []
        for column in SealedColumn.all where cursor.map({ column.table >= $0.table }) ?? true {
            let after = cursor.flatMap { $0.table == column.table ? $0.row : nil }
            let rows = try Row.fetchCursor(
                cachedStatement(sql: column.values),
                arguments: [after, after, keyID.map { Data($0.utf8) }, max(0, limit - found.count)])
            while let row = try rows.next() {
                let reader = RowReader(row, of: column.table, key: ["row"])
                found.append(
                    SealedValue(
                        context: SealContext(table: column.table, row: try reader.text("row"), column: column.column),
                        sealed: SealedSecret(bytes: try reader.bytes("value"))))
            }
        }
        return found
    }

    fileprivate func rewrap(_ keys: [WrappedDataKey]) throws {
        let known = try String.fetchSet(self, sql: "SELECT id FROM data_key")
        guard known == Set(keys.map(\.id)) else {
            throw StoreError(
                code: .notFound, message: "The data keys changed while they were wrapped anew. Nothing was changed; try again.")
        }
        for key in keys {
            try update("data_key", ["wrapped": Data(key.wrapped), "check_value": Data(key.checkValue)], where: "id", is: key.id)
        }
    }

    fileprivate func insert(_ key: WrappedDataKey) throws {
        try insert(
            into: "data_key",
            [
                "id": key.id, "wrapped": Data(key.wrapped), "check_value": Data(key.checkValue),
                "created_at": key.createdAt.milliseconds, "retired_at": key.retiredAt?.milliseconds,
            ])
    }
}

extension WrappedDataKey: StoredRecord {
    static let table = "data_key"
    static let key = ["id"]

    init(_ row: RowReader) throws(StoreError) {
        self.init(
            id: try row.text("id"), wrapped: try row.bytes("wrapped"), checkValue: try row.bytes("check_value"),
            createdAt: try row.instant("created_at"), retiredAt: try row.optionalInstant("retired_at"))
    }
}
