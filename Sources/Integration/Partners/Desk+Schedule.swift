import Foundation
import Store

extension Desk {
    /// Saves when a partner's usage is sent, in its own time zone.
    public func saveSchedule(
        _ id: PartnerID, _ choice: ScheduleChoice, by initiator: Initiator
    ) async throws(IntegrationError) -> Schedule {
        try choice.check()
        var partner = try await partner(id)
        let connection = try await environment.connection(id)
        var schedule = Schedule(
            partnerID: id, cadence: choice.cadence, weekday: choice.weekday, dayOfMonth: choice.dayOfMonth,
            minuteOfDay: choice.minuteOfDay, isActive: connection.state == .connected, nextRunAt: nil)
        if schedule.isActive {
            schedule.nextRunAt = try environment.nextDue(
                schedule, timeZone: choice.timeZone, after: environment.time.now())
        }
        partner.timeZone = choice.timeZone
        let (updated, saved) = (partner, schedule)
        try await remember { store throws(StoreError) in
            try await store.updatePartner(updated)
            try await store.saveSchedule(saved)
        }
        try await audit(
            "schedule.save", id, by: initiator,
            "\(choice.cadence.rawValue) at minute \(choice.minuteOfDay), \(choice.timeZone)")
        await scheduler.bell.ring()
        return schedule
    }

    /// A connected partner is on the schedule: its own, or every night at two until it chooses another.
    func activateSchedule(of id: PartnerID) async throws(IntegrationError) {
        let partner = try await partner(id)
        let stored = try await remember { store throws(StoreError) in try await store.schedule(id) }
        if let stored, stored.isActive { return }
        var schedule =
            stored
            ?? Schedule(
                partnerID: id, cadence: .daily, weekday: 1, dayOfMonth: 1, minuteOfDay: 2 * 60, isActive: false,
                nextRunAt: nil)
        schedule.isActive = true
        schedule.nextRunAt = try environment.nextDue(
            schedule, timeZone: partner.timeZone, after: environment.time.now())
        let active = schedule
        try await remember { store throws(StoreError) in try await store.saveSchedule(active) }
        await scheduler.bell.ring()
    }
}
