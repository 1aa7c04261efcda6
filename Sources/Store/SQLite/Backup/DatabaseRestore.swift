import Foundation
import GRDB
import Glibc
import Secrets

/// Puts a backup in the place of a database.
public struct DatabaseRestore: Sendable {
    /// Where the backup is, as a file.
    public var backup: String
    public var directory: String
    public var migrationsDirectory: String
    /// A database that is there is moved aside; without it, it is a reason to stop.
    public var replaces = false
    /// A backup of an older schema is brought to the newest; without it, it is a reason to stop.
    public var upgrades = false

    public init(backup: String, directory: String, migrationsDirectory: String) {
        self.backup = backup
        self.directory = directory
        self.migrationsDirectory = migrationsDirectory
    }

    public struct Report: Sendable, Hashable {
        /// Where the database that was there is now.
        public var movedAside: String?
        /// Migrations that were applied to the backup.
        public var applied: [String]
    }

    /// Checks a copy of the backup, makes it ready, and only then swaps it in. Whatever fails before, the database that was there
    /// stays in its place.
    ///
    /// Sign-ins and launch links of the time of the backup end, and operator keys that were revoked and launch tokens that were used
    /// since, as far as the replaced database can be read, stay so: nobody must be let in again by a restore.
    /// - Parameter admits: throws when this installation's key does not open the backup's data keys, or these not its sealed values;
    ///   returns what they open to, nil for a backup that has none.
    /// - Throws: `StoreError` with code `locked` while a process has the database, `newerSchema` for a backup of a newer Perch,
    ///   `migration` for an older one without `upgrades`, `duplicate` when there is a database and not `replaces`, `corrupt`
    ///   for a backup that an inspection finds faults in; and what `admits` throws.
    public func run(at instant: Date, admits: ([WrappedDataKey], [SealedValue]) throws -> KeyRing?) throws -> Report {
        let migrations = try Migrations(directory: migrationsDirectory)
        let place = try DataDirectory(directory)
        let lock = try ProcessLock(place)
        defer { lock.release() }
        let isThere = access(place.databasePath, F_OK) == 0
        guard !isThere || replaces else {
            throw StoreError(
                code: .duplicate,
                message: "There is a database in \(place.path) already. It was left as it is; say --replace to move it aside.")
        }

        let incoming = place.databasePath + ".restoring"
        defer { DatabaseFile.remove(incoming) }
        try copy(to: incoming)
        let applied = try prepare(incoming, migrations, instant, takenAway(place), admits)
        try DatabaseFile.sync(incoming)
        let aside = isThere ? try moveAside(place, instant) : nil
        try DatabaseFile.move(incoming, to: place.databasePath)
        return Report(movedAside: aside, applied: applied)
    }

    private func copy(to path: String) throws(StoreError) {
        guard access(backup, R_OK) == 0 else {
            throw StoreError(code: .unavailable, message: "The backup \(backup) cannot be read: \(lastError()). Nothing was changed.")
        }
        try DatabaseFile.makeEmpty(path)
        do {
            let source = try FileHandle(forReadingFrom: URL(filePath: backup))
            let target = try FileHandle(forWritingTo: URL(filePath: path))
            while let piece = try source.read(upToCount: 1 << 20), !piece.isEmpty { try target.write(contentsOf: piece) }
            try source.close()
            try target.close()
            try requireWhole(FileHandle(forReadingFrom: URL(filePath: path)))
        } catch let error as StoreError {
            throw error
        } catch {
            throw StoreError(
                code: .io, message: "The backup \(backup) cannot be copied: \(error.localizedDescription). Nothing was changed.")
        }
    }

    /// SQLite's header says how long the file is (sqlite.org/fileformat section 1.3): a copy that was cut off is told as one.
    private func requireWhole(_ file: FileHandle) throws {
        let header = try file.read(upToCount: 100).map(Array.init) ?? []
        let length = try file.seekToEnd()
        try file.close()
        guard header.count == 100, header.starts(with: Array("SQLite format 3\0".utf8)) else {
            throw StoreError(
                code: .corrupt,
                message: "The file \(backup) is not a database: it has \(length) bytes and not SQLite's header. Nothing was changed.")
        }
        func number(_ range: Range<Int>) -> UInt64 { header[range].reduce(0) { $0 << 8 | UInt64($1) } }
        let pageSize = number(16..<18) == 1 ? 65_536 : number(16..<18)
        let whole = pageSize * number(28..<32)
        guard length >= whole else {
            throw StoreError(
                code: .corrupt,
                message: "The backup \(backup) was cut off: it has \(length) of \(whole) bytes. Nothing was changed. Copy it again.")
        }
    }

    /// What must not be let in again, as the database that is replaced knows it.
    private struct TakenAway {
        /// When each operator key was revoked, in milliseconds since 1970.
        var keys: [String: Int64] = [:]
        /// Launch tokens that were used, and when they are forgotten.
        var nonces: [String: Int64] = [:]
    }

    /// Nothing where there is no database, or none that can be read: a damaged one may be the reason for the restore.
    private func takenAway(_ place: DataDirectory) throws -> TakenAway {
        var found = TakenAway()
        guard access(place.databasePath, F_OK) == 0 else { return found }
        do {
            let old = try DatabaseQueue(path: place.databasePath)
            try old.read { database in
                for row in try Row.fetchAll(database, sql: "SELECT id, revoked_at FROM operator_key WHERE revoked_at IS NOT NULL") {
                    found.keys[row["id"]] = row["revoked_at"]
                }
                for row in try Row.fetchAll(database, sql: "SELECT nonce, expires_at FROM launch_nonce") {
                    found.nonces[row["nonce"]] = row["expires_at"]
                }
            }
            try old.close()
        } catch is DatabaseError {
            return TakenAway()
        }
        return found
    }

    private func prepare(
        _ path: String, _ migrations: Migrations, _ instant: Date, _ takenAway: TakenAway,
        _ admits: ([WrappedDataKey], [SealedValue]) throws -> KeyRing?
    ) throws -> [String] {
        do {
            let queue = try DatabaseQueue(path: path)
            let applied = try queue.writeWithoutTransaction { database in
                try database.execute(sql: "PRAGMA journal_mode = DELETE")
                guard try database.tableExists("schema_migration") else {
                    throw StoreError(code: .corrupt, message: "The file \(backup) is not a database of Perch. Nothing was changed.")
                }
                let missing = try migrations.missing(in: database)
                guard missing.isEmpty || upgrades else {
                    throw StoreError(
                        code: .migration,
                        message: """
                            The backup is of an older schema: it lacks \(missing.map(\.name).joined(separator: ", ")). Nothing was \
                            changed. Restore it with the Perch that made it, or say --upgrade to bring it to this one's schema, \
                            which the older Perch cannot open any more.
                            """)
                }
                _ = try migrations.apply(to: database)
                try database.inTransaction {
                    try database.chainOlderAuditEntries()
                    return .commit
                }
                try requireNone(SQLiteStore.inspect(database, migrations).flatMap(\.faults))
                let keyRing = try admits(
                    database.fetchAll(WrappedDataKey.self, "SELECT * FROM data_key ORDER BY retired_at IS NULL DESC"),
                    database.sealedValues(notUnder: nil, after: nil, limit: .max))
                if let keyRing { try requireNone(SQLiteStore.inspectProofs(database, keyRing).faults) }
                try database.inTransaction(.immediate) {
                    for table in ["web_session", "launch_link"] { try database.execute(sql: "DELETE FROM \(table)") }
                    for (id, revokedAt) in takenAway.keys {
                        try database.carryOver(revokedAt, of: id, keyRing)
                    }
                    for (nonce, expiresAt) in takenAway.nonces {
                        try database.change("INSERT OR IGNORE INTO launch_nonce (nonce, expires_at) VALUES (?, ?)", [nonce, expiresAt])
                    }
                    try database.append(
                        AuditEntry(
                            at: instant, actor: "commandLine", action: "database.restore", partnerID: nil, address: nil,
                            details: "restored a backup; sign-ins of its time were ended"))
                    return .commit
                }
                // As the service has it. A command that is killed leaves a WAL, which who only reads can read; of the other kind of journal
                // nobody can, before somebody has written.
                try database.execute(sql: "PRAGMA journal_mode = WAL")
                return missing.map(\.name)
            }
            try queue.close()
            return applied
        } catch let error as DatabaseError {
            throw StoreError(mapping: error)
        }
    }

    private func requireNone(_ faults: [String]) throws(StoreError) {
        guard faults.isEmpty else {
            throw StoreError(
                code: .corrupt, message: "The backup is damaged, so nothing was changed. \(faults.joined(separator: " "))")
        }
    }

    private func moveAside(_ place: DataDirectory, _ instant: Date) throws -> String {
        // What is still in the WAL belongs to the old database; it goes into the file where that still can be opened.
        do {
            let old = try DatabaseQueue(path: place.databasePath)
            try old.writeWithoutTransaction { _ = try $0.checkpoint(.truncate) }
            try old.close()
        } catch is DatabaseError {
            // A damaged one may be the reason for the restore: it is kept with its WAL as it is.
        }
        let stamp = instant.formatted(Date.ISO8601FormatStyle(dateTimeSeparator: .standard, timeSeparator: .omitted))
        let usual = "\(place.databasePath).before-restore-\(stamp)"
        // Two restores within a second must not take each other's.
        let names = [usual] + (2...).lazy.prefix(1000).map { "\(usual)-\($0)" }
        let aside = names.first { access($0, F_OK) != 0 } ?? usual
        // A journal too: SQLite would undo with it what it takes for a write to the new database.
        for suffix in ["-wal", "-shm", "-journal"] where access(place.databasePath + suffix, F_OK) == 0 {
            try DatabaseFile.move(place.databasePath + suffix, to: aside + suffix)
        }
        try DatabaseFile.nameAlso(place.databasePath, aside)
        return aside
    }
}

extension Database {
    /// A key that was revoked after the backup stays so.
    fileprivate func carryOver(_ revokedAt: Int64, of id: String, _ keyRing: KeyRing?) throws {
        let found = try fetchOne(OperatorKey.self, "SELECT * FROM operator_key WHERE id = ? AND revoked_at IS NULL", [id])
        guard var key = found else { return }
        key.revokedAt = Date(milliseconds: revokedAt)
        if let keyRing { key = key.proven(by: keyRing) }
        try update("operator_key", ["revoked_at": revokedAt, "proof": key.proof], where: "id", is: id)
        try append(key.revocation(by: "commandLine", from: nil, at: Date(milliseconds: revokedAt)))
    }
}
