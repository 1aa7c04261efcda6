import Foundation
import Testing

@testable import Integration
@testable import Store

@Suite("Many counts accepted before", .timeLimit(.minutes(3)))
struct ManyLastCountsTests {
    /// More than are read at once.
    private static let gone = 2_100

    private func withGoneCustomers(
        logger: LogBook = LogBook(), _ body: (Installation, PartnerID) async throws -> Void
    ) async throws {
        try await withInstallation({
            $0.logger = logger.logger
            $0.policy.dropHoldShare = 1
        }) { perch in
            let partner = try await perch.connectedPartner()
            _ = try await perch.sync(partner)
            try await perch.store.accept(Self.gone)
            try await body(perch, partner)
        }
    }

    @Test("They are compared page by page, and none is passed over")
    func pages() async throws {
        try await withGoneCustomers { perch, partner in
            let run = try await perch.sync(partner)
            #expect((run.tally.accepted, run.tally.droppedToZero) == (3, Self.gone))
        }
    }

    @Test("A disk that is full has the lines planned again from the same snapshot: nobody else drops to zero")
    func fullDisk() async throws {
        let book = LogBook()
        try await withGoneCustomers(logger: book) { perch, partner in
            // SQLite's own limit of pages stands in for the disk's end (SQLITE_FULL either way).
            try await perch.store.limitPages(toWhatIsThere: true)
            let run = try await perch.desk.startSync(partner, by: .launch).run
            try await perch.eventually("the run stands still") { book.messages.contains { $0.contains("stands still") } }
            try await perch.store.limitPages(toWhatIsThere: false)
            let ended = try await perch.ended(run)
            #expect(ended.state == .succeeded, "\(ended.failure?.message ?? "")")
            #expect((ended.tally.accepted, ended.tally.droppedToZero) == (3, Self.gone))
        }
    }
}

extension SQLiteStore {
    /// As though the partner's last run had had more customers.
    fileprivate func accept(_ more: Int) async throws {
        try await write { database in
            try database.change(
                """
                INSERT INTO last_count (partner_id, account_id, service_id, account_name, service_name, count, run, accepted_at)
                WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < ?)
                SELECT partner_id, 'gone-' || n, service_id, 'Gone ' || n, service_name, count, run, accepted_at
                FROM number CROSS JOIN last_count WHERE account_id = '1'
                """, [more])
        }
    }

    /// Lets the file grow no further, or again as far as it likes.
    fileprivate func limitPages(toWhatIsThere isLimited: Bool) async throws {
        try await write { database in
            // With the largest page number that SQLite has, there is no limit.
            try database.change("PRAGMA max_page_count = \(isLimited ? 1 : 4_294_967_294)")
        }
    }
}
