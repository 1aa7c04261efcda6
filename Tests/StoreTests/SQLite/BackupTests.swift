import Foundation
import Secrets
import Testing

@testable import Store

@Suite("Backup and restore")
struct BackupTests {
    private func restore(_ backup: String, to directory: String) -> DatabaseRestore {
        DatabaseRestore(backup: backup, directory: directory, migrationsDirectory: migrationsDirectory)
    }

    /// A store with a partner, a session, a launch link and an audit entry.
    private func filled(_ directory: String) async throws -> SQLiteStore {
        let store = try openSQLiteStore(directory)
        try await store.createPartner(Sample.partner())
        _ = try await store.openSession(
            WebSession(
                tokenHash: "session", subject: .partner(Sample.partner().id), createdAt: Sample.now, lastSeenAt: Sample.now,
                expiresAt: Sample.now + 9_999), with: nil, replacing: nil)
        try await store.insertLaunchLink(
            LaunchLink(tokenHash: "link", partnerID: Sample.partner().id, madeBy: nil, expiresAt: Sample.now + 9_999))
        try await store.appendAudit(
            AuditEntry(at: Sample.now, actor: "commandLine", action: "test", partnerID: nil, address: nil, details: ""))
        return store
    }

    @Test("taken while a run is written is of one moment, whole, and for nobody else to read")
    func underLoad() async throws {
        try await withTemporaryDirectory { directory in
            let store = try openSQLiteStore(directory)
            let run = try await store.startedRun()
            try await store.planLines(run.id, (0..<2_000).map { Sample.line(run, $0) })
            let writing = Task {
                while case let lines = try await store.beginSending(run.id, limit: 20, at: Sample.now), !lines.isEmpty {
                    try await store.recordOutcomes(run.id, lines.map { Sample.outcome($0.position, .accepted) })
                }
            }
            var settled: [Int] = []
            for number in 0..<5 {
                let file = "\(directory)/backup-\(number)"
                let checks = try await store.backup(to: file, migrationsDirectory: migrationsDirectory)
                #expect(checks.flatMap(\.faults) == [])
                #expect(try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int == 0o600)
                #expect(
                    try FileManager.default.contentsOfDirectory(atPath: directory).filter { $0.hasPrefix("backup-\(number)") } == [
                        "backup-\(number)"
                    ])
                try await withTemporaryDirectory { place in
                    _ = try restore(file, to: place).run(at: Sample.now) { _, _ in nil }
                    let copy = try openSQLiteStore(place)
                    #expect(try await copy.damage() == [])
                    let tally = try #require(try await copy.run(run.id)).tally
                    #expect(tally == (try await copy.write { try $0.countedTally($0.sequence(of: run.id)) }))
                    settled.append(tally.settled)
                    try await copy.close()
                }
            }
            try await writing.value
            #expect(settled == settled.sorted())
            try await store.close()
        }
    }

    @Test("ends the sign-ins and links of the backup's time, keeps everything else, and is in the trail")
    func signIns() async throws {
        try await withTemporaryDirectory { directory in
            let store = try await filled(directory)
            let file = directory + "/backup"
            try await store.backup(to: file, migrationsDirectory: migrationsDirectory)
            try await store.close()
            var task = restore(file, to: directory)
            task.replaces = true
            let report = try task.run(at: Sample.now + 1) { _, _ in nil }
            let aside = try #require(report.movedAside)
            #expect(FileManager.default.fileExists(atPath: aside))
            let restored = try openSQLiteStore(directory)
            #expect(try await restored.partner(Sample.partner().id) == Sample.partner())
            #expect(try await restored.session(tokenHash: "session") == nil)
            #expect(try await restored.launchLink(tokenHash: "link") == nil)
            #expect(try await restored.auditEntries(after: 0, limit: 9).map(\.action) == ["test", "database.restore"])
            #expect(try await restored.inspect(migrationsDirectory: migrationsDirectory).flatMap(\.faults) == [])
            try await restored.close()
        }
    }

    @Test("lets nobody in again: keys revoked and launch tokens used since stay so, however often it is restored")
    func takenAway() async throws {
        try await withTemporaryDirectory { directory in
            let store = try await filled(directory)
            let id = OperatorKeyID("op_1")
            let key = OperatorKey(id: id, name: "Left", role: .viewer, hash: "hash", createdAt: Sample.now)
            try await store.insertOperatorKey(key)
            try await store.appendAudit(key.issue(by: "commandLine", from: nil, at: Sample.now))
            let file = directory + "/backup"
            try await store.backup(to: file, migrationsDirectory: migrationsDirectory)
            var revoked = key
            revoked.revokedAt = Sample.now + 1
            try await store.revokeOperatorKey(revoked, evenIfLastLasting: false)
            let session = WebSession(
                tokenHash: "launched", subject: .partner(Sample.partner().id), createdAt: Sample.now, lastSeenAt: Sample.now,
                expiresAt: Sample.now + 9)
            let pass = LaunchPass.token(nonce: "nonce", expiresAt: Sample.now + 99)
            #expect(try await store.openSession(session, with: pass, replacing: nil))
            try await store.close()
            var task = restore(file, to: directory)
            task.replaces = true
            var asides: Set<String> = []
            for _ in 0..<3 {
                let aside = try #require(try task.run(at: Sample.now + 2) { _, _ in nil }.movedAside)
                #expect(FileManager.default.fileExists(atPath: aside))
                asides.insert(aside)
            }
            #expect(asides.count == 3)
            let restored = try openSQLiteStore(directory)
            #expect(try await restored.operatorKey(id)?.revokedAt == Sample.now + 1)
            #expect(try await restored.isNonceUsed("nonce"))
            try await restored.close()
        }
    }

    @Test("carries a revocation over with its proof and its entry, and refuses a backup in which somebody altered a row that lets in")
    func proofs() async throws {
        try await withTemporaryDirectory { directory in
            let random = RandomSource.seeded(3)
            let (ring, wrapped) = try KeyRing.create(master: .generate(random: random), random: random, at: Sample.now)
            let store = try openSQLiteStore(directory)
            try await store.insertWrappedKey(wrapped)
            try await store.createPartner(Sample.partner().proven(by: ring))
            var key = OperatorKey(
                id: OperatorKeyID("opr_1"), name: "Left", role: .viewer, hash: "hash", createdAt: Sample.now
            ).proven(by: ring)
            let issued = key
            try await store.audited(issued.issue(by: "commandLine", from: nil, at: Sample.now)) { () async throws(StoreError) in
                try await store.insertOperatorKey(issued)
            }
            let (file, altered) = (directory + "/backup", directory + "/altered")
            try await store.backup(to: file, migrationsDirectory: migrationsDirectory)
            try await store.raw("UPDATE partner SET vendor_reference = 'another'")
            try await store.backup(to: altered, migrationsDirectory: migrationsDirectory)
            try await store.raw("UPDATE partner SET vendor_reference = '\(Sample.partner().vendorReference)'")
            key.revokedAt = Sample.now + 1
            try await store.revokeOperatorKey(key.proven(by: ring), evenIfLastLasting: false)
            try await store.close()

            var task = restore(altered, to: directory)
            task.replaces = true
            let error = #expect(throws: StoreError.self) { _ = try task.run(at: Sample.now + 2) { _, _ in ring } }
            #expect(error?.message.contains("The row of partner \(Sample.partner().id) was put in or altered") == true)
            task.backup = file
            _ = try task.run(at: Sample.now + 2) { _, _ in ring }
            let restored = try openSQLiteStore(directory)
            #expect(try await restored.operatorKey(key.id)?.revokedAt == key.revokedAt)
            #expect(try await restored.inspectProofs(ring).faults == [])
            #expect(try await restored.inspect(migrationsDirectory: migrationsDirectory).flatMap(\.faults) == [])
            #expect(
                try await restored.auditEntries(after: 0, limit: 9).map(\.action) == [
                    "operator.issue", "operator.revoke", "database.restore",
                ])
            try await restored.close()
        }
    }

    @Test("refuses a running service, a database in the way, what is damaged, and what the key does not open; all stays as it was")
    func refusals() async throws {
        try await withTemporaryDirectory { directory in
            let store = try await filled(directory)
            let file = directory + "/backup"
            try await store.backup(to: file, migrationsDirectory: migrationsDirectory)
            await expectFailure(.unavailable) { try await store.backup(to: file, migrationsDirectory: migrationsDirectory) }
            var task = restore(file, to: directory)
            task.replaces = true
            await expectFailure(.locked) { _ = try task.run(at: Sample.now) { _, _ in nil } }
            try await store.close()
            let before = try Data(contentsOf: URL(filePath: directory + "/perch.sqlite"))

            task.replaces = false
            await expectFailure(.duplicate) { _ = try task.run(at: Sample.now) { _, _ in nil } }
            task.replaces = true
            struct WrongKey: Error {}
            #expect(throws: WrongKey.self) { _ = try task.run(at: Sample.now) { _, _ in throw WrongKey() } }
            let whole = try Data(contentsOf: URL(filePath: file))
            for (cut, words) in [
                (0, "is not a database: it has 0 bytes"), (99, "is not a database: it has 99 bytes"),
                (4096, "was cut off: it has 4096 of \(whole.count) bytes"),
                (whole.count - 1, "was cut off: it has \(whole.count - 1) of \(whole.count) bytes"),
            ] {
                let torn = directory + "/torn"
                try whole.prefix(cut).write(to: URL(filePath: torn))
                task.backup = torn
                let error = #expect(throws: StoreError.self) { _ = try task.run(at: Sample.now) { _, _ in nil } }
                #expect(error?.code == .corrupt && error?.message.contains(words) == true, "\(error?.message ?? "")")
            }
            // Whole as a database, but the trail was tampered with.
            let tampered = try openSQLiteStore(directory)
            let trigger = try #require(
                try await tampered.rawTexts("SELECT sql AS text FROM sqlite_schema WHERE name = 'audit_entry_is_never_changed'").first)
            try await tampered.raw(all: ["DROP TRIGGER audit_entry_is_never_changed"])
            try await tampered.raw("UPDATE audit_entry SET actor = 'nobody'")
            try await tampered.raw(trigger)
            let bad = directory + "/tampered"
            #expect(try await tampered.backup(to: bad, migrationsDirectory: migrationsDirectory).flatMap(\.faults).count == 1)
            try await tampered.close()
            task.backup = bad
            await expectFailure(.corrupt) { _ = try task.run(at: Sample.now) { _, _ in nil } }
            try before.write(to: URL(filePath: directory + "/perch.sqlite"))
            #expect(try FileManager.default.contentsOfDirectory(atPath: directory).filter { $0.contains("restoring") } == [])
            let after = try openSQLiteStore(directory)
            #expect(try await after.partner(Sample.partner().id) == Sample.partner())
            try await after.close()
        }
    }

    @Test("shows the sealed values of the backup to whoever admits it")
    func sealedValues() async throws {
        try await withTemporaryDirectory { directory in
            let store = try openSQLiteStore(directory)
            let sealed = SealedSecret(bytes: Array("sealed".utf8))
            try await store.insertSealedSetting("a", sealed)
            try await store.insertSealedSetting("b", sealed)
            let file = directory + "/backup"
            try await store.backup(to: file, migrationsDirectory: migrationsDirectory)
            try await store.close()
            var task = restore(file, to: directory)
            task.replaces = true
            var seen: [SealedValue] = []
            _ = try task.run(at: Sample.now) { _, values in
                seen = values
                return nil
            }
            #expect(seen == ["a", "b"].map { SealedValue(context: .setting($0), sealed: sealed) })
        }
    }

    @Test("leaves files alone that have the name it would take while it is made")
    func partial() async throws {
        try await withTemporaryDirectory { directory in
            let store = try openSQLiteStore(directory)
            let file = directory + "/backup"
            for name in [".partial", ".partial-2"] { try Data("mine".utf8).write(to: URL(filePath: file + name)) }
            try await store.backup(to: file, migrationsDirectory: migrationsDirectory)
            for name in [".partial", ".partial-2"] { #expect(try String(contentsOfFile: file + name, encoding: .utf8) == "mine") }
            let left = try FileManager.default.contentsOfDirectory(atPath: directory).filter { $0.hasPrefix("backup") }.sorted()
            #expect(left == ["backup", "backup.partial", "backup.partial-2"])
            let link = directory + "/link"
            try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: directory + "/nowhere")
            let error = await expectFailure(.unavailable) {
                try await store.backup(to: link, migrationsDirectory: migrationsDirectory)
            }
            #expect(error?.message.hasPrefix("A link \(link) is there already.") == true)
            #expect(try FileManager.default.destinationOfSymbolicLink(atPath: link) == directory + "/nowhere")
            try await store.close()
        }
    }

    @Test("A store opened for reading sees what another writes, and writes nothing itself")
    func readingOnly() async throws {
        try await withTemporaryDirectory { directory in
            let store = try await filled(directory)
            let reader = try SQLiteStore(readingOnly: directory, logger: quietLogger)
            #expect(try await reader.partner(Sample.partner().id) == Sample.partner())
            try await store.createPartner(Sample.partner(2))
            #expect(try await reader.partners(after: nil, limit: 9).count == 2)
            await #expect(throws: StoreError.self) { try await reader.createPartner(Sample.partner(3)) }
            try await reader.close()
            #expect(try await store.partners(after: nil, limit: 9).count == 2)
            try await store.close()
            await expectFailure(.unavailable) { _ = try SQLiteStore(readingOnly: directory + "/nowhere", logger: quietLogger) }
        }
    }
}
