import Foundation
import GRDB

extension SQLiteStore {
    public func schedule(_ partner: PartnerID) async throws(StoreError) -> Schedule? {
        try await read { database in
            try database.fetchOne(Schedule.self, "SELECT * FROM schedule WHERE partner_id = ?", [partner.rawValue])
        }
    }

    public func saveSchedule(_ schedule: Schedule) async throws(StoreError) {
        try await write { database in
            try database.insert(
                into: "schedule",
                [
                    "partner_id": schedule.partnerID.rawValue, "cadence": schedule.cadence.rawValue,
                    "weekday": schedule.weekday, "day_of_month": schedule.dayOfMonth,
                    "minute_of_day": schedule.minuteOfDay, "is_active": schedule.isActive,
                    "next_run_at": schedule.nextRunAt?.milliseconds,
                ],
                """
                ON CONFLICT (partner_id) DO UPDATE SET cadence = excluded.cadence, weekday = excluded.weekday,
                    day_of_month = excluded.day_of_month, minute_of_day = excluded.minute_of_day,
                    is_active = excluded.is_active, next_run_at = excluded.next_run_at
                """)
        }
    }

    public func dueSchedules(at instant: Date, limit: Int) async throws(StoreError) -> [Schedule] {
        try await read { database in
            try database.fetchAll(Schedule.self, Queries.dueSchedules, [instant.milliseconds, max(0, limit)])
        }
    }

    public func earliestNextRun() async throws(StoreError) -> Date? {
        try await read { try $0.fetchInstant(Queries.earliestNextRun).map { Date(milliseconds: $0) } }
    }

    public func startScheduledRun(_ run: SyncRun, nextRunAt: Date) async throws(StoreError) -> RunInsertion {
        try await write { database in
            let moved = try database.change(Queries.moveSchedule, [nextRunAt.milliseconds, run.partnerID.rawValue])
            // The partner may have pressed Disable since the schedule was read as due.
            guard moved == 1 else { throw StoreError.notFound("active schedule of partner", run.partnerID) }
            return try database.insertUnlessActive(run)
        }
    }

    public func passScheduledRun(of partner: PartnerID, nextRunAt: Date) async throws(StoreError) {
        try await write { database in
            _ = try database.change(Queries.moveSchedule, [nextRunAt.milliseconds, partner.rawValue])
        }
    }
}

extension Queries {
    static let dueSchedules = """
        SELECT * FROM schedule WHERE next_run_at <= ? ORDER BY next_run_at, partner_id LIMIT ?
        """
    static let moveSchedule = "UPDATE schedule SET next_run_at = ? WHERE partner_id = ? AND is_active = 1"
    static let earliestNextRun = "SELECT MIN(next_run_at) FROM schedule WHERE next_run_at IS NOT NULL"
}

extension Schedule: StoredRecord {
    static let table = "schedule"
    static let key = ["partner_id"]

    init(_ row: RowReader) throws(StoreError) {
        self.init(
            partnerID: PartnerID(try row.text("partner_id")), cadence: try row.word("cadence"),
            weekday: try row.integer("weekday"), dayOfMonth: try row.integer("day_of_month"),
            minuteOfDay: try row.integer("minute_of_day"), isActive: try row.flag("is_active"),
            nextRunAt: try row.optionalInstant("next_run_at"))
    }
}
