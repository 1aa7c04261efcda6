import Foundation
import HTTPClient
import Store
import Testing

@testable import Integration

@Suite("Line retention", .timeLimit(.minutes(3)))
struct LineRetentionTests {
    private static let day = Duration.seconds(86_400)

    @Test("A full step is followed by the next as soon as the writer was free as long as it was taken; then a day, or an hour in trouble")
    func pauses() {
        let full = LineRetention.stepLines
        #expect(LineRetention.pause(after: .removed(full), took: .milliseconds(30)) == .milliseconds(30))
        #expect(LineRetention.pause(after: .removed(full), took: .zero) == .milliseconds(5))
        #expect(LineRetention.pause(after: .removed(full - 1), took: .seconds(9)) == Self.day)
        #expect(LineRetention.pause(after: .removed(0), took: .zero) == Self.day)
        #expect(LineRetention.pause(after: .storeFailed, took: .zero) == .seconds(3600))
    }

    @Test("Lines go when their time has come, the last sync's stay, and the page is right with and without them")
    func removal() async throws {
        try await withInstallation({ $0.policy.lineRetention = Self.day * 30 }) { perch in
            let partner = try await perch.connectedPartner()
            try await perch.desk.environment.restSchedule(of: partner)
            let first = try await perch.ended(try await perch.desk.startSync(partner, by: .commandLine).run)
            perch.clock.advance(by: Self.day * 20)
            let second = try await perch.ended(try await perch.desk.startSync(partner, by: .commandLine).run)
            #expect(try await perch.desk.lines(first.id, states: nil, after: nil, limit: 9).count == 3)
            let before = try await perch.desk.overview(partner)

            try await perch.eventually("the first run's lines to go", passing: Self.day) {
                try await perch.store.run(first.id)?.linesRemovedAt != nil
            }
            let old = try await perch.desk.syncRun(first.id)
            #expect(old.linesRemovedAt.map { $0.timeIntervalSince(old.finishedAt ?? $0) > 30 * 86_400 } == true)
            #expect(old.tally == first.tally)
            await #expect(throws: IntegrationError.self) {
                _ = try await perch.desk.lines(first.id, states: nil, after: nil, limit: 9)
            }
            let after = try await perch.desk.overview(partner)
            #expect(Array(after.totals.prefix(before.totals.count)) == before.totals)
            #expect(after.history.contains { $0.id == first.id && $0.tally == first.tally })
            #expect(after.lastRun == second)
            #expect(try await perch.desk.lines(second.id, states: nil, after: nil, limit: 9).count == 3)
        }
    }

    @Test("Without a retention nothing is removed")
    func never() async throws {
        try await withInstallation({
            $0.policy.lineRetention = nil
            $0.works = false
        }) { perch in
            await LineRetention(environment: perch.desk.environment).work()
        }
    }
}
