import Foundation

/// What the records say of each account and service, by the count rule that asked. Ids and names are kept once and stand for numbers:
/// 80,000 tallies are 5 MB, and keyed by two strings they were 14.
struct TallyTable: Sendable {
    struct Place: Sendable, Hashable {
        /// The count rule's position.
        var rule: Int32
        /// Numbers of `accounts` and `services`.
        var account: Int32
        var service: Int32
    }

    private(set) var accounts = Names()
    private(set) var services = Names()
    private(set) var tallies: [Place: Tally] = [:]
    /// What was met where different texts are counted. Few definitions do, so it is not in every tally.
    private var distinct: [Place: Set<String>] = [:]

    /// - Parameter text: what a rule that counts different texts found.
    mutating func add(_ tally: Tally, text: String? = nil, rule: Int, account: String, service: String) {
        let place = Place(rule: Int32(rule), account: accounts.number(of: account), service: services.number(of: service))
        tallies[place, default: Tally()].add(tally)
        if let text { distinct[place, default: []].insert(text) }
    }

    /// Adds what came after.
    mutating func add(_ later: TallyTable) {
        if tallies.isEmpty {
            self = later
            return
        }
        let accountNumbers = later.accounts.texts.map { accounts.number(of: $0) }
        let serviceNumbers = later.services.texts.map { services.number(of: $0) }
        func here(_ place: Place) -> Place {
            Place(rule: place.rule, account: accountNumbers[Int(place.account)], service: serviceNumbers[Int(place.service)])
        }
        for (place, tally) in later.tallies { tallies[here(place), default: Tally()].add(tally) }
        for (place, texts) in later.distinct { distinct[here(place), default: []].formUnion(texts) }
    }

    /// - Parameter tally: the one that stands at the place.
    func count(_ tally: Tally, at place: Place, _ measure: CountRule.Measure) -> Decimal {
        switch (measure, tally.amount) {
        case (.records, _): Decimal(tally.records)
        case (.distinct, _): Decimal(distinct[place]?.count ?? 0)
        case (.sum, .sum(let number)), (.greatest, .greatest(let number)): number
        case (.sum, _), (.greatest, _): 0
        }
    }

    /// Texts numbered from 0 in the order met.
    struct Names: Sendable {
        private(set) var texts: [String] = []
        private var numbers: [String: Int32] = [:]

        mutating func number(of text: String) -> Int32 {
            if let known = numbers[text] { return known }
            let next = Int32(texts.count)
            numbers[text] = next
            texts.append(text)
            return next
        }

        /// nil for a text never met.
        func known(_ text: String) -> Int32? { numbers[text] }
    }
}

/// The records of one account and service, by the measure of the rule that asked.
struct Tally: Sendable, Hashable {
    var records: Int32 = 0
    var amount = Amount.none
    /// A record did not say how many, so that nothing counted is no zero.
    var isUnknown = false

    enum Amount: Sendable, Hashable {
        case none
        case sum(Decimal)
        case greatest(Decimal)
    }

    /// Adds what the same rule saw in other records.
    mutating func add(_ other: Tally) {
        records += other.records
        isUnknown = isUnknown || other.isUnknown
        switch (amount, other.amount) {
        case (_, .none): break
        case (.none, let first): amount = first
        case (.sum(let one), .sum(let two)), (.sum(let one), .greatest(let two)): amount = .sum(one + two)
        case (.greatest(let one), .greatest(let two)), (.greatest(let one), .sum(let two)): amount = .greatest(max(one, two))
        }
    }
}
