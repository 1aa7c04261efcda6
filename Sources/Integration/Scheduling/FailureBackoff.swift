import Foundation
import Store

/// Scheduled syncs that failed one after the other, up to now.
public struct FailureStreak: Sendable, Hashable {
    /// How many.
    public var failures: Int
    /// When the first of them began.
    public var since: Date
    /// When the last of them began.
    public var lastAttemptAt: Date
    /// Why the last of them failed.
    public var failure: RunFailure

    /// - Parameter runs: connect jobs and syncs, newest first.
    /// - Returns: nil when the last scheduled sync did not fail, or something has come through since.
    init?(_ runs: [SyncRun]) {
        let failed = runs.prefix { !$0.endsFailures }.filter(\.isScheduledFailure)
        guard let last = failed.first, let first = failed.last, let failure = last.failure else { return nil }
        failures = failed.count
        since = first.createdAt
        lastAttemptAt = last.createdAt
        self.failure = failure
    }
}

extension SyncRun {
    /// It came through to both sides. So did a run that waits for an operator; one that somebody stopped says nothing, nor does one
    /// that is still going on.
    var endsFailures: Bool {
        switch state {
        case .succeeded, .partial, .held: true
        case .failed, .cancelled, .queued, .running: false
        }
    }

    /// Trouble with Perch's own database is nobody else's, so it keeps no schedule waiting.
    fileprivate var isScheduledFailure: Bool {
        trigger == .schedule && state == .failed && failure?.code.hasPrefix("store.") != true
    }
}

/// How long a schedule waits whose syncs fail again and again, so that nobody is called in vain every night for ever: after three
/// failures in a row two days, then four, then a week, and then every week. Only the schedule waits; Sync Now goes at any time, and one
/// success ends it. Nothing is turned off.
///
/// A refused partner key is not its business: that stops the schedule at the first answer (`condemnKey`).
enum FailureBackoff {
    /// So many failures in a row change nothing: a vendor may be away for a night or two.
    static let tolerated = 2
    /// After one failure more than is tolerated, after two more, and so on; the last for all that follow.
    static let days = [2, 4, 7]

    /// Before this instant no scheduled sync begins; nil when the schedule goes on as it is.
    ///
    /// Half a day short of whole days, because due times are not exactly a day apart: clocks change, and the last try may have
    /// begun late. A try that lies ahead was dated by a wrong clock and keeps nobody waiting.
    static func earliestAttempt(after streak: FailureStreak?, at now: Date) -> Date? {
        guard let streak, streak.failures > tolerated, streak.lastAttemptAt <= now else { return nil }
        let days = days[min(streak.failures - tolerated, days.count) - 1]
        return streak.lastAttemptAt.addingTimeInterval(TimeInterval(days) * 86_400 - 43_200)
    }
}

/// A schedule whose syncs fail again and again, for whoever looks at it.
public struct FailingSchedule: Sendable, Hashable {
    public var streak: FailureStreak
    /// When Perch tries again by itself; nil when the schedule rests.
    public var nextAttemptAt: Date?

    /// - Parameter schedule: with the time of the next attempt.
    /// - Returns: nil unless the back-off is on.
    init?(_ streak: FailureStreak?, _ schedule: Schedule?) {
        guard let streak, streak.failures > FailureBackoff.tolerated else { return nil }
        self.streak = streak
        nextAttemptAt = schedule?.nextRunAt
    }
}

extension IntegrationEnvironment {
    /// At most so many runs are read to count failures: some years of weekly tries.
    private static let runsLookedAt = 200

    /// - Parameter lastRun: the newest ended sync, which saves the look where it came through.
    func failureStreak(_ partner: PartnerID, lastRun: SyncRun?) async throws(StoreError) -> FailureStreak? {
        guard let lastRun, !lastRun.endsFailures || lastRun.purpose != .usage else { return nil }
        return try await failureStreak(partner)
    }

    func failureStreak(_ partner: PartnerID) async throws(StoreError) -> FailureStreak? {
        var runs: [SyncRun] = []
        while runs.count < Self.runsLookedAt {
            let page = try await store.runs(partner, purposes: [.connect, .usage], before: runs.last?.id, limit: 20)
            runs += page
            if page.count < 20 || page.contains(where: \.endsFailures) { break }
        }
        return FailureStreak(runs)
    }

    /// The schedule with the time at which a sync really begins by itself: the first due time that the back-off lets through.
    func effectiveSchedule(_ partner: Partner, after streak: FailureStreak?) async throws(StoreError) -> Schedule? {
        guard var schedule = try await store.schedule(partner.id) else { return nil }
        if let next = schedule.nextRunAt, let earliest = FailureBackoff.earliestAttempt(after: streak, at: time.now()), next < earliest {
            do throws(IntegrationError) {
                // Due times are strictly after the instant asked for.
                schedule.nextRunAt = try nextDue(schedule, timeZone: partner.timeZone, after: earliest.addingTimeInterval(-1))
            } catch {
                // The scheduler says so and takes the partner off the schedule.
            }
        }
        return schedule
    }
}
