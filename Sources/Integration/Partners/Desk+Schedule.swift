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
        schedule = try await audited(
            "schedule.save", id, by: initiator,
            "\(choice.cadence.rawValue) at minute \(choice.minuteOfDay), \(choice.timeZone)"
        ) { () async throws(IntegrationError) in
            try await remember { store throws(StoreError) in try await store.updatePartner(updated) }
            return try await environment.save(saved)
        }
        await scheduler.bell.ring()
        return schedule
    }

    /// A connected partner is on the schedule.
    func activateSchedule(of id: PartnerID) async throws(IntegrationError) {
        try await environment.activateSchedule(of: try await partner(id))
        await scheduler.bell.ring()
    }
}

extension IntegrationEnvironment {
    /// Puts a partner back on its own schedule, or on one for every night at two until it chooses another.
    func activateSchedule(of partner: Partner) async throws(IntegrationError) {
        let known = try await stored { () async throws(StoreError) in try await store.schedule(partner.id) }
        if let known, known.isActive { return }
        var schedule =
            known
            ?? Schedule(
                partnerID: partner.id, cadence: .daily, weekday: 1, dayOfMonth: 1, minuteOfDay: 2 * 60, isActive: false,
                nextRunAt: nil)
        schedule.isActive = true
        schedule.nextRunAt = try nextDue(schedule, timeZone: partner.timeZone, after: time.now())
        _ = try await save(schedule)
    }

    /// Saves the schedule of a partner that was connected a moment ago. Who has disabled since has taken it off the schedule already, so it
    /// is looked at again afterwards: either this sees the other, or the other sees this.
    /// - Returns: the schedule as it is now.
    func save(_ schedule: Schedule) async throws(IntegrationError) -> Schedule {
        try await stored { () async throws(StoreError) in
            try await store.saveSchedule(schedule)
            guard schedule.isActive, try await store.connection(schedule.partnerID).state != .connected else { return schedule }
            try await restSchedule(of: schedule.partnerID)
            return try await store.schedule(schedule.partnerID) ?? schedule
        }
    }
}
