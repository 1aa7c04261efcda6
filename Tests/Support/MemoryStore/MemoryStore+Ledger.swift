import Foundation
import Store

extension MemoryStore {
    public func planLines(_ id: SyncRunID, _ lines: some Sequence<UsageLine>) throws(StoreError) {
        try access { database throws(StoreError) in
            let number = try database.runNumber(id)
            guard database.runs[number].run.finishedAt == nil else { throw .notFound("active run", id) }
            var positions = Set(database.runs[number].lines.map(\.position))
            var planned: [UsageLine] = []
            for line in lines {
                planned.append(try line.stored(id))
                guard positions.insert(line.position).inserted else { throw .duplicate("such line") }
            }
            database.runs[number].add(planned)
        }
    }

    @discardableResult
    public func reopenLines(_ id: SyncRunID) throws(StoreError) -> Int {
        try access { database throws(StoreError) in
            let number = try database.runNumber(id)
            return database.runs[number].reopenLines()
        }
    }

    public func recordOutcomes(
        _ id: SyncRunID, _ outcomes: [LineOutcome], beginning limit: Int, at instant: Date
    ) throws(StoreError) -> [LineIntent] {
        try access { database throws(StoreError) in
            let number = try database.runNumber(id)
            var seen: Set<Int> = []
            for outcome in outcomes {
                try StoreError.require(outcome.state.isOutcome, "\(outcome.state.rawValue) is no outcome of a sent line")
                try StoreError.require(outcome.attempts >= 0, "attempts are not negative")
                guard database.runs[number].isSending(outcome.position), seen.insert(outcome.position).inserted
                else { throw .notFound("line being sent", "\(outcome.position) of run \(id)") }
            }
            let partner = database.runs[number].run.partnerID
            for outcome in outcomes {
                let line = database.runs[number].record(outcome)
                guard line.state == .accepted, let count = line.sentCount else { continue }
                let key = LastCountKey(accountID: line.accountID, serviceID: line.serviceID)
                database.lastCounts[partner, default: [:]][key] = LastCount(
                    accountID: line.accountID, accountName: line.accountName, serviceID: line.serviceID,
                    serviceName: line.serviceName, count: count, runID: id, acceptedAt: outcome.at.stored)
            }
            return database.runs[number].beginSending(limit: max(0, limit), at: instant.stored)
        }
    }

    public func lines(
        _ id: SyncRunID, states: Set<UsageLineState>?, after cursor: Int?, limit: Int
    ) throws(StoreError) -> [UsageLine] {
        try access { database throws(StoreError) in
            let lines = database.runs[try database.runNumber(id)].lines
            let start = lines.bisect { $0.position <= (cursor ?? -1) }
            return Array(lines[start...].lazy.filter { states?.contains($0.state) ?? true }.prefix(max(0, limit)))
        }
    }

    public func tally(_ id: SyncRunID) throws(StoreError) -> RunTally {
        try access { database throws(StoreError) in database.runs[try database.runNumber(id)].run.tally }
    }

    public func lastCounts(_ partner: PartnerID, after cursor: LastCount?, limit: Int) throws(StoreError) -> [LastCount] {
        try access { database throws(StoreError) in
            let counts = (database.lastCounts[partner] ?? [:]).values
                .sorted { ($0.accountID, $0.serviceID) < ($1.accountID, $1.serviceID) }
            let rest = cursor.map { cursor in counts.drop { ($0.accountID, $0.serviceID) <= (cursor.accountID, cursor.serviceID) } }
            return Array((rest ?? counts[...]).prefix(max(0, limit)))
        }
    }

    public func lastCounts(_ partner: PartnerID) throws(StoreError) -> [LastCount] {
        try lastCounts(partner, after: nil, limit: .max)
    }

    public func serviceTotals(_ partner: PartnerID, runs limit: Int) throws(StoreError) -> [ServiceTotal] {
        try access { database throws(StoreError) in
            let runs = database.runs
            let newestFirst = (database.runHistory[partner] ?? []).reversed().lazy.map { runs[$0.id] }
            return newestFirst.filter { $0.isCounted }.prefix(max(0, limit)).reversed().flatMap(\.serviceTotals)
        }
    }
}

extension StoredRun {
    fileprivate mutating func add(_ planned: [UsageLine]) {
        run.stage = .usage
        for line in planned { run.tally[line.state] += 1 }
        lines = (lines + planned).sorted { $0.position < $1.position }
        self.planned = lines.filter { $0.state == .planned }.map(\.position)
    }

    fileprivate mutating func beginSending(limit: Int, at instant: Date) -> [LineIntent] {
        let positions = planned.prefix(limit)
        planned.removeFirst(positions.count)
        return positions.map { position in
            let index = self.index(position)
            lines[index].state = .sending
            lines[index].attempts += 1
            lines[index].intentAt = instant
            let line = lines[index]
            return LineIntent(
                position: position, accountID: line.accountID, serviceID: line.serviceID, count: line.sentCount ?? 0,
                attempts: line.attempts)
        }
    }

    fileprivate mutating func reopenLines() -> Int {
        let sending = lines.indices.filter { lines[$0].state == .sending }
        for index in sending {
            lines[index].state = .planned
            planned.insertSorted(lines[index].position)
        }
        return sending.count
    }

    fileprivate func isSending(_ position: Int) -> Bool {
        let index = self.index(position)
        return index < lines.count && lines[index].position == position && lines[index].state == .sending
    }

    /// Writes what became of a line that `isSending`; returns it.
    fileprivate mutating func record(_ outcome: LineOutcome) -> UsageLine {
        let index = self.index(outcome.position)
        lines[index].state = outcome.state
        lines[index].attempts = outcome.attempts
        lines[index].httpStatus = outcome.httpStatus
        lines[index].message = outcome.message
        lines[index].outcomeAt = outcome.state == .planned ? nil : outcome.at.stored
        if outcome.state == .planned { planned.insertSorted(outcome.position) }
        run.tally.open -= 1
        run.tally[outcome.state] += 1
        return lines[index]
    }

    /// What is left open was not sent; counts all lines, and sums the accepted ones of a usage run.
    mutating func closeLedger() {
        planned = []
        run.tally = RunTally()
        var totals: [String: Decimal] = [:]
        for index in lines.indices {
            if [.planned, .sending].contains(lines[index].state) { lines[index].state = .notSent }
            run.tally[lines[index].state] += 1
            if lines[index].state == .accepted { totals[lines[index].serviceName, default: 0] += lines[index].sentCount ?? 0 }
        }
        guard run.purpose == .usage else { return }
        self.totals = totals.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    fileprivate var isCounted: Bool {
        run.purpose == .usage && run.tally.accepted > 0 && run.finishedAt != nil
    }

    fileprivate var serviceTotals: [ServiceTotal] {
        guard let finishedAt = run.finishedAt else { return [] }
        return totals.map {
            ServiceTotal(runID: run.id, finishedAt: finishedAt, serviceName: $0.serviceName, total: $0.total)
        }
    }

    private func index(_ position: Int) -> Int {
        lines.bisect { $0.position < position }
    }
}

extension UsageLine {
    /// As the ledger of the run keeps it.
    fileprivate func stored(_ run: SyncRunID) throws(StoreError) -> UsageLine {
        try StoreError.require(!rawCount.isNaN && sentCount?.isNaN != true, "a count is a number")
        try StoreError.require(position >= 0 && attempts >= 0, "positions and attempts are not negative")
        try StoreError.require((sentCount == nil) == state.isOnlyReported, "a count to send exactly when to send")
        try StoreError.require(
            intentAt != nil || state.isOnlyReported || [.planned, .notSent].contains(state), "an intent once sent")
        try StoreError.require((outcomeAt != nil) == state.isSettled, "an outcome exactly when settled")
        let isBasisSaid = basis.map { !$0.connectorID.isEmpty && !$0.name.isEmpty && $0.version >= 1 }
        try StoreError.require(isBasisSaid != false, "a basis says what is counted")
        var stored = self
        stored.runID = run
        stored.intentAt = intentAt?.stored
        stored.outcomeAt = outcomeAt?.stored
        return stored
    }
}

extension UsageLineState {
    fileprivate var isOnlyReported: Bool { self == .excluded || self == .droppedToZero }
    fileprivate var isSettled: Bool { [.accepted, .notMapped, .rejected, .failed].contains(self) }
    fileprivate var isOutcome: Bool { isSettled || self == .planned }
}
