import Foundation

/// How often a partner's usage is sent by itself.
public enum Cadence: String, Sendable, Hashable, CaseIterable, Codable {
    case daily
    case weekly
    case monthly
}

/// One partner's schedule; times are wall-clock times in the partner's time zone.
public struct Schedule: Sendable, Hashable {
    public var partnerID: PartnerID
    public var cadence: Cadence
    /// 1 Monday to 7 Sunday (ISO 8601); used when weekly.
    public var weekday: Int
    /// 1 to 31, a shorter month uses its last day; used when monthly.
    public var dayOfMonth: Int
    /// Minutes after midnight, 0 to 1439.
    public var minuteOfDay: Int
    /// False while the partner is not connected, disabled, or needs a new key.
    public var isActive: Bool
    /// The next due instant; nil exactly when the schedule is not active.
    public var nextRunAt: Date?

    public init(
        partnerID: PartnerID, cadence: Cadence, weekday: Int, dayOfMonth: Int, minuteOfDay: Int,
        isActive: Bool, nextRunAt: Date?
    ) {
        self.partnerID = partnerID
        self.cadence = cadence
        self.weekday = weekday
        self.dayOfMonth = dayOfMonth
        self.minuteOfDay = minuteOfDay
        self.isActive = isActive
        self.nextRunAt = nextRunAt
    }
}

/// When each partner's next run is due, so that a restart forgets nothing.
public protocol ScheduleStore: Sendable {
    func schedule(_ partner: PartnerID) async throws(StoreError) -> Schedule?
    /// Inserts or replaces.
    func saveSchedule(_ schedule: Schedule) async throws(StoreError)
    /// Active schedules due at or before `instant`, earliest first.
    func dueSchedules(at instant: Date, limit: Int) async throws(StoreError) -> [Schedule]
    /// The earliest `nextRunAt` of all active schedules.
    func earliestNextRun() async throws(StoreError) -> Date?
    /// Inserts the run and moves the schedule to `nextRunAt` in one transaction. The schedule moves on even when a run
    /// is already active: a due time makes at most one run, and a missed one is not repeated.
    /// - Throws: `StoreError` with code `notFound` when the partner has no active schedule (any more); nothing is inserted.
    func startScheduledRun(_ run: SyncRun, nextRunAt: Date) async throws(StoreError) -> RunInsertion
    /// Moves the schedule to `nextRunAt` without a run. Nothing happens when the partner has no active schedule (any more).
    func passScheduledRun(of partner: PartnerID, nextRunAt: Date) async throws(StoreError)
}
