import Foundation
import GRDB

extension SQLiteStore {
    public func planLines(_ run: SyncRunID, _ lines: some Sequence<UsageLine> & Sendable) async throws(StoreError) {
        try await write { database in
            let sequence = try database.sequence(of: run)
            let moved = try database.change(
                "UPDATE sync_run SET stage = ? WHERE sequence = ? AND finished_at IS NULL",
                [RunStage.usage.rawValue, sequence])
            guard moved == 1 else { throw StoreError.notFound("active run", run) }
            var tally = RunTally()
            var bases: [LineBasis: Int64] = [:]
            for line in lines {
                try database.insert(line, sequence, basis: line.basis.map { try database.basisID($0, &bases) })
                tally[line.state] += 1
            }
            try database.add(tally, to: sequence)
        }
    }

    @discardableResult
    public func reopenLines(_ run: SyncRunID) async throws(StoreError) -> Int {
        try await write { database in
            try database.moveLines(database.sequence(of: run), from: .sending, to: .planned)
        }
    }

    public func recordOutcomes(
        _ run: SyncRunID, _ outcomes: [LineOutcome], beginning limit: Int, at instant: Date
    ) async throws(StoreError) -> [LineIntent] {
        try await write { database in
            let sequence = try database.sequence(of: run)
            if !outcomes.isEmpty {
                try database.record(outcomes, run, sequence)
                var tally = RunTally()
                for outcome in outcomes {
                    tally.open -= 1
                    tally[outcome.state] += 1
                }
                try database.add(tally, to: sequence)
            }
            guard limit > 0 else { return [] }
            return try database.beginSending(sequence, limit, instant)
        }
    }

    public func lines(
        _ run: SyncRunID, states: Set<UsageLineState>?, after cursor: Int?, limit: Int
    ) async throws(StoreError) -> [UsageLine] {
        try await read { database in
            let sequence = try database.sequence(of: run)
            if let states, states.isEmpty { return [] }
            return try database.usageLines(
                run, Queries.lines(states), ["run": sequence, "cursor": cursor ?? -1, "limit": max(0, limit)])
        }
    }

    public func tally(_ run: SyncRunID) async throws(StoreError) -> RunTally {
        try await read { database in
            guard let stored = try database.run(run) else { throw StoreError.notFound("run", run) }
            return stored.tally
        }
    }

    public func lastCounts(_ partner: PartnerID, after cursor: LastCount?, limit: Int) async throws(StoreError) -> [LastCount] {
        try await read {
            // No id is empty.
            try $0.fetchAll(
                LastCount.self, Queries.lastCounts, [partner.rawValue, cursor?.accountID ?? "", cursor?.serviceID ?? "", max(0, limit)])
        }
    }

    public func serviceTotals(_ partner: PartnerID, runs: Int) async throws(StoreError) -> [ServiceTotal] {
        try await read { try $0.fetchAll(ServiceTotal.self, Queries.serviceTotals, [partner.rawValue, max(0, runs)]) }
    }
}

/// `INDEXED BY` where SQLite, which does not know how many lines are in which state, would walk the primary key over all lines
/// settled so far: a batch would cost more the further the run got.
extension Queries {
    /// Arguments: run, limit.
    static let plannedLines = """
        SELECT run, position, account_id, service_id, sent_count, attempts FROM usage_line INDEXED BY usage_line_by_state
        WHERE run = ? AND state = 'planned' ORDER BY position LIMIT ?
        """

    /// Arguments: instant, run, last position.
    static let markSending = """
        UPDATE usage_line INDEXED BY usage_line_by_state SET state = 'sending', attempts = attempts + 1, intent_at = ?
        WHERE run = ? AND state = 'planned' AND position <= ?
        """

    /// Arguments: new state, run, old state.
    static let changeState = "UPDATE usage_line INDEXED BY usage_line_by_state SET state = ? WHERE run = ? AND state = ?"

    /// Arguments: state, attempts, HTTP status, message, instant, run, positions as a JSON array.
    static let recordOutcomes = """
        UPDATE usage_line SET state = ?, attempts = ?, http_status = ?, message = ?, outcome_at = ?
        WHERE run = ? AND position IN (SELECT value FROM json_each(?)) AND state = 'sending'
        """

    /// Arguments: run, positions as a JSON array.
    static let saveLastCounts = """
        INSERT INTO last_count (partner_id, account_id, service_id, account_name, service_name, count, run, accepted_at)
        SELECT partner_id, account_id, service_id, account_name, service_name, sent_count, run, outcome_at
        FROM sync_run CROSS JOIN usage_line ON usage_line.run = sync_run.sequence
        WHERE sync_run.sequence = ? AND position IN (SELECT value FROM json_each(?))
        ON CONFLICT (partner_id, account_id, service_id) DO UPDATE SET account_name = excluded.account_name,
            service_name = excluded.service_name, count = excluded.count, run = excluded.run,
            accepted_at = excluded.accepted_at
        """

    /// Argument: run.
    static let countByState = "SELECT state, COUNT(*) FROM usage_line WHERE run = ? GROUP BY state"

    /// Arguments: partner, account and service to begin behind, limit.
    static let lastCounts = """
        SELECT last_count.*, sync_run.id AS run_id FROM last_count JOIN sync_run ON sync_run.sequence = last_count.run
        WHERE last_count.partner_id = ? AND (account_id, service_id) > (?, ?) ORDER BY account_id, service_id LIMIT ?
        """

    /// Arguments: partner, number of runs.
    static let serviceTotals = """
        SELECT recent.id AS run_id, finished_at, service_name, total
        FROM (
            SELECT sequence, id, created_at, finished_at FROM sync_run
            WHERE partner_id = ? AND purpose = 'usage' AND tally_accepted > 0 AND finished_at IS NOT NULL
            ORDER BY created_at DESC, sequence DESC LIMIT ?
        ) AS recent
        JOIN service_total ON service_total.run = recent.sequence
        ORDER BY created_at, sequence, service_name
        """

    /// Arguments by name: run, cursor, limit. One range of the index for each state, which SQLite merges as it reads, so that few
    /// rejected lines among many accepted are found without reading those.
    static func lines(_ states: Set<UsageLineState>?) -> String {
        let filters = states.map { states in states.map { "AND state = '\($0.rawValue)'" }.sorted() } ?? [""]
        let index = states == nil ? "" : "INDEXED BY usage_line_by_state"
        let ranges = filters.map { "SELECT * FROM usage_line \(index) WHERE run = :run \($0) AND position > :cursor" }
        return ranges.joined(separator: " UNION ALL ") + " ORDER BY position LIMIT :limit"
    }

    /// Argument: run. Equal counts are summed by multiplication: SQLite knows no decimals.
    static let acceptedCounts = """
        SELECT service_name, sent_count, COUNT(*) AS times FROM usage_line INDEXED BY usage_line_by_state
        WHERE run = ? AND state = 'accepted' GROUP BY service_name, sent_count
        """
}

extension Database {
    fileprivate func insert(_ line: UsageLine, _ sequence: Int64, basis: Int64?) throws {
        try change(
            """
            INSERT INTO usage_line (run, position, account_id, account_name, service_id, service_name, raw_count, sent_count,
                state, attempts, http_status, message, intent_at, outcome_at, basis)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [
                sequence, line.position, line.accountID, line.accountName, line.serviceID, line.serviceName,
                storable(line.rawCount), line.sentCount.map(storable), line.state.rawValue, line.attempts, line.httpStatus,
                line.message, line.intentAt?.milliseconds, line.outcomeAt?.milliseconds, basis,
            ])
    }

    /// The row of a basis, made when it is new.
    /// - Parameter known: those found before in this transaction.
    fileprivate func basisID(_ basis: LineBasis, _ known: inout [LineBasis: Int64]) throws -> Int64 {
        if let id = known[basis] { return id }
        let arguments: StatementArguments = [basis.connectorID, basis.name, basis.version]
        try change("INSERT OR IGNORE INTO count_basis (connector_id, name, version) VALUES (?, ?, ?)", arguments)
        let found = try Int64.fetchOne(
            cachedStatement(sql: "SELECT id FROM count_basis WHERE connector_id = ? AND name = ? AND version = ?"),
            arguments: arguments)
        // OR IGNORE passes over a broken CHECK as well as over a basis that is there.
        guard let found else {
            throw StoreError(
                code: .constraint,
                message: """
                    The count basis "\(basis.name)", version \(basis.version), of connector "\(basis.connectorID)" cannot be kept. \
                    No line of this run was saved. This is a defect in the connector.
                    """)
        }
        known[basis] = found
        return found
    }

    fileprivate func beginSending(_ sequence: Int64, _ limit: Int, _ instant: Date) throws -> [LineIntent] {
        let rows = try Row.fetchCursor(cachedStatement(sql: Queries.plannedLines), arguments: [sequence, limit])
        var intents: [LineIntent] = []
        while let row = try rows.next() {
            let reader = RowReader(row, of: "usage_line", key: ["run", "position"])
            intents.append(
                LineIntent(
                    position: try reader.integer("position"), accountID: try reader.text("account_id"),
                    serviceID: try reader.text("service_id"), count: try reader.count("sent_count"),
                    attempts: try reader.integer("attempts") + 1))
        }
        guard let last = intents.last else { return [] }
        try change(Queries.markSending, [instant.milliseconds, sequence, last.position])
        return intents
    }

    fileprivate func usageLines(
        _ run: SyncRunID, _ sql: String, _ arguments: StatementArguments
    ) throws -> [UsageLine] {
        let rows = try Row.fetchCursor(cachedStatement(sql: sql), arguments: arguments)
        var lines: [UsageLine] = []
        var bases: [Int: LineBasis] = [:]
        while let row = try rows.next() {
            let reader = RowReader(row, of: "usage_line", key: ["run", "position"])
            var line = try UsageLine(reader, run)
            if let id = try reader.optionalInteger("basis") {
                if bases[id] == nil { bases[id] = try basis(id) }
                line.basis = bases[id]
            }
            lines.append(line)
        }
        return lines
    }

    private func basis(_ id: Int) throws -> LineBasis? {
        let row = try Row.fetchOne(cachedStatement(sql: "SELECT * FROM count_basis WHERE id = ?"), arguments: [id])
        return try row.map { row in
            let reader = RowReader(row, of: "count_basis", key: ["id"])
            return LineBasis(
                connectorID: try reader.text("connector_id"), name: try reader.text("name"), version: try reader.integer("version"))
        }
    }

    /// One statement for all lines with one fate: most of those that are written together were accepted in the same millisecond.
    fileprivate func record(_ outcomes: [LineOutcome], _ run: SyncRunID, _ sequence: Int64) throws {
        if let odd = outcomes.first(where: { !$0.state.isOutcome }) {
            throw StoreError(
                code: .constraint,
                message: """
                    \(odd.state.rawValue) is not what becomes of a line that was sent. No outcome of this batch was saved. \
                    This is a defect in Perch.
                    """)
        }
        for (fate, lines) in Dictionary(grouping: outcomes, by: Fate.init) {
            let moved = try change(
                Queries.recordOutcomes,
                [
                    fate.state.rawValue, fate.attempts, fate.httpStatus, fate.message, fate.at, sequence, Self.positions(lines),
                ])
            guard moved == lines.count else {
                throw StoreError.notFound("line being sent", "one of \(lines.map(\.position)) of run \(run)")
            }
        }
        let accepted = outcomes.filter { $0.state == .accepted }
        if !accepted.isEmpty { try change(Queries.saveLastCounts, [sequence, Self.positions(accepted)]) }
    }

    private static func positions(_ outcomes: [LineOutcome]) -> String {
        "[" + outcomes.map { String($0.position) }.joined(separator: ",") + "]"
    }

    /// Changes the run's counts with its lines, in their transaction.
    fileprivate func add(_ tally: RunTally, to sequence: Int64) throws {
        try change(
            """
            UPDATE sync_run SET tally_accepted = tally_accepted + ?, tally_not_mapped = tally_not_mapped + ?,
                tally_rejected = tally_rejected + ?, tally_failed = tally_failed + ?,
                tally_excluded = tally_excluded + ?, tally_dropped_to_zero = tally_dropped_to_zero + ?,
                tally_not_sent = tally_not_sent + ?, tally_open = tally_open + ?
            WHERE sequence = ?
            """,
            [
                tally.accepted, tally.notMapped, tally.rejected, tally.failed, tally.excluded, tally.droppedToZero,
                tally.notSent, tally.open, sequence,
            ])
    }

    /// Returns how many lines it moved.
    @discardableResult
    func moveLines(_ sequence: Int64, from old: UsageLineState, to new: UsageLineState) throws -> Int {
        try change(Queries.changeState, [new.rawValue, sequence, old.rawValue])
    }

    /// Counts the lines of a run from the lines themselves.
    func countedTally(_ sequence: Int64) throws -> RunTally {
        var tally = RunTally()
        let rows = try Row.fetchCursor(cachedStatement(sql: Queries.countByState), arguments: [sequence])
        while let row = try rows.next() {
            let reader = RowReader(row, of: "usage_line", key: ["state"])
            let state: UsageLineState = try reader.word("state")
            tally[state] += try reader.integer("COUNT(*)")
        }
        return tally
    }

    func recount(_ sequence: Int64) throws {
        try change(
            """
            UPDATE sync_run SET tally_accepted = 0, tally_not_mapped = 0, tally_rejected = 0, tally_failed = 0,
                tally_excluded = 0, tally_dropped_to_zero = 0, tally_not_sent = 0, tally_open = 0
            WHERE sequence = ?
            """, [sequence])
        try add(countedTally(sequence), to: sequence)
    }

    func saveServiceTotals(_ sequence: Int64) throws {
        var totals: [String: Decimal] = [:]
        let rows = try Row.fetchCursor(cachedStatement(sql: Queries.acceptedCounts), arguments: [sequence])
        while let row = try rows.next() {
            let reader = RowReader(row, of: "usage_line", key: ["service_name"])
            totals[try reader.text("service_name"), default: 0] +=
                try reader.count("sent_count") * Decimal(reader.integer("times"))
        }
        for (service, total) in totals {
            try insert(
                into: "service_total", ["run": sequence, "service_name": service, "total": try storable(total)])
        }
    }
}

/// What became of a line, without which line.
private struct Fate: Hashable {
    let state: UsageLineState
    let attempts: Int
    let httpStatus: Int?
    let message: String?
    let at: Int64?

    init(_ outcome: LineOutcome) {
        (state, attempts, httpStatus, message) = (outcome.state, outcome.attempts, outcome.httpStatus, outcome.message)
        at = outcome.state == .planned ? nil : outcome.at.milliseconds
    }
}

extension UsageLineState {
    fileprivate var isOutcome: Bool {
        switch self {
        case .accepted, .notMapped, .rejected, .failed, .planned: true
        case .excluded, .droppedToZero, .sending, .notSent: false
        }
    }
}

extension UsageLine {
    /// The row knows its run by the short key only.
    fileprivate init(_ row: RowReader, _ run: SyncRunID) throws(StoreError) {
        self.init(
            runID: run, position: try row.integer("position"), accountID: try row.text("account_id"),
            accountName: try row.text("account_name"), serviceID: try row.text("service_id"),
            serviceName: try row.text("service_name"), rawCount: try row.count("raw_count"),
            sentCount: try row.optionalCount("sent_count"), state: try row.word("state"))
        attempts = try row.integer("attempts")
        httpStatus = try row.optionalInteger("http_status")
        message = try row.optionalText("message")
        intentAt = try row.optionalInstant("intent_at")
        outcomeAt = try row.optionalInstant("outcome_at")
    }
}

extension LastCount: StoredRecord {
    static let table = "last_count"
    static let key = ["partner_id", "account_id", "service_id"]

    init(_ row: RowReader) throws(StoreError) {
        self.init(
            accountID: try row.text("account_id"), accountName: try row.text("account_name"),
            serviceID: try row.text("service_id"), serviceName: try row.text("service_name"), count: try row.count("count"),
            runID: SyncRunID(try row.text("run_id")), acceptedAt: try row.instant("accepted_at"))
    }
}

extension ServiceTotal: StoredRecord {
    static let table = "service_total"
    static let key = ["run_id", "service_name"]

    init(_ row: RowReader) throws(StoreError) {
        self.init(
            runID: SyncRunID(try row.text("run_id")), finishedAt: try row.instant("finished_at"),
            serviceName: try row.text("service_name"), total: try row.count("total"))
    }
}
