import Connectors
import Foundation
import Store

/// What a sync would send if it were started now, beside what Synthesize last accepted. It is made of the plan that a run is made of,
/// and nothing of it is stored or sent.
public struct UsagePreview: Sendable, Hashable {
    public enum Change: String, Sendable, Hashable, CaseIterable, Codable {
        /// Never accepted before.
        case new
        case changed
        case unchanged
        /// Accepted before with a count above 0; now gone or below 1.
        case dropped
        /// Below 1 and not above 0 before, so it is left out.
        case excluded
    }

    public struct Line: Sendable, Hashable {
        public var accountID: String
        public var accountName: String
        /// Synthesize's id; nil for a service that the sync would create first.
        public var serviceID: String?
        public var serviceName: String
        public var basis: LineBasis?
        /// What Synthesize last accepted; nil for never.
        public var lastCount: Decimal?
        /// As the vendor counts now, duplicates summed; 0 for what is gone.
        public var rawCount: Decimal
        /// What the sync would send; nil for nothing.
        public var sentCount: Decimal?
        public var change: Change
        /// Why a count that is there would not be sent; nil where that goes without saying.
        public var message: String?
    }

    /// When the vendor's answer was complete.
    public var readAt: Date
    public var accountsRead: Int
    /// Records without an id, a name or a count, or of an account or a service that is not there.
    public var recordsDropped: Int
    /// In the order of sending, then what is only listed.
    public var lines: [Line]
    /// Why the sync would be held for an operator; nil when it would go on.
    public var hold: RunFailure?
    /// How many lines there are of each kind.
    public var tally: [Change: Int]
    /// Units that Synthesize last accepted, over all lines.
    public var unitsBefore: Decimal
    /// Units that the vendor counts now, over the lines of at least 1.
    public var unitsNow: Decimal

    /// - Parameters:
    ///   - serviceIDs: Synthesize's ids of the services that it has, by lower-cased catalogue name.
    ///   - lastCounts: what Synthesize last accepted.
    ///   - listedBefore: what the last sync listed as dropped to zero.
    init(
        of snapshot: VendorSnapshot, connector: any Connector, serviceIDs: [String: String], lastCounts: [LastCount],
        listedBefore: Set<UsagePlan.Pair> = [], policy: IntegrationPolicy, readAt: Date
    ) {
        // A service that the sync would create has no id yet: its name stands in, with a mark that no id of Synthesize has.
        let made = (connector.services + snapshot.discovered).map { $0.name.lowercased() }.filter { serviceIDs[$0] == nil }
        let standIns = Dictionary(made.map { ($0, "new \($0)") }, uniquingKeysWith: { first, _ in first })
        let plan = UsagePlan(
            run: SyncRunID("preview"), snapshot: snapshot, serviceIDs: serviceIDs.merging(standIns) { id, _ in id },
            bases: UsagePlan.bases(of: connector, snapshot.discovered), lastCounts: lastCounts, listedBefore: listedBefore,
            zeroCounts: policy.zeroCounts,
            exclusions: policy.exclusions)
        let absent = Set(standIns.values)
        let before = Dictionary(
            lastCounts.map { (UsagePlan.Pair(accountID: $0.accountID, serviceID: $0.serviceID), $0.count) },
            uniquingKeysWith: { first, _ in first })

        self.readAt = readAt
        accountsRead = snapshot.accounts.count
        recordsDropped = snapshot.recordsDropped + plan.recordsDropped
        hold = plan.hold(policy)
        lines = plan.lines.map { line in
            let last = before[UsagePlan.Pair(accountID: line.accountID, serviceID: line.serviceID)]
            return Line(
                accountID: line.accountID, accountName: line.accountName,
                serviceID: absent.contains(line.serviceID) ? nil : line.serviceID, serviceName: line.serviceName,
                basis: line.basis, lastCount: last, rawCount: line.rawCount, sentCount: line.sentCount,
                change: Self.change(line, last), message: line.message)
        }
        tally = lines.reduce(into: [:]) { $0[$1.change, default: 0] += 1 }
        unitsBefore = lines.reduce(0) { $0 + ($1.lastCount ?? 0) }
        unitsNow = lines.reduce(0) { $0 + ($1.rawCount >= 1 ? $1.rawCount : 0) }
    }

    public func count(_ change: Change) -> Int { tally[change] ?? 0 }

    /// Counts that the sync would send.
    public var linesToSend: Int { lines.count { $0.sentCount != nil } }

    private static func change(_ line: UsageLine, _ last: Decimal?) -> Change {
        switch line.state {
        case .excluded: return .excluded
        case .droppedToZero: return .dropped
        default: break
        }
        if line.rawCount < 1 { return .dropped }
        guard let last else { return .new }
        return last == line.sentCount ? .unchanged : .changed
    }
}
