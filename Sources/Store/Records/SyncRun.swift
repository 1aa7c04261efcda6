import Foundation

/// What a run is for.
public enum RunPurpose: String, Sendable, Hashable, CaseIterable, Codable {
    /// After a key was accepted: services and accounts are made ready and the status set to pending.
    case connect
    /// The ordinary sync: everything, then a count for every account and service.
    case usage
    /// Sends 0 once for the pairs that an earlier run listed as dropped to zero.
    case zeros
}

public enum RunTrigger: String, Sendable, Hashable, CaseIterable, Codable {
    case partner
    case schedule
    case `operator`
    case commandLine
}

public enum RunState: String, Sendable, Hashable, CaseIterable, Codable {
    case queued
    case running
    /// Every line accepted, not mapped or excluded.
    case succeeded
    /// Finished, but some lines were rejected or failed.
    case partial
    case failed
    case cancelled
    /// Waits for an operator: a large drop, or a run that died twice in the same place.
    case held

    /// Queued or running: at most one such run a partner, by a partial unique index.
    public var isActive: Bool { self == .queued || self == .running }
}

/// The stages of a run, in order (design section 4).
public enum RunStage: String, Sendable, Hashable, CaseIterable, Codable, Comparable {
    case verify
    case fetch
    case accounts
    case services
    case usage
    case finish

    public static func < (left: RunStage, right: RunStage) -> Bool {
        left.rank < right.rank
    }

    private var rank: Int {
        switch self {
        case .verify: 0
        case .fetch: 1
        case .accounts: 2
        case .services: 3
        case .usage: 4
        case .finish: 5
        }
    }
}

/// What became of the lines and records of a run. All are counts of lines unless said otherwise.
public struct RunTally: Sendable, Hashable, Codable {
    public var accepted = 0
    public var notMapped = 0
    public var rejected = 0
    public var failed = 0
    /// Counts below 1, as Gradient asks.
    public var excluded = 0
    /// Sent before, now gone or zero, and only reported.
    public var droppedToZero = 0
    /// Planned but never sent, because the run stopped.
    public var notSent = 0
    /// Planned or on their way.
    public var open = 0

    public init() {}

    /// Lines that are sent or would have been.
    public var toSend: Int { accepted + notMapped + rejected + failed + notSent + open }
    /// Lines sent and answered, for good or bad.
    public var settled: Int { accepted + notMapped + rejected + failed }
}

/// An account that Synthesize will not take as the vendor has it.
public struct RefusedAccount: Sendable, Hashable, Codable {
    public var id: String
    public var name: String
    /// Synthesize's own words.
    public var message: String

    public init(id: String, name: String, message: String) {
        self.id = id
        self.name = name
        self.message = message
    }
}

/// What a run did besides sending lines.
public struct RunFindings: Sendable, Hashable, Codable {
    public var accountsRead = 0
    public var accountsCreated = 0
    public var accountsUpdated = 0
    /// Accounts that Synthesize would not create or rename.
    public var accountsRefused: [RefusedAccount] = []
    public var servicesCreated = 0
    public var servicesUpdated = 0
    /// Vendor records without an id, a name or a count.
    public var recordsDropped = 0
    /// The integration status before and after the run, as Synthesize spells it.
    public var statusBefore: String?
    public var statusAfter: String?
    /// True when accounts that Synthesize once had were gone: mapping must be redone there.
    public var mappingLost = false
    /// True when an operator released the run: a large drop does not hold it again.
    public var dropAllowed = false

    public init() {}
}

/// Why a run ended as it did, for code and for a person.
public struct RunFailure: Sendable, Hashable, Codable {
    /// A stable word such as `synthesize.keyRefused`.
    public var code: String
    /// What happened, what was kept, what to do.
    public var message: String

    public init(code: String, message: String) {
        self.code = code
        self.message = message
    }
}

/// One pass over one partner's data.
public struct SyncRun: Sendable, Hashable {
    public var id: SyncRunID
    public var partnerID: PartnerID
    public var purpose: RunPurpose
    public var trigger: RunTrigger
    /// Who pressed the button, as shown in history; nil for the schedule.
    public var startedBy: String?
    public var state: RunState
    /// The stage that runs, or in which the run ended.
    public var stage: RunStage
    public var createdAt: Date
    public var startedAt: Date?
    /// Set exactly when the state is not active.
    public var finishedAt: Date?
    public var failure: RunFailure?
    public var tally: RunTally
    public var findings: RunFindings
    /// Which usage that was handed in its lines are made of; nil before there are lines, and where the vendor was asked.
    public var usage: TakenUsage?
    public var cancelRequested: Bool
    /// Which process works on the run, and until when it is believed without a heartbeat.
    public var leaseOwner: String?
    public var leaseExpiresAt: Date?
    /// How often a process died while working on this run at `interruptedAt`, a place such as `usage:120`.
    public var interruptions: Int
    public var interruptedAt: String?
    /// When the first of the run's lines left the ledger for their age; nil while all are there. Tally and totals stay.
    public var linesRemovedAt: Date?

    public init(
        id: SyncRunID, partnerID: PartnerID, purpose: RunPurpose = .usage, trigger: RunTrigger,
        startedBy: String? = nil, createdAt: Date
    ) {
        self.id = id
        self.partnerID = partnerID
        self.purpose = purpose
        self.trigger = trigger
        self.startedBy = startedBy
        self.state = .queued
        self.stage = .verify
        self.createdAt = createdAt
        self.startedAt = nil
        self.finishedAt = nil
        self.failure = nil
        self.tally = RunTally()
        self.findings = RunFindings()
        self.usage = nil
        self.cancelRequested = false
        self.leaseOwner = nil
        self.leaseExpiresAt = nil
        self.interruptions = 0
        self.interruptedAt = nil
        self.linesRemovedAt = nil
    }
}

/// What became of a wish to start a run.
public enum RunInsertion: Sendable, Hashable {
    case inserted(SyncRun)
    /// The partner has this run already; nothing was inserted.
    case alreadyActive(SyncRun)

    public var run: SyncRun {
        switch self {
        case .inserted(let run), .alreadyActive(let run): run
        }
    }
}

/// Runs and who works on them.
public protocol SyncRunStore: Sendable {
    /// Inserts unless the partner has an active run; safe when called many times at once. A new run has taken no usage yet.
    /// - Throws: `StoreError` with code `notFound` for an unknown partner, `duplicate` when the id is taken.
    func insertRun(_ run: SyncRun) async throws(StoreError) -> RunInsertion
    func run(_ id: SyncRunID) async throws(StoreError) -> SyncRun?
    /// Nil for another partner's run, as for one that never was.
    func run(_ id: SyncRunID, of partner: PartnerID) async throws(StoreError) -> SyncRun?
    func activeRun(_ partner: PartnerID) async throws(StoreError) -> SyncRun?
    /// Which usage the partner's newest run that took any took.
    func lastTakenUsage(_ partner: PartnerID) async throws(StoreError) -> TakenUsage?
    /// A partner's runs of the given purposes, newest first, those created before `cursor`'s run; none for an unknown cursor.
    func runs(
        _ partner: PartnerID, purposes: Set<RunPurpose>, before cursor: SyncRunID?, limit: Int
    ) async throws(StoreError) -> [SyncRun]
    /// Takes the oldest run that is queued, or running under another owner's lease (that process is dead, because one
    /// process holds the database), or running under `owner`'s own lease that has expired at `now`. The run comes back
    /// `running` under `owner`'s lease; `startedAt` is set the first time. A run that was running counts as interrupted at
    /// the place `stage:settled lines` (`accounts:accounts created and renamed`): once more when it is the place of the last
    /// interruption, else for the first time.
    func claimRun(owner: String, at now: Date, leaseUntil: Date) async throws(StoreError) -> SyncRun?
    /// Lengthens the lease. Returns the run as stored (its `cancelRequested` included), nil when the lease was lost.
    func heartbeat(_ id: SyncRunID, owner: String, leaseUntil: Date) async throws(StoreError) -> SyncRun?
    /// Reads, changes and writes one run in one transaction; returns what was written. A change of id, partner, purpose,
    /// trigger, `createdAt`, tally or `linesRemovedAt` is ignored: tally and removal follow the lines.
    /// - Throws: `StoreError` with code `notFound` for an unknown run, `constraint` for a half-finished one (a state that does
    ///   not fit `finishedAt` or the lease), `duplicate` when it would become a second active run.
    @discardableResult
    func updateRun(
        _ id: SyncRunID, _ change: @escaping @Sendable (inout SyncRun) -> Void
    ) async throws(StoreError) -> SyncRun
    /// Ends a run: state, failure, findings, `finishedAt`; lines still planned or sending become `notSent`, the tally
    /// is counted anew, the lease dropped. One transaction. A run that has ended keeps its first end, which is returned.
    /// - Throws: `StoreError` with code `notFound` for an unknown run, `constraint` when `state` is an active one.
    @discardableResult
    func finishRun(
        _ id: SyncRunID, state: RunState, failure: RunFailure?, findings: RunFindings, at: Date
    ) async throws(StoreError) -> SyncRun
}

extension RunTally {
    /// The count that a line in this state belongs to.
    package subscript(state: UsageLineState) -> Int {
        get { self[keyPath: Self.count(of: state)] }
        set { self[keyPath: Self.count(of: state)] = newValue }
    }

    private static func count(of state: UsageLineState) -> WritableKeyPath<RunTally, Int> {
        switch state {
        case .accepted: \.accepted
        case .notMapped: \.notMapped
        case .rejected: \.rejected
        case .failed: \.failed
        case .excluded: \.excluded
        case .droppedToZero: \.droppedToZero
        case .notSent: \.notSent
        case .planned, .sending: \.open
        }
    }
}
