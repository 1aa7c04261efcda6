import Foundation
import Testing

@testable import Store

@Suite("The schema itself refuses what must not be")
struct SchemaTests {
    /// Every column that holds the raw value of a Swift enum.
    static let words: [(column: String, words: [String])] = [
        ("connection.state", ConnectionState.allCases.map(\.rawValue)),
        ("schedule.cadence", Cadence.allCases.map(\.rawValue)),
        ("sync_run.purpose", RunPurpose.allCases.map(\.rawValue)),
        ("sync_run.trigger_kind", RunTrigger.allCases.map(\.rawValue)),
        ("sync_run.state", RunState.allCases.map(\.rawValue)),
        ("sync_run.stage", RunStage.allCases.map(\.rawValue)),
        ("usage_line.state", UsageLineState.allCases.map(\.rawValue)),
        ("alert.state", AlertState.allCases.map(\.rawValue)),
        ("usage_delivery.channel", UsageChannel.allCases.map(\.rawValue)),
        ("operator_key.role", OperatorRole.allCases.map(\.rawValue)),
    ]

    @Test("knows exactly the words of the Swift enums", arguments: words)
    func sameWords(column: String, words: [String]) async throws {
        try await withSQLiteStore { store in
            let (table, name) = parts(column)
            let sql = try #require(
                try await store.rawTexts("SELECT sql AS text FROM sqlite_schema WHERE name = '\(table)'").first)
            let check = try #require(sql.firstMatch(of: try Regex("CHECK \\(\(name) IN \\(([^)]*)\\)")))
            let listed = try #require(check[1].substring).matches(of: /'(\w+)'/).map { String($0.1) }
            #expect(Set(listed) == Set(words))
            #expect(listed.count == words.count)
        }
    }

    @Test("takes no other word", arguments: words.map(\.column))
    func badWords(column: String) async throws {
        try await withSQLiteStore { store in
            try await fill(store)
            let (table, name) = parts(column)
            #expect(try await store.rawTexts("SELECT \(name) AS text FROM \(table)").count == 1)
            for word in ["nonsense", "", "QUEUED"] {
                await expectFailure(.constraint) { try await store.raw("UPDATE \(table) SET \(name) = '\(word)'") }
            }
            await expectFailure(.constraint) { try await store.raw("UPDATE \(table) SET \(name) = NULL") }
        }
    }

    @Test(
        "takes no value of another type, no bad JSON, no bad count, no bad flag",
        arguments: [
            "UPDATE partner SET created_at = 'yesterday'", "UPDATE sync_run SET created_at = 1.5",
            "UPDATE sync_run SET findings = '{'", "UPDATE alert SET errors = 'none'", "UPDATE usage_line SET raw_count = '1e3'",
            "UPDATE usage_line SET sent_count = ''", "UPDATE usage_line SET raw_count = 'NaN'",
            "UPDATE sync_run SET cancel_requested = 2", "UPDATE sync_run SET tally_open = -1",
            "UPDATE usage_delivery SET idempotency_key = NULL", "UPDATE usage_delivery SET size = 2",
            "UPDATE usage_delivery SET accounts = 0",
            "UPDATE usage_delivery SET sha256 = 'A'", "UPDATE usage_delivery SET content = 'a'",
            "UPDATE usage_delivery SET idempotency_key = ''",
            "UPDATE connection SET key_version = -1", "UPDATE connection SET partner_key = x'00'",
        ])
    func badValues(sql: String) async throws {
        try await withSQLiteStore { store in
            try await fill(store)
            await expectFailure(.constraint) { try await store.raw(sql) }
        }
    }

    @Test(
        "keeps paired columns of usage lines together",
        arguments: [
            "UPDATE usage_line SET sent_count = NULL", "UPDATE usage_line SET state = 'accepted'",
            "UPDATE usage_line SET outcome_at = 1", "UPDATE usage_line SET state = 'sending'",
            "UPDATE usage_line SET state = 'excluded'",
        ])
    func pairs(sql: String) async throws {
        try await withSQLiteStore { store in
            try await fill(store)
            await expectFailure(.constraint) { try await store.raw(sql) }
        }
    }

    @Test("holds one active run a partner and one alert an alert id, whoever inserts")
    func uniqueness() async throws {
        try await withSQLiteStore { store in
            try await fill(store)
            func copy(_ table: String, _ changes: [String: String]) async throws -> String {
                let columns = try await store.rawTexts("SELECT name AS text FROM pragma_table_info('\(table)')")
                    .filter { $0 != "sequence" }
                return """
                    INSERT INTO \(table) (\(columns.joined(separator: ", ")))
                    SELECT \(columns.map { changes[$0] ?? $0 }.joined(separator: ", ")) FROM \(table)
                    """
            }
            let secondRun = try await copy("sync_run", ["id": "'run_2'"])
            await expectFailure(.duplicate) { try await store.raw(secondRun) }
            let secondAlert = try await copy("alert", ["id": "'alr_2'"])
            await expectFailure(.duplicate) { try await store.raw(secondAlert) }
        }
    }

    @Test(
        "lets no audit entry be changed, removed or replaced",
        arguments: [
            "UPDATE audit_entry SET details = 'harmless'", "DELETE FROM audit_entry", "UPDATE audit_entry SET hash = 'another'",
            "UPDATE audit_entry SET hash = NULL",
            "INSERT INTO audit_entry (at, actor, action, details) VALUES (0, 'nobody', 'nothing', 'without a hash')",
            """
            INSERT OR REPLACE INTO audit_entry (sequence, at, actor, action, details)
            VALUES (1, 0, 'nobody', 'nothing', 'harmless')
            """,
        ])
    func auditIsAppendOnly(sql: String) async throws {
        try await withSQLiteStore { store in
            try await fill(store)
            let before = try await store.auditEntries(partner: nil, before: nil, limit: 9)
            await expectFailure(.constraint) { try await store.raw(sql) }
            #expect(try await store.auditEntries(partner: nil, before: nil, limit: 9) == before)
            #expect(before.count == 1)
        }
    }

    @Test("keeps one row a basis, which is never changed, nor removed while a line refers to it")
    func bases() async throws {
        try await withSQLiteStore { store in
            for id in ["run_1", "run_2"] {
                let run = try await store.startedRun(id)
                let lines = (0..<3).map { position in
                    var line = Sample.line(run, position)
                    line.basis = LineBasis(connectorID: "a", name: "users", version: 1 + position % 2)
                    return line
                }
                try await store.planLines(run.id, lines)
                _ = try await store.finish(run)
            }
            let versions = "SELECT CAST(version AS TEXT) AS text FROM count_basis ORDER BY version"
            #expect(try await store.rawTexts(versions) == ["1", "2"])
            await expectFailure(.constraint) { try await store.raw("UPDATE count_basis SET name = 'guests'") }
            await expectFailure(.notFound) { try await store.raw("DELETE FROM count_basis") }
            await expectFailure(.notFound) { try await store.raw("UPDATE usage_line SET basis = 77") }
            #expect(try await store.rawTexts(versions) == ["1", "2"])
        }
    }

    @Test("lets nothing go that others refer to")
    func references() async throws {
        try await withSQLiteStore { store in
            try await fill(store)
            await expectFailure(.notFound) { try await store.raw("DELETE FROM partner") }
            await expectFailure(.notFound) { try await store.raw("DELETE FROM sync_run") }
        }
    }

    @Test("has only strict tables, in WAL, with full sync and references checked")
    func settings() async throws {
        try await withSQLiteStore { store in
            let loose = try await store.rawTexts(
                "SELECT name AS text FROM pragma_table_list WHERE schema = 'main' AND strict = 0 AND name NOT LIKE 'sqlite_%'")
            #expect(loose == [])
            func setting(_ name: String) async throws -> String? {
                try await store.rawTexts("SELECT CAST(\(name) AS TEXT) AS text FROM pragma_\(name)").first
            }
            #expect(try await setting("journal_mode") == "wal")
            #expect(try await setting("synchronous") == "2")
            #expect(try await setting("foreign_keys") == "1")
            let timeout = try await store.rawTexts("SELECT CAST(timeout AS TEXT) AS text FROM pragma_busy_timeout")
            #expect(timeout == ["5000"])
        }
    }

    /// One row in every table that the tests change.
    private func fill(_ store: SQLiteStore) async throws {
        let run = try await store.startedRun()
        try await store.planLines(run.id, [Sample.line(run, 0)])
        try await store.saveSchedule(Sample.schedule(next: Sample.now))
        _ = try await store.insertDelivery(
            UsageDelivery(
                id: UsageDeliveryID("use_1"), partnerID: run.partnerID, channel: .push, key: "k", sha256: String(repeating: "0", count: 64),
                size: 1, accounts: 1, counts: 0, receivedAt: Sample.now, receivedFrom: "N"), content: [1], run: nil,
            forgettingBefore: .distantPast)
        _ = try await store.insertAlert(Sample.alert("alr_1"))
        try await store.insertOperatorKey(
            OperatorKey(id: OperatorKeyID("opk_1"), name: "K", role: .viewer, hash: "h", createdAt: Sample.now))
        try await store.appendAudit(
            AuditEntry(at: Sample.now, actor: "a", action: "b", partnerID: nil, address: nil, details: "d"))
    }

    private func parts(_ column: String) -> (table: String, name: String) {
        let parts = column.split(separator: ".").map(String.init)
        return (parts[0], parts[1])
    }
}

@Suite("A row that cannot be read")
struct CorruptRowTests {
    /// Statements that break one row, and the table and row that the error must name.
    static let damages: [(sql: String, place: String, row: String)] = [
        ("UPDATE sync_run SET state = 'odd'", "sync_run.state", "run_1"),
        ("UPDATE sync_run SET stage = 'odd'", "sync_run.stage", "run_1"),
        ("UPDATE sync_run SET findings = '{}'", "sync_run.findings", "run_1"),
        ("UPDATE sync_run SET cancel_requested = 7", "sync_run.cancel_requested", "run_1"),
        ("UPDATE sync_run SET failure_code = 'half'", "sync_run.failure_message", "run_1"),
    ]

    @Test("of a run is an error that names it, never a trap or a default", arguments: damages)
    func run(sql: String, place: String, row: String) async throws {
        try await withSQLiteStore { store in
            let run = try await store.startedRun()
            try await store.raw(all: ["PRAGMA ignore_check_constraints = ON", sql])
            let error = await expectFailure(.corrupt) { _ = try await store.run(run.id) }
            #expect(error?.message.contains(place) == true)
            #expect(error?.message.contains(row) == true)
            await expectFailure(.corrupt) { try await store.updateRun(run.id) { _ in } }
        }
    }

    @Test(
        "of the ledger names run and position",
        arguments: [
            ("state = 'odd'", "usage_line.state"), ("raw_count = '12x'", "usage_line.raw_count"),
            ("sent_count = '-'", "usage_line.sent_count"),
        ])
    func line(change: String, place: String) async throws {
        try await withSQLiteStore { store in
            let run = try await store.startedRun()
            try await store.planLines(run.id, (0..<3).map { Sample.line(run, $0) })
            try await store.raw(
                all: ["PRAGMA ignore_check_constraints = ON", "UPDATE usage_line SET \(change) WHERE position = 2"])
            let error = await expectFailure(.corrupt) {
                _ = try await store.lines(run.id, states: nil, after: nil, limit: 9)
            }
            #expect(error?.message.contains(place) == true)
            #expect(error?.message.contains("of 1, 2 ") == true, "\(error?.message ?? "")")
            #expect(try await store.lines(run.id, states: nil, after: nil, limit: 2).count == 2)
        }
    }

    @Test("of another table too")
    func others() async throws {
        try await withSQLiteStore { store in
            try await store.createPartner(Sample.partner())
            _ = try await store.saveConnect(
                connection: Sample.connected(), credential: Sample.credential(), job: Sample.run("run_1"))
            _ = try await store.insertAlert(Sample.alert("alr_1"))
            try await store.raw(
                all: [
                    "PRAGMA ignore_check_constraints = ON", "UPDATE connection SET state = 'odd'",
                    "UPDATE vendor_credential SET open_fields = '[1]'", "UPDATE alert SET errors = '{\"a\":1}'",
                ])
            await expectFailure(.corrupt) { _ = try await store.connection(Sample.partner().id) }
            await expectFailure(.corrupt) { _ = try await store.vendorCredential(Sample.partner().id) }
            await expectFailure(.corrupt) { _ = try await store.alert(AlertID("alr_1")) }
        }
    }
}
