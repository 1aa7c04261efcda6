import Foundation
import Store

extension MemoryStore {
    public func insertRun(_ run: SyncRun) throws(StoreError) -> RunInsertion {
        try access { database throws(StoreError) in
            if let active = database.activeRun(run.partnerID) { return .alreadyActive(active) }
            return .inserted(database.insert(try database.insertable(run)))
        }
    }

    public func run(_ id: SyncRunID) throws(StoreError) -> SyncRun? {
        try access { database throws(StoreError) in database.runNumbers[id].map { database.runs[$0].run } }
    }

    public func run(_ id: SyncRunID, of partner: PartnerID) throws(StoreError) -> SyncRun? {
        try run(id).flatMap { $0.partnerID == partner ? $0 : nil }
    }

    public func activeRun(_ partner: PartnerID) throws(StoreError) -> SyncRun? {
        try access { database throws(StoreError) in database.activeRun(partner) }
    }

    public func lastTakenUsage(_ partner: PartnerID) throws(StoreError) -> TakenUsage? {
        try access { database throws(StoreError) in
            let runs = database.runs
            return (database.runHistory[partner] ?? []).reversed().lazy.compactMap { runs[$0.id].run.usage }.first
        }
    }

    public func runs(
        _ partner: PartnerID, purposes: Set<RunPurpose>, before cursor: SyncRunID?, limit: Int
    ) throws(StoreError) -> [SyncRun] {
        try access { database throws(StoreError) in
            let history = database.runHistory[partner] ?? []
            var end = history.count
            if let cursor {
                guard let number = database.runNumbers[cursor], database.runs[number].run.partnerID == partner else { return [] }
                let place = Due(at: database.runs[number].run.createdAt, id: number)
                end = history.bisect { $0 < place }
            }
            let runs = database.runs
            let newestFirst = history[..<end].reversed().lazy.map { runs[$0.id].run }
            return Array(newestFirst.filter { purposes.contains($0.purpose) }.prefix(max(0, limit)))
        }
    }

    public func claimRun(owner: String, at now: Date, leaseUntil: Date) throws(StoreError) -> SyncRun? {
        try access { database throws(StoreError) in
            let now = now.stored
            let claimable = database.activeRuns.first { database.runs[$0.id].run.isClaimable(by: owner, at: now) }
            guard let number = claimable?.id else { return nil }
            var run = database.runs[number].run
            if run.state == .running { run.noteInterruption() }
            run.state = .running
            run.startedAt = run.startedAt ?? now
            run.leaseOwner = owner
            run.leaseExpiresAt = leaseUntil
            return try database.update(number, run)
        }
    }

    public func heartbeat(_ id: SyncRunID, owner: String, leaseUntil: Date) throws(StoreError) -> SyncRun? {
        try access { database throws(StoreError) in
            guard let number = database.runNumbers[id], database.runs[number].run.leaseOwner == owner else { return nil }
            database.runs[number].run.leaseExpiresAt = leaseUntil.stored
            return database.runs[number].run
        }
    }

    @discardableResult
    public func updateRun(
        _ id: SyncRunID, _ change: @escaping @Sendable (inout SyncRun) -> Void
    ) throws(StoreError) -> SyncRun {
        try access { database throws(StoreError) in
            let number = try database.runNumber(id)
            var run = database.runs[number].run
            change(&run)
            return try database.update(number, run)
        }
    }

    @discardableResult
    public func finishRun(
        _ id: SyncRunID, state: RunState, failure: RunFailure?, findings: RunFindings, at instant: Date
    ) throws(StoreError) -> SyncRun {
        try StoreError.require(!state.isActive, "a run ends in a final state")
        return try access { database throws(StoreError) in
            let number = try database.runNumber(id)
            var run = database.runs[number].run
            guard run.state.isActive else { return run }
            run.state = state
            run.failure = failure
            run.findings = findings
            run.finishedAt = instant
            run.leaseOwner = nil
            run.leaseExpiresAt = nil
            _ = try database.update(number, run)
            database.runs[number].closeLedger()
            return database.runs[number].run
        }
    }
}

extension MemoryDatabase {
    func activeRun(_ partner: PartnerID) -> SyncRun? {
        activeRunOfPartner[partner].map { runs[$0].run }
    }

    func runNumber(_ id: SyncRunID) throws(StoreError) -> Int {
        guard let number = runNumbers[id] else { throw .notFound("run", id) }
        return number
    }

    /// The run as it would be stored.
    func insertable(_ run: SyncRun) throws(StoreError) -> SyncRun {
        var stored = try run.stored()
        stored.createdAt = run.createdAt.stored
        stored.usage = nil
        guard runNumbers[run.id] == nil else { throw .duplicate("such run") }
        try requirePartner(run.partnerID)
        return stored
    }

    /// Inserts a run that is `insertable`.
    mutating func insert(_ run: SyncRun) -> SyncRun {
        let number = runs.count
        runs.append(StoredRun(run: run))
        runNumbers[run.id] = number
        runHistory[run.partnerID, default: []].insertSorted(Due(at: run.createdAt, id: number))
        if run.finishedAt == nil { activate(number) }
        return run
    }

    /// Writes what may change in the life of a run.
    fileprivate mutating func update(_ number: Int, _ changed: SyncRun) throws(StoreError) -> SyncRun {
        let old = runs[number].run
        var run = try changed.stored()
        run.id = old.id
        run.partnerID = old.partnerID
        run.purpose = old.purpose
        run.trigger = old.trigger
        run.createdAt = old.createdAt
        run.tally = old.tally
        run.linesRemovedAt = old.linesRemovedAt
        if run.finishedAt == nil, let active = activeRunOfPartner[run.partnerID], active != number {
            throw .duplicate("active run of the partner")
        }
        runs[number].run = run
        if old.finishedAt == nil, run.finishedAt != nil {
            activeRuns.removeSorted(Due(at: run.createdAt, id: number))
            activeRunOfPartner[run.partnerID] = nil
        } else if old.finishedAt != nil, run.finishedAt == nil {
            activate(number)
        }
        return run
    }

    private mutating func activate(_ number: Int) {
        let run = runs[number].run
        activeRuns.insertSorted(Due(at: run.createdAt, id: number))
        activeRunOfPartner[run.partnerID] = number
    }
}

extension SyncRun {
    fileprivate func stored() throws(StoreError) -> SyncRun {
        try StoreError.require((finishedAt == nil) == state.isActive, "a run has finished exactly when not active")
        try StoreError.require(state != .running || startedAt != nil, "a running run has started")
        try StoreError.require((leaseOwner != nil) == (state == .running), "a run has a lease exactly when running")
        try StoreError.require((leaseOwner == nil) == (leaseExpiresAt == nil), "a lease has an owner and an end")
        try StoreError.require(interruptions >= 0, "interruptions are not negative")
        try StoreError.require(interruptions == 0 || interruptedAt != nil, "an interruption has a place")
        var stored = self
        stored.startedAt = startedAt?.stored
        stored.finishedAt = finishedAt?.stored
        stored.leaseExpiresAt = leaseExpiresAt?.stored
        if let usage { stored.usage?.countsFrom = usage.countsFrom.stored }
        return stored
    }

    fileprivate func isClaimable(by owner: String, at now: Date) -> Bool {
        state == .queued || leaseOwner != owner || leaseExpiresAt.map { $0 <= now } ?? false
    }

    /// Counts deaths in the same place: a run that got further since starts again at one.
    fileprivate mutating func noteInterruption() {
        let done = stage == .accounts ? findings.accountsCreated + findings.accountsUpdated : tally.settled
        let place = "\(stage.rawValue):\(done)"
        interruptions = interruptedAt == place ? interruptions + 1 : 1
        interruptedAt = place
    }
}
