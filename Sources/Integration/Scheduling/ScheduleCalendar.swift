import Foundation
import Store

/// When a schedule is due: a pure function of the schedule, the zone and an instant.
struct ScheduleCalendar: Sendable {
    private let calendar: Calendar

    /// - Throws: `invalidInput` for a name that is not in the time zone database.
    init(timeZone name: String) throws(IntegrationError) {
        guard let zone = TimeZone(identifier: name) else {
            throw IntegrationError(
                code: .invalidInput, message: "\"\(name)\" is not a time zone. Use a name such as Europe/Berlin.",
                field: "timeZone")
        }
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = zone
        self.calendar = calendar
    }

    /// The first due instant after `instant`. A time that the clock skips in spring is due when the clock goes on; one that it
    /// shows twice in autumn is due the first time.
    func next(after instant: Date, _ schedule: Schedule) -> Date {
        var day = calendar.startOfDay(for: instant)
        // The longest gap between due days is 31; the day before a month's first is looked at as well.
        for _ in 0...63 {
            if isDue(day, schedule), let due = time(schedule.minuteOfDay, on: day), due > instant { return due }
            day = startOfNextDay(day)
        }
        preconditionFailure("a weekday or a day of the month comes within 63 days")
    }

    private func isDue(_ day: Date, _ schedule: Schedule) -> Bool {
        switch schedule.cadence {
        case .daily: return true
        case .weekly:
            // Foundation counts from Sunday 1, ISO 8601 from Monday 1.
            return (calendar.component(.weekday, from: day) + 5) % 7 + 1 == schedule.weekday
        case .monthly:
            let last = calendar.range(of: .day, in: .month, for: day)?.count ?? 31
            return calendar.component(.day, from: day) == min(schedule.dayOfMonth, last)
        }
    }

    private func time(_ minuteOfDay: Int, on day: Date) -> Date? {
        let time = calendar.date(
            bySettingHour: minuteOfDay / 60, minute: minuteOfDay % 60, second: 0, of: day, matchingPolicy: .nextTime,
            repeatedTimePolicy: .first)
        if let time, time < startOfNextDay(day), calendar.component(.minute, from: time) == minuteOfDay % 60,
            calendar.component(.hour, from: time) == minuteOfDay / 60
        {
            return time
        }
        // The clock skips it. Foundation finds the next full hour (too late in Chatham, which goes on at a quarter to), and
        // nothing at all on a day that skips less than an hour (Lord Howe). A second earlier, because Cairo skips midnight itself.
        return calendar.timeZone.nextDaylightSavingTimeTransition(after: day.addingTimeInterval(-1))
    }

    private func startOfNextDay(_ day: Date) -> Date {
        // 26 hours on is always within the next day, whatever the clocks do; its start may be other than midnight.
        calendar.startOfDay(for: day.addingTimeInterval(26 * 3600))
    }
}

/// What a partner chooses on the page.
public struct ScheduleChoice: Sendable, Hashable {
    public var cadence: Cadence
    /// 1 Monday to 7 Sunday.
    public var weekday: Int
    /// 1 to 31; a shorter month uses its last day.
    public var dayOfMonth: Int
    /// 0 to 1439.
    public var minuteOfDay: Int
    /// IANA name.
    public var timeZone: String

    public init(cadence: Cadence, weekday: Int, dayOfMonth: Int, minuteOfDay: Int, timeZone: String) {
        self.cadence = cadence
        self.weekday = weekday
        self.dayOfMonth = dayOfMonth
        self.minuteOfDay = minuteOfDay
        self.timeZone = timeZone
    }

    /// - Throws: `invalidInput` naming the field.
    func check() throws(IntegrationError) {
        guard (1...7).contains(weekday) else { throw Self.outOfRange("weekday", "1 (Monday) to 7 (Sunday)") }
        guard (1...31).contains(dayOfMonth) else { throw Self.outOfRange("dayOfMonth", "1 to 31") }
        guard (0..<1440).contains(minuteOfDay) else { throw Self.outOfRange("time", "00:00 to 23:59") }
        _ = try ScheduleCalendar(timeZone: timeZone)
    }

    private static func outOfRange(_ field: String, _ range: String) -> IntegrationError {
        IntegrationError(code: .invalidInput, message: "The \(field) must be \(range).", field: field)
    }
}
