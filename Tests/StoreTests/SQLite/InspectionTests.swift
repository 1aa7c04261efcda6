import Foundation
import Testing

@testable import Store

@Suite("Inspection of a database")
struct InspectionTests {
    private func faults(_ store: SQLiteStore) async throws -> [String] {
        try await store.inspect(migrationsDirectory: migrationsDirectory).flatMap(\.faults)
    }

    @Test("names what is missing from the schema, what was added and what was altered")
    func schema() async throws {
        try await withTemporaryDirectory { directory in
            let store = try openSQLiteStore(directory)
            #expect(try await faults(store) == [])
            let triggers = try await store.rawTexts("SELECT name AS text FROM sqlite_schema WHERE type = 'trigger' ORDER BY name")
            #expect(triggers.contains("audit_entry_is_never_changed"))
            for trigger in triggers { try await store.raw("DROP TRIGGER \(trigger)") }
            #expect(try await faults(store) == triggers.map { "The trigger \($0) is missing." })
            try await store.raw(all: [
                "CREATE TRIGGER \(triggers[0]) BEFORE UPDATE ON audit_entry BEGIN SELECT 1; END",
                "CREATE TRIGGER spy AFTER INSERT ON operator_key BEGIN DELETE FROM web_session; END",
                "DROP INDEX schedule_due", "ALTER TABLE partner ADD COLUMN more TEXT", "CREATE VIEW everything AS SELECT * FROM partner",
            ])
            let expected =
                [
                    "The index schedule_due is missing.", "The table partner was altered.", "The trigger \(triggers[0]) was altered.",
                    "The trigger spy is none that Perch makes.", "The view everything is none that Perch makes.",
                ] + triggers.dropFirst().map { "The trigger \($0) is missing." }
            #expect(try await faults(store).sorted() == expected.sorted())
            try await store.close()
        }
    }

    private func key(_ number: Int, _ role: OperatorRole, expires: Double? = nil) -> OperatorKey {
        OperatorKey(
            id: OperatorKeyID("opr_\(number)"), name: "Key 'number' \(number)", role: role, hash: "h1:\(number)", createdAt: Sample.now,
            expiresAt: expires.map { Sample.now + $0 })
    }

    @Test(
        "names operator keys that are not what the audit trail tells of them",
        arguments: [
            ("UPDATE operator_key SET role = 'admin' WHERE id = 'opr_2'", "Operator key opr_2 is not as it was issued. Entry 2"),
            ("UPDATE operator_key SET hash = 'h1:another' WHERE id = 'opr_1'", "Operator key opr_1 is not as it was issued. Entry 1"),
            ("UPDATE operator_key SET expires_at = NULL WHERE id = 'opr_2'", "Operator key opr_2 is not as it was issued. Entry 2"),
            ("UPDATE operator_key SET expires_at = expires_at + 1 WHERE id = 'opr_2'", "Operator key opr_2 is not as it was issued."),
            ("UPDATE operator_key SET name = 'Other' WHERE id = 'opr_3'", "Operator key opr_3 is not as it was issued. Entry 3"),
            ("UPDATE operator_key SET revoked_at = NULL", "Operator key opr_3 is in use again, although entry 4"),
            ("UPDATE operator_key SET revoked_at = 1 WHERE id = 'opr_3'", "Operator key opr_3 was revoked at another time: entry 4"),
            ("UPDATE operator_key SET revoked_at = 1 WHERE id = 'opr_2'", "Operator key opr_2 was revoked behind Perch's back"),
            ("UPDATE operator_key SET created_at = 1 WHERE id = 'opr_1'", "Operator key opr_1 was issued at another time: entry 1"),
            ("DELETE FROM operator_key WHERE id = 'opr_3'", "An operator key is gone. Entry 3"),
            (
                "INSERT INTO operator_key (id, name, role, hash, created_at) VALUES ('opr_9', 'X', 'admin', 'h1:x', 1)",
                "The audit trail does not know operator key opr_9"
            ),
        ])
    func operatorKeys(statement: String, words: String) async throws {
        try await withTemporaryDirectory { directory in
            let store = try openSQLiteStore(directory)
            try await store.raw("INSERT INTO sealed_setting (name, value) VALUES ('operator_key_hash', zeroblob(100))")
            for key in [key(1, .admin), key(2, .viewer, expires: 86_400.1234), key(3, .operator)] {
                try await store.audited(key.issue(by: "commandLine", from: nil, at: Sample.now)) { () async throws(StoreError) in
                    try await store.insertOperatorKey(key)
                }
            }
            try await store.audited(key(3, .operator).revocation(by: "commandLine", from: nil, at: Sample.now)) {
                () async throws(StoreError) in
                var revoked = key(3, .operator)
                revoked.revokedAt = Sample.now
                try await store.revokeOperatorKey(revoked, evenIfLastLasting: false)
            }
            try await store.touchOperatorKey(key(1, .admin).id, at: Sample.now + 5)
            #expect(try await faults(store) == [])
            try await store.raw(statement)
            let found = try await faults(store)
            #expect(found.count == 1 && found[0].hasPrefix(words), "\(found)")
            try await store.close()
        }
    }

    @Test("takes the entry of a key from before there were marks, and of one that was given by hand")
    func olderEntries() async throws {
        try await withTemporaryDirectory { directory in
            let store = try openSQLiteStore(directory)
            try await store.raw("INSERT INTO sealed_setting (name, value) VALUES ('operator_key_hash', zeroblob(100))")
            var entry = key(1, .admin).issue(by: "commandLine", from: nil, at: Sample.now)
            entry.details = "Issued key opr_1 'Key 'number' 1' with role admin."
            let older = entry
            try await store.audited(older) { () async throws(StoreError) in try await store.insertOperatorKey(key(1, .admin)) }
            entry.details = "entry 1"
            try await store.appendAudit(entry)
            #expect(try await faults(store) == [])
            try await store.close()
        }
    }
}
