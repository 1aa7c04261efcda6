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
        let tallies = harvest.tallies
        dropped = try Self.recordsOfStrangers(definition, accounts, tallies)
        discovered = try Self.discovered(definition, harvest)
        let names = Dictionary(
            (definition.services + discovered).map { ($0.name.lowercased(), $0.name) }, uniquingKeysWith: { first, _ in first })
        let services = tallies.services.texts.map { names[$0.lowercased()] ?? $0 }
        let places = PlacesByAccount(tallies)
        usage.reserveCapacity(accounts.found.count * definition.services.count + (discovered.isEmpty ? 0 : tallies.tallies.count))
        var cells: [String: Cell] = [:]
        for account in accounts.found.map(\.account.id) {
            cells.removeAll(keepingCapacity: true)
            for place in places.of(account) {
                guard let tally = tallies.tallies[place] else { continue }
                let rule = definition.counts[Int(place.rule)]
                let count = rule.number.finished(tallies.count(tally, at: place, rule.measure))
                let service = services[Int(place.service)]
                guard count >= 0 else { throw .broken("\(service) of account \(account) is \(count), below zero") }
                cells[service, default: Cell()].count += count
                if tally.isUnknown, count == 0 { cells[service]?.isUnknown = true }
            }
            try Self.compute(definition, account, &cells)
            for service in definition.services { add(account, service.name, cells[service.name] ?? Cell()) }
            for service in discovered { if let cell = cells[service.name] { add(account, service.name, cell) } }
        }
    }

    /// Fills in the services that are sums of others.
    private static func compute(
        _ definition: ConnectorDefinition, _ account: String, _ cells: inout [String: Cell]
    ) throws(ConnectorError) {
        for rule in definition.computed {
            let (added, taken) = (rule.sum.map { cells[$0] ?? Cell() }, rule.minus.map { cells[$0] ?? Cell() })
            let count = added.reduce(Decimal(0)) { $0 + $1.count } - taken.reduce(Decimal(0)) { $0 + $1.count }
            let isUnknown = (added + taken).contains(where: \.isUnknown)
            guard count >= 0 || isUnknown else {
                throw .broken("\(rule.service) of account \(account) comes to \(count), below zero")
            }
            cells[rule.service] = Cell(count: count, isUnknown: isUnknown)
        }
    }

    /// Records of accounts that are neither found nor left out. Of each account the most that a rule over a read has seen, so that rules
    /// over the same records count them once.
    /// - Throws: when all of a rule's records are theirs: else a field that holds other ids than the accounts' would be zeros for everybody.
    private static func recordsOfStrangers(
        _ definition: ConnectorDefinition, _ accounts: FetchSession.AccountList, _ tallies: TallyTable
    ) throws(ConnectorError) -> Int {
        let known = Set(accounts.found.map(\.account.id))
        let isKnown = tallies.accounts.texts.map { known.contains($0) }
        let isLeftOut = tallies.accounts.texts.map { accounts.leftOut.contains($0) }
        var rulesWithKnown: Set<Int32> = []
        // Several rules over one read see the same records.
        var strangers: [Int32: [Int32: Int]] = [:]
        for (place, tally) in tallies.tallies {
            if isKnown[Int(place.account)] {
                rulesWithKnown.insert(place.rule)
            } else if !isLeftOut[Int(place.account)] {
                strangers[place.rule, default: [:]][place.account, default: 0] += Int(tally.records)
            }
        }
        var most: [String: [Int32: Int]] = [:]
        for (position, accounts) in strangers {
            let read = definition.counts[Int(position)].read
            guard rulesWithKnown.contains(position) else {
                throw .broken("none of the \(accounts.values.reduce(0, +)) records of `\(read)` belongs to one of the accounts")
            }
            for (account, records) in accounts { most[read, default: [:]][account] = max(most[read]?[account] ?? 0, records) }
        }
        return most.values.reduce(0) { $0 + $1.values.reduce(0, +) }
    }

    private mutating func add(_ account: String, _ service: String, _ cell: Cell) {
        guard !cell.isUnknown else { return }
        usage.append(UsageRecord(accountID: account, serviceName: service, count: cell.count))
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

/// The places of a table, those of one account together.
private struct PlacesByAccount {
    private let names: TallyTable.Names
    private let places: [TallyTable.Place]
    /// Where each account's places begin, and behind the last where they end.
    private var starts: [Int32]

    init(_ table: TallyTable) {
        names = table.accounts
        places = table.tallies.keys.sorted { $0.account < $1.account }
        starts = [Int32](repeating: 0, count: table.accounts.texts.count + 1)
        for place in places { starts[Int(place.account) + 1] += 1 }
        for account in starts.indices.dropFirst() { starts[account] += starts[account - 1] }
    }

    func of(_ account: String) -> ArraySlice<TallyTable.Place> {
        guard let number = names.known(account) else { return [] }
        return places[Int(starts[Int(number)])..<Int(starts[Int(number) + 1])]
    }
}
