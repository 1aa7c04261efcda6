import Connectors
import Foundation
import Store

/// What a run sends, leaves out and reports: the snapshot turned into usage lines.
struct UsagePlan: Sendable, Hashable {
    /// Lines to send first, in the vendor's order, then those that are only reported.
    var lines: [UsageLine]
    /// Usage records of an account or a service that the snapshot or the catalogue does not have.
    var recordsDropped: Int
    /// How far the units of the pairs sent before have shrunk since the last sync, 0 to 1.
    var dropShare: Double
    /// Pairs sent before with a count above 0, without those that the last sync listed as dropped to zero.
    var pairsBefore: Int

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
        let names = Dictionary(snapshot.accounts.map { ($0.id, $0.name) }, uniquingKeysWith: { first, _ in first })
        var counts: [Pair: Decimal] = [:]
        var order: [(pair: Pair, serviceName: String)] = []
        recordsDropped = 0
        for record in snapshot.usage {
            guard names[record.accountID] != nil, let serviceID = serviceIDs[record.serviceName.lowercased()] else {
                recordsDropped += 1
                continue
            }
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
            } else {
                (state, sent) = zeroCounts == .sendOnce ? (.planned, 0) : (.droppedToZero, nil)
            }
            let line = UsageLine(
                runID: run, position: 0, accountID: pair.accountID, accountName: accountName, serviceID: pair.serviceID,
                serviceName: serviceName, basis: bases[serviceName.lowercased()], rawCount: raw, sentCount: sent, state: state)
            if state == .planned { planned.append(line) } else { reported.append(line) }
        }

        for (pair, serviceName) in order {
            add(pair, names[pair.accountID] ?? "", serviceName, raw: counts[pair] ?? 0)
        }
        for last in before {
            let pair = Pair(accountID: last.accountID, serviceID: last.serviceID)
            if counts[pair] == nil { add(pair, names[last.accountID] ?? last.accountName, last.serviceName, raw: 0) }
        }

        planned += reported
        // In place: 100,000 lines are 27 MB, and were there three times.
        for position in planned.indices { planned[position].position = position }
        lines = planned
        let expected = before.filter { !listedBefore.contains(Pair(accountID: $0.accountID, serviceID: $0.serviceID)) }
        pairsBefore = expected.count
        let unitsBefore = expected.reduce(Decimal(0)) { $0 + $1.count }
        // A pair that grew does not make up for one that shrank: growth is not what the guard is about.
        let unitsKept = expected.reduce(Decimal(0)) { sum, last in
            let now = counts[Pair(accountID: last.accountID, serviceID: last.serviceID)] ?? 0
            return sum + min(last.count, max(0, now))
        }
        dropShare = unitsBefore > 0 ? NSDecimalNumber(decimal: 1 - unitsKept / unitsBefore).doubleValue : 0
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
