import Foundation
import HTTPClient
import Integration
import Logging
import Secrets
import Store
import Synchronization
import Testing

@testable import Portal

/// A data directory with sealed secrets in it, and the keeper of its keys.
private struct Vaults {
    let directory: String
    let partners: Int

    func configuration(_ settings: [String: String] = [:]) throws -> Configuration {
        var own = ["PERCH_DATA_DIRECTORY": directory, "PERCH_RESOURCES": Repository.path("")]
        own.merge(settings) { _, new in new }
        return try Configuration(SettingSources(commandLine: own))
    }

    static func dependencies(_ random: RandomSource = .system) -> Dependencies {
        Dependencies(
            http: AnsweringSender(), random: random, logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
    }

    func open() throws -> SQLiteStore {
        try SQLiteStore(
            directory: directory, migrationsDirectory: Repository.path("migrations"),
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
    }

    static func secret(_ column: String, _ partner: PartnerID) -> String { "canary-\(column)-of-\(partner)" }

    func fill(_ store: SQLiteStore, _ ring: KeyRing) async throws {
        for number in 0..<partners {
            let now = Date(timeIntervalSince1970: 1_800_000_000)
            let id = PartnerID("par_\(number)")
            try await store.createPartner(
                Partner(id: id, vendorReference: "v\(number)", name: "P\(number)", timeZone: "UTC", createdAt: now).proven(by: ring))
            let key = try ring.seal(
                Secret(Self.secret("key", id)), SealContext(table: "connection", row: id.rawValue, column: "partner_key"), random: .system)
            try await store.updateConnection(id) { connection in
                connection.state = .connected
                connection.partnerKey = key
                connection.keyLastFour = "last"
                connection.keySavedAt = now
            }
            try await store.saveVendorCredential(
                VendorCredential(
                    partnerID: id, connectorID: "shelf", openFields: [:],
                    sealedFields: try ring.seal(
                        Secret(Self.secret("fields", id)),
                        SealContext(table: "vendor_credential", row: id.rawValue, column: "sealed_fields"), random: .system),
                    savedAt: now))
        }
    }

    /// How many secrets open and say what they said.
    static func readable(_ store: SQLiteStore, _ ring: KeyRing) async throws -> Int {
        var count = 0
        for value in try await store.sealedValues(notUnder: nil, after: nil, limit: 9_999) where value.context.table != "sealed_setting" {
            let text = try ring.open(value.sealed, value.context).reveal()
            #expect(text == secret(value.context.column == "partner_key" ? "key" : "fields", PartnerID(value.context.row)))
            count += 1
        }
        return count
    }
}

private func withVaults(_ partners: Int, _ body: (Vaults) async throws -> Void) async throws {
    let directory = FileManager.default.temporaryDirectory.appending(path: "perch-keys-\(UUID().uuidString)").path()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    try await body(Vaults(directory: directory, partners: partners))
}

@Suite("Rotation of keys")
struct KeyRotationTests {
    @Test("seals everything anew while it is read and written, and the old data key is gone after the next start")
    func whole() async throws {
        try await withVaults(20) { vaults in
            let store = try vaults.open()
            let keeper = KeyKeeper(try vaults.configuration(), Vaults.dependencies(), store)
            let ring = try await keeper.openKeyRing()
            try await vaults.fill(store, ring)
            let old = ring.keyID
            let copyOfRing = ring
            let report = try await keeper.rotateDataKey(ring, by: .commandLine)
            #expect(report.resealed == 40 && report.failed == [] && report.keyID != old)
            #expect(copyOfRing.keyID == report.keyID, "all copies of a ring seal with the new key")
            #expect(try await Vaults.readable(store, ring) == 40)
            #expect(try await store.sealedValues(notUnder: report.keyID, after: nil, limit: 9).isEmpty)
            #expect(try await store.wrappedKeys().map(\.id) == [report.keyID, old])
            #expect(try await store.auditEntries(partner: nil, before: nil, limit: 1).first?.action == "keys.rotateData")
            try await store.close()

            let next = try vaults.open()
            let again = KeyKeeper(try vaults.configuration(), Vaults.dependencies(), next)
            let reopened = try await again.openKeyRing()
            try await again.finishRotation(reopened)
            #expect(try await next.wrappedKeys().map(\.id) == [report.keyID])
            let last = try await next.auditEntries(partner: nil, before: nil, limit: 1).first
            #expect(last?.actor == "perch" && last?.action == "keys.removeRetired")
            #expect(try await Vaults.readable(next, reopened) == 40)
            try await next.close()
        }
    }

    @Test("never makes a new data key beside secrets whose own is gone: the start is refused, and the doctor says why")
    func lostDataKey() async throws {
        for statement in ["DELETE FROM data_key", "UPDATE data_key SET retired_at = 1", "UPDATE data_key SET id = 'dek_other'"] {
            try await withVaults(2) { vaults in
                let first = try vaults.open()
                let configuration = try vaults.configuration()
                try await vaults.fill(first, try await KeyKeeper(configuration, Vaults.dependencies(), first).openKeyRing())
                try await first.raw(statement)
                let left = try await first.wrappedKeys()
                let error = await #expect(throws: ApplicationError.self, "\(statement)") {
                    _ = try await KeyKeeper(configuration, Vaults.dependencies(), first).openKeyRing()
                }
                if left.first?.id != "dek_other" { #expect(error?.message.contains("not the data key that opens them") == true) }
                #expect(try await first.wrappedKeys() == left)
                try await first.close()
                let check = try #require(try await Doctor(configuration, Vaults.dependencies()).examine().last)
                #expect(check.faults.count == 1, "\(check)")
            }
        }
    }

    @Test("of which one secret has lost its data key goes on with the others, and the doctor names the one")
    func oneLostSecret() async throws {
        try await withVaults(2) { vaults in
            let store = try vaults.open()
            let configuration = try vaults.configuration()
            try await vaults.fill(store, try await KeyKeeper(configuration, Vaults.dependencies(), store).openKeyRing())
            try await store.raw(
                "UPDATE connection SET partner_key = CAST(replace(partner_key, 'dek_', 'dex_') AS BLOB) WHERE partner_id = 'par_1'")
            _ = try await KeyKeeper(configuration, Vaults.dependencies(), store).openKeyRing()
            try await store.close()
            let check = try #require(try await Doctor(configuration, Vaults.dependencies()).examine().last)
            #expect(check.faults.count == 1 && check.faults[0].contains("connection.partner_key of par_1"), "\(check)")
            #expect(check.remark.hasPrefix("3 open with"))
        }
    }

    @Test("of the master key, cut off between database and key file, is told as that, and opens all the same")
    func doctorAfterKill() async throws {
        try await withVaults(2) { vaults in
            let store = try vaults.open()
            let configuration = try vaults.configuration()
            let keeper = KeyKeeper(configuration, Vaults.dependencies(), store)
            try await vaults.fill(store, try await keeper.openKeyRing())
            let file = vaults.directory + "/secret.key"
            let old = try Data(contentsOf: URL(filePath: file))
            try await keeper.rotateMasterKey(to: nil, by: .commandLine)
            let new = try Data(contentsOf: URL(filePath: file))
            try await store.close()
            // As a kill leaves it after the database was wrapped, and as one leaves it before.
            for (key, next) in [(old, new), (new, old)] {
                for (bytes, name) in [(key, file), (next, file + ".next")] {
                    FileManager.default.createFile(atPath: name, contents: bytes, attributes: [.posixPermissions: 0o600])
                }
                let check = try #require(try await Doctor(configuration, Vaults.dependencies()).examine().last)
                #expect(check.faults == [], "\(check)")
                #expect(check.remark.contains("`perch keys rotate master` was cut off, and the next start ends it"))
            }
        }
    }

    @Test("of the master key leaves no copy of a key behind that a kill in the middle of writing it left")
    func leftovers() async throws {
        try await withVaults(1) { vaults in
            let store = try vaults.open()
            let configuration = try vaults.configuration()
            let other = ["secret.key.copy", "secret.key.next2"]
            for name in ["secret.key.new-abc", "secret.key.next.new-abc"] + other {
                FileManager.default.createFile(
                    atPath: "\(vaults.directory)/\(name)", contents: Data("x".utf8), attributes: [.posixPermissions: 0o600])
            }
            _ = try await KeyKeeper(configuration, Vaults.dependencies(), store).openKeyRing()
            try await store.close()
            let left = try FileManager.default.contentsOfDirectory(atPath: vaults.directory).filter { $0.hasPrefix("secret.key") }
            #expect(left.sorted() == ["secret.key"] + other)
        }
    }

    /// The random source is asked once for every value that is sealed: the files as they are then are what a kill leaves behind.
    @Test("of the data key, killed at every row, goes on and loses nothing")
    func killedAtEveryRow() async throws {
        try await withVaults(40) { vaults in
            let images = Mutex<[String]>([])
            let imaging = RandomSource { count in
                // 12 bytes are a nonce: a value is about to be sealed and written.
                if count == 12 {
                    images.withLock { images in
                        let image = "\(vaults.directory)-\(images.count)"
                        try? FileManager.default.createDirectory(atPath: image, withIntermediateDirectories: true)
                        for file in ["perch.sqlite", "perch.sqlite-wal", "secret.key"] {
                            try? FileManager.default.copyItem(atPath: "\(vaults.directory)/\(file)", toPath: "\(image)/\(file)")
                        }
                        images.append(image)
                    }
                }
                return RandomSource.system.bytes(count)
            }
            let store = try vaults.open()
            let plain = KeyKeeper(try vaults.configuration(), Vaults.dependencies(), store)
            let ring = try await plain.openKeyRing()
            try await vaults.fill(store, ring)
            let keeper = KeyKeeper(try vaults.configuration(), Vaults.dependencies(imaging), store)
            let report = try await keeper.rotateDataKey(ring, atOnce: 1, by: .commandLine)
            #expect(report.resealed == 80)
            try await store.close()
            let all = images.withLock { $0 }
            // One nonce wraps the new data key, the others seal values.
            #expect(all.count == 81)
            var leftToDo: Set<Int> = []
            for image in all {
                defer { try? FileManager.default.removeItem(atPath: image) }
                let left = Vaults(directory: image, partners: 40)
                let next = try left.open()
                let keeper = KeyKeeper(try left.configuration(), Vaults.dependencies(), next)
                let ring = try await keeper.openKeyRing()
                #expect(try await Vaults.readable(next, ring) == 80, "everything opens before the rotation goes on")
                leftToDo.insert(try await next.sealedValues(notUnder: ring.keyID, after: nil, limit: 999).count)
                try await keeper.finishRotation(ring)
                #expect(try await Vaults.readable(next, ring) == 80)
                #expect(try await next.wrappedKeys().map(\.id) == [ring.keyID])
                #expect(try await next.inspect(migrationsDirectory: Repository.path("migrations")).flatMap(\.faults) == [])
                try await next.close()
            }
            #expect(leftToDo.isSuperset(of: 1...80), "each row was the one at which it was killed")
        }
    }

    @Test("of the data key never overwrites what was entered meanwhile, and leaves what does not open as it is")
    func besideWriters() async throws {
        try await withVaults(3) { vaults in
            let store = try vaults.open()
            let keeper = KeyKeeper(try vaults.configuration(), Vaults.dependencies(), store)
            let ring = try await keeper.openKeyRing()
            try await vaults.fill(store, ring)
            let values = try await store.sealedValues(notUnder: nil, after: nil, limit: 9).filter { $0.context.table == "connection" }
            let stale = SealedReplacement(
                context: values[0].context, before: SealedSecret(bytes: [1, 2, 3]), after: SealedSecret(bytes: [4]))
            #expect(try await store.replaceSealed([stale]) == 0)
            // A row that somebody damaged, or copied from another.
            let moved = SealedReplacement(context: values[1].context, before: values[1].sealed, after: values[0].sealed)
            #expect(try await store.replaceSealed([moved]) == 1)
            let old = ring.keyID
            let report = try await keeper.rotateDataKey(ring, by: .commandLine)
            #expect(report.failed == ["connection par_1"])
            #expect(report.resealed == 5)
            try await keeper.finishRotation(ring)
            #expect(try await store.wrappedKeys().map(\.id) == [ring.keyID, old], "kept for what still needs it")
            try await store.close()
            let checks = try await Doctor(try vaults.configuration(), Vaults.dependencies()).examine()
            let faults = checks.flatMap(\.faults)
            #expect(faults.count == 1 && faults[0].contains("connection.partner_key of par_1"))
        }
    }

    @Test("of the master key changes no stored value; a copy of the old key file opens nothing")
    func master() async throws {
        try await withVaults(3) { vaults in
            let store = try vaults.open()
            let keeper = KeyKeeper(try vaults.configuration(), Vaults.dependencies(), store)
            let ring = try await keeper.openKeyRing()
            try await vaults.fill(store, ring)
            let oldFile = try String(contentsOfFile: vaults.directory + "/secret.key", encoding: .utf8)
            let before = try await store.sealedValues(notUnder: nil, after: nil, limit: 99)
            try await keeper.rotateMasterKey(to: nil, by: .commandLine)
            #expect(try await store.sealedValues(notUnder: nil, after: nil, limit: 99) == before)
            #expect(try String(contentsOfFile: vaults.directory + "/secret.key", encoding: .utf8) != oldFile)
            #expect(try await Vaults.readable(store, await keeper.openKeyRing()) == 6)
            let old = KeyKeeper(
                try vaults.configuration(["PERCH_SECRET_KEY": oldFile.trimmingCharacters(in: .whitespacesAndNewlines)]),
                Vaults.dependencies(), store)
            let error = await #expect(throws: ApplicationError.self) { try await old.openKeyRing() }
            #expect(error?.message.contains("not the one that this database was set up with") == true)
            try await store.close()
        }
    }

    @Test("of the master key, cut off between key file and database, is ended by the next start whichever came last")
    func masterCutOff() async throws {
        for databaseWasWrapped in [false, true] {
            try await withVaults(2) { vaults in
                let store = try vaults.open()
                let keeper = KeyKeeper(try vaults.configuration(), Vaults.dependencies(), store)
                try await vaults.fill(store, try await keeper.openKeyRing())
                let path = vaults.directory + "/secret.key"
                let old = try #require(try MasterKeyFile.load(path))
                let new = MasterKey.generate(random: .system)
                try MasterKeyFile.writeNext(new, of: path, random: .system)
                if databaseWasWrapped {
                    try await store.rewrapKeys(
                        try KeyRing.rewrap(try await store.wrappedKeys(), from: old, to: new, random: .system))
                }
                try await store.close()

                let next = try vaults.open()
                let ring = try await KeyKeeper(try vaults.configuration(), Vaults.dependencies(), next).openKeyRing()
                #expect(try await Vaults.readable(next, ring) == 4)
                #expect(try MasterKeyFile.load(path) == (databaseWasWrapped ? new : old))
                #expect(try MasterKeyFile.load(MasterKeyFile.nextPath(of: path)) == nil)
                try await next.close()
            }
        }
    }

    @Test("of a given master key needs the new one; a wrong or missing key is told, never another made")
    func given() async throws {
        try await withVaults(2) { vaults in
            let (old, new) = (MasterKey.generate(random: .system), MasterKey.generate(random: .system))
            let store = try vaults.open()
            let settings = ["PERCH_SECRET_KEY": old.base64().reveal()]
            let keeper = KeyKeeper(try vaults.configuration(settings), Vaults.dependencies(), store)
            try await vaults.fill(store, try await keeper.openKeyRing())
            await #expect(throws: IntegrationError.self) { try await keeper.rotateMasterKey(to: nil, by: .commandLine) }
            await #expect(throws: IntegrationError.self) { try await keeper.rotateMasterKey(to: old, by: .commandLine) }
            try await keeper.rotateMasterKey(to: new, by: .commandLine)
            let after = KeyKeeper(
                try vaults.configuration(["PERCH_SECRET_KEY": new.base64().reveal()]), Vaults.dependencies(), store)
            #expect(try await Vaults.readable(store, await after.openKeyRing()) == 4)
            await #expect(throws: ApplicationError.self) { try await keeper.openKeyRing() }
            try await store.close()
            let checks = try await Doctor(try vaults.configuration(), Vaults.dependencies()).examine()
            #expect(checks.flatMap(\.faults).contains { $0.contains("There is no master key") })
            #expect(!FileManager.default.fileExists(atPath: vaults.directory + "/secret.key"), "the doctor makes nothing")
        }
    }

    @Test("goes on from the new master key while the service runs, whatever its settings still say")
    func givenThenData() async throws {
        try await withVaults(2) { vaults in
            let (old, new) = (MasterKey.generate(random: .system), MasterKey.generate(random: .system))
            let store = try vaults.open()
            let keeper = KeyKeeper(try vaults.configuration(["PERCH_SECRET_KEY": old.base64().reveal()]), Vaults.dependencies(), store)
            let ring = try await keeper.openKeyRing()
            try await vaults.fill(store, ring)
            try await keeper.rotateMasterKey(to: new, by: .commandLine)
            _ = try await keeper.rotateDataKey(ring, by: .commandLine)
            let after = KeyKeeper(
                try vaults.configuration(["PERCH_SECRET_KEY": new.base64().reveal()]), Vaults.dependencies(), store)
            #expect(try await Vaults.readable(store, await after.openKeyRing()) == 4)
            // And back again.
            try await keeper.rotateMasterKey(to: old, by: .commandLine)
            let back = KeyKeeper(
                try vaults.configuration(["PERCH_SECRET_KEY": old.base64().reveal()]), Vaults.dependencies(), store)
            #expect(try await Vaults.readable(store, await back.openKeyRing()) == 4)
            try await store.close()
        }
    }

    @Test("many at once are done one by one or refused, and the key file opens the database afterwards")
    func overlapping() async throws {
        try await withVaults(2) { vaults in
            let store = try vaults.open()
            let keeper = KeyKeeper(try vaults.configuration(), Vaults.dependencies(), store)
            let ring = try await keeper.openKeyRing()
            try await vaults.fill(store, ring)
            let done = await withTaskGroup(of: Bool.self) { group in
                for number in 0..<12 {
                    group.addTask {
                        do {
                            if number.isMultiple(of: 3) {
                                _ = try await keeper.rotateDataKey(ring, by: .commandLine)
                            } else {
                                try await keeper.rotateMasterKey(to: nil, by: .commandLine)
                            }
                            return true
                        } catch {
                            #expect((error as? IntegrationError)?.code == .conflict)
                            return false
                        }
                    }
                }
                return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(done > 0)
            let after = KeyKeeper(try vaults.configuration(), Vaults.dependencies(), store)
            #expect(try await Vaults.readable(store, await after.openKeyRing()) == 4)
            try await store.close()
        }
    }

    @Test("reaches every column of the schema that holds bytes")
    func everyColumn() async throws {
        try await withVaults(1) { vaults in
            let store = try vaults.open()
            let keeper = KeyKeeper(try vaults.configuration(), Vaults.dependencies(), store)
            let ring = try await keeper.openKeyRing()
            try await vaults.fill(store, ring)
            _ = try await OperatorKeys.hashing(store: store, keyRing: ring, random: .system)
            let bytes = try await store.rawTexts(
                """
                SELECT m.name || '.' || c.name AS text FROM sqlite_schema AS m, pragma_table_info(m.name) AS c
                WHERE m.type = 'table' AND c.type = 'BLOB'
                """)
            let sealed = try await store.sealedValues(notUnder: nil, after: nil, limit: 99).map {
                "\($0.context.table).\($0.context.column)"
            }
            // What was handed in is usage as it stands in the ledger, and no secret.
            let clear: Set = ["data_key.wrapped", "data_key.check_value", "usage_delivery.content"]
            #expect(Set(bytes) == Set(sealed).union(clear))
            try await store.close()
        }
    }
}
