import Foundation
import HTTPClient
import Logging
import Store

/// Turns due schedules into runs. All it knows is in the store, so a restart forgets nothing and a missed time
/// runs once.
struct Scheduler: Sendable {
    let environment: IntegrationEnvironment
    let worker: RunWorker
    let bell = Bell()

    func work() async {
        var lastLookAtKeys = environment.time.now()
        while !Task.isCancelled {
            var wait = environment.policy.lookAgain
            do throws(StoreError) {
                try await startDueRuns()
                let now = environment.time.now()
                if abs(now.timeIntervalSince(lastLookAtKeys)) >= KeyReminder.interval {
                    try await remindOfKeys(lastLook: lastLookAtKeys, now: now)
                    lastLookAtKeys = now
                }
                if let next = try await environment.store.earliestNextRun() {
                    let left = next.timeIntervalSince(environment.time.now())
                    wait = min(wait, .milliseconds(max(10, Int64(min(left, 86_400) * 1000))))
                }
            } catch {
                environment.logger.error("the scheduler cannot read the store", metadata: ["error": "\(error)"])
            }
            await bell.wait(atMost: wait, environment.time)
        }
    }

    /// Starts a run for every schedule that is due, unless its runs fail again and again and it is to wait.
    func startDueRuns() async throws(StoreError) {
        let now = environment.time.now()
        for schedule in try await environment.store.dueSchedules(at: now, limit: 1_000) {
            guard let partner = try await environment.store.partner(schedule.partnerID) else { continue }
            let next: Date
            do throws(IntegrationError) {
                // The store counts in milliseconds, so a time may be due a fraction of one before it has come: it is not the next.
                next = try environment.nextDue(
                    schedule, timeZone: partner.timeZone, after: max(now, schedule.nextRunAt ?? now))
            } catch {
                environment.logger.error(
                    "a schedule has no next time", metadata: ["partner": "\(partner.id)", "error": "\(error)"])
                try await environment.auditedAsOwn("schedule.rest", partner.id, "It has no next time: \(error.message)") {
                    () async throws(StoreError) in try await environment.restSchedule(of: partner.id)
                }
                continue
            }
            let streak = try await environment.failureStreak(partner.id)
            if let earliest = FailureBackoff.earliestAttempt(after: streak, at: now), earliest > now {
                // Day by day, so that one success brings the very next due time back.
                try await environment.store.passScheduledRun(of: partner.id, nextRunAt: next)
                environment.logger.info(
                    "scheduled run passed over, because those before failed",
                    metadata: ["partner": "\(partner.id)", "failures": "\(streak?.failures ?? 0)", "notBefore": "\(earliest)"])
                continue
            }
            let run = SyncRun(
                id: SyncRunID(environment.random.identifier(prefix: "run_")), partnerID: partner.id, trigger: .schedule,
                createdAt: now)
            let insertion = try await environment.store.startScheduledRun(run, nextRunAt: next)
            environment.logger.info(
                "scheduled run due",
                metadata: ["partner": "\(partner.id)", "run": "\(insertion.run.id)", "next": "\(next)"])
            await worker.wake()
        }
    }
}

extension IntegrationEnvironment {
    /// The next due instant, with the partner's own small delay that spreads partners over time.
    func nextDue(_ schedule: Schedule, timeZone: String, after instant: Date) throws(IntegrationError) -> Date {
        let delay = Self.spread(schedule.partnerID, over: policy.scheduleSpread)
        let calendar = try ScheduleCalendar(timeZone: timeZone)
        // The delay is added after the calendar has spoken, so it is taken off before: else a run that is due within its
        // delay of the instant would be found again.
        return calendar.next(after: instant.addingTimeInterval(-delay), schedule).addingTimeInterval(delay)
    }

    /// Whole seconds below `span`, always the same for one partner (FNV-1a of its id).
    static func spread(_ partner: PartnerID, over span: Duration) -> TimeInterval {
        guard span >= .seconds(1) else { return 0 }
        let hash = partner.rawValue.utf8.reduce(UInt64(0xcbf2_9ce4_8422_2325)) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
        return TimeInterval(hash % UInt64(span.seconds))
    }
}
