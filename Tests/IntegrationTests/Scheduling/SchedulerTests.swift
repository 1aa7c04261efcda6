import Foundation
import HTTPClient
import Store
import Testing

@testable import Integration

@Suite("The scheduler", .timeLimit(.minutes(3)))
struct SchedulerTests {
    /// 2027-01-15T08:00:00Z, a Friday.
    private let start = Sample.now
    private let day: TimeInterval = 86_400

    private func runs(_ perch: Installation, _ partner: PartnerID) async throws -> [SyncRun] {
        try await perch.desk.syncRuns(partner, before: nil, limit: 100)
    }

    /// Moves the clock and waits for the run that this makes due.
    private func pass(_ seconds: TimeInterval, _ perch: Installation, _ partner: PartnerID) async throws -> SyncRun {
        let known = Set(try await runs(perch, partner).map(\.id))
        perch.clock.advance(by: .seconds(seconds))
        try await perch.eventually("a scheduled run", passing: .seconds(31)) {
            try await runs(perch, partner).contains { !known.contains($0.id) }
        }
        let new = try await runs(perch, partner).filter { !known.contains($0.id) }
        #expect(new.count == 1)
        return try await perch.ended(try #require(new.first))
    }

    @Test("Who connects is on the schedule: every night at two, until it chooses another time")
    func firstSchedule() async throws {
        try await withInstallation { perch in
            let partner = try await perch.connectedPartner()
            let schedule = try #require(try await perch.store.schedule(partner))
            #expect(schedule.cadence == .daily)
            #expect(schedule.nextRunAt == start + 18 * 3_600)
        }
    }

    @Test("When the time has come it runs once, and the next time is in the store")
    func dueOnce() async throws {
        try await withInstallation { perch in
            let partner = try await perch.connectedPartner()
            let run = try await pass(18 * 3_600, perch, partner)
            #expect(run.trigger == .schedule)
            #expect(run.startedBy == nil)
            #expect(run.state == .succeeded)
            #expect(run.tally.accepted == 3)
            #expect(try await perch.store.schedule(partner)?.nextRunAt == start + 18 * 3_600 + day)
            let second = try await pass(day, perch, partner)
            #expect(second.state == .succeeded)
            #expect(try await runs(perch, partner).count == 2)
        }
    }

    @Test("Not a second before")
    func notBefore() async throws {
        try await withInstallation({ $0.works = false }) { perch in
            let partner = try await perch.connectedOnPaper()
            _ = try await perch.desk.saveSchedule(
                partner, ScheduleChoice(cadence: .daily, weekday: 1, dayOfMonth: 1, minuteOfDay: 120, timeZone: "UTC"), by: .launch)
            perch.clock.advance(by: .seconds(18 * 3_600 - 1))
            try await perch.desk.scheduler.startDueRuns()
            #expect(try await runs(perch, partner).isEmpty)
            perch.clock.advance(by: .seconds(1))
            try await perch.desk.scheduler.startDueRuns()
            try await perch.desk.scheduler.startDueRuns()
            #expect(try await runs(perch, partner).count == 1)
        }
    }

    /// Found by the simulation (seed 5680): the store rounds to milliseconds.
    @Test("A time that is due a fraction of a millisecond early is not due again")
    func early() async throws {
        try await withInstallation({ $0.works = false }) { perch in
            let partner = try await perch.connectedOnPaper()
            _ = try await perch.desk.saveSchedule(
                partner, ScheduleChoice(cadence: .daily, weekday: 1, dayOfMonth: 1, minuteOfDay: 120, timeZone: "UTC"), by: .launch)
            let due = try #require(try await perch.store.schedule(partner)?.nextRunAt)
            perch.clock.advance(by: .seconds(due.timeIntervalSince(perch.clock.now)) - .microseconds(300))
            try await perch.desk.scheduler.startDueRuns()
            #expect(try await runs(perch, partner).count == 1)
            #expect(try await perch.store.schedule(partner)?.nextRunAt == due + day)
        }
    }

    @Test("Missed times run once, whether Perch slept or was stopped", arguments: [false, true])
    func missed(_ isStopped: Bool) async throws {
        try await withInstallation { perch in
            let partner = try await perch.connectedPartner()
            var current = perch
            if isStopped {
                await perch.stopWorking()
                perch.clock.advance(by: .seconds(5 * day))
                current = try await perch.restarted()
                try await current.eventually("the missed run") { try await !runs(current, partner).isEmpty }
                try await current.ended(runs(current, partner)[0])
            } else {
                _ = try await pass(5 * day, perch, partner)
            }
            #expect(try await runs(current, partner).count == 1)
            let next = try #require(try await current.store.schedule(partner)?.nextRunAt)
            #expect(next > current.clock.now && next <= current.clock.now + day)
            // And not once more.
            try await current.desk.scheduler.startDueRuns()
            #expect(try await runs(current, partner).count == 1)
        }
    }

    @Test("A crash right after the run was started does not start it again")
    func crash() async throws {
        try await withInstallation { perch in
            let partner = try await perch.connectedPartner()
            let hold = Hold()
            perch.vendor.change { $0.hold = hold }
            perch.clock.advance(by: .seconds(18 * 3_600))
            try await perch.eventually("a scheduled run", passing: .seconds(31)) { try await !runs(perch, partner).isEmpty }
            await hold.untilArrived()
            perch.vendor.change { $0.hold = nil }
            let next = try perch.afterCrash()
            let run = try #require(try await runs(next, partner).first)
            #expect(try await next.ended(run).state == .succeeded)
            try await next.desk.scheduler.startDueRuns()
            #expect(try await runs(next, partner).count == 1)
        }
    }

    @Test("A time that comes while a run is under way makes no second one, and is past")
    func whileRunning() async throws {
        // The run must not end by its own deadline of 6 hours before the time has come: then a second one would be right.
        try await withInstallation({ $0.policy.runDeadline = .seconds(7 * 86_400) }) { perch in
            let partner = try await perch.connectedPartner()
            let hold = Hold()
            perch.vendor.change { $0.hold = hold }
            let run = try await perch.desk.startSync(partner, by: .launch).run
            await hold.untilArrived()
            perch.clock.advance(by: .seconds(18 * 3_600))
            try await perch.eventually("the schedule to move on", passing: .seconds(31)) {
                try await perch.store.schedule(partner)?.nextRunAt == start + 18 * 3_600 + day
            }
            perch.vendor.change { $0.hold = nil }
            hold.release()
            try await perch.ended(run)
            #expect(try await runs(perch, partner).count == 1)
        }
    }

    // MARK: Choices

    @Test("A choice moves the next time, in the partner's own zone")
    func choice() async throws {
        try await withInstallation { perch in
            let partner = try await perch.connectedPartner()
            let weekly = try await perch.desk.saveSchedule(
                partner, ScheduleChoice(cadence: .weekly, weekday: 1, dayOfMonth: 1, minuteOfDay: 5 * 60 + 45, timeZone: "Asia/Kathmandu"),
                by: .launch)
            // Monday 05:45 in Kathmandu is Monday midnight in UTC.
            #expect(weekly.nextRunAt == start + 2 * day + 16 * 3_600)
            #expect(try await perch.desk.partner(partner).timeZone == "Asia/Kathmandu")
            #expect(try await perch.store.schedule(partner) == weekly)
            let run = try await pass(2 * day + 16 * 3_600, perch, partner)
            #expect(run.state == .succeeded)
            #expect(try await perch.store.schedule(partner)?.nextRunAt == start + 9 * day + 16 * 3_600)
        }
    }

    @Test("A choice that cannot be is refused and changes nothing")
    func badChoice() async throws {
        try await withInstallation { perch in
            let partner = try await perch.connectedPartner()
            let before = try await perch.store.schedule(partner)
            for choice in [
                ScheduleChoice(cadence: .daily, weekday: 1, dayOfMonth: 1, minuteOfDay: 1440, timeZone: "UTC"),
                ScheduleChoice(cadence: .weekly, weekday: 0, dayOfMonth: 1, minuteOfDay: 0, timeZone: "UTC"),
                ScheduleChoice(cadence: .monthly, weekday: 1, dayOfMonth: 32, minuteOfDay: 0, timeZone: "UTC"),
                ScheduleChoice(cadence: .daily, weekday: 1, dayOfMonth: 1, minuteOfDay: 0, timeZone: "Nowhere"),
            ] {
                await expectFailure(.invalidInput) { _ = try await perch.desk.saveSchedule(partner, choice, by: .launch) }
            }
            #expect(try await perch.store.schedule(partner) == before)
            #expect(try await perch.desk.partner(partner).timeZone == "UTC")
        }
    }

    @Test("A choice made before connecting rests, and is kept when the partner connects")
    func beforeConnecting() async throws {
        try await withInstallation { perch in
            let partner = try await perch.newPartner()
            let choice = ScheduleChoice(cadence: .monthly, weekday: 1, dayOfMonth: 31, minuteOfDay: 60, timeZone: "UTC")
            let resting = try await perch.desk.saveSchedule(partner, choice, by: .launch)
            #expect(!resting.isActive && resting.nextRunAt == nil)
            _ = try await perch.connect(partner)
            let active = try #require(try await perch.store.schedule(partner))
            #expect(active.cadence == .monthly && active.isActive)
            #expect(active.nextRunAt == start + 15 * day + 17 * 3_600)
        }
    }

    @Test("A partner without a connection, or disabled, never runs by itself")
    func resting() async throws {
        try await withInstallation { perch in
            let partner = try await perch.connectedPartner()
            try await perch.desk.disable(partner, by: .launch)
            perch.clock.advance(by: .seconds(3 * day))
            try await perch.desk.scheduler.startDueRuns()
            #expect(try await runs(perch, partner).isEmpty)
        }
    }

    @Test("A partner whose zone is unknown here rests; the others run")
    func unknownZone() async throws {
        try await withInstallation({ $0.works = false }) { perch in
            let broken = try await perch.connectedOnPaper(1)
            let fine = try await perch.connectedOnPaper(2, key: "key-000002")
            let choice = ScheduleChoice(cadence: .daily, weekday: 1, dayOfMonth: 1, minuteOfDay: 120, timeZone: "UTC")
            for partner in [broken, fine] { _ = try await perch.desk.saveSchedule(partner, choice, by: .launch) }
            var record = try await perch.desk.partner(broken)
            record.timeZone = "Mars/Olympus"
            try await perch.store.updatePartner(record)
            perch.clock.advance(by: .seconds(day))
            try await perch.desk.scheduler.startDueRuns()
            #expect(try await runs(perch, broken).isEmpty)
            #expect(try await perch.store.schedule(broken)?.isActive == false)
            #expect(try await runs(perch, fine).count == 1)
        }
    }

    // MARK: Spread

    @Test("Partners are spread over the time allowed, each always the same, and nobody twice")
    func spread() async throws {
        try await withInstallation({
            $0.policy.scheduleSpread = .seconds(120)
            $0.works = false
        }) { perch in
            let environment = perch.desk.environment
            let delays = (0..<200).map { IntegrationEnvironment.spread(PartnerID("par_\($0)"), over: .seconds(120)) }
            #expect(delays.allSatisfy { (0..<120).contains($0) && $0 == $0.rounded() })
            #expect(Set(delays).count > 60)
            #expect(IntegrationEnvironment.spread(PartnerID("par_1"), over: .zero) == 0)
            #expect(IntegrationEnvironment.spread(PartnerID("par_1"), over: .milliseconds(500)) == 0)

            for number in 0..<20 {
                let partner = PartnerID("par_\(number)")
                let delay = IntegrationEnvironment.spread(partner, over: .seconds(120))
                let schedule = Schedule(
                    partnerID: partner, cadence: .daily, weekday: 1, dayOfMonth: 1, minuteOfDay: 0, isActive: true, nextRunAt: nil)
                let midnight = start + 16 * 3_600
                let due = midnight + delay
                let first = try environment.nextDue(schedule, timeZone: "UTC", after: due - 1)
                let second = try environment.nextDue(schedule, timeZone: "UTC", after: due)
                #expect(first == due)
                #expect(second == due + day)
            }
        }
    }
}
