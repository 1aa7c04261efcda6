import Connectors
import Foundation
import Store

/// What a run sends, leaves out and reports: the snapshot turned into usage lines.
struct UsagePlan: Sendable, Hashable {
    /// Lines to send first, in the vendor's order, then those that are only reported.
    var lines: PlannedLines
    /// Usage records of an account or a service that the snapshot or the catalogue does not have.
    var recordsDropped = 0
    /// How far the units of the pairs sent before have shrunk since the last sync, 0 to 1.
    var dropShare = 0.0
    /// Pairs sent before with a count above 0, without those that the last sync listed as dropped to zero.
    var pairsBefore = 0

    struct Pair: Hashable, Sendable {
        var accountID: String
        var serviceID: String
    }

    /// - Parameters: as of `UsagePlanDraft`.
    ///   - lastCounts: what Synthesize last accepted.
    init(
        run: SyncRunID, snapshot: VendorSnapshot, serviceIDs: [String: String], bases: [String: LineBasis],
        lastCounts: [LastCount], listedBefore: Set<Pair> = [], zeroCounts: ZeroCountPolicy, exclusions: Exclusions = Exclusions()
    ) {
        var draft = UsagePlanDraft(
            run: run, snapshot: snapshot, serviceIDs: serviceIDs, bases: bases, listedBefore: listedBefore, exclusions: exclusions)
        draft.compare(lastCounts)
        self = draft.finished(zeroCounts)
    }

    fileprivate init(_ lines: PlannedLines) {
        self.lines = lines
    }

    /// What each service of a connector's catalogue, and of those that a fetch discovered, counts, by lower-cased name.
    static func bases(of connector: any Connector, _ discovered: [CatalogueService] = []) -> [String: LineBasis] {
        Dictionary(
            (connector.services + discovered).map { service in
                let basis = LineBasis(connectorID: connector.id, name: service.basis.name, version: service.basis.version)
                return (service.name.lowercased(), basis)
            },
            uniquingKeysWith: { first, _ in first })
    }

    /// Why the run must wait for an operator; nil when it may go on.
    func hold(_ policy: IntegrationPolicy) -> RunFailure? {
        guard pairsBefore >= policy.dropHoldMinimumPairs, dropShare > policy.dropHoldShare else { return nil }
        let percent = Int((dropShare * 100).rounded())
        return RunFailure(
            code: "run.largeDrop",
            message: "The vendor now reports \(percent) % fewer units than Synthesize last accepted. No count was sent. "
                + "If that is right, an operator releases the run; if not, the next sync tries again.")
    }
}

/// A plan that has yet to be compared with what was accepted before, which comes in pages, so that it is never whole in memory.
struct UsagePlanDraft: Sendable {
    private var plan: UsagePlan
    private var index: PairIndex
    private var wasSentBefore: [Bool] = []
    private var unitsBefore = Decimal(0)
    private var unitsKept = Decimal(0)
    private let bases: [String: LineBasis]
    private let listedBefore: Set<UsagePlan.Pair>
    private let exclusions: Exclusions

    /// - Parameters:
    ///   - serviceIDs: Synthesize's ids by lower-cased service name.
    ///   - bases: what counts count, by lower-cased service name.
    ///   - listedBefore: what the last sync listed as dropped to zero. It is no news: customers who leave one by one would add up to
    ///     a large drop that holds every sync.
    ///   - exclusions: pairs that are only written down. Their last counts are no drop.
    init(
        run: SyncRunID, snapshot: VendorSnapshot, serviceIDs: [String: String], bases: [String: LineBasis],
        listedBefore: Set<UsagePlan.Pair>, exclusions: Exclusions
    ) {
        self.bases = bases
        self.listedBefore = listedBefore
        self.exclusions = exclusions
        plan = UsagePlan(PlannedLines(run: run, accounts: snapshot.accounts))
        index = PairIndex(snapshot.accounts, pairs: snapshot.usage.count)
        plan.lines.entries.reserveCapacity(snapshot.usage.count)
        wasSentBefore.reserveCapacity(snapshot.usage.count)
        for record in snapshot.usage {
            let name = record.serviceName.lowercased()
            // A service that is kept out has no id where it was never made: its name stands in, with a mark that no id has.
            let isServiceExcluded = exclusions.excludes(service: name)
            guard let account = index.account(record.accountID),
                let serviceID = serviceIDs[name] ?? (isServiceExcluded ? "excluded \(name)" : nil)
            else {
                plan.recordsDropped += 1
                continue
            }
            let (position, isNew) = index.position(account, serviceID)
            if isNew {
                let service = plan.lines.service(serviceID, record.serviceName, bases[name])
                let isExcluded = isServiceExcluded || exclusions.accounts.contains(record.accountID)
                plan.lines.entries.append(
                    PlannedLines.Entry(
                        account: account, service: service, rawCount: record.count, state: isExcluded ? .excluded : .planned))
                wasSentBefore.append(false)
            } else {
                plan.lines.entries[position].rawCount += record.count
            }
        }
    }

    /// Takes some of what Synthesize last accepted, each pair once.
    mutating func compare(_ lastCounts: [LastCount]) {
        for last in lastCounts where last.count > 0 && !exclusions.excludes(account: last.accountID, service: last.serviceName) {
            let account =
                index.account(last.accountID)
                ?? {
                    plan.lines.accounts.append(VendorAccount(id: last.accountID, name: last.accountName))
                    return index.add(last.accountID)
                }()
            let (position, isNew) = index.position(account, last.serviceID)
            if isNew {
                let service = plan.lines.service(last.serviceID, last.serviceName, bases[last.serviceName.lowercased()])
                plan.lines.entries.append(PlannedLines.Entry(account: account, service: service, rawCount: 0))
                wasSentBefore.append(true)
            } else {
                wasSentBefore[position] = true
            }
            guard !listedBefore.contains(UsagePlan.Pair(accountID: last.accountID, serviceID: last.serviceID)) else { continue }
            plan.pairsBefore += 1
            unitsBefore += last.count
            // A pair that grew does not make up for one that shrank: growth is not what the guard is about.
            unitsKept += min(last.count, max(0, plan.lines.entries[position].rawCount))
        }
    }

    /// When all that was accepted before has been compared.
    consuming func finished(_ zeroCounts: ZeroCountPolicy) -> UsagePlan {
        if unitsBefore > 0 { plan.dropShare = NSDecimalNumber(decimal: 1 - unitsKept / unitsBefore).doubleValue }
        for position in plan.lines.entries.indices
        where plan.lines.entries[position].rawCount < 1 && plan.lines.entries[position].state == .planned {
            plan.lines.entries[position].state =
                !wasSentBefore[position] ? .excluded : zeroCounts == .sendOnce ? .planned : .droppedToZero
        }
        let reported = plan.lines.entries.filter { $0.state != .planned }
        if !reported.isEmpty {
            plan.lines.entries.removeAll { $0.state != .planned }
            plan.lines.entries += reported
        }
        return plan
    }
}

extension UsagePlan.Pair {
    init(_ line: UsageLine) {
        self.init(accountID: line.accountID, serviceID: line.serviceID)
    }
}
