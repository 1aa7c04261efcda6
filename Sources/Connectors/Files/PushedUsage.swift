import Foundation

/// The snapshot that a vendor's own systems push: `{"accounts": [{"id", "name", "usage": [{"service", "count"}]}]}`.
///
/// Every account has its list of usage, empty where it uses nothing, so that a list left out by mistake is not taken for zeros.
enum PushedUsage {
    private static let example =
        #"{"accounts": [{"id": "c-1", "name": "Brightwater Law", "usage": [{"service": "…", "count": 12}]}]}"#

    /// - Parameter services: names of the catalogue; any other is a mistake.
    /// - Throws: `invalidFile` with the field of the first mistake, `emptyList`, `tooLarge`.
    static func snapshot(of bytes: [UInt8], services: Set<String>) throws(ConnectorError) -> VendorSnapshot {
        var reading = Reading(services: services)
        var reader = RecordReader(records: try JSONPath("$.accounts[*]"), limits: .handedIn("The body"))
        let envelope: JSONValue
        do throws(ConnectorError) {
            try reader.read(bytes) { (account) throws(ConnectorError) in try reading.take(account) }
            envelope = try reader.finish { (account) throws(ConnectorError) in try reading.take(account) }
        } catch  where error.code == .brokenAnswer {
            throw mistake(error.message)
        }
        guard case .object(let members) = envelope else { throw mistake("The body has to be an object such as \(example).") }
        for member in members where !member.name.isExactly("accounts") {
            throw mistake("The field '\(member.name.prefix(60))' is not known here. Known: accounts.", String(member.name.prefix(60)))
        }
        guard let list = envelope["accounts"], list.elements != nil else {
            throw mistake("The body has to hold the list 'accounts', as in \(example).", "accounts")
        }
        guard !reading.accounts.isEmpty else {
            throw ConnectorError(
                code: .emptyList,
                message: "The list 'accounts' is empty. Nothing was kept, because an empty list is more often a fault than the truth.",
                field: "accounts")
        }
        return VendorSnapshot(accounts: reading.accounts, usage: reading.usage, recordsDropped: 0)
    }

    fileprivate static func mistake(_ problem: String, _ field: String? = nil) -> ConnectorError {
        ConnectorError(code: .invalidFile, message: "\(problem) Nothing was kept.", field: field)
    }

    private struct Reading {
        /// Names of the catalogue.
        let services: Set<String>
        var accounts: [VendorAccount] = []
        var usage: [UsageRecord] = []
        private var indexByID: [String: Int] = [:]

        init(services: Set<String>) { self.services = services }

        mutating func take(_ account: JSONValue) throws(ConnectorError) {
            let place = "accounts[\(accounts.count)]"
            try checkMembers(account, ["id", "name", "usage"], place)
            let id = try id(account, place)
            if let first = indexByID[id] {
                // A dictionary takes composed and decomposed letters for the same, Synthesize does not.
                throw mistake(
                    accounts[first].id.isExactly(id)
                        ? "'\(place).id' is \(id), as 'accounts[\(first)].id' is. Each account stands once."
                        : "'\(place).id' is \(id), which 'accounts[\(first)].id' writes in other bytes (composed and decomposed letters). "
                            + "Write an id the same everywhere.", "\(place).id")
            }
            indexByID[id] = accounts.count
            accounts.append(VendorAccount(id: id, name: try text(account, "name", place)))
            guard let records = account["usage"]?.elements else {
                throw mistake("'\(place).usage' has to be a list, empty for an account that uses nothing.", "\(place).usage")
            }
            for (index, record) in records.enumerated() {
                let place = "\(place).usage[\(index)]"
                try checkMembers(record, ["service", "count"], place)
                let service = try text(record, "service", place)
                guard let known = services.firstIndex(of: service) else {
                    throw mistake(
                        "'\(place).service' is \(service.prefix(100)), which the catalogue does not have "
                            + "(\(services.sorted().joined(separator: ", "))).", "\(place).service")
                }
                usage.append(UsageRecord(accountID: id, serviceName: services[known], count: try count(record, place)))
            }
        }

        private func checkMembers(_ value: JSONValue, _ known: [String], _ place: String) throws(ConnectorError) {
            guard let members = value.members else { throw mistake("'\(place)' has to be an object, and is \(value.kind).", place) }
            for member in members where !known.contains(where: { $0.isExactly(member.name) }) {
                let name = "\(place).\(member.name.prefix(60))"
                throw mistake("The field '\(name)' is not known here. Known: \(known.joined(separator: ", ")).", name)
            }
        }

        /// As written: an id without its blanks is another id.
        private func id(_ account: JSONValue, _ place: String) throws(ConnectorError) -> String {
            let trimmed = try text(account, "id", place)
            guard account["id"]?.string?.isExactly(trimmed) == true else {
                throw mistake("'\(place).id' \(UsageText.blanksAround).", "\(place).id")
            }
            return trimmed
        }

        private func text(_ value: JSONValue, _ name: String, _ place: String) throws(ConnectorError) -> String {
            let field = "\(place).\(name)"
            guard let value = value[name] else { throw mistake("'\(field)' is missing.", field) }
            guard let text = value.string?.trimmingWhitespace(), !text.isEmpty else {
                throw mistake("'\(field)' has to be a text that is not empty\(value.string == nil ? ", and is \(value.kind)" : "").", field)
            }
            if let problem = UsageText.problem(text) { throw mistake("'\(field)' \(problem).", field) }
            return text
        }

        private func count(_ record: JSONValue, _ place: String) throws(ConnectorError) -> Decimal {
            let field = "\(place).count"
            guard let value = record["count"] else { throw mistake("'\(field)' is missing.", field) }
            guard case .number(let digits) = value else {
                throw mistake(
                    "'\(field)' has to be a number from 0 to \(UsageText.largestCount), such as 12 or 12.5, and is \(value.kind).", field)
            }
            do throws(UsageText.BadCount) {
                return try UsageText.count(digits)
            } catch {
                throw mistake("'\(field)' is \(digits.prefix(60)), \(error.problem).", field)
            }
        }
    }
}

/// What holds for ids, names and counts however they are handed in.
enum UsageText {
    /// Far beyond any licence count, and far below where sums lose digits.
    static let largestCount = Decimal(1_000_000_000_000)
    /// Bytes of UTF-8.
    private static let longest = 1000
    /// The end of a sentence about an id.
    static let blanksAround = "has blanks around it, perhaps invisible ones; an id is taken as it is, so write it without"

    struct BadCount: Error {
        /// Half a sentence.
        var problem: String
    }

    /// The count that a number in JSON's notation is.
    static func count(_ digits: String) throws(BadCount) -> Decimal {
        guard let count = Decimal(exactly: digits) else {
            throw BadCount(problem: "which has more digits, or a larger exponent, than are kept (38 digits)")
        }
        guard count >= 0 else { throw BadCount(problem: "and no count is below 0") }
        guard count <= largestCount else { throw BadCount(problem: "which is more than \(largestCount), the largest count that is taken") }
        return count
    }

    /// What is wrong with an id or a name, as the end of a sentence; nil when nothing is.
    static func problem(_ text: String) -> String? {
        if text.utf8.count > longest { return "is longer than \(longest) bytes" }
        return text.showingProblem()?.withoutFullStop
    }
}

private func mistake(_ problem: String, _ field: String? = nil) -> ConnectorError { PushedUsage.mistake(problem, field) }
