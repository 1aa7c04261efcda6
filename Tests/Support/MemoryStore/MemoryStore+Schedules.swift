import Foundation
import Store

extension MemoryStore {
    public func schedule(_ partner: PartnerID) throws(StoreError) -> Schedule? {
        try access { database throws(StoreError) in database.schedules[partner] }
    }

    public func saveSchedule(_ schedule: Schedule) throws(StoreError) {
        try access { database throws(StoreError) in
            try schedule.check()
            try database.requirePartner(schedule.partnerID)
            database.save(schedule)
        }
    }

    public func dueSchedules(at instant: Date, limit: Int) throws(StoreError) -> [Schedule] {
        try access { database throws(StoreError) in
            let instant = instant.stored
            return database.dueSchedules.prefix(max(0, limit)).prefix { $0.at <= instant }
                .compactMap { database.schedules[PartnerID($0.id)] }
        }
    }

    public func earliestNextRun() throws(StoreError) -> Date? {
        try access { database throws(StoreError) in database.dueSchedules.first?.at }
    }

    public func passScheduledRun(of partner: PartnerID, nextRunAt: Date) throws(StoreError) {
        try access { database throws(StoreError) in
            guard var schedule = database.schedules[partner], schedule.isActive else { return }
            schedule.nextRunAt = nextRunAt
            database.save(schedule)
        }
    }

    public func startScheduledRun(_ run: SyncRun, nextRunAt: Date) throws(StoreError) -> RunInsertion {
        try access { database throws(StoreError) in
            guard var schedule = database.schedules[run.partnerID], schedule.isActive
            else { throw .notFound("active schedule of partner", run.partnerID) }
            schedule.nextRunAt = nextRunAt
            if let active = database.activeRun(run.partnerID) {
                database.save(schedule)
                return .alreadyActive(active)
            }
            let run = try database.insertable(run)
            database.save(schedule)
            return .inserted(database.insert(run))
        }
    }
}

extension MemoryDatabase {
    fileprivate mutating func save(_ schedule: Schedule) {
        let id = schedule.partnerID
        if let next = schedules[id]?.nextRunAt { dueSchedules.removeSorted(Due(at: next, id: id.rawValue)) }
        var schedule = schedule
        schedule.nextRunAt = schedule.nextRunAt?.stored
        schedules[id] = schedule
        if let next = schedule.nextRunAt { dueSchedules.insertSorted(Due(at: next, id: id.rawValue)) }
    }
}

extension Schedule {
    fileprivate func check() throws(StoreError) {
        try StoreError.require((1...7).contains(weekday), "a weekday is 1 to 7")
        try StoreError.require((1...31).contains(dayOfMonth), "a day of a month is 1 to 31")
        try StoreError.require((0...1439).contains(minuteOfDay), "a minute of a day is 0 to 1439")
        try StoreError.require(isActive == (nextRunAt != nil), "a schedule has a next run exactly when active")
    }
}
