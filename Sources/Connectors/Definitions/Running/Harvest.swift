import Foundation

/// What a read brought so far. Made anew for each page and each account, and put together in the vendor's order, so that an answer
/// that turns out broken half-way leaves nothing behind.
struct Harvest: Sendable {
    /// By the account rule's position.
    var accounts: [Int: AccountHarvest] = [:]
    var tallies = TallyTable()
    /// By the lookup's position.
    var lookups: [Int: String] = [:]
    /// Records of other reads for joining: by `JoinKey`, then by the key's text.
    var joined: [JoinKey: [String: JSONValue]] = [:]
    /// Services that data brought: description by name, in the order found.
    var discovered: [(name: String, description: String)] = []
    var presence: [Int: RecordJudge.Presence] = [:]
    /// Records left out because they lack what a rule may drop them for.
    var dropped = 0

    struct AccountHarvest: Sendable {
        var found: [FoundAccount] = []
        /// Accounts that the rule's conditions leave out.
        var leftOut: Set<String> = []
    }

    struct JoinKey: Sendable, Hashable {
        var read: String
        var key: JSONPath
    }

    /// Adds what came after.
    mutating func add(_ later: Harvest, _ definition: ConnectorDefinition) {
        for (rule, harvest) in later.accounts {
            accounts[rule, default: AccountHarvest()].found += harvest.found
            accounts[rule, default: AccountHarvest()].leftOut.formUnion(harvest.leftOut)
        }
        tallies.add(later.tallies)
        for (rule, text) in later.lookups { note(text, for: rule, definition.lookups[rule].pick) }
        for (key, records) in later.joined { joined[key, default: [:]].merge(records) { first, _ in first } }
        for service in later.discovered { discover(service.name, service.description) }
        for (number, presence) in later.presence {
            self.presence[number, default: RecordJudge.Presence(field: presence.field)].present += presence.present
            self.presence[number]?.missing += presence.missing
        }
        dropped += later.dropped
    }

    mutating func note(_ text: String, for lookup: Int, _ pick: LookupRule.Pick) {
        guard let old = lookups[lookup] else {
            lookups[lookup] = text
            return
        }
        switch pick {
        case .first: break
        case .last: lookups[lookup] = text
        case .greatest: lookups[lookup] = max(old, text)
        case .least: lookups[lookup] = min(old, text)
        }
    }

    mutating func discover(_ name: String, _ description: String) {
        guard !discovered.contains(where: { $0.name.lowercased() == name.lowercased() }) else { return }
        discovered.append((name, description))
    }
}
