import Foundation

/// Takes the records of one read, one after the other: explode, join, conditions, and then whatever uses the read.
struct RecordHarvester: Sendable {
    let definition: ConnectorDefinition
    let read: ReadRule
    let judge: RecordJudge
    /// Records of other reads to join with.
    let joined: [Harvest.JoinKey: [String: JSONValue]]
    let context: FillContext
    /// Positions of the rules that use this read.
    private let accountRules: [Int]
    private let countRules: [Int]
    private let lookupRules: [Int]
    private let joinKeys: [JSONPath]
    private let keepsAccountRecords: Bool

    private(set) var harvest = Harvest()
    /// As the answer holds them, before explode, join and conditions.
    private(set) var recordCount = 0
    private(set) var lastKey: String?
    private var hasher = Hasher()
    /// Of all records taken, in their order; for paging by numbers only.
    var print: Int { hasher.finalize() }

    init(
        _ definition: ConnectorDefinition, _ read: ReadRule, values: FetchValues,
        joined: [Harvest.JoinKey: [String: JSONValue]], context: FillContext
    ) {
        self.definition = definition
        self.read = read
        judge = RecordJudge(values: values)
        self.joined = joined
        self.context = context
        accountRules = definition.accounts.indices.filter { definition.accounts[$0].read == read.name }
        countRules = definition.counts.indices.filter { definition.counts[$0].read == read.name }
        lookupRules = definition.lookups.indices.filter { definition.lookups[$0].read == read.name }
        joinKeys = Array(Set(definition.reads.flatMap(\.joins).filter { $0.read == read.name }.map(\.key)))
        keepsAccountRecords = definition.usesAccountFields
    }

    /// - Throws: `brokenAnswer` when the record is not as the definition says.
    mutating func take(_ record: JSONValue) throws(ConnectorError) {
        recordCount += 1
        if read.paging.countsPages { hasher.combine(record) }
        if case .keyset(_, let path, _) = read.paging.style { lastKey = try path.scalar(in: record)?.text }
        for record in try exploded(record) { try takePart(joinedWithOthers(record)) }
    }

    private func exploded(_ record: JSONValue) throws(ConnectorError) -> [JSONValue] {
        guard let rule = read.explode else { return [record] }
        switch rule.list.first(in: record) {
        case .array(let items)?:
            var records: [JSONValue] = []
            records.reserveCapacity(items.count)
            for item in items { records.append(try record.with(rule.field, item)) }
            return records
        case nil where rule.takesMissingForNone, .null? where rule.takesMissingForNone: return []
        case let other: throw .broken("`\(rule.list.text)` of a record is \(other?.kind ?? "missing"), where a list was expected")
        }
    }

    private func joinedWithOthers(_ record: JSONValue) throws(ConnectorError) -> JSONValue {
        var record = record
        for rule in read.joins {
            guard let key = try rule.on.scalar(in: record)?.text,
                let other = joined[Harvest.JoinKey(read: rule.read, key: rule.key)]?[key]
            else { continue }
            record = try record.with(rule.field, other)
        }
        return record
    }

    private mutating func takePart(_ record: JSONValue) throws(ConnectorError) {
        var context = context
        context.record = record
        var isDropped = false
        switch try judge.verdict(read.conditions, context, &harvest.presence) {
        case .holds: break
        case .fails: return
        case .drops:
            harvest.dropped += 1
            return
        }
        for rule in accountRules where try !takeAccount(rule, context) { isDropped = true }
        for rule in countRules where try !takeCount(rule, context) { isDropped = true }
        for rule in lookupRules {
            guard let text = try definition.lookups[rule].value.scalar(in: record)?.shownText else {
                throw .broken("a record has no `\(definition.lookups[rule].value.text)`")
            }
            harvest.note(text, for: rule, definition.lookups[rule].pick)
        }
        for path in joinKeys {
            guard let key = try path.scalar(in: record)?.text else { continue }
            let place = Harvest.JoinKey(read: read.name, key: path)
            if harvest.joined[place]?[key] == nil { harvest.joined[place, default: [:]][key] = record }
        }
        if isDropped { harvest.dropped += 1 }
    }

    // MARK: Accounts

    /// - Returns: false when the record has no id or no name and is left out.
    private mutating func takeAccount(_ position: Int, _ context: FillContext) throws(ConnectorError) -> Bool {
        let rule = definition.accounts[position]
        guard let record = context.record else { return true }
        let idField = rule.id.first(in: record)
        let nameField = try rule.name.found(judge.values, context)
        // Without the very fields it is no account at all but, for instance, an error.
        if idField == nil, nameField == nil, !rule.name.hasField(in: record) {
            throw .broken("a record has neither `\(rule.id.text)` nor `\(rule.name.shown)`, so it is no account")
        }
        if let idField, !idField.isNull, idField.text == nil {
            throw .broken("`\(rule.id.text)` is \(idField.kind), where an id was expected")
        }
        if let nameField, nameField.text == nil { throw .broken("`\(rule.name.shown)` is \(nameField.kind), where a name was expected") }
        guard let id = idField?.text, !id.isBlank, let name = nameField?.text?.withoutControls, !name.isBlank else { return false }
        // Left out of an id they would make another one of it.
        guard id.withoutControls == id else { throw .broken("`\(rule.id.text)` holds a control character, and is no id") }
        switch try judge.verdict(rule.conditions, context, &harvest.presence) {
        case .holds:
            let found = FoundAccount(account: VendorAccount(id: id, name: name), record: keepsAccountRecords ? record : nil)
            harvest.accounts[position, default: Harvest.AccountHarvest()].found.append(found)
            return true
        case .fails:
            harvest.accounts[position, default: Harvest.AccountHarvest()].leftOut.insert(id)
            return true
        case .drops: return false
        }
    }

    // MARK: Counts

    /// - Returns: false when the record is left out because something is missing.
    private mutating func takeCount(_ position: Int, _ context: FillContext) throws(ConnectorError) -> Bool {
        let rule = definition.counts[position]
        switch try judge.verdict(rule.conditions, context, &harvest.presence) {
        case .holds: break
        case .fails: return true
        case .drops: return false
        }
        let account: String
        if let path = rule.account {
            guard let record = context.record else { return false }
            // Null is a record of nobody; a field that no record has is another form than the definition thinks.
            let isThere = path.first(in: record) != nil
            harvest.presence[-1 - position, default: RecordJudge.Presence(field: path.text)].present += isThere ? 1 : 0
            harvest.presence[-1 - position, default: RecordJudge.Presence(field: path.text)].missing += isThere ? 0 : 1
            guard let id = try path.scalar(in: record)?.text, !id.isBlank else { return false }
            account = id
        } else {
            account = context.account?.account.id ?? ""
        }
        let service: String
        switch try self.service(rule, context) {
        case .name(let name): service = name
        case .none: return true
        case .dropped: return false
        }
        var (tally, text) = (Tally(records: 1), String?.none)
        let isCounted = try measure(rule, context, &tally, &text)
        harvest.tallies.add(tally, text: text, rule: position, account: account, service: service)
        return isCounted
    }

    private enum ServiceChoice {
        case name(String)
        case none, dropped
    }

    private mutating func service(_ rule: CountRule, _ context: FillContext) throws(ConnectorError) -> ServiceChoice {
        let (value, missing): (Value, MissingField)
        switch rule.service {
        case .fixed(let name): return .name(name)
        case .mapped(let field, _, _, let rule), .discovered(let field, let rule): (value, missing) = (field, rule)
        }
        guard let text = try value.scalar(judge.values, context)?.shownText, !text.isBlank else {
            switch missing {
            case .skip, .keep: return .none
            case .drop: return .dropped
            case .fail: throw .broken("a record has no `\(value.shown)`")
            }
        }
        if case .mapped(_, let map, let other, _) = rule.service {
            if let name = map[text] { return .name(name) }
            switch other {
            case .skip: return .none
            case .service(let name): return .name(name)
            case .fail: throw .broken("`\(value.shown)` is \"\(text.prefix(80))\", for which the definition has no service")
            }
        }
        let name = text.withoutControls.trimmingWhitespace()
        guard !name.isEmpty else { throw .broken("`\(value.shown)` holds nothing but control characters") }
        let description = try definition.discovered?.description.filled(judge.values, context)?.withoutControls ?? name
        harvest.discover(name, description.isBlank ? name : description)
        return .name(name)
    }

    /// - Returns: false when the counted field is missing and the record is left out.
    private func measure(_ rule: CountRule, _ context: FillContext, _ tally: inout Tally, _ text: inout String?) throws(ConnectorError)
        -> Bool
    {
        let value: Value
        switch rule.measure {
        case .records: return true
        case .sum(let field), .distinct(let field), .greatest(let field): value = field
        }
        guard let found = try value.scalar(judge.values, context), found.shownText?.isBlank != true else {
            switch rule.missing {
            case .zero: return true
            case .drop:
                tally.isUnknown = true
                return false
            case .fail: throw .broken("a record has no `\(value.shown)`")
            }
        }
        switch rule.measure {
        case .records: break
        case .sum: tally.amount = .sum(try rule.number.number(found, value))
        case .greatest: tally.amount = .greatest(try rule.number.number(found, value))
        case .distinct: text = found.shownText ?? ""
        }
        return true
    }
}

extension Value {
    /// Whether the record has the field at all, be it null.
    fileprivate func hasField(in record: JSONValue) -> Bool {
        switch self {
        case .path(let path): path.first(in: record) != nil
        case .template(let template):
            template.names.contains { name in
                if case .record(let path) = name { path.first(in: record) != nil } else { false }
            }
        case .first(let values): values.contains { $0.hasField(in: record) }
        }
    }
}

extension JSONValue {
    /// The same object with one more member, which takes the place of one of that name.
    fileprivate func with(_ name: String, _ value: JSONValue) throws(ConnectorError) -> JSONValue {
        guard case .object(var members) = self else { throw .broken("a record is \(kind), where an object was expected") }
        members.removeAll { $0.name == name }
        members.append(Member(name: name, value: value))
        return .object(members)
    }
}

extension ConnectorDefinition {
    /// Whether a template asks for more of an account than its id and name.
    var usesAccountFields: Bool {
        reads.flatMap(\.templateNames).contains { if case .accountField = $0 { true } else { false } }
    }
}
