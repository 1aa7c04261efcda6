import Foundation
import Store
import Testing

/// Measured in release builds only, where the numbers mean something: `PERCH_BENCH=1 swift test -c release`.
@Suite("Throughput", .serialized, .enabled(if: ProcessInfo.processInfo.environment["PERCH_BENCH"] != nil))
struct ThroughputTests {
    private let clock = ContinuousClock()

    @Test("plans 100,000 lines, then sends and records more than 5,000 lines a second with full sync")
    func lines() async throws {
        try await withSQLiteStore { store in
            let run = try await store.startedRun()
            let lines = (0..<100_000).map { Sample.line(run, $0, count: Decimal($0 % 97), service: "s\($0 % 7)") }
            let planning = try await clock.measure { try await store.planLines(run.id, lines) }
            var recorded = 0
            let recording = try await clock.measure {
                while case let begun = try await store.beginSending(run.id, limit: 64, at: Sample.now), !begun.isEmpty {
                    try await store.recordOutcomes(run.id, begun.map { Sample.outcome($0.position, .accepted) })
                    recorded += begun.count
                }
            }
            let finishing = try await clock.measure { _ = try await store.finish(run) }
            let perSecond = Double(recorded) / (recording / .seconds(1))
            print("planned 100,000 lines in \(planning)")
            print("sent and recorded \(Int(perSecond)) lines a second (64 a batch)")
            print("finished in \(finishing)")
            #expect(recorded == 100_000)
            #expect(perSecond > 5000)
            #expect(planning < .seconds(3))
        }
    }

    @Test("answers in milliseconds beside a million other lines")
    func many() async throws {
        try await withSQLiteStore { store in
            for number in 0..<10 {
                let run = try await store.startedRun("run_\(number)", Sample.partner(number))
                try await store.planLines(run.id, (0..<100_000).map { Sample.line(run, $0) })
            }
            let run = SyncRunID("run_5")
            let pages = try await clock.measure {
                for position in stride(from: 0, to: 100_000, by: 1000) {
                    _ = try await store.lines(run, states: [.planned, .rejected], after: position, limit: 50)
                    _ = try await store.lines(run, states: [.rejected], after: position, limit: 50)
                    _ = try await store.tally(run)
                }
            }
            print("two pages and a tally in \(pages / 100)")
            #expect(pages / 100 < .milliseconds(20))
        }
    }
}
