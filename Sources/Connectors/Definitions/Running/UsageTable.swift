import Foundation

/// What a fetch counted, account by account.
struct UsageTable: Sendable {
    private(set) var usage: [UsageRecord] = []
    /// Records of accounts that are not among the accounts.
    private(set) var dropped = 0
    private(set) var discovered: [CatalogueService] = []

    private struct Cell {
        var count = Decimal(0)
        var isUnknown = false
    }

    /// - Throws: `brokenAnswer` for a count below zero, a read whose records all belong to nobody, or more discovered services than the definition allows.
    init(_ definition: ConnectorDefinition, _ accounts: FetchSession.AccountList, _ harvest: Harvest) throws(ConnectorError) {
        let known = Set(accounts.found.map(\.account.id))
        discovered = try Self.discovered(definition, harvest)
        let names = Dictionary(
            (definition.services + discovered).map { ($0.name.lowercased(), $0.name) }, uniquingKeysWith: { first, _ in first })
        var cells: [Harvest.Pair: Cell] = [:]
        // Several rules over one read see the same records.
        var strangers: [Int: [String: Int]] = [:]
        for (position, rule) in definition.counts.enumerated() {
            var hasKnown = false
            for (pair, tally) in harvest.counts[position] ?? [:] {
                guard known.contains(pair.account) else {
                    if !accounts.leftOut.contains(pair.account) {
                        strangers[position, default: [:]][pair.account, default: 0] += tally.records
                    }
                    continue
                }
                hasKnown = true
                let count = rule.number.finished(tally.count(rule.measure))
                guard count >= 0 else { throw .broken("\(pair.service) of account \(pair.account) is \(count), below zero") }
                let place = Harvest.Pair(account: pair.account, service: names[pair.service.lowercased()] ?? pair.service)
                cells[place, default: Cell()].count += count
                if tally.isUnknown, count == 0 { cells[place]?.isUnknown = true }
            }
            // Else a field that holds other ids than the accounts' would be zeros for everybody.
            if !hasKnown, let records = strangers[position]?.values.reduce(0, +) {
                throw .broken("none of the \(records) records of `\(rule.read)` belongs to one of the accounts")
            }
        }
        dropped = Self.records(of: strangers, definition)
        for account in accounts.found {
            func cell(_ service: String) -> Cell { cells[Harvest.Pair(account: account.account.id, service: service)] ?? Cell() }
            for rule in definition.computed {
                let (added, taken) = (rule.sum.map(cell), rule.minus.map(cell))
                let count = added.reduce(Decimal(0)) { $0 + $1.count } - taken.reduce(Decimal(0)) { $0 + $1.count }
                let isUnknown = (added + taken).contains(where: \.isUnknown)
                guard count >= 0 || isUnknown else {
                    throw .broken("\(rule.service) of account \(account.account.id) comes to \(count), below zero")
                }
                cells[Harvest.Pair(account: account.account.id, service: rule.service)] = Cell(count: count, isUnknown: isUnknown)
            }
            for service in definition.services where !cell(service.name).isUnknown {
                add(account.account.id, service.name, cell(service.name).count)
            }
            for service in discovered {
                guard let cell = cells[Harvest.Pair(account: account.account.id, service: service.name)], !cell.isUnknown else { continue }
                add(account.account.id, service.name, cell.count)
            }
        }
    }

    /// Of each account the most that a rule over a read has seen, so that rules over the same records count them once.
    private static func records(of strangers: [Int: [String: Int]], _ definition: ConnectorDefinition) -> Int {
        var most: [String: [String: Int]] = [:]
        for (position, accounts) in strangers {
            let read = definition.counts[position].read
            for (account, records) in accounts { most[read, default: [:]][account] = max(most[read]?[account] ?? 0, records) }
        }
        return most.values.reduce(0) { $0 + $1.values.reduce(0, +) }
    }

    private mutating func add(_ account: String, _ service: String, _ count: Decimal) {
        usage.append(UsageRecord(accountID: account, serviceName: service, count: count))
    }

    private static func discovered(_ definition: ConnectorDefinition, _ harvest: Harvest) throws(ConnectorError) -> [CatalogueService] {
        guard let rule = definition.discovered else { return [] }
        let catalogue = Set(definition.services.map { $0.name.lowercased() })
        let found = harvest.discovered.filter { !catalogue.contains($0.name.lowercased()) }
        guard found.count <= rule.limit else {
            throw .broken("the data names \(found.count) services, and the definition allows \(rule.limit)")
        }
        return found.map {
            CatalogueService(
                name: $0.name, description: $0.description, category: rule.category, subcategory: rule.subcategory, basis: rule.basis)
        }
    }
}
