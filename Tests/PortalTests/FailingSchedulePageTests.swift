import Foundation
import Store
import Testing

@testable import Integration
@testable import Portal

@Suite("A schedule whose syncs fail again and again, on the pages")
struct FailingSchedulePageTests {
    /// Failed on 1, 2 and 3 June 2026 in Berlin; the next try is on the 5th.
    private static func failing(_ message: String = "Shelf refused the API Key.") throws -> (FailingSchedule, Schedule) {
        let runs = (0..<3).map { number in
            var run = PageSample.run(.failed, id: "run_\(number)")
            run.trigger = .schedule
            run.createdAt = PageSample.now.addingTimeInterval(-86_400 * Double(number))
            run.failure = RunFailure(code: "vendor.credentialRefused", message: message)
            return run
        }
        let schedule = Schedule(
            partnerID: PageSample.partner, cadence: .daily, weekday: 1, dayOfMonth: 1, minuteOfDay: 120, isActive: true,
            nextRunAt: PageSample.now.addingTimeInterval(2 * 86_400))
        return (try #require(FailingSchedule(FailureStreak(runs), schedule)), schedule)
    }

    private static let text =
        "Automatic syncs have failed 3 times since 1 Jun 2026: Shelf refused the API Key. Perch tries again on Friday, 5 Jun 2026, 14:05; "
        + "Sync Now tries at once."

    @Test("The connection card says so as long as it is connected, whatever Synthesize reports")
    func card() throws {
        let standings: [ConnectionStanding] = [
            .notConnected, .active, .pendingMapping, .other(status: "error"), .needsNewKey, .disabled,
        ]
        for standing in standings {
            var overview = PageSample.overview(standing)
            #expect(!PageSample.html(overview).contains("Automatic syncs"))
            (overview.failingSchedule, overview.schedule) = try Self.failing()
            let isTold = overview.connection.state == .connected
            #expect(PageSample.html(overview).contains(Self.text) == isTold, "\(standing)")
        }
    }

    @Test("The card does not say that usage arrives, nor that there is nothing to do")
    func headline() throws {
        var overview = PageSample.overview(.active)
        (overview.failingSchedule, overview.schedule) = try Self.failing()
        let html = PageSample.html(overview)
        #expect(html.contains("Automatic syncs fail"))
        #expect(!html.contains("Usage reaches Synthesize") && !html.contains("There is nothing to do."))
        #expect(html.contains("Next sync: Friday, 5 Jun 2026, 14:05 (Europe/Berlin)"))
        #expect(PageSample.buttons(html).contains("Sync Now"))
    }

    @Test("A reason without a full stop gets one, and a schedule that rests has no next try")
    func words() throws {
        var failing = try Self.failing("Shelf refused").0
        failing.nextAttemptAt = nil
        #expect(
            failing.text(LocalTime(zoneName: "UTC"), button: "Start sync")
                == "Automatic syncs have failed 3 times since 1 Jun 2026: Shelf refused. Start sync tries at once.")
    }

    @Test("The console's list says how often they failed, and for how long a key has been missing")
    func list() throws {
        let now = PageSample.now
        var connection = PageSample.connection(.connected, status: "active")
        let (failing, schedule) = try Self.failing()
        func row(_ standing: ConnectionStanding) -> PartnerListView.Row {
            PartnerListView.Row(
                PartnerSummary(
                    partner: PageSample.overview(.active).partner, connection: connection, standing: standing,
                    lastRun: PageSample.run(.failed), lastSuccessAt: nil, schedule: schedule, failingSchedule: failing),
                at: now)
        }
        #expect(row(.active).remark == "Automatic syncs failed 3 times.")
        #expect(row(.active).nextRun?.text == "5 Jun 2026, 12:05")
        connection = PageSample.connection(.needsNewKey)
        connection.stateSince = now.addingTimeInterval(-(12 * 86_400 + 3 * 3_600))
        #expect(row(.needsNewKey).remark == "For 12 d 3 h.")
    }

    @Test("The console's page of the partner says it with its own button")
    func consolePage() throws {
        var overview = PageSample.overview(.active)
        (overview.failingSchedule, overview.schedule) = try Self.failing()
        let view = ConsolePartnerView(overview, [], frame: ConsoleFrame("Partners", version: "1"), canAct: true)
        #expect(view.failingSchedule == Self.text.replacing("Sync Now", with: "Start sync"))
        overview.connection.state = .disabled
        #expect(ConsolePartnerView(overview, [], frame: ConsoleFrame("Partners", version: "1"), canAct: true).failingSchedule.isEmpty)
    }
}
