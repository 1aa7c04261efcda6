import Foundation
import Store

/// When a schedule is due, found by walking through time in steps instead of asking a calendar: slow, and too simple to be wrong in the same way
/// as what it judges. Schedules of histories are at full quarters of an hour, and so are all changes of the clock.
struct ScheduleOracle {
    let schedule: Schedule
    let zone: TimeZone

    private static let step = 900

    /// The first due instant after `instant`.
    func next(after instant: Date) -> Date? {
        let start = Int(instant.timeIntervalSince1970.rounded(.down)) / Self.step * Self.step
        // From two days back, to know whether the day's time has been there already.
        var lastDueDay = Int.min
        var second = start - 2 * 86_400
        while second < start + 64 * 86_400 {
            let local = second + zone.secondsFromGMT(for: Date(timeIntervalSince1970: TimeInterval(second)))
            let (day, minute) = (Self.floor(local, 86_400), (local - Self.floor(local, 86_400) * 86_400) / 60)
            // The first quarter of that day at or after the chosen time: also where the clock skips it or shows it twice.
            if minute >= schedule.minuteOfDay, day != lastDueDay, isDue(day) {
                lastDueDay = day
                if TimeInterval(second) > instant.timeIntervalSince1970 { return Date(timeIntervalSince1970: TimeInterval(second)) }
            }
            second += Self.step
        }
        return nil
    }

    private func isDue(_ day: Int) -> Bool {
        switch schedule.cadence {
        case .daily: return true
        case .weekly:
            // 1 January 1970 was a Thursday, ISO's fourth day.
            return ((day + 3) % 7 + 7) % 7 + 1 == schedule.weekday
        case .monthly:
            let (month, dayOfMonth) = Self.civil(day)
            let isLast = Self.civil(day + 1).month != month
            return dayOfMonth == schedule.dayOfMonth || isLast && dayOfMonth < schedule.dayOfMonth
        }
    }

    private static func floor(_ value: Int, _ divisor: Int) -> Int { Int((Double(value) / Double(divisor)).rounded(.down)) }

    /// Month and day of the month of a day since 1970, counted through the years.
    private static func civil(_ day: Int) -> (month: Int, day: Int) {
        var (year, rest) = (1970, day)
        func isLeap(_ year: Int) -> Bool { year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) }
        while rest >= (isLeap(year) ? 366 : 365) {
            rest -= isLeap(year) ? 366 : 365
            year += 1
        }
        for (index, length) in [31, isLeap(year) ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31].enumerated() {
            if rest < length { return (index + 1, rest + 1) }
            rest -= length
        }
        return (12, 31)
    }
}
