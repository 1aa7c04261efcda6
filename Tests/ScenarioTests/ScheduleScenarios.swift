import Foundation
import Store
import Testing

/// Syncs that nobody presses a button for.
@Suite struct ScheduleScenarios {
    static let cadences = [("daily", 1), ("weekly", 7), ("monthly", 31)]

    @Test(arguments: cadences) func `A schedule that is due runs by itself, once`(cadence: String, days: Int) async throws {
        try await withStage { stage in
            let partner = try await stage.mappedPartner()
            let visitor = try await stage.visit(partner)
            let page = try await visitor.submit(
                "/schedule",
                ["cadence": cadence, "time": "06:30", "weekday": "3", "dayOfMonth": "31", "timeZone": "America/New_York"])
            #expect(page.has("The schedule is saved."))
            #expect(page.has("Next sync:"))
            let before = try #require(try await stage.application.store.schedule(partner.partnerID)?.nextRunAt)
            #expect(try await stage.office.runs(partner).isEmpty)

            stage.clock.turn(forward: .seconds(days * 86_400 + 300))
            let run = try await eventually("the scheduled run") { try await stage.office.runs(partner).first }
            let finished = try await stage.finished(run)
            #expect(finished.trigger == "schedule")
            #expect(finished.state == "succeeded")
            #expect(finished.tally.accepted == 4)
            let after = try #require(try await stage.application.store.schedule(partner.partnerID)?.nextRunAt)
            #expect(after > before)
            #expect(after > stage.clock.source.now())
        }
    }

    @Test func `Times missed over a month run once`() async throws {
        try await withStage { stage in
            let partner = try await stage.mappedPartner()
            stage.clock.turn(forward: .seconds(30 * 86_400))
            let run = try await eventually("the scheduled run") { try await stage.office.runs(partner).first }
            #expect(try await stage.finished(run).state == "succeeded")
            let next = try #require(try await stage.application.store.schedule(partner.partnerID)?.nextRunAt)
            #expect(next > stage.clock.source.now())
            #expect(try await stage.office.runs(partner).count == 1)
        }
    }

    @Test func `Without a working key the schedule rests, and a new key wakes it`() async throws {
        try await withStage { stage in
            let partner = try await stage.mappedPartner()
            let visitor = try await stage.visit(partner)
            let key = try await stage.sandbox.regenerateKey(partner)
            #expect(try await stage.sync(partner).state == "failed")
            #expect(try await stage.application.store.schedule(partner.partnerID)?.nextRunAt == nil)
            #expect(try await visitor.open("/").has("Next sync: none until a new key is connected."))

            try await stage.connect(partner, as: visitor, key: key)
            #expect(try await stage.application.store.schedule(partner.partnerID)?.nextRunAt != nil)
        }
    }
}
