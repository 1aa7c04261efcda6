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

    /// - Parameters:
    ///   - serviceIDs: Synthesize's ids by lower-cased service name.
    ///   - bases: what counts count, by lower-cased service name.
    ///   - lastCounts: what Synthesize last accepted.
    ///   - listedBefore: what the last sync listed as dropped to zero. It is no news: customers who leave one by one would add up to
    ///     a large drop that holds every sync.
    ///   - exclusions: pairs that are only written down. Their last counts are no drop.
    init(
        run: SyncRunID, snapshot: VendorSnapshot, serviceIDs: [String: String], bases: [String: LineBasis],
        lastCounts: [LastCount], listedBefore: Set<Pair> = [], zeroCounts: ZeroCountPolicy, exclusions: Exclusions = Exclusions()
    ) {
        lines = PlannedLines(run: run, accounts: snapshot.accounts)
        var index = PairIndex(snapshot.accounts)
        var wasSentBefore: [Bool] = []
        for record in snapshot.usage {
            guard let account = index.account(record.accountID), let serviceID = serviceIDs[record.serviceName.lowercased()] else {
                recordsDropped += 1
                continue
            }
<<<<<<< HEAD
            let pair = Pair(accountID: record.accountID, serviceID: serviceID)
            if counts[pair] == nil { order.append((pair, record.serviceName)) }
            counts[pair, default: 0] += record.count
        }

        let before = lastCounts.filter { $0.count > 0 && !exclusions.excludes(account: $0.accountID, service: $0.serviceName) }
        let sentBefore = Set(before.map { Pair(accountID: $0.accountID, serviceID: $0.serviceID) })
        var planned: [UsageLine] = []
        planned.reserveCapacity(order.count)
        var reported: [UsageLine] = []

        func add(_ pair: Pair, _ accountName: String, _ serviceName: String, raw: Decimal) {
            let state: UsageLineState
            let sent: Decimal?
            if exclusions.excludes(account: pair.accountID, service: serviceName) {
                (state, sent) = (.excluded, nil)
            } else if raw >= 1 {
                (state, sent) = (.planned, raw)
            } else if !sentBefore.contains(pair) {
                (state, sent) = (.excluded, nil)
=======
            let (position, isNew) = index.position(account, serviceID)
            if isNew {
                let service = lines.service(serviceID, record.serviceName, bases[record.serviceName.lowercased()])
                lines.entries.append(PlannedLines.Entry(account: account, service: service, rawCount: record.count))
                wasSentBefore.append(false)
>>>>>>> 03b42f433a2e92676c8c3884da8d46b75a314c20
            } else {
                lines.entries[position].rawCount += record.count
            }
        }

        var (unitsBefore, unitsKept) = (Decimal(0), Decimal(0))
        for last in lastCounts where last.count > 0 {
            let account =
                index.account(last.accountID)
                ?? {
                    lines.accounts.append(VendorAccount(id: last.accountID, name: last.accountName))
                    return index.add(last.accountID)
                }()
            let (position, isNew) = index.position(account, last.serviceID)
            if isNew {
                let service = lines.service(last.serviceID, last.serviceName, bases[last.serviceName.lowercased()])
                lines.entries.append(PlannedLines.Entry(account: account, service: service, rawCount: 0))
                wasSentBefore.append(true)
            } else {
                wasSentBefore[position] = true
            }
            guard !listedBefore.contains(Pair(accountID: last.accountID, serviceID: last.serviceID)) else { continue }
            pairsBefore += 1
            unitsBefore += last.count
            // A pair that grew does not make up for one that shrank: growth is not what the guard is about.
            unitsKept += min(last.count, max(0, lines.entries[position].rawCount))
        }
        if unitsBefore > 0 { dropShare = NSDecimalNumber(decimal: 1 - unitsKept / unitsBefore).doubleValue }

        for position in lines.entries.indices where lines.entries[position].rawCount < 1 {
            lines.entries[position].state =
                !wasSentBefore[position] ? .excluded : zeroCounts == .sendOnce ? .planned : .droppedToZero
        }
        let reported = lines.entries.filter { $0.state != .planned }
        lines.entries.removeAll { $0.state != .planned }
        lines.entries += reported
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
            message: "The vendor now reports \(percent) % fewer units than Synthesize last accepted. Nothing was sent. "
                + "If that is right, an operator releases the run; if not, the next sync tries again.")
    }
}

extension UsagePlan.Pair {
    init(_ line: UsageLine) {
        self.init(accountID: line.accountID, serviceID: line.serviceID)
    }
}
