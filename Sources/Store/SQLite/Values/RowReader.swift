import Foundation
import GRDB

/// A record that one row of one table holds.
protocol StoredRecord {
    static var table: String { get }
    /// The columns that tell a person which row it is.
    static var key: [String] { get }
    /// - Throws: `StoreError` with code `corrupt`.
    init(_ row: RowReader) throws(StoreError)
}

/// Reads columns by name. What cannot be read is an error that names table, column and row; it never traps, and never becomes
/// a default.
struct RowReader {
    private let row: Row
    private let table: String
    private let key: [String]

    init(_ row: Row, of table: String, key: [String]) {
        self.row = row
        self.table = table
        self.key = key
    }

    func text(_ column: String) throws(StoreError) -> String {
        try required(column, optionalText(column))
    }

    func optionalText(_ column: String) throws(StoreError) -> String? {
        switch value(column) {
        case .null: nil
        case .string(let text): text
        default: throw corrupt(column)
        }
    }

    func integer(_ column: String) throws(StoreError) -> Int {
        try required(column, optionalInteger(column))
    }

    func optionalInteger(_ column: String) throws(StoreError) -> Int? {
        switch value(column) {
        case .null: nil
        case .int64(let number): Int(number)
        default: throw corrupt(column)
        }
    }

    func flag(_ column: String) throws(StoreError) -> Bool {
        try required(column, optionalFlag(column))
    }

    func optionalFlag(_ column: String) throws(StoreError) -> Bool? {
        switch try optionalInteger(column) {
        case nil: nil
        case 0: false
        case 1: true
        default: throw corrupt(column)
        }
    }

    func instant(_ column: String) throws(StoreError) -> Date {
        try required(column, optionalInstant(column))
    }

    func optionalInstant(_ column: String) throws(StoreError) -> Date? {
        try optionalInteger(column).map { Date(milliseconds: Int64($0)) }
    }

    func bytes(_ column: String) throws(StoreError) -> [UInt8] {
        try required(column, optionalBytes(column))
    }

    func optionalBytes(_ column: String) throws(StoreError) -> [UInt8]? {
        switch value(column) {
        case .null: nil
        case .blob(let data): Array(data)
        default: throw corrupt(column)
        }
    }

    /// One of the words of a Swift enum.
    func word<Word: RawRepresentable<String>>(_ column: String) throws(StoreError) -> Word {
        try required(column, Word(rawValue: text(column)))
    }

    func count(_ column: String) throws(StoreError) -> Decimal {
        try required(column, optionalCount(column))
    }

    func optionalCount(_ column: String) throws(StoreError) -> Decimal? {
        guard let text = try optionalText(column) else { return nil }
        return try required(column, Decimal(canonicalText: text))
    }

    func json<Value: Decodable>(_ column: String) throws(StoreError) -> Value {
        do {
            return try JSONDecoder().decode(Value.self, from: Data(text(column).utf8))
        } catch {
            throw corrupt(column)
        }
    }

    func corrupt(_ column: String) -> StoreError {
        let id = key.map { "\((row[$0] as DatabaseValue).storage.value.map { "\($0)" } ?? "NULL")" }.joined(separator: ", ")
        return StoreError(
            code: .corrupt,
            message: """
                The stored \(table).\(column) of \(id) cannot be read. It was left as it is. Restore the database from a \
                backup.
                """)
    }

    private func required<Value>(_ column: String, _ value: Value?) throws(StoreError) -> Value {
        guard let value else { throw corrupt(column) }
        return value
    }

    private func value(_ column: String) -> DatabaseValue.Storage {
        (row[column] as DatabaseValue).storage
    }
}
