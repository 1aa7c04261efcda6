import Foundation

/// Rows of a file on their way to a snapshot.
struct FileUsage {
    enum Count {
        /// As a person's program writes it, with the file's decimal mark.
        case text(String)
        /// A number of JSON, which has one notation.
        case number(String)
    }

    struct Row {
        /// For messages: `Line 3`, `Record 2`.
        var place: String
        var id: String
        var name: String
        var service: String
        var count: Count
    }

    private struct Known {
        var account: VendorAccount
        var place: String
    }

    private(set) var accounts: [VendorAccount] = []
    private(set) var records: [UsageRecord] = []
    private let services: Set<String>
    private let format: UsageFileFormat
    private var known: [String: Known] = [:]

    init(services: Set<String>, format: UsageFileFormat) {
        self.services = services
        self.format = format
    }

    mutating func add(_ row: Row) throws(ConnectorError) {
        let account = try account(row)
        if let first = known[account.id] {
            // A dictionary takes composed and decomposed letters for the same, Synthesize does not.
            guard first.account.id.isExactly(account.id) else {
                throw bad(
                    row, "writes the account id \(account.id) in other bytes than \(first.place) (composed and decomposed letters)",
                    format.accountID, " Write an id the same everywhere.")
            }
            guard first.account.name == account.name else {
                throw bad(
                    row, "calls the account \(account.id) \(account.name), an earlier row \(first.account.name)", format.accountName)
            }
        } else {
            known[account.id] = Known(account: account, place: row.place)
            accounts.append(account)
        }
        let service = row.service.trimmingWhitespace()
        if service.isEmpty, case .text(let text) = row.count, text.isBlank { return }
        guard let index = services.firstIndex(of: service) else {
            guard !service.isEmpty else { throw bad(row, "has a count but no service", format.service) }
            throw bad(
                row,
                "names the service \(service.prefix(100)), which the catalogue does not have "
                    + "(\(services.sorted().joined(separator: ", ")))", format.service)
        }
        records.append(UsageRecord(accountID: account.id, serviceName: services[index], count: try number(row)))
    }

    private func account(_ row: Row) throws(ConnectorError) -> VendorAccount {
        let id = row.id.trimmingWhitespace()
        guard !id.isEmpty else { throw bad(row, "has no account id", format.accountID) }
        // As written: an id without its blanks is another id.
        guard row.id.isExactly(id) else { throw bad(row, "has an account id that \(UsageText.blanksAround)", format.accountID) }
        let name = row.name.trimmingWhitespace()
        guard !name.isEmpty else { throw bad(row, "has no account name", format.accountName) }
        for (text, what, column) in [(id, "id", format.accountID), (name, "name", format.accountName)] {
            if let problem = UsageText.problem(text) { throw bad(row, "has an account \(what) that \(problem)", column) }
        }
        return VendorAccount(id: id, name: name)
    }

    private func number(_ row: Row) throws(ConnectorError) -> Decimal {
        let (text, digits): (String, String) =
            switch row.count {
            case .number(let digits): (digits, digits)
            case .text(let text): (text.trimmingWhitespace(), try plainDigits(text.trimmingWhitespace(), row))
            }
        do throws(UsageText.BadCount) {
            return try UsageText.count(digits)
        } catch {
            throw bad(row, "has the count \(text.prefix(60)), \(error.problem)", format.count)
        }
    }

    /// Digits, and a fraction behind the decimal mark. Signs that group thousands are refused: 1.234 is another number in another land.
    private func plainDigits(_ text: String, _ row: Row) throws(ConnectorError) -> String {
        let mark: Character = format.decimalMark == .comma ? "," : "."
        let parts = text.split(separator: mark, maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 } }) else {
            throw bad(
                row,
                "has the count \(text.isEmpty ? "(empty)" : String(text.prefix(60))), which is not a number like 12 or 12\(mark)5, "
                    + "without signs between thousands", format.count)
        }
        return parts.joined(separator: ".")
    }

    /// - Parameters:
    ///   - problem: what the row has or does, as the end of a sentence.
    ///   - column: where to mend it.
    private func bad(_ row: Row, _ problem: String, _ column: String, _ remedy: String = "") -> ConnectorError {
        .invalidFile("\(row.place) \(problem) (\(format.isCSV ? "column" : "member") \(column)).\(remedy)", field: column)
    }
}
