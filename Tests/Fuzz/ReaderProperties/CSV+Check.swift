@testable import Connectors

/// The first byte chooses the delimiter. What is read, written with quotes, is read the same again.
func checkCSV(_ bytes: [UInt8]) throws(BrokenProperty) {
    for encoding in TextEncoding.allCases {
        var text: [UInt8] = []
        do throws(ConnectorError) {
            text = try encoding.utf8Bytes(of: bytes)
        } catch {
            try require(error.code == .invalidFile, "\(encoding) refused with \(error)")
        }
        try require(String(validating: text, as: UTF8.self) != nil, "\(encoding) made what is no text: \(shown(text))")
    }
    let delimiters = Array(",;|\t".utf8)
    guard let choice = bytes.first else { return }
    let delimiter = delimiters[Int(choice) % delimiters.count]
    // The reader is given text only.
    let text = Array(String(decoding: bytes.dropFirst(), as: UTF8.self).utf8)
    guard let rows = try readRows(text, delimiter) else { return }

    let lineEnds = text.count { $0 == 0x0A || $0 == 0x0D }
    var line = 0
    for row in rows {
        try require(row.line > line && row.line <= lineEnds + 1, "row in line \(row.line) behind \(line) of \(lineEnds + 1)")
        try require(!row.fields.isEmpty, "a row without fields")
        line = row.line
    }
    var written: [UInt8] = []
    for row in rows {
        for (index, field) in row.fields.enumerated() {
            if index > 0 { written.append(delimiter) }
            written += "\"\(field.replacing("\"", with: "\"\""))\"".utf8
        }
        written.append(0x0A)
    }
    let again = try readRows(written, delimiter)
    try require(again?.map(\.fields) == rows.map(\.fields), "\(rows) became \(String(describing: again))")
}

private func readRows(_ text: [UInt8], _ delimiter: UInt8) throws(BrokenProperty) -> [CSVReader.Row]? {
    var reader = CSVReader(text, delimiter: delimiter)
    var rows: [CSVReader.Row] = []
    do throws(ConnectorError) {
        while let row = try reader.next() { rows.append(row) }
        return rows
    } catch {
        try require(error.code == .invalidFile, "refused with \(error)")
        return nil
    }
}
