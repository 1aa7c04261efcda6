import Foundation
import Testing

@testable import Store

@Suite("Migrations")
struct MigrationTests {
    @Test("are applied in order, once, and recorded with their hash")
    func apply() async throws {
        try await withFixture { fixture in
            try fixture.write("0002_first.sql", "CREATE TABLE note (text TEXT NOT NULL) STRICT;")
            try fixture.write("0003_second.sql", "INSERT INTO note VALUES ('a;b'); INSERT INTO note VALUES ('c');")
            for _ in 0..<2 {
                let store = try fixture.open()
                #expect(try await store.rawTexts("SELECT text FROM note ORDER BY text") == ["a;b", "c"])
                #expect(
                    try await store.rawTexts("SELECT name AS text FROM schema_migration ORDER BY number")
                        == ["0001_initial.sql", "0002_first.sql", "0003_second.sql"])
                let hashes = try await store.rawTexts("SELECT sha256 AS text FROM schema_migration")
                #expect(hashes.allSatisfy { $0.count == 64 })
                try await store.close()
            }
        }
    }

    @Test("that come later reach an existing database and keep its records")
    func upgrade() async throws {
        try await withFixture { fixture in
            let before = try fixture.open()
            try await before.writeOldPartner()
            try await before.close()
            // Rebuilds a table that others refer to, as SQLite's own manual says to.
            try fixture.write(
                "0002_rebuild.sql",
                """
                CREATE TABLE partner_new (
                    id TEXT NOT NULL PRIMARY KEY, vendor_reference TEXT NOT NULL UNIQUE, name TEXT NOT NULL,
                    time_zone TEXT NOT NULL, created_at INTEGER NOT NULL, proof TEXT NOT NULL, motto TEXT
                ) STRICT, WITHOUT ROWID;
                INSERT INTO partner_new SELECT *, '', 'none' FROM partner;
                DROP TABLE partner;
                ALTER TABLE partner_new RENAME TO partner;
                """)
            let after = try fixture.open()
            #expect(try await after.partner(Sample.partner().id) == Sample.partner())
            #expect(try await after.connection(Sample.partner().id).state == .notConnected)
            #expect(try await after.damage() == [])
            await expectFailure(.notFound) { _ = try await after.insertRun(Sample.run("run_1", Sample.partner(9))) }
            try await after.close()
        }
    }

    @Test("keep lines that were written before lines said what they count")
    func linesWithoutBasis() async throws {
        try await withFixture { fixture in
            let before = try fixture.open()
            try await before.writeOldPartner()
            try await before.writeOldRun("run_1")
            try await before.close()
            try fixture.take("0002_count_basis.sql")
            try fixture.take("0003_line_retention.sql")
            let after = try fixture.open()
            var line = Sample.line(Sample.run("run_1"), 0)
            line.state = .notSent
            #expect(try await after.lines(line.runID, states: nil, after: nil, limit: 9) == [line])
            #expect(try await after.damage() == [])
            try await after.close()
        }
    }

    @Test("let lines of runs that ended before lines could be removed be removed")
    func linesOfOlderRuns() async throws {
        try await withFixture { fixture in
            try fixture.take("0002_count_basis.sql")
            let before = try fixture.open()
            try await before.writeOldPartner()
            for id in ["run_1", "run_2"] { try await before.writeOldRun(id) }
            try await before.close()
            for name in ["0003_line_retention.sql", "0004_access_and_keys.sql", "0005_usage_delivery.sql", "0006_taken_usage.sql"] {
                try fixture.take(name)
            }
            let after = try fixture.open()
            let end = Sample.now + 1_000
            #expect(try await after.removeLines(endedBefore: end, limit: 9, at: end) == 1)
            #expect(try await after.run(SyncRunID("run_1"))?.linesRemovedAt == end)
            #expect(try await after.run(SyncRunID("run_2"))?.linesRemovedAt == nil)
            #expect(try await after.damage() == [])
            try await after.close()
        }
    }

    @Test("that fail are undone whole, and the message names them; a mended one is applied")
    func failing() async throws {
        try await withFixture { fixture in
            try fixture.write("0002_good.sql", "CREATE TABLE good (a TEXT) STRICT;")
            try fixture.write("0003_bad.sql", "CREATE TABLE half (a TEXT) STRICT; INSERT INTO nowhere VALUES (1);")
            let error = await expectFailure(.migration) { _ = try fixture.open() }
            #expect(error?.message.contains("0003_bad.sql") == true)
            #expect(error?.message.contains("nowhere") == true)
            try fixture.write("0003_bad.sql", "CREATE TABLE half (a TEXT) STRICT;")
            let store = try fixture.open()
            #expect(try await store.rawTexts("SELECT a AS text FROM half") == [])
            try await store.close()
        }
    }

    @Test(
        "that break a reference, or end their transaction, are undone",
        arguments: [
            "INSERT INTO connection (partner_id, state, state_since, key_version) VALUES ('none', 'notConnected', 0, 0);",
            "CREATE TABLE early (a TEXT) STRICT; COMMIT;",
        ])
    func unsafe(sql: String) async throws {
        try await withFixture { fixture in
            try fixture.write("0002_unsafe.sql", sql)
            let error = await expectFailure(.migration) { _ = try fixture.open() }
            #expect(error?.message.contains("0002_unsafe.sql") == true)
        }
    }

    @Test("that were changed after they were applied are refused by name")
    func changed() async throws {
        try await withFixture { fixture in
            try await fixture.open().close()
            let sql = try fixture.read("0001_initial.sql")
            try fixture.write("0001_initial.sql", sql + "\n")
            let error = await expectFailure(.migration) { _ = try fixture.open() }
            #expect(error?.message.contains("0001_initial.sql") == true)
            #expect(error?.message.contains("changed") == true)
            try fixture.write("0001_initial.sql", sql)
            try await fixture.open().close()
        }
    }

    @Test("that were applied and then renamed are refused by name")
    func renamed() async throws {
        try await withFixture { fixture in
            try await fixture.open().close()
            try fixture.write("0001_other.sql", try fixture.read("0001_initial.sql"))
            try fixture.remove("0001_initial.sql")
            let error = await expectFailure(.migration) { _ = try fixture.open() }
            #expect(error?.message.contains("0001_initial.sql") == true)
        }
    }

    @Test("of a newer version make an older one refuse the database, unchanged")
    func newerSchema() async throws {
        try await withFixture { fixture in
            try fixture.write("0002_future.sql", "CREATE TABLE future (a TEXT) STRICT;")
            try await fixture.open().close()
            try fixture.remove("0002_future.sql")
            let error = await expectFailure(.newerSchema) { _ = try fixture.open() }
            #expect(error?.message.contains("0002_future.sql") == true)
            try fixture.write("0002_future.sql", "CREATE TABLE future (a TEXT) STRICT;")
            try await fixture.open().close()
        }
    }

    @Test(
        "must be numbered without a gap and named plainly",
        arguments: [
            ["0003_gap.sql"], ["0002_a.sql", "0002_b.sql"], ["2_short.sql"], ["0002-dash.sql"], ["0002_Upper.sql"],
        ])
    func naming(names: [String]) async throws {
        try await withFixture { fixture in
            for name in names { try fixture.write(name, "SELECT 1;") }
            let error = await expectFailure(.migration) { _ = try fixture.open() }
            #expect(error?.message.contains(names.last ?? "") == true)
            #expect(!FileManager.default.fileExists(atPath: fixture.data), "nothing is made before the files are known")
        }
    }

    @Test("must be there")
    func missingDirectory() async throws {
        try await withFixture { fixture in
            try fixture.write("README.md", "not a migration")
            try fixture.remove("0001_initial.sql")
            await expectFailure(.migration) { _ = try fixture.open() }
            try FileManager.default.removeItem(atPath: fixture.migrations)
            let error = await expectFailure(.migration) { _ = try fixture.open() }
            #expect(error?.message.contains(fixture.migrations) == true)
        }
    }
}

extension SQLiteStore {
    /// A partner as the first version wrote it.
    fileprivate func writeOldPartner() async throws {
        let partner = Sample.partner()
        let created = partner.createdAt.milliseconds
        try await raw(all: [
            """
            INSERT INTO partner (id, vendor_reference, name, time_zone, created_at)
            VALUES ('\(partner.id)', '\(partner.vendorReference)', '\(partner.name)', '\(partner.timeZone)', \(created))
            """,
            "INSERT INTO connection (partner_id, state, state_since, key_version) VALUES ('\(partner.id)', 'notConnected', \(created), 0)",
        ])
    }

    /// An ended run with one line, as the first version wrote them: the records have grown columns since.
    fileprivate func writeOldRun(_ id: String) async throws {
        let now = Sample.now.milliseconds
        let findings = String(decoding: try JSONEncoder().encode(RunFindings()), as: UTF8.self)
        try await raw(
            """
            INSERT INTO sync_run (id, partner_id, purpose, trigger_kind, state, stage, created_at, started_at, finished_at,
                tally_accepted, tally_not_mapped, tally_rejected, tally_failed, tally_excluded, tally_dropped_to_zero, tally_not_sent,
                tally_open, findings, cancel_requested, interruptions)
            VALUES ('\(id)', '\(Sample.partner().id)', 'usage', 'partner', 'cancelled', 'usage', \(now), \(now), \(now),
                0, 0, 0, 0, 0, 0, 1, 0, '\(findings)', 0, 0)
            """)
        try await raw(
            """
            INSERT INTO usage_line (run, position, account_id, account_name, service_id, service_name, raw_count, sent_count,
                state, attempts)
            SELECT sequence, 0, 'a0', 'Account 0', 's1', 'Service s1', '5', '5', 'notSent', 0 FROM sync_run WHERE id = '\(id)'
            """)
    }
}

/// A data directory, and a copy of the product's migrations that a test may change.
private struct Fixture {
    let data: String
    let migrations: String

    func open() throws -> SQLiteStore {
        try SQLiteStore(directory: data, migrationsDirectory: migrations, logger: quietLogger)
    }

    func write(_ name: String, _ sql: String) throws {
        try Data(sql.utf8).write(to: URL(filePath: "\(migrations)/\(name)"))
    }

    /// Copies one of the product's.
    func take(_ name: String) throws {
        try FileManager.default.copyItem(atPath: "\(migrationsDirectory)/\(name)", toPath: "\(migrations)/\(name)")
    }

    func read(_ name: String) throws -> String {
        try String(contentsOfFile: "\(migrations)/\(name)", encoding: .utf8)
    }

    func remove(_ name: String) throws {
        try FileManager.default.removeItem(atPath: "\(migrations)/\(name)")
    }
}

private func withFixture(_ body: (Fixture) async throws -> Void) async throws {
    try await withTemporaryDirectory { directory in
        let fixture = Fixture(data: directory + "/data", migrations: directory + "/migrations")
        try FileManager.default.createDirectory(atPath: fixture.migrations, withIntermediateDirectories: true)
        try FileManager.default.copyItem(
            atPath: "\(migrationsDirectory)/0001_initial.sql", toPath: fixture.migrations + "/0001_initial.sql")
        try await body(fixture)
    }
}
