import Foundation
import HTTPClient
import Secrets

/// What the names in templates stand for during one fetch.
struct FetchValues: Sendable {
    /// Settings and constants.
    var texts: [String: String]
    var dates: [String: String]
    var lookups: [String: String] = [:]

    /// - Parameter now: the instant of all dates.
    init(_ definition: ConnectorDefinition, deployment: [String: String], credential: ConnectorCredential, now: Date) {
        texts = definition.constants
        texts.merge(deployment) { $1 }
        texts.merge(credential.openFields) { $1 }
        texts.merge(credential.secretFields.mapValues { $0.reveal() }) { $1 }
        dates = definition.dates.mapValues { $0.text(now) }
    }
}

/// What surrounds one request or one record.
struct FillContext: Sendable {
    var account: FoundAccount?
    var each: [String: String] = [:]
    var record: JSONValue?
    var token: String?
}

/// An account, and the record it was taken from when a template asks for it.
struct FoundAccount: Sendable {
    var account: VendorAccount
    var record: JSONValue?
}

extension Template {
    enum Encoding: Sendable {
        case plain
        /// In a URL: what is filled in is percent-encoded, except at the very start, where it is an address of its own.
        case address
    }

    /// - Returns: nil when a field of a record is missing or null.
    /// - Throws: `invalidInput` when a setting was never given, `brokenAnswer` when a field is neither text, number nor boolean.
    func filled(_ values: FetchValues, _ context: FillContext, _ encoding: Encoding = .plain) throws(ConnectorError) -> String? {
        var text = ""
        for (position, piece) in pieces.enumerated() {
            switch piece {
            case .text(let literal): text += literal
            case .name(let name):
                guard let value = try Self.value(of: name, values, context) else { return nil }
                text += encoding == .address && position > 0 ? PercentEncoding.pathSegment(value) : value
            }
        }
        return text
    }

    private static func value(of name: Name, _ values: FetchValues, _ context: FillContext) throws(ConnectorError) -> String? {
        let known: String?
        switch name {
        case .setting(let name): known = values.texts[name]
        case .accountID: known = context.account?.account.id
        case .accountName: known = context.account?.account.name
        case .each(let name): known = context.each[name]
        case .date(let name): known = values.dates[name]
        case .lookup(let name): known = values.lookups[name]
        case .token: known = context.token
        case .accountField(let path):
            return try context.account?.record.flatMap { (record) throws(ConnectorError) in try path.scalar(in: record)?.shownText }
        case .record(let path):
            return try context.record.flatMap { (record) throws(ConnectorError) in try path.scalar(in: record)?.shownText }
        }
        guard let known else {
            throw ConnectorError(
                code: .invalidInput, message: "`\(Template(pieces: [.name(name)]).shown)` has no value. Enter the fields and connect again."
            )
        }
        return known
    }
}

extension Value {
    /// What is found, nil when it is missing or null. Lists and objects are found too.
    func found(_ values: FetchValues, _ context: FillContext) throws(ConnectorError) -> JSONValue? {
        switch self {
        case .path(let path):
            guard let value = context.record.flatMap({ path.first(in: $0) }), !value.isNull else { return nil }
            return value
        case .template(let template): return try template.filled(values, context).map { .string($0) }
        case .first(let choices):
            for choice in choices {
                if let value = try choice.found(values, context), value.shownText?.isBlank != true { return value }
            }
            return nil
        }
    }

    /// The same when it has to be a text, a number or a boolean.
    func scalar(_ values: FetchValues, _ context: FillContext) throws(ConnectorError) -> JSONValue? {
        guard let value = try found(values, context) else { return nil }
        guard value.shownText != nil else { throw .broken("`\(shown)` is \(value.kind), where a text or a number was expected") }
        return value
    }

    /// As written, for messages.
    var shown: String {
        switch self {
        case .path(let path): path.text
        case .template(let template): template.shown
        case .first(let values): values.map(\.shown).joined(separator: "` or `")
        }
    }
}

extension JSONPath {
    /// What it finds when that is a text, a number or a boolean; nil when it is missing or null.
    func scalar(in record: JSONValue) throws(ConnectorError) -> JSONValue? {
        guard let value = first(in: record), !value.isNull else { return nil }
        guard value.shownText != nil else { throw .broken("`\(text)` is \(value.kind), where a text or a number was expected") }
        return value
    }
}

extension JSONValue {
    /// A text, a number's digits, `true` or `false`; nil for anything else.
    var shownText: String? { bool.map { $0 ? "true" : "false" } ?? text }
}

extension ConnectorError {
    /// An answer that is not as the definition says.
    static func broken(_ problem: String) -> ConnectorError { ConnectorError(code: .brokenAnswer, message: problem) }
}

extension DateRule {
    func text(_ now: Date) -> String {
        var calendar = Calendar(identifier: .gregorian)
        let zone = TimeZone(identifier: zone) ?? .gmt
        calendar.timeZone = zone
        var date = now
        switch start {
        case .now: break
        case .day: date = calendar.startOfDay(for: now)
        case .month: date = calendar.date(from: calendar.dateComponents([.year, .month], from: now)) ?? now
        }
        date = calendar.date(byAdding: DateComponents(month: months, day: days, hour: hours), to: date) ?? date
        switch format {
        case "unix": return String(Int(date.timeIntervalSince1970.rounded(.down)))
        case "unixMilliseconds": return String(Int((date.timeIntervalSince1970 * 1000).rounded(.down)))
        case "iso8601":
            let formatter = ISO8601DateFormatter()
            formatter.timeZone = zone
            return formatter.string(from: date)
        default:
            let formatter = DateFormatter()
            formatter.locale = Locale(identifier: "en_US_POSIX")
            formatter.calendar = calendar
            formatter.timeZone = zone
            formatter.dateFormat = format
            return formatter.string(from: date)
        }
    }
}
