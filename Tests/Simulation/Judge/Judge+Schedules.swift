import Foundation
import Store

extension Judge {
    /// How long after its due instant a partner's run may begin: partners are spread, and the loop looks again this often.
    private static let spread: TimeInterval = 120

    /// Promise 4: what the store says of the next run is what the calendar says, and nothing is overdue while the service is up and idle
    /// enough to notice. Every due time then starts one run, because moving the time on and starting the run are one transaction.
    func judgeSchedules(_ process: PerchProcess, upSince: Duration, lookAgain: Duration) {
        // A due time that has run by a wrong clock is not run again by the right one.
        guard !hasClockJumped else { return }
        let now = world.time.now
        let grace = max(lookAgain.seconds, 30) + 30
        for (index, partner) in world.partners.enumerated() {
            guard let id = partner.id, let zone = TimeZone(identifier: partner.timeZone) else { continue }
            do {
                guard let schedule = try process.store.schedule(id), schedule.isActive else { continue }
                if silent.contains(index) { violate("partner \(index) was told that Perch has stopped, and is on the schedule") }
                guard let next = schedule.nextRunAt else {
                    violate("partner \(index): an active schedule has no next time")
                    continue
                }
                if next < now.addingTimeInterval(-grace), (world.engine.elapsed - upSince).seconds > grace {
                    violate("partner \(index): due at \(next), and nothing began until \(now)")
                }
                try judgeDueTimes(index, id, schedule, process, grace: grace + Self.spread)
                guard next >= now else { continue }
                let oracle = ScheduleOracle(schedule: schedule, zone: zone)
                let due = oracle.next(after: now.addingTimeInterval(-Self.spread))
                // A run that is due within its spread may have begun or not.
                let later = due.flatMap { oracle.next(after: $0) }
                let isRight = [due, later].compactMap { $0 }.contains { (0...Self.spread).contains(next.timeIntervalSince($0)) }
                if !isRight
                    || (due.map { $0 > now } ?? false) && !(due.map { (0...Self.spread).contains(next.timeIntervalSince($0)) } ?? false)
                {
                    violate(
                        "partner \(index): \(schedule.cadence) at minute \(schedule.minuteOfDay) in \(partner.timeZone) is next due at "
                            + "\(due.map { "\($0)" } ?? "never"), the store says \(next)")
                }
            } catch {
                violate("schedules cannot be read: \(error)")
            }
        }
    }
}
