import Foundation
import GRDB

extension SQLiteStore {
    public func insertRun(_ run: SyncRun) async throws(StoreError) -> RunInsertion {
        try await write { try $0.insertUnlessActive(run) }
    }

    public func run(_ id: SyncRunID) async throws(StoreError) -> SyncRun? {
        try await read { try $0.run(id) }
    }

    public func run(_ id: SyncRunID, of partner: PartnerID) async throws(StoreError) -> SyncRun? {
        try await read {
            try $0.fetchOne(SyncRun.self, "SELECT * FROM sync_run WHERE id = ? AND partner_id = ?", [id.rawValue, partner.rawValue])
        }
    }

    public func activeRun(_ partner: PartnerID) async throws(StoreError) -> SyncRun? {
        try await read { try $0.activeRun(partner) }
    }

    public func lastTakenUsage(_ partner: PartnerID) async throws(StoreError) -> TakenUsage? {
        try await read { try $0.fetchOne(SyncRun.self, Queries.lastRunWithUsage, [partner.rawValue])?.usage }
    }

    public func runs(
        _ partner: PartnerID, purposes: Set<RunPurpose>, before cursor: SyncRunID?, limit: Int
    ) async throws(StoreError) -> [SyncRun] {
        try await read { database in
            var arguments: StatementArguments = [partner.rawValue]
            if let cursor { arguments += [cursor.rawValue, partner.rawValue] }
            arguments += [max(0, limit)]
            return try database.fetchAll(SyncRun.self, Queries.runs(purposes, isPaged: cursor != nil), arguments)
        }
    }

    public func claimRun(owner: String, at now: Date, leaseUntil: Date) async throws(StoreError) -> SyncRun? {
        try await write { database in
            guard var run = try database.fetchOne(SyncRun.self, Queries.claimableRun, [owner, now.milliseconds])
            else { return nil }
            if run.state == .running { run.noteInterruption() }
            run.state = .running
            run.startedAt = run.startedAt ?? now
            run.leaseOwner = owner
            run.leaseExpiresAt = leaseUntil
            return try database.update(run)
        }
    }

    public func heartbeat(
        _ id: SyncRunID, owner: String, leaseUntil: Date
    ) async throws(StoreError) -> SyncRun? {
        try await write { database in
            let held = try database.change(
                "UPDATE sync_run SET lease_expires_at = ? WHERE id = ? AND lease_owner = ?",
                [leaseUntil.milliseconds, id.rawValue, owner])
            return held == 1 ? try database.run(id) : nil
        }
    }

    @discardableResult
    public func updateRun(
        _ id: SyncRunID, _ change: @escaping @Sendable (inout SyncRun) -> Void
    ) async throws(StoreError) -> SyncRun {
        try await write { database in
            var run = try database.requiredRun(id)
            change(&run)
            run.id = id
            return try database.update(run)
        }
    }

    @discardableResult
    public func finishRun(
        _ id: SyncRunID, state: RunState, failure: RunFailure?, findings: RunFindings, at instant: Date
    ) async throws(StoreError) -> SyncRun {
        guard !state.isActive else {
            throw StoreError(
                code: .constraint,
                message: "A run cannot end as \(state.rawValue). Nothing was changed. This is a defect in Perch.")
        }
        return try await write { database in
            var run = try database.requiredRun(id)
            guard run.state.isActive else { return run }
            let sequence = try database.sequence(of: id)
            for open in [UsageLineState.planned, .sending] {
                try database.moveLines(sequence, from: open, to: .notSent)
            }
            try database.recount(sequence)
            if run.purpose == .usage { try database.saveServiceTotals(sequence) }
            run.state = state
            run.failure = failure
            run.findings = findings
            run.finishedAt = instant
            run.leaseOwner = nil
            run.leaseExpiresAt = nil
            return try database.update(run)
        }
    }
}

extension Queries {
    /// Arguments: owner, now. One process holds the database, so whoever else owns a running run is dead.
    static let claimableRun = """
        SELECT * FROM sync_run
        WHERE finished_at IS NULL AND (state = 'queued' OR lease_owner <> ? OR lease_expires_at <= ?)
        ORDER BY created_at, sequence LIMIT 1
        """

    /// Argument: partner.
    static let activeRun = "SELECT * FROM sync_run WHERE partner_id = ? AND finished_at IS NULL"

    /// Argument: partner.
    static let lastRunWithUsage = """
        SELECT * FROM sync_run WHERE partner_id = ? AND usage_origin IS NOT NULL ORDER BY created_at DESC, sequence DESC LIMIT 1
        """

    /// Arguments: partner, the cursor's id and the partner again when paged, limit.
    static func runs(_ purposes: Set<RunPurpose>, isPaged: Bool) -> String {
        let words = purposes.map { "'\($0.rawValue)'" }.sorted().joined(separator: ", ")
        let page = isPaged ? "AND (created_at, sequence) < (SELECT created_at, sequence FROM sync_run WHERE id = ? AND partner_id = ?)" : ""
        return """
            SELECT * FROM sync_run WHERE partner_id = ? AND purpose IN (\(words)) \(page)
            ORDER BY created_at DESC, sequence DESC LIMIT ?
            """
    }
}

extension Database {
    /// The insertion that `insertRun`, `startScheduledRun` and `saveConnect` share. Only the one writer calls it, so nothing can
    /// come between the look and the insertion; the partial unique index would refuse it anyway.
    func insertUnlessActive(_ run: SyncRun) throws -> RunInsertion {
        if let active = try activeRun(run.partnerID) { return .alreadyActive(active) }
        try insert(
            into: "sync_run",
            [
                "id": run.id.rawValue, "partner_id": run.partnerID.rawValue, "purpose": run.purpose.rawValue,
                "trigger_kind": run.trigger.rawValue, "started_by": run.startedBy, "state": run.state.rawValue,
                "stage": run.stage.rawValue, "created_at": run.createdAt.milliseconds,
                "started_at": run.startedAt?.milliseconds, "finished_at": run.finishedAt?.milliseconds,
                "failure_code": run.failure?.code, "failure_message": run.failure?.message,
                "tally_accepted": run.tally.accepted, "tally_not_mapped": run.tally.notMapped,
                "tally_rejected": run.tally.rejected, "tally_failed": run.tally.failed,
                "tally_excluded": run.tally.excluded, "tally_dropped_to_zero": run.tally.droppedToZero,
                "tally_not_sent": run.tally.notSent, "tally_open": run.tally.open,
                "findings": try storable(run.findings), "cancel_requested": run.cancelRequested,
                "lease_owner": run.leaseOwner, "lease_expires_at": run.leaseExpiresAt?.milliseconds,
                "interruptions": run.interruptions, "interrupted_at": run.interruptedAt,
            ])
        return .inserted(try requiredRun(run.id))
    }

    func run(_ id: SyncRunID) throws -> SyncRun? {
        try fetchOne(SyncRun.self, "SELECT * FROM sync_run WHERE id = ?", [id.rawValue])
    }

    fileprivate func requiredRun(_ id: SyncRunID) throws -> SyncRun {
        guard let run = try run(id) else { throw StoreError.notFound("run", id) }
        return run
    }

    fileprivate func activeRun(_ partner: PartnerID) throws -> SyncRun? {
        try fetchOne(SyncRun.self, Queries.activeRun, [partner.rawValue])
    }

    /// The short key of the run in the ledger.
    func sequence(of id: SyncRunID) throws -> Int64 {
        guard
            let sequence = try Int64.fetchOne(
                cachedStatement(sql: "SELECT sequence FROM sync_run WHERE id = ?"), arguments: [id.rawValue])
        else { throw StoreError.notFound("run", id) }
        return sequence
    }

    /// Writes what may change in the life of a run and returns the run as stored. Whose run it is and why it was made never
    /// changes, and the tally belongs to the ledger.
    fileprivate func update(_ run: SyncRun) throws -> SyncRun {
        try update(
            "sync_run",
            [
                "started_by": run.startedBy, "state": run.state.rawValue, "stage": run.stage.rawValue,
                "started_at": run.startedAt?.milliseconds, "finished_at": run.finishedAt?.milliseconds,
                "failure_code": run.failure?.code, "failure_message": run.failure?.message,
                "findings": try storable(run.findings), "usage_origin": run.usage?.origin.rawValue, "usage_name": run.usage?.name,
                "usage_counts_from": run.usage?.countsFrom.milliseconds, "cancel_requested": run.cancelRequested,
                "lease_owner": run.leaseOwner, "lease_expires_at": run.leaseExpiresAt?.milliseconds,
                "interruptions": run.interruptions, "interrupted_at": run.interruptedAt,
            ], where: "id", is: run.id.rawValue)
        return try requiredRun(run.id)
    }
}

extension SyncRun {
    /// Counts deaths in the same place: a run that got further since starts again at one.
    fileprivate mutating func noteInterruption() {
        let done = stage == .accounts ? findings.accountsCreated + findings.accountsUpdated : tally.settled
        let place = "\(stage.rawValue):\(done)"
        interruptions = interruptedAt == place ? interruptions + 1 : 1
        interruptedAt = place
    }
}

extension SyncRun: StoredRecord {
    static let table = "sync_run"
    static let key = ["id"]

    init(_ row: RowReader) throws(StoreError) {
        self.init(
            id: SyncRunID(try row.text("id")), partnerID: PartnerID(try row.text("partner_id")),
            purpose: try row.word("purpose"), trigger: try row.word("trigger_kind"),
            startedBy: try row.optionalText("started_by"), createdAt: try row.instant("created_at"))
        state = try row.word("state")
        stage = try row.word("stage")
        startedAt = try row.optionalInstant("started_at")
        finishedAt = try row.optionalInstant("finished_at")
        if let code = try row.optionalText("failure_code") {
            failure = RunFailure(code: code, message: try row.text("failure_message"))
        }
        tally = try RunTally(row)
        findings = try row.json("findings")
        if try row.optionalText("usage_origin") != nil {
            usage = TakenUsage(
                origin: try row.word("usage_origin"), name: try row.text("usage_name"), countsFrom: try row.instant("usage_counts_from"))
        }
        cancelRequested = try row.flag("cancel_requested")
        leaseOwner = try row.optionalText("lease_owner")
        leaseExpiresAt = try row.optionalInstant("lease_expires_at")
        interruptions = try row.integer("interruptions")
        interruptedAt = try row.optionalText("interrupted_at")
        linesRemovedAt = try row.optionalInstant("lines_removed_at")
    }
}

extension RunTally: StoredRecord {
    static let table = "sync_run"
    static let key = ["id"]

    init(_ row: RowReader) throws(StoreError) {
        self.init()
        accepted = try row.integer("tally_accepted")
        notMapped = try row.integer("tally_not_mapped")
        rejected = try row.integer("tally_rejected")
        failed = try row.integer("tally_failed")
        excluded = try row.integer("tally_excluded")
        droppedToZero = try row.integer("tally_dropped_to_zero")
        notSent = try row.integer("tally_not_sent")
        open = try row.integer("tally_open")
    }
}
