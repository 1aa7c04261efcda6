import Foundation

/// Where one usage line stands.
public enum UsageLineState: String, Sendable, Hashable, CaseIterable, Codable {
    /// Below 1, so never sent.
    case excluded
    /// Sent before, now gone or zero; reported, not sent.
    case droppedToZero
    /// Will be sent.
    case planned
    /// The intent is written; whether it arrived is not known yet.
    case sending
    case accepted
    /// 404: the account or the service is not mapped in Synthesize. Normal, a to-do for the partner.
    case notMapped
    /// 400, 409 or 422: Synthesize will not take it.
    case rejected
    /// Retries used up.
    case failed
    /// The run stopped before this line's turn.
    case notSent
}

/// What a count counts, as the connector named it when the line was planned.
public struct LineBasis: Sendable, Hashable {
    public var connectorID: String
    /// For instance `billable users`.
    public var name: String
    /// From 1.
    public var version: Int

    public init(connectorID: String, name: String, version: Int) {
        self.connectorID = connectorID
        self.name = name
        self.version = version
    }
}

/// One account, one service, one count in one run.
public struct UsageLine: Sendable, Hashable {
    public var runID: SyncRunID
    /// From 0, in the order of sending.
    public var position: Int
    /// The vendor's own id and name of its customer.
    public var accountID: String
    public var accountName: String
    /// Synthesize's id of the service (contract S4).
    public var serviceID: String
    public var serviceName: String
    /// What the count counts; nil for lines older than this record and for services that the connector no longer has.
    public var basis: LineBasis?
    /// As the vendor counted, duplicates summed.
    public var rawCount: Decimal
    /// As sent; nil when nothing is to be sent.
    public var sentCount: Decimal?
    public var state: UsageLineState
    /// Sends begun, the present one included.
    public var attempts: Int
    public var httpStatus: Int?
    /// What Synthesize, or the failure, said.
    public var message: String?
    public var intentAt: Date?
    public var outcomeAt: Date?

    public init(
        runID: SyncRunID, position: Int, accountID: String, accountName: String, serviceID: String,
        serviceName: String, basis: LineBasis? = nil, rawCount: Decimal, sentCount: Decimal?, state: UsageLineState
    ) {
        self.runID = runID
        self.position = position
        self.accountID = accountID
        self.accountName = accountName
        self.serviceID = serviceID
        self.serviceName = serviceName
        self.basis = basis
        self.rawCount = rawCount
        self.sentCount = sentCount
        self.state = state
        self.attempts = 0
        self.httpStatus = nil
        self.message = nil
        self.intentAt = nil
        self.outcomeAt = nil
    }
}

/// What sending one line needs; that it is to be sent is on disk.
public struct LineIntent: Sendable, Hashable {
    public var position: Int
    public var accountID: String
    public var serviceID: String
    public var count: Decimal
    /// This one included.
    public var attempts: Int

    public init(position: Int, accountID: String, serviceID: String, count: Decimal, attempts: Int) {
        self.position = position
        self.accountID = accountID
        self.serviceID = serviceID
        self.count = count
        self.attempts = attempts
    }
}

/// What became of one line that was being sent.
public struct LineOutcome: Sendable, Hashable {
    public var position: Int
    /// `accepted`, `notMapped`, `rejected`, `failed`, or `planned` to give it back for another try.
    public var state: UsageLineState
    public var attempts: Int
    public var httpStatus: Int?
    public var message: String?
    public var at: Date

    public init(position: Int, state: UsageLineState, attempts: Int, httpStatus: Int?, message: String?, at: Date) {
        self.position = position
        self.state = state
        self.attempts = attempts
        self.httpStatus = httpStatus
        self.message = message
        self.at = at
    }
}

/// The last count that Synthesize accepted for one account and service.
public struct LastCount: Sendable, Hashable {
    public var accountID: String
    public var accountName: String
    public var serviceID: String
    public var serviceName: String
    public var count: Decimal
    public var runID: SyncRunID
    public var acceptedAt: Date

    public init(
        accountID: String, accountName: String, serviceID: String, serviceName: String, count: Decimal,
        runID: SyncRunID, acceptedAt: Date
    ) {
        self.accountID = accountID
        self.accountName = accountName
        self.serviceID = serviceID
        self.serviceName = serviceName
        self.count = count
        self.runID = runID
        self.acceptedAt = acceptedAt
    }
}

/// The sum of accepted counts of one service in one run: a point of the chart.
public struct ServiceTotal: Sendable, Hashable {
    public var runID: SyncRunID
    public var finishedAt: Date
    public var serviceName: String
    public var total: Decimal

    public init(runID: SyncRunID, finishedAt: Date, serviceName: String, total: Decimal) {
        self.runID = runID
        self.finishedAt = finishedAt
        self.serviceName = serviceName
        self.total = total
    }
}

/// The ledger: every line with its intent before it is sent and its outcome after.
public protocol LedgerStore: Sendable {
    /// Writes all lines of a run and moves it to stage `usage`, in one transaction. Lines are `planned`, `excluded` or
    /// `droppedToZero`.
    /// - Throws: `StoreError` with code `notFound` when the run is not active, `duplicate` when it has such lines already.
    func planLines(_ run: SyncRunID, _ lines: some Sequence<UsageLine> & Sendable) async throws(StoreError)
    /// After a crash: lines left `sending` become `planned`, because setting a count again is harmless
    /// (reliability section 1). Returns how many.
    @discardableResult
    func reopenLines(_ run: SyncRunID) async throws(StoreError) -> Int
    /// Writes outcomes of lines that are `sending` and the last counts of the accepted; then marks up to `limit` planned lines as
    /// `sending` with this intent time, attempts plus one, and returns their intents in order. All in one transaction: what was learned and
    /// what is meant reach the disk together. Lines that an earlier process left `sending` were made `planned` by `reopenLines`.
    /// - Throws: `StoreError` with code `notFound` when one of the lines is not being sent (the run was taken over or has
    ///   ended); then nothing of it is written.
    func recordOutcomes(
        _ run: SyncRunID, _ outcomes: [LineOutcome], beginning limit: Int, at: Date
    ) async throws(StoreError) -> [LineIntent]
    /// Lines by position after `cursor`, in the given states (nil: all).
    func lines(
        _ run: SyncRunID, states: Set<UsageLineState>?, after cursor: Int?, limit: Int
    ) async throws(StoreError) -> [UsageLine]
    /// Removes lines of runs that ended before `end`, the oldest run first, in one transaction; such a run keeps its row, its tally
    /// and its totals, and gets `linesRemovedAt`. Lines stay of runs that are active or held, and of each partner's newest ended sync
    /// that came to its ledger: what dropped to zero and what is not mapped is told from them.
    /// - Parameter limit: the most lines to remove, which bounds how long another writer waits.
    /// - Returns: how many were removed, a run without lines counting as one; fewer than `limit` when nothing is left to remove.
    @discardableResult
    func removeLines(endedBefore end: Date, limit: Int, at: Date) async throws(StoreError) -> Int
    /// As of now: changed in the same transaction as the lines, also in `SyncRun.tally`.
    func tally(_ run: SyncRunID) async throws(StoreError) -> RunTally
    /// In the order of account and service id, those behind `cursor`.
    func lastCounts(_ partner: PartnerID, after cursor: LastCount?, limit: Int) async throws(StoreError) -> [LastCount]
    /// Totals by service of the partner's last `runs` usage runs that accepted something, oldest first.
    func serviceTotals(_ partner: PartnerID, runs: Int) async throws(StoreError) -> [ServiceTotal]
}

extension LedgerStore {
    /// All of them: 100,000 are 30 MB.
    public func lastCounts(_ partner: PartnerID) async throws(StoreError) -> [LastCount] {
        try await lastCounts(partner, after: nil, limit: .max)
    }

    /// Intents alone.
    public func beginSending(_ run: SyncRunID, limit: Int, at instant: Date) async throws(StoreError) -> [LineIntent] {
        try await recordOutcomes(run, [], beginning: limit, at: instant)
    }

    /// Outcomes alone.
    public func recordOutcomes(_ run: SyncRunID, _ outcomes: [LineOutcome]) async throws(StoreError) {
        _ = try await recordOutcomes(run, outcomes, beginning: 0, at: .distantPast)
    }
}
