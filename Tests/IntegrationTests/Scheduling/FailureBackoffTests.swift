import Foundation
import HTTPClient
import Secrets
import Store
import Testing

@testable import Integration

@Suite("A schedule whose syncs fail again and again")
struct FailureBackoffTests {
    private static let start = Sample.now

    private static func run(
        _ state: RunState, _ trigger: RunTrigger = .schedule, at instant: Date = start, code: String = "vendor.refused"
    ) -> SyncRun {
        var run = Sample.run(.usage, state, at: instant)
        run.trigger = trigger
        if state == .failed { run.failure = RunFailure(code: code, message: "Acme Guard refused the key.") }
        return run
    }

    // MARK: In a row

    @Test("Only scheduled failures count, and whatever comes through ends them")
    func streak() throws {
        let instants = (0..<9).map { Self.start.addingTimeInterval(Double($0) * -3_600) }
        let runs = [
            Self.run(.running, at: instants[0]), Self.run(.failed, .partner, at: instants[1]), Self.run(.failed, at: instants[2]),
            Self.run(.cancelled, at: instants[3]), Self.run(.failed, at: instants[4], code: "store.full"),
            Self.run(.failed, at: instants[5]), Self.run(.partial, .partner, at: instants[6]), Self.run(.failed, at: instants[7]),
        ]
        let streak = try #require(FailureStreak(runs))
        #expect(streak.failures == 2)
        #expect(streak.since == instants[5] && streak.lastAttemptAt == instants[2])
        #expect(streak.failure.message == "Acme Guard refused the key.")
        for state in [RunState.succeeded, .partial, .held] { #expect(FailureStreak([Self.run(state, .operator)] + runs) == nil) }
        var connect = Sample.run(.connect, .succeeded)
        connect.trigger = .partner
        #expect(FailureStreak([connect] + runs) == nil)
        #expect(FailureStreak([]) == nil)
    }

    // MARK: When the next try is

    /// The due times at which a sync began, where a try at one of them succeeds if `succeeds` says so of its number.
    private func attempts(
        _ schedule: Schedule, _ calendar: ScheduleCalendar, after start: Date, due count: Int, late: TimeInterval = 0,
        succeeds: (Int) -> Bool = { _ in false }
    ) -> [(due: Int, at: Date)] {
        var (runs, attempts, due) = ([SyncRun](), [(due: Int, at: Date)](), start)
        for number in 0..<count {
            due = calendar.next(after: due, schedule)
            let now = due.addingTimeInterval(late)
            if let earliest = FailureBackoff.earliestAttempt(after: FailureStreak(runs), at: now), earliest > now { continue }
            runs.insert(Self.run(succeeds(attempts.count) ? .succeeded : .failed, at: now), at: 0)
            attempts.append((number, now))
        }
        return attempts
    }

    private static func daily(_ minute: Int) -> Schedule {
        Schedule(
            partnerID: Sample.partner, cadence: .daily, weekday: 1, dayOfMonth: 1, minuteOfDay: minute, isActive: true, nextRunAt: nil)
    }

    @Test("Daily: three nights in a row, then after two days, after four, and every week")
    func daily() throws {
        let calendar = try ScheduleCalendar(timeZone: "UTC")
        let tries = attempts(Self.daily(120), calendar, after: Self.start, due: 40)
        #expect(tries.map(\.due) == [0, 1, 2, 4, 8, 15, 22, 29, 36])
    }

    @Test("In any zone, at any time, from any day: the same days, however late each try begins", arguments: ScheduleCalendarTests.zones)
    func anyTime(_ zone: String) throws {
        let seed = UInt64.random(in: .min ... .max)
        print("FailureBackoffTests.anyTime \(zone) seed \(seed)")
        let random = RandomSource.seeded(seed)
        let calendar = try ScheduleCalendar(timeZone: zone)
        for _ in 0..<20 {
            let start = Date(timeIntervalSince1970: 1_767_225_600 + Double(random.number(below: 4 * 366 * 86_400)))
            let tries = attempts(
                Self.daily(random.number(below: 1440)), calendar, after: start, due: 60, late: Double(random.number(below: 8 * 3_600)))
            #expect(tries.map(\.due) == [0, 1, 2, 4, 8, 15, 22, 29, 36, 43, 50, 57], "from \(start)")
        }
    }

    @Test("One success brings the next due time back at once, and the count begins anew")
    func success() throws {
        let seed = UInt64.random(in: .min ... .max)
        print("FailureBackoffTests.success seed \(seed)")
        let random = RandomSource.seeded(seed)
        let calendar = try ScheduleCalendar(timeZone: "Europe/Berlin")
        for _ in 0..<50 {
            let outcomes = (0..<60).map { _ in random.uniform() < 0.3 }
            let tries = attempts(Self.daily(120), calendar, after: Self.start, due: 60) { outcomes[$0] }
            var failures = 0
            for (number, (attempt, next)) in zip(tries, tries.dropFirst()).enumerated() {
                failures = outcomes[number] ? 0 : failures + 1
                #expect(next.due - attempt.due == [1, 1, 1, 2, 4, 7][min(failures, 5)])
            }
        }
    }

    @Test("Weekly and monthly schedules are slow enough as they are", arguments: [Cadence.weekly, .monthly])
    func slowCadences(_ cadence: Cadence) throws {
        for zone in ScheduleCalendarTests.zones {
            let calendar = try ScheduleCalendar(timeZone: zone)
            var schedule = Self.daily(150)
            schedule.cadence = cadence
            schedule.dayOfMonth = 31
            #expect(attempts(schedule, calendar, after: Self.start, due: 60).map(\.due) == Array(0..<60))
        }
    }

    @Test("A try that a wrong clock dated ahead keeps nobody waiting")
    func wrongClock() {
        let ahead = (0..<5).map { Self.run(.failed, at: Self.start.addingTimeInterval(400 * 86_400 - Double($0))) }
        #expect(FailureBackoff.earliestAttempt(after: FailureStreak(ahead), at: Self.start) == nil)
    }

    // MARK: The reminder of a refused key

    @Test("A refused key is reminded of once in every week, whenever somebody looks")
    func reminder() {
        let seed = UInt64.random(in: .min ... .max)
        print("FailureBackoffTests.reminder seed \(seed)")
        let random = RandomSource.seeded(seed)
        let day: TimeInterval = 86_400
        var (look, reminders) = (Self.start, [Double]())
        while look < Self.start + 100 * day {
            let next = look + day * (1 + random.uniform())
            if KeyReminder.isDue(since: Self.start, lastLook: look, now: next) {
                reminders.append(next.timeIntervalSince(Self.start) / day)
            }
            look = next
        }
        #expect(reminders.count == Int(look.timeIntervalSince(Self.start) / (7 * day)))
        for (week, day) in reminders.enumerated() { #expect((Double(week + 1) * 7..<Double(week + 1) * 7 + 2).contains(day)) }
    }
}
