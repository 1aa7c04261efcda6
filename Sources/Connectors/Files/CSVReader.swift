/// Reads comma-separated values row by row (RFC 4180), with another delimiter where one is set.
///
/// Stricter than many readers, because a quote in the wrong place moves every later field by one: quotes only around whole fields, and a
/// quoted field ends with its quote.
struct CSVReader {
    struct Row: Equatable {
        /// Where it begins, from 1. A row may take several lines.
        var line: Int
        var fields: [String]
        /// A line with nothing in it.
        var isBlank: Bool { fields == [""] }
    }

    static let maximumFieldBytes = 1 << 20
    static let maximumFields = 1000

    private let bytes: [UInt8]
    private let delimiter: UInt8
    private var position = 0
    private var line = 1

    /// - Parameters:
    ///   - bytes: UTF-8.
    ///   - delimiter: any character of ASCII but a quote, a line end and a letter or digit.
    init(_ bytes: [UInt8], delimiter: UInt8 = UInt8(ascii: ",")) {
        self.bytes = bytes
        self.delimiter = delimiter
    }

    /// The next row, nil at the end.
    /// - Throws: `invalidFile` with the line.
    mutating func next() throws(ConnectorError) -> Row? {
        guard position < bytes.count else { return nil }
        let start = line
        var fields: [String] = []
        while true {
            guard fields.count < Self.maximumFields else { throw .invalidFile("Line \(start) has more than \(Self.maximumFields) fields.") }
            fields.append(try field(rowStart: start))
            guard position < bytes.count else { return Row(line: start, fields: fields) }
            if bytes[position] == delimiter {
                position += 1
                // A delimiter at the very end is followed by an empty field.
                guard position < bytes.count else { return Row(line: start, fields: fields + [""]) }
            } else {
                passLineEnd()
                return Row(line: start, fields: fields)
            }
        }
    }

    private mutating func field(rowStart: Int) throws(ConnectorError) -> String {
        guard bytes[position] == UInt8(ascii: "\"") else {
            let start = position
            while position < bytes.count, bytes[position] != delimiter, !isLineEnd(bytes[position]) {
                guard bytes[position] != UInt8(ascii: "\"") else {
                    throw .invalidFile(
                        "Line \(line) has a quote in the middle of a field; such a field stands in quotes, and the quote twice.")
                }
                position += 1
            }
            return try text(bytes[start..<position])
        }
        let quoteLine = line
        position += 1
        var content: [UInt8] = []
        while true {
            guard position < bytes.count else { throw .invalidFile("The quote that line \(quoteLine) opens is never closed.") }
            let byte = bytes[position]
            if byte == UInt8(ascii: "\"") {
                position += 1
                guard position < bytes.count, bytes[position] == UInt8(ascii: "\"") else { break }
            } else if isLineEnd(byte) {
                // A return and a line feed are one line end.
                if byte == 0x0A || position + 1 == bytes.count || bytes[position + 1] != 0x0A { line += 1 }
            }
            content.append(byte)
            position += 1
            guard content.count <= Self.maximumFieldBytes else { throw tooLong(quoteLine) }
        }
        guard position == bytes.count || bytes[position] == delimiter || isLineEnd(bytes[position]) else {
            throw .invalidFile("Line \(line) goes on behind the quote that closes a field.")
        }
        return try text(content[...])
    }

    private func text(_ content: ArraySlice<UInt8>) throws(ConnectorError) -> String {
        guard content.count <= Self.maximumFieldBytes else { throw tooLong(line) }
        return String(decoding: content, as: UTF8.self)
    }

    private func tooLong(_ line: Int) -> ConnectorError {
        .invalidFile("Line \(line) has a field longer than \(Self.maximumFieldBytes) bytes.")
    }

    private func isLineEnd(_ byte: UInt8) -> Bool { byte == 0x0A || byte == 0x0D }

    private mutating func passLineEnd() {
        let isPair = bytes[position] == 0x0D && position + 1 < bytes.count && bytes[position + 1] == 0x0A
        position += isPair ? 2 : 1
        line += 1
    }
}
