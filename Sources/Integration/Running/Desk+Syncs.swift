import HTTPClient
import Store

extension Desk {
    /// Sync Now. However often it is pressed, a partner has one run.
    public func startSync(
        _ partner: PartnerID, by initiator: Initiator
    ) async throws(IntegrationError) -> RunInsertion {
        try await start(.usage, partner, by: initiator)
    }

    /// Sends 0 once for every pair that the last sync listed as dropped to zero.
    /// - Parameter listed: the sync whose list somebody has seen; nil for whatever is listed now.
    /// - Throws: `conflict` when there is none, when it is another sync's by now, and when a later sync failed: what the vendor counts now
    ///   is not known then.
    public func sendZeros(
        _ partner: PartnerID, listed: SyncRunID? = nil, by initiator: Initiator
    ) async throws(IntegrationError) -> RunInsertion {
        let environment = environment
        let (newest, dropped) = try await remember { store throws(StoreError) in
            (
                try await store.runs(partner, purposes: [.usage], before: nil, limit: 1).first,
                try await environment.droppedToZero(partner)
            )
        }
        guard let list = dropped.first?.runID else {
            throw IntegrationError(code: .conflict, message: "There is nothing to send: no count has dropped to zero.")
        }
        guard listed == nil || listed == list else {
            throw IntegrationError(
                code: .conflict,
                message:
                    "The list of counts that dropped to zero has changed since you opened the page, so no zero was sent. Look at it again.")
        }
        if let newest, newest.id != list, !newest.state.isActive {
            throw IntegrationError(
                code: .conflict,
                message:
                    "A sync after the one that listed these counts did not come so far, so what the vendor counts now is not known and no "
                    + "zero was sent. Sync first.")
        }
        return try await start(.zeros, partner, by: initiator)
    }

    /// Starts a held run anew; a large drop does not hold it again.
    public func releaseRun(_ id: SyncRunID, by initiator: Initiator) async throws(IntegrationError) -> RunInsertion {
        let held = try await syncRun(id)
        guard held.state == .held else {
            throw IntegrationError(code: .conflict, message: "This run is not held, so there is nothing to release.")
        }
        return try await start(held.purpose, held.partnerID, by: initiator, allowingDrop: true)
    }

    private func start(
        _ purpose: RunPurpose, _ partner: PartnerID, by initiator: Initiator, allowingDrop: Bool = false
    ) async throws(IntegrationError) -> RunInsertion {
        let connection = try await environment.connection(partner)
        try connection.requireConnected()
        var run = SyncRun(
            id: newRunID(), partnerID: partner, purpose: purpose, trigger: initiator.trigger,
            startedBy: initiator.startedBy, createdAt: environment.time.now())
        run.findings.dropAllowed = allowingDrop
        let new = run
        let insertion = try await audited(
            allowingDrop ? "run.release" : "run.start", partner, by: initiator, "\(purpose) \(run.id)"
        ) { () async throws(IntegrationError) in
            try await remember { store throws(StoreError) in try await store.insertRun(new) }
        }
        switch insertion {
        case .inserted:
            await worker.wake()
        case .alreadyActive(let active) where active.purpose == .connect:
            throw IntegrationError(
                code: .conflict,
                message: "Perch is still making accounts and services ready. Press Sync Now again in a moment.")
        case .alreadyActive: break
        }
        return insertion
    }

    /// Stops a run and returns it when it has ended.
    public func cancelRun(_ id: SyncRunID, by initiator: Initiator) async throws(IntegrationError) -> SyncRun {
        let run = try await syncRun(id)
        guard run.state.isActive else {
            throw IntegrationError(code: .conflict, message: "The run has ended already.")
        }
        let worker = worker
        try await audited("run.cancel", run.partnerID, by: initiator, "\(id)") { () async throws(IntegrationError) in
            try await remember { _ throws(StoreError) in try await worker.cancel(id) }
        }
        return try await syncRun(id)
    }

    /// - Parameter partner: whose run it has to be. Another's is not found.
    /// - Throws: `notFound`.
    public func syncRun(_ id: SyncRunID, of partner: PartnerID? = nil) async throws(IntegrationError) -> SyncRun {
        let found = try await remember { store throws(StoreError) in
            if let partner { try await store.run(id, of: partner) } else { try await store.run(id) }
        }
        guard let run = found else {
            throw IntegrationError(code: .notFound, message: "There is no such sync run.")
        }
        return await current(run)
    }

    /// Syncs of a partner, newest first; connect jobs are not among them.
    public func syncRuns(
        _ partner: PartnerID, before cursor: SyncRunID?, limit: Int
    ) async throws(IntegrationError) -> [SyncRun] {
        let runs = try await remember { store throws(StoreError) in
            try await store.runs(partner, purposes: [.usage, .zeros], before: cursor, limit: limit)
        }
        var current: [SyncRun] = []
        for run in runs { current.append(await self.current(run)) }
        return current
    }

    /// The ledger of a run.
    /// - Throws: `gone` when lines of it were removed for their age: what is left, or nothing, would pass for all there was.
    public func lines(
        _ run: SyncRunID, states: Set<UsageLineState>?, after cursor: Int?, limit: Int
    ) async throws(IntegrationError) -> [UsageLine] {
        let lines = try await remember { store throws(StoreError) in
            try await store.lines(run, states: states, after: cursor, limit: limit)
        }
        // Asked afterwards, because they may be removed while somebody reads page after page.
        let stored = try await remember { store throws(StoreError) in try await store.run(run) }
        try stored?.requireLines()
        return lines
    }

    /// Snapshots of a run: the present one first, the last one when it has ended; then the stream ends. A slow reader gets
    /// the newest, and nobody more than eight a second.
    public func progress(of id: SyncRunID) async throws(IntegrationError) -> AsyncStream<RunProgress> {
        let posts = await board.watch(id)
        let run = try await syncRun(id)
        return ProgressBoard.live(first: RunProgress(run), then: run.state.isActive ? posts : nil, environment.time)
    }

    /// The run with the tally of this moment; the store's is counted only at the end.
    private func current(_ run: SyncRun) async -> SyncRun {
        guard run.state == .running, let progress = await board.progress(of: run.id) else { return run }
        var run = run
        run.tally = progress.tally
        run.stage = progress.stage
        return run
    }

    func newRunID() -> SyncRunID {
        SyncRunID(environment.random.identifier(prefix: "run_"))
    }
}

extension SyncRun {
    /// - Throws: `gone` when lines were removed for their age.
    public func requireLines() throws(IntegrationError) {
        guard linesRemovedAt != nil else { return }
        throw IntegrationError(
            code: .gone,
            message: "The single counts of this sync were removed from the ledger for their age. The sync itself, its counts by result "
                + "and its totals are kept.")
    }
}

extension Connection {
    /// - Throws: `conflict`, saying what to do first.
    func requireConnected() throws(IntegrationError) {
        let message: String
        switch state {
        case .connected: return
        case .notConnected: message = "Connect first: paste the Partner API key and press Connect."
        case .needsNewKey: message = "Synthesize did not accept the stored key. Connect again with a new one."
        case .disabled: message = "The integration is disabled. Press Enable first."
        }
        throw IntegrationError(code: .conflict, message: message)
    }
}
