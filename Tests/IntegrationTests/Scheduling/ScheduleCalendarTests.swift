import Foundation
import HTTPClient
import Secrets
import Store
import Testing

@testable import Integration

@Suite("When a schedule is due")
struct ScheduleCalendarTests {
    private static func schedule(_ cadence: Cadence, _ time: String, weekday: Int = 1, day: Int = 1) -> Schedule {
        let parts = time.split(separator: ":").compactMap { Int($0) }
        return Schedule(
            partnerID: Sample.partner, cadence: cadence, weekday: weekday, dayOfMonth: day, minuteOfDay: parts[0] * 60 + parts[1],
            isActive: true, nextRunAt: nil)
    }

    private static func instant(_ text: String) throws -> Date { try Date(text, strategy: .iso8601) }

    /// The due instants after `start`, in UTC.
    private func due(_ schedule: Schedule, in zone: String, after start: String, count: Int) throws -> [String] {
        let calendar = try ScheduleCalendar(timeZone: zone)
        var now = try Self.instant(start)
        return (0..<count).map { _ in
            now = calendar.next(after: now, schedule)
            return now.formatted(.iso8601)
        }
    }

    // MARK: Ordinary days

    @Test("Daily, at the partner's own time", arguments: [("UTC", "02:00"), ("Asia/Kathmandu", "20:15"), ("America/New_York", "07:00")])
    func daily(_ zone: String, _ utc: String) throws {
        let due = try due(Self.schedule(.daily, "02:00"), in: zone, after: "2027-01-15T23:59:59Z", count: 2)
        #expect(due.allSatisfy { $0.hasSuffix("T\(utc):00Z") })
    }

    @Test("Strictly after: a due instant leads to the following one")
    func strictlyAfter() throws {
        let schedule = Self.schedule(.daily, "02:00")
        #expect(try due(schedule, in: "UTC", after: "2027-01-15T02:00:00Z", count: 1) == ["2027-01-16T02:00:00Z"])
        #expect(try due(schedule, in: "UTC", after: "2027-01-15T01:59:59Z", count: 1) == ["2027-01-15T02:00:00Z"])
    }

    @Test(
        "Weekly, with Monday as 1 and Sunday as 7", arguments: [(1, "2027-06-07"), (2, "2027-06-08"), (6, "2027-06-05"), (7, "2027-06-06")])
    func weekly(_ weekday: Int, _ date: String) throws {
        // 2027-06-04 is a Friday.
        let due = try due(Self.schedule(.weekly, "05:30", weekday: weekday), in: "UTC", after: "2027-06-04T12:00:00Z", count: 1)
        #expect(due == ["\(date)T05:30:00Z"])
    }

    @Test("Weekly on today's weekday: today if the time is to come, else in a week")
    func weeklyToday() throws {
        let schedule = Self.schedule(.weekly, "12:00", weekday: 5)
        #expect(
            try due(schedule, in: "UTC", after: "2027-06-04T11:00:00Z", count: 2) == ["2027-06-04T12:00:00Z", "2027-06-11T12:00:00Z"])
    }

    @Test("Monthly on the 31st: a shorter month uses its last day")
    func monthly31() throws {
        let due = try due(Self.schedule(.monthly, "04:00", day: 31), in: "UTC", after: "2027-01-01T00:00:00Z", count: 6)
        #expect(due.map { String($0.prefix(10)) } == ["2027-01-31", "2027-02-28", "2027-03-31", "2027-04-30", "2027-05-31", "2027-06-30"])
    }

    @Test("29 February, where there is one")
    func leapDay() throws {
        func february(_ year: Int, day: Int) throws -> String? {
            try due(Self.schedule(.monthly, "04:00", day: day), in: "Europe/Berlin", after: "\(year)-02-01T12:00:00Z", count: 1).first
        }
        #expect(try february(2028, day: 29) == "2028-02-29T03:00:00Z")
        #expect(try february(2028, day: 31) == "2028-02-29T03:00:00Z")
        #expect(try february(2027, day: 29) == "2027-02-28T03:00:00Z")
        #expect(try february(2100, day: 30) == "2100-02-28T03:00:00Z")
    }

    @Test("The first of the month in the partner's zone, whatever day it is in UTC")
    func firstOfMonth() throws {
        #expect(
            try due(Self.schedule(.monthly, "00:00", day: 1), in: "Asia/Kathmandu", after: "2027-04-30T18:14:59Z", count: 2)
                == ["2027-04-30T18:15:00Z", "2027-05-31T18:15:00Z"])
        #expect(
            try due(Self.schedule(.monthly, "23:30", day: 31), in: "America/New_York", after: "2027-12-31T00:00:00Z", count: 1)
                == ["2028-01-01T04:30:00Z"])
    }

    // MARK: Clock changes (instants computed from the time zone database by other means)

    @Test(
        "A time that the clock skips in spring is due when the clock goes on",
        arguments: [
            ("Europe/Berlin", "02:30", "2027-03-26T12:00:00Z", ["2027-03-27T01:30:00Z", "2027-03-28T01:00:00Z", "2027-03-29T00:30:00Z"]),
            (
                "America/New_York", "02:15", "2027-03-13T00:00:00Z",
                ["2027-03-13T07:15:00Z", "2027-03-14T07:00:00Z", "2027-03-15T06:15:00Z"]
            ),
            // Lord Howe moves by half an hour: 02:00 to 02:30.
            (
                "Australia/Lord_Howe", "02:15", "2027-10-01T00:00:00Z",
                ["2027-10-01T15:45:00Z", "2027-10-02T15:30:00Z", "2027-10-03T15:15:00Z"]
            ),
            // Chatham goes on at 02:45, to 03:45.
            ("Pacific/Chatham", "03:00", "2027-09-25T00:00:00Z", ["2027-09-25T14:00:00Z", "2027-09-26T13:15:00Z", "2027-09-27T13:15:00Z"]),
            // Cairo has no midnight that day.
            ("Africa/Cairo", "00:30", "2027-04-28T12:00:00Z", ["2027-04-28T22:30:00Z", "2027-04-29T22:00:00Z", "2027-04-30T21:30:00Z"]),
        ])
    func spring(_ zone: String, _ time: String, _ start: String, _ expected: [String]) throws {
        #expect(try due(Self.schedule(.daily, time), in: zone, after: start, count: 3) == expected)
    }

    @Test(
        "A time that the clock shows twice in autumn is due the first time, and only then",
        arguments: [
            ("Europe/Berlin", "02:30", "2027-10-29T12:00:00Z", ["2027-10-30T00:30:00Z", "2027-10-31T00:30:00Z", "2027-11-01T01:30:00Z"]),
            (
                "America/New_York", "01:30", "2027-11-06T00:00:00Z",
                ["2027-11-06T05:30:00Z", "2027-11-07T05:30:00Z", "2027-11-08T06:30:00Z"]
            ),
            (
                "Australia/Lord_Howe", "01:45", "2027-04-02T12:00:00Z",
                ["2027-04-02T14:45:00Z", "2027-04-03T14:45:00Z", "2027-04-04T15:15:00Z"]
            ),
            // Havana shows 00:30 twice on one day.
            ("America/Havana", "00:30", "2027-11-06T00:00:00Z", ["2027-11-06T04:30:00Z", "2027-11-07T04:30:00Z", "2027-11-08T05:30:00Z"]),
            // Santiago and Cairo turn back at midnight: 23:30 comes twice on the day before.
            (
                "America/Santiago", "23:30", "2027-04-02T12:00:00Z",
                ["2027-04-03T02:30:00Z", "2027-04-04T02:30:00Z", "2027-04-05T03:30:00Z"]
            ),
        ])
    func autumn(_ zone: String, _ time: String, _ start: String, _ expected: [String]) throws {
        #expect(try due(Self.schedule(.daily, time), in: zone, after: start, count: 3) == expected)
    }

    @Test("Between the two showings of one time the next day's is next")
    func betweenShowings() throws {
        #expect(
            try due(Self.schedule(.daily, "02:30"), in: "Europe/Berlin", after: "2027-10-31T01:00:00Z", count: 1)
                == ["2027-11-01T01:30:00Z"])
    }

    // MARK: Any time

    static let zones = [
        "UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "Africa/Cairo", "America/Havana",
        "America/Santiago", "Asia/Beirut", "Pacific/Chatham", "America/St_Johns",
    ]

    @Test("Whatever the schedule: strictly later, one a day, week or month, and nothing in between", arguments: zones)
    func anySchedule(_ zone: String) throws {
        let seed = UInt64.random(in: .min ... .max)
        print("ScheduleCalendarTests.anySchedule \(zone) seed \(seed)")
        let random = RandomSource.seeded(seed)
        let calendar = try ScheduleCalendar(timeZone: zone)
        var days = Calendar(identifier: .gregorian)
        days.timeZone = try #require(TimeZone(identifier: zone))
        for round in 0..<40 {
            let schedule = Schedule(
                partnerID: Sample.partner, cadence: Cadence.allCases[random.number(below: 3)], weekday: 1 + random.number(below: 7),
                dayOfMonth: 1 + random.number(below: 31), minuteOfDay: random.number(below: 1440), isActive: true, nextRunAt: nil)
            var start = Date(timeIntervalSince1970: 1_767_225_600 + Double(random.number(below: 4 * 366 * 86_400)))
            if round % 2 == 0, let change = days.timeZone.nextDaylightSavingTimeTransition(after: start) {
                // Most of a year is ordinary: half of the rounds look at the days around a change of the clock.
                start = change.addingTimeInterval(Double(random.number(below: 86_400)) - 72_000)
            }
            let first = calendar.next(after: start, schedule)
            let second = calendar.next(after: first, schedule)
            let between = first.addingTimeInterval(second.timeIntervalSince(first) * random.uniform())
            #expect(first > start, "\(schedule)")
            #expect(second > first, "\(schedule)")
            #expect(calendar.next(after: first.addingTimeInterval(-1), schedule) == first, "\(schedule)")
            #expect(calendar.next(after: between, schedule) == second, "\(schedule)")

            let gap = date(of: second, in: days) - date(of: first, in: days)
            switch schedule.cadence {
            case .daily: #expect(gap == 1, "\(schedule) \(first) \(second)")
            case .weekly: #expect(gap == 7, "\(schedule) \(first) \(second)")
            case .monthly: #expect((28...31).contains(gap), "\(schedule) \(first) \(second)")
            }
            // The clock on the wall shows the time, unless it skipped it that day.
            let shown = days.component(.hour, from: first) * 60 + days.component(.minute, from: first)
            #expect(
                shown == schedule.minuteOfDay || (shown > schedule.minuteOfDay && shown <= schedule.minuteOfDay + 60),
                "\(schedule) \(first)")
        }
    }

    /// The number of the calendar's day, whatever its length.
    private func date(of instant: Date, in calendar: Calendar) -> Int {
        var plain = Calendar(identifier: .gregorian)
        plain.timeZone = .gmt
        let day = plain.date(from: calendar.dateComponents([.year, .month, .day], from: instant)) ?? .distantPast
        return Int((day.timeIntervalSince1970 / 86_400).rounded())
    }

    // MARK: Zones

    @Test(
        "A name that is no zone is refused, naming the field",
        arguments: ["", "Mars/Olympus", "Europe/Berlin ", "europe berlin", "../../etc/passwd"])
    func unknownZone(_ name: String) {
        let error = #expect(throws: IntegrationError.self) { try ScheduleCalendar(timeZone: name) }
        #expect(error?.code == .invalidInput)
        #expect(error?.field == "timeZone")
    }

    @Test(
        "A choice out of range is refused, naming the field",
        arguments: [
            (0, 1, 0, "weekday"), (8, 1, 0, "weekday"), (1, 0, 0, "dayOfMonth"), (1, 32, 0, "dayOfMonth"), (1, 1, -1, "time"),
            (1, 1, 1440, "time"),
        ])
    func choice(_ weekday: Int, _ day: Int, _ minute: Int, _ field: String) {
        let choice = ScheduleChoice(cadence: .daily, weekday: weekday, dayOfMonth: day, minuteOfDay: minute, timeZone: "UTC")
        let error = #expect(throws: IntegrationError.self) { try choice.check() }
        #expect(error?.field == field)
    }
}
