import Connectors
import Foundation

/// Rows in columns, for a terminal.
enum TextTable {
    /// - Parameter rows: the first is the head. The last column is as wide as it is.
    static func lines(_ rows: [[String]]) -> [String] {
        let rows = rows.map { $0.map(\.onOneLine) }
        let columns = rows.map(\.count).max() ?? 0
        let widths = (0..<columns).map { column in min(60, rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0) }
        return rows.map { row in
            row.enumerated().map { column, text in
                column == row.count - 1 ? text : text + String(repeating: " ", count: max(0, widths[column] - text.count))
            }.joined(separator: "  ")
        }
    }
}

/// One line of JSON.
enum JSONText {
    static func of(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }
}
