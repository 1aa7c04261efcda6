import Connectors
import HTTPClient
import Logging
import Secrets
import Store
import Synthesize

/// Everything that the domain needs from outside; passed in, so that a test or a simulation can replace any of it.
public struct IntegrationEnvironment: Sendable {
    public var store: any Store
    public var keyRing: KeyRing
    public var connector: any Connector
    public var synthesize: SynthesizeClient.Environment
    /// The vendor's half of every token.
    public var vendorKey: Secret
    public var time: TimeSource
    public var random: RandomSource
    public var policy: IntegrationPolicy
    public var logger: Logger

    public init(
        store: any Store, keyRing: KeyRing, connector: any Connector, synthesize: SynthesizeClient.Environment,
        vendorKey: Secret, time: TimeSource, random: RandomSource, policy: IntegrationPolicy, logger: Logger
    ) {
        self.store = store
        self.keyRing = keyRing
        self.connector = connector
        self.synthesize = synthesize
        self.vendorKey = vendorKey
        self.time = time
        self.random = random
        self.policy = policy
        self.logger = logger
    }
}

/// What happens to a pair of account and service that was sent before and is now gone or below 1.
public enum ZeroCountPolicy: String, Sendable, Hashable, CaseIterable {
    /// It is listed; the partner can send the zeros by hand.
    case report
    /// 0 is sent once.
    case sendOnce
}

/// The numbers that an operator may turn.
public struct IntegrationPolicy: Sendable, Hashable {
    public var zeroCounts: ZeroCountPolicy
    /// A run is held when the units of the pairs sent before shrink by more than this share (0 to 1).
    public var dropHoldShare: Double
    /// The guard needs at least this many pairs sent before: one customer leaving a small partner is no accident.
    public var dropHoldMinimumPairs: Int
    /// Counts of one run at once that wait for their turn or are under way.
    public var parallelCounts: Int
    /// Runs under way at once.
    public var parallelRuns: Int
    /// How long a run is believed alive without a heartbeat.
    public var lease: Duration
    /// A run that takes longer is ended as failed.
    public var runDeadline: Duration
    /// The longest that a preview waits for the vendor: below the 60 s after which proxies commonly give up.
    public var previewDeadline: Duration
    /// Lines that fail one after the other before the run gives up on Synthesize for now.
    public var failuresInARow: Int
    /// How long a ticket is awaited.
    public var ticketDeadline: Duration
    /// Scheduled runs of different partners are spread over this time.
    public var scheduleSpread: Duration
    /// How long the lines of an ended run are kept; its counts by state and its totals always are. Nil keeps the lines too.
    public var lineRetention: Duration?
    /// How often runs, schedule and alerts are looked at although nobody rang: a lease may have run out, or the wall clock been set.
    public var lookAgain: Duration
    /// What is kept out of Synthesize.
    public var exclusions: Exclusions

    public init(
        zeroCounts: ZeroCountPolicy = .report, dropHoldShare: Double = 0.5, dropHoldMinimumPairs: Int = 5,
        parallelCounts: Int = 64, parallelRuns: Int = 8, lease: Duration = .seconds(60),
        runDeadline: Duration = .seconds(6 * 3600), previewDeadline: Duration = .seconds(50), failuresInARow: Int = 20,
        ticketDeadline: Duration = .seconds(300), scheduleSpread: Duration = .seconds(120),
        lineRetention: Duration? = .seconds(400 * 86_400), lookAgain: Duration = .seconds(15),
        exclusions: Exclusions = Exclusions()
    ) {
        self.zeroCounts = zeroCounts
        self.dropHoldShare = dropHoldShare
        self.dropHoldMinimumPairs = dropHoldMinimumPairs
        self.parallelCounts = parallelCounts
        self.parallelRuns = parallelRuns
        self.lease = lease
        self.runDeadline = runDeadline
        self.previewDeadline = previewDeadline
        self.failuresInARow = failuresInARow
        self.ticketDeadline = ticketDeadline
        self.scheduleSpread = scheduleSpread
        self.lineRetention = lineRetention
        self.exclusions = exclusions
        self.lookAgain = lookAgain
    }
}

extension IntegrationEnvironment {
    /// What the partner entered for this connector's vendor. What is stored for another connector is another vendor's secret: nobody
    /// else is shown or sent it, and the partner is asked anew.
    func vendorCredential(_ partner: PartnerID) async throws(StoreError) -> VendorCredential? {
        try await store.vendorCredential(partner).flatMap { $0.connectorID == connector.id ? $0 : nil }
    }
}
