import Foundation

/// How usage stands in a file: which column or member holds what.
public struct UsageFileFormat: Sendable, Hashable {
    public enum Kind: Sendable, Hashable {
        /// Rows under a header row.
        case csv(delimiter: Character)
        /// Records at a path (RFC 9535), for instance `$[*]` or `$.usage[*]`. The fields are paths within a record, or plain names of members.
        case json(records: String)
    }

    /// Which sign divides the whole number from its fraction.
    public enum DecimalMark: String, Sendable, Hashable, CaseIterable {
        case point, comma
    }

    public var kind: Kind
    public var encoding: TextEncoding
    public var decimalMark: DecimalMark
    /// Headers of columns, or members and paths in JSON.
    public var accountID: String
    public var accountName: String
    public var service: String
    public var count: String

    public init(
        kind: Kind, encoding: TextEncoding = .automatic, decimalMark: DecimalMark = .point, accountID: String = "account_id",
        accountName: String = "account_name", service: String = "service", count: String = "count"
    ) {
        self.kind = kind
        self.encoding = encoding
        self.decimalMark = decimalMark
        self.accountID = accountID
        self.accountName = accountName
        self.service = service
        self.count = count
    }

    /// Most bytes of a file, whatever a setting says.
    public static let maximumBytes = 64 << 20

    var isCSV: Bool {
        if case .csv = kind { true } else { false }
    }

    /// - Throws: `invalidDefinition` when no file can be read so.
    func check() throws(ConnectorError) {
        switch kind {
        case .csv(let delimiter): _ = try Self.sign(delimiter)
        case .json(let records): _ = try paths(records)
        }
    }

    /// Everything that a file says, or nothing of it.
    ///
    /// A row is one count of one service for one account; a row without service and count tells an account that uses nothing. Of an
    /// account and service that come several times, every count stays: the sum is made where all connectors' duplicates are summed.
    /// - Parameter services: names of the catalogue; any other is a mistake in the file.
    /// - Throws: `invalidFile`, which names the line of the first bad row; `invalidDefinition` for a path that cannot be read; `emptyList`; `tooLarge`.
    public func snapshot(of file: [UInt8], services: Set<String>) throws(ConnectorError) -> VendorSnapshot {
        guard file.count <= Self.maximumBytes else { throw .tooLarge("it is larger than \(Self.maximumBytes) bytes", subject: "The file") }
        var usage = FileUsage(services: services, format: self)
        switch kind {
        case .csv(let delimiter): try readCSV(file, delimiter, &usage)
        case .json(let records): try readJSON(file, records, &usage)
        }
        guard !usage.accounts.isEmpty else {
            throw ConnectorError(
                code: .emptyList,
                message: "The file names no account. Nothing was changed, because an empty file is more often a fault than the truth.")
        }
        return VendorSnapshot(accounts: usage.accounts, usage: usage.records, recordsDropped: 0)
    }

    // MARK: CSV

    private func readCSV(_ file: [UInt8], _ delimiter: Character, _ usage: inout FileUsage) throws(ConnectorError) {
        var reader = CSVReader(try encoding.utf8Bytes(of: file), delimiter: try Self.sign(delimiter))
        guard let header = try reader.next() else { throw .invalidFile("The file is empty.") }
        let names = header.fields.map { $0.trimmingWhitespace() }
        func column(_ name: String) throws(ConnectorError) -> Int {
            let places = names.indices.filter { names[$0].isExactly(name) }
            guard places.count == 1, let place = places.first else {
                let problem = places.isEmpty ? "has no column \(name)" : "has the column \(name) \(places.count) times"
                let hint = names.count == 1 ? Self.delimiterHint(names[0], delimiter) : ""
                throw .invalidFile(
                    "Line 1 \(problem). Its columns: \(names.prefix(20).joined(separator: ", ").prefix(500)).\(hint)", field: name)
            }
            return place
        }
        let places = (id: try column(accountID), name: try column(accountName), service: try column(service), count: try column(count))
        while let row = try reader.next() {
            if row.isBlank { continue }
            guard row.fields.count == names.count else {
                let fields = row.fields.count == 1 ? "1 field" : "\(row.fields.count) fields"
                throw .invalidFile("Line \(row.line) has \(fields), the header has \(names.count).")
            }
            try usage.add(
                FileUsage.Row(
                    place: "Line \(row.line)", id: row.fields[places.id], name: row.fields[places.name],
                    service: row.fields[places.service], count: .text(row.fields[places.count])))
        }
    }

    /// For a header that is one column: most likely the file has another delimiter.
    private static func delimiterHint(_ header: String, _ delimiter: Character) -> String {
        func word(_ sign: Character) -> String { sign == "\t" ? "tab" : "\"\(sign)\"" }
        guard let other = [";", ",", "\t", "|"].first(where: { $0 != delimiter && header.contains($0) }) else { return "" }
        return " It looks divided by \(word(other)), and the description has `delimiter: \(word(delimiter))`."
    }

    private static func sign(_ delimiter: Character) throws(ConnectorError) -> UInt8 {
        guard let sign = delimiter.asciiValue, ![0x22, 0x0A, 0x0D].contains(sign), !delimiter.isLetter, !delimiter.isNumber else {
            throw ConnectorError(code: .invalidDefinition, message: "\(delimiter) cannot divide the fields of a file. Use , ; | or a tab.")
        }
        return sign
    }

    // MARK: JSON

    private struct Paths {
        var records, id, name, service, count: JSONPath
    }

    private func paths(_ records: String) throws(ConnectorError) -> Paths {
        func field(_ name: String) throws(ConnectorError) -> JSONPath {
            try JSONPath(name.hasPrefix("$") ? name : "$[" + JSONValue.string(name).jsonText + "]")
        }
        let paths = Paths(
            records: try JSONPath(records), id: try field(accountID), name: try field(accountName), service: try field(service),
            count: try field(count))
        guard paths.records.isStreamable, [paths.id, paths.name, paths.service, paths.count].allSatisfy(\.isSingular) else {
            throw ConnectorError(
                code: .invalidDefinition,
                message: "\(records) must lead to the records by names and [*], and each field's path to one value.")
        }
        return paths
    }

    private func readJSON(_ file: [UInt8], _ records: String, _ usage: inout FileUsage) throws(ConnectorError) {
        let fields = try paths(records)
        var number = 0
        func take(_ record: JSONValue) throws(ConnectorError) {
            number += 1
            let place = "Record \(number)"
            guard case .object = record else { throw .invalidFile("\(place) is \(record.kind), not an object.") }
            func text(_ path: JSONPath, _ name: String) throws(ConnectorError) -> String {
                guard let value = path.first(in: record), !value.isNull else { return "" }
                guard let text = value.text else { throw .invalidFile("\(place) has \(value.kind) as \(name).", field: name) }
                return text
            }
            let count: FileUsage.Count =
                if case .number(let digits)? = fields.count.first(in: record) { .number(digits) } else {
                    .text(try text(fields.count, count))
                }
            try usage.add(
                FileUsage.Row(
                    place: place, id: try text(fields.id, accountID), name: try text(fields.name, accountName),
                    service: try text(fields.service, service), count: count))
        }
        do throws(ConnectorError) {
            _ = try RecordReader.forEach(
                at: fields.records, in: try encoding.utf8Bytes(of: file), limits: .handedIn("The file"), take)
        } catch  where error.code == .brokenAnswer {
            throw .invalidFile(error.message)
        }
    }
}
