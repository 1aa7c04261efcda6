import Connectors
import Foundation
import Logging
import Store
import Testing

@testable import Integration

@Suite("The scheduler, when syncs fail again and again", .timeLimit(.minutes(3)))
struct FailingScheduleTests {
    private let day: TimeInterval = 86_400

    /// An installation that works on runs, with the schedule in the test's hand.
    private func withWorker(logger: Logger = quietLogger, _ body: (Installation) async throws -> Void) async throws {
        try await withInstallation({
            $0.works = false
            $0.logger = logger
        }) { perch in
            let work = Task { await perch.desk.worker.work() }
            do {
                try await body(perch)
            } catch {
                work.cancel()
                throw error
            }
            work.cancel()
            await work.value
        }
    }

    /// The due time at which a connected partner's next scheduled sync is, made to come, and what came of it; nil when nothing began.
    private func nextDay(_ perch: Installation, _ partner: PartnerID) async throws -> SyncRun? {
        let next = try #require(try await perch.store.schedule(partner)?.nextRunAt)
        let before = Set(try await perch.desk.syncRuns(partner, before: nil, limit: 100).map(\.id))
        perch.clock.advance(by: .seconds(next.timeIntervalSince(perch.clock.now)))
        try await perch.desk.scheduler.startDueRuns()
        let new = try await perch.desk.syncRuns(partner, before: nil, limit: 100).filter { !before.contains($0.id) }
        #expect(new.count <= 1)
        guard let run = new.first else { return nil }
        return try await perch.ended(run)
    }

    /// A partner whose vendor refuses the key from now on, and the days on which a sync began.
    private func failingDays(_ perch: Installation, _ partner: PartnerID, _ days: Int) async throws -> [Int] {
        var began: [Int] = []
        for day in 1...days {
            if let run = try await nextDay(perch, partner) {
                #expect(run.state == .failed && run.trigger == .schedule)
                began.append(day)
            }
        }
        return began
    }

    private let refusal = ConnectorError(code: .credentialRefused, message: "Acme Guard refused the API Key.")

    @Test("A vendor that refuses its key is asked less and less, down to once a week, and the partner is told")
    func backsOff() async throws {
        try await withWorker { perch in
            let partner = try await perch.connectedPartner()
            let first = try #require(try await perch.store.schedule(partner)?.nextRunAt)
            perch.vendor.change { $0.failure = refusal }
            #expect(try await failingDays(perch, partner, 3) == [1, 2, 3])
            let overview = try await perch.desk.overview(partner)
            let failing = try #require(overview.failingSchedule)
            #expect(failing.streak.failures == 3)
            #expect(failing.streak.failure.message == refusal.message)
            #expect(failing.nextAttemptAt == first + 4 * day)
            #expect(overview.schedule?.nextRunAt == failing.nextAttemptAt)
            #expect(overview.standing == .active || overview.standing == .pendingMapping, "nothing is turned off")
            // Of the partner's days 4 to 30.
            #expect(try await failingDays(perch, partner, 27).map { $0 + 3 } == [5, 9, 16, 23, 30])
            let summary = try #require(try await perch.desk.partners(after: nil, limit: 9).first)
            #expect(summary.failingSchedule?.streak.failures == 8)
            #expect(summary.schedule?.nextRunAt == first + 36 * day)
        }
    }

    @Test("Sync Now goes at any time, and its success brings the very next due time back")
    func successBringsBack() async throws {
        try await withWorker { perch in
            let partner = try await perch.connectedPartner()
            perch.vendor.change { $0.failure = refusal }
            _ = try await failingDays(perch, partner, 9)
            #expect(try await perch.sync(partner).state == .failed)
            #expect(try await perch.desk.overview(partner).failingSchedule?.streak.failures == 5, "a person's try is not the schedule's")
            perch.vendor.change { $0.failure = nil }
            #expect(try await perch.sync(partner).state == .succeeded)
            let overview = try await perch.desk.overview(partner)
            #expect(overview.failingSchedule == nil)
            #expect(try #require(overview.schedule?.nextRunAt) <= perch.clock.now + day)
            for _ in 1...3 { #expect(try await nextDay(perch, partner)?.state == .succeeded) }
        }
    }

    @Test("Connecting again with a credential that works does so too")
    func connectBringsBack() async throws {
        try await withWorker { perch in
            let partner = try await perch.connectedPartner()
            perch.vendor.change { $0.failure = refusal }
            _ = try await failingDays(perch, partner, 5)
            perch.vendor.change { $0.failure = nil }
            perch.clock.advance(by: .seconds(60))
            #expect(try await perch.connect(partner).state == .succeeded)
            #expect(try await nextDay(perch, partner)?.state == .succeeded)
        }
    }

    @Test("A partner that needs a new key is reminded of every week, and not once it has one")
    func reminder() async throws {
        let book = LogBook()
        try await withWorker(logger: book.logger) { perch in
            let partner = try await perch.connectedPartner()
            try await perch.environmentCondemns(partner)
            let since = perch.clock.now
            func look(_ from: Double, _ to: Double) async throws -> Int {
                let before = book.reminders.count
                try await perch.desk.scheduler.remindOfKeys(lastLook: since + from * day, now: since + to * day)
                return book.reminders.count - before
            }
            #expect(try await look(0, 6.9) == 0)
            #expect(try await look(6.9, 7.1) == 1)
            #expect(try await look(7.1, 13.9) == 0)
            #expect(try await look(13.9, 14.9) == 1)
            #expect(book.reminders.allSatisfy { $0.contains("\(partner)") })
            #expect(try await perch.connect(partner).state == .succeeded)
            #expect(try await look(14.9, 22) == 0)
        }
    }

    @Test("The scheduler looks for it by itself")
    func looksByItself() async throws {
        let book = LogBook()
        try await withInstallation({ $0.logger = book.logger }) { perch in
            let partner = try await perch.connectedPartner()
            try await perch.environmentCondemns(partner)
            for _ in 0..<8 { perch.clock.advance(by: .seconds(day)) }
            try await perch.eventually("a reminder", passing: .seconds(31)) { !book.reminders.isEmpty }
        }
    }
}

extension Installation {
    /// Synthesize refuses the partner's key.
    fileprivate func environmentCondemns(_ partner: PartnerID) async throws {
        try await desk.environment.condemnKey(of: partner, version: store.connection(partner).keyVersion)
        #expect(try await store.connection(partner).state == .needsNewKey)
    }
}
