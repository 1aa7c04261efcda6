import Foundation
import Testing

@testable import Store

@Suite("A crash")
struct CrashTests {
    let now = Sample.now

    @Test("loses nothing that a call returned from, and the run goes on")
    func droppedWithoutClose() async throws {
        try await withTemporaryDirectory { directory in
            try await withTemporaryDirectory { image in
                let store = try openSQLiteStore(directory)
                let run = try await store.startedRun(owner: "dead")
                try await store.planLines(run.id, (0..<10).map { Sample.line(run, $0) })
                _ = try await store.beginSending(run.id, limit: 4, at: now)
                try await store.recordOutcomes(run.id, [Sample.outcome(0, .accepted), Sample.outcome(1, .notMapped)])
                // The files as they are on disk now are what a killed process leaves behind.
                try copyImage(from: directory, to: image)
                try await store.close()

                let next = try openSQLiteStore(image)
                #expect(try await next.damage() == [])
                let claimed = try await next.claimRun(owner: "me", at: now, leaseUntil: now + 30)
                #expect(claimed?.id == run.id)
                #expect(claimed?.interruptedAt == "usage:2")
                #expect(try await next.reopenLines(run.id) == 2)
                #expect(try await next.beginSending(run.id, limit: 99, at: now).map(\.position) == Array(2..<10))
                #expect(try await next.lastCounts(Sample.partner().id).map(\.accountID) == ["a0"])
                try await next.close()
            }
        }
    }

    @Test("gives the database to the next store when one is dropped without closing")
    func dropped() async throws {
        try await withTemporaryDirectory { directory in
            for number in 1...3 {
                let store = try openSQLiteStore(directory)
                #expect(try await store.partners(after: nil, limit: 9).count == number - 1)
                try await store.createPartner(Sample.partner(number))
            }
        }
    }

    /// Power loss may leave any beginning of the WAL. Each must be a state that the store has been in.
    @Test("at any point of the WAL leaves a consistent ledger")
    func cutWAL() async throws {
        try await withTemporaryDirectory { directory in
            let store = try openSQLiteStore(directory)
            let run = try await store.startedRun()
            try await store.close()

            let history = try openSQLiteStore(directory)
            try await history.planLines(run.id, (0..<24).map { Sample.line(run, $0) })
            while case let lines = try await history.beginSending(run.id, limit: 8, at: now), !lines.isEmpty {
                try await history.recordOutcomes(
                    run.id, lines.map { Sample.outcome($0.position, $0.position % 3 == 0 ? .rejected : .accepted) })
            }
            _ = try await history.finish(run, .partial)
            let database = try Data(contentsOf: URL(filePath: directory + "/perch.sqlite"))
            let wal = try Data(contentsOf: URL(filePath: directory + "/perch.sqlite-wal"))
            try await history.close()

            // Header of 32 bytes, then frames of 24 bytes and one page of 4096 (sqlite.org/fileformat2.html section 4).
            let frames = (wal.count - 32) / 4120
            try #require(frames > 10)
            var settled: Set<Int> = []
            for frame in 0...frames {
                for offset in [0, 700] {
                    let length = min(32 + frame * 4120 + offset, wal.count)
                    settled.insert(try await settledLines(database, wal.prefix(length)))
                }
            }
            #expect(settled == [0, 8, 16, 24], "each batch is there whole or not at all")
        }
    }

    /// Opens what is left, checks its promises, and says how many lines are settled.
    private func settledLines(_ database: Data, _ wal: Data) async throws -> Int {
        try await withTemporaryDirectory { image in
            try database.write(to: URL(filePath: image + "/perch.sqlite"))
            try wal.write(to: URL(filePath: image + "/perch.sqlite-wal"))
            let store = try openSQLiteStore(image)
            #expect(try await store.damage() == [])
            let run = try #require(try await store.run(SyncRunID("run_1")))
            let counted = try await store.write { try $0.countedTally($0.sequence(of: SyncRunID("run_1"))) }
            #expect(run.tally == counted)
            let accepted = try await store.lines(run.id, states: [.accepted], after: nil, limit: 99)
            #expect(Set(try await store.lastCounts(run.partnerID).map(\.accountID)) == Set(accepted.map(\.accountID)))
            #expect(run.state.isActive || run.tally.open == 0)
            #expect(try await store.serviceTotals(run.partnerID, runs: 1).isEmpty == run.state.isActive)
            try await store.close()
            return run.tally.settled
        }
    }

    private func copyImage(from directory: String, to image: String) throws {
        for file in ["perch.sqlite", "perch.sqlite-wal"] {
            try FileManager.default.copyItem(atPath: "\(directory)/\(file)", toPath: "\(image)/\(file)")
        }
    }
}
