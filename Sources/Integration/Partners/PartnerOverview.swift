import Connectors
import Foundation
import Store
import Synthesize

/// Everything that the partner page shows, read at one moment.
public struct PartnerOverview: Sendable {
    public var partner: Partner
    public var connection: Connection
    public var standing: ConnectionStanding
    /// The vendor's product, for instance "SaaS Alerts".
    public var productName: String
    /// What is asked of the partner under "Connect".
    public var fields: [EnteredField]
    /// With the time at which the next sync really begins by itself.
    public var schedule: Schedule?
    /// Nil unless its syncs fail again and again.
    public var failingSchedule: FailingSchedule?
    /// The last connect job, running or ended.
    public var connectJob: SyncRun?
    /// The running or queued sync (not a connect job).
    public var activeRun: SyncRun?
    /// The last ended sync.
    public var lastRun: SyncRun?
    /// Ended and running syncs, newest first, at most 20.
    public var history: [SyncRun]
    public var notMapped: NotMappedList
    /// Pairs listed as dropped to zero in the last sync, and not sent.
    public var droppedToZero: [UsageLine]
    /// Accepted units by service over the last runs, oldest first: the chart.
    public var totals: [ServiceTotal]
    /// The newest test alert.
    public var testAlert: Alert?
}

/// The connection card in one word (design section 7).
public enum ConnectionStanding: Sendable, Hashable {
    case notConnected
    /// The key is accepted; the connect job is making accounts and services ready.
    case connecting
    /// The connect job failed; the key is kept.
    case connectFailed(RunFailure)
    /// Synthesize waits for the partner to map, or for the first count.
    case pendingMapping
    case active
    /// Connected, with a status that means neither, as Synthesize spells it.
    case other(status: String)
    case needsNewKey
    case disabled
}

/// A connector's field with what is stored for it.
public struct EnteredField: Sendable, Hashable {
    public var field: ConnectorField
    /// The stored value, or the default; nil for secrets.
    public var shownValue: String?
    /// A value is stored; leaving the field empty keeps it.
    public var isStored: Bool
}

/// What Synthesize does not have mapped, as of the last sync.
public struct NotMappedList: Sendable, Hashable {
    public struct Entry: Sendable, Hashable {
        public var id: String
        public var name: String
    }

    public var accounts: [Entry]
    public var services: [Entry]
    /// How many counts waited for a mapping in the last sync.
    public var counts: Int

    public var isEmpty: Bool { accounts.isEmpty && services.isEmpty && counts == 0 }
}
