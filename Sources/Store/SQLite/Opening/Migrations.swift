import Foundation
import GRDB
import Secrets

/// One numbered SQL file of the migrations directory.
struct Migration: Sendable, Equatable {
    let number: Int
    /// The file's name, for instance `0001_initial.sql`.
    let name: String
    let sql: String
    /// Of the file's bytes, in lower-case hexadecimal.
    let sha256: String
}

/// Brings a database to the newest schema. Files are applied in order, each in one transaction, and never again; a file that was
/// applied must stay as it was.
struct Migrations {
    let directory: String
    let all: [Migration]

    /// Reads all files named `0001_some_words.sql` and so on, without a gap.
    /// - Throws: `StoreError` with code `migration`.
    init(directory: String) throws(StoreError) {
        self.directory = directory
        let names: [String]
        do {
            names = try FileManager.default.contentsOfDirectory(atPath: directory).filter { $0.hasSuffix(".sql") }.sorted()
        } catch {
            throw Self.failure("The migrations directory \(directory) cannot be read: \(error.localizedDescription).")
        }
        guard !names.isEmpty else {
            throw Self.failure("The migrations directory \(directory) holds no migration, such as 0001_initial.sql.")
        }
        var found: [Migration] = []
        for name in names {
            guard let match = name.wholeMatch(of: /(\d{4})_[a-z0-9_]+\.sql/), let number = Int(match.1),
                number == found.count + 1
            else {
                let next = String(found.count + 1)
                let expected = String(repeating: "0", count: max(0, 4 - next.count)) + next
                throw Self.failure(
                    "The migrations directory \(directory) holds \(name) where \(expected)_some_words.sql is expected.")
            }
            found.append(try Self.read(name, number, directory))
        }
        all = found
    }

    /// The first `count` of them: what a database of an older schema was made with.
    func leading(_ count: Int) -> Migrations { Migrations(directory, Array(all.prefix(count))) }

    private init(_ directory: String, _ all: [Migration]) { (self.directory, self.all) = (directory, all) }

    /// Applies what is missing and returns it.
    /// - Throws: `StoreError` with code `newerSchema` or `migration`; what was applied before stays, what failed is undone.
    func apply(to database: Database) throws -> [Migration] {
        try database.execute(
            sql: """
                CREATE TABLE IF NOT EXISTS schema_migration (
                    number INTEGER PRIMARY KEY, name TEXT NOT NULL, sha256 TEXT NOT NULL
                ) STRICT
                """)
        let missing = try missing(in: database)
        guard !missing.isEmpty else { return [] }

        // A migration may have to rebuild a table that others refer to, which SQLite allows only with the checks put off
        // (sqlite.org/lang_altertable.html section 7); `apply` checks all references before it commits.
        try database.execute(sql: "PRAGMA foreign_keys = OFF")
        for migration in missing {
            try apply(migration, to: database)
        }
        try database.execute(sql: "PRAGMA foreign_keys = ON")
        return missing
    }

    /// What `apply` would apply. Reads only.
    /// - Throws: `StoreError` with code `newerSchema` or `migration`.
    func missing(in database: Database) throws -> [Migration] {
        try checkApplied(database)
        let applied = try Int.fetchOne(database, sql: "SELECT COUNT(*) FROM schema_migration") ?? 0
        return Array(all.dropFirst(applied))
    }

    private func apply(_ migration: Migration, to database: Database) throws {
        do {
            try database.inTransaction(.immediate) {
                try database.execute(sql: migration.sql)
                guard database.isInsideTransaction else {
                    throw Self.failure("Migration \(migration.name) ends the transaction that it is applied in.")
                }
                if let broken = try Row.fetchOne(database, sql: "PRAGMA foreign_key_check") {
                    let table: String? = broken["table"]
                    throw Self.failure("Migration \(migration.name) breaks references of table \(table ?? "?").")
                }
                try database.execute(
                    sql: "INSERT INTO schema_migration (number, name, sha256) VALUES (?, ?, ?)",
                    arguments: [migration.number, migration.name, migration.sha256])
                return .commit
            }
        } catch let error as DatabaseError where error.resultCode == .SQLITE_ERROR || error.resultCode == .SQLITE_CONSTRAINT {
            throw Self.failure("Migration \(migration.name) failed: \(error.message ?? "no reason given").")
        }
    }

    /// What the database says was applied must be what the directory holds.
    private func checkApplied(_ database: Database) throws {
        let rows = try Row.fetchAll(database, sql: "SELECT number, name, sha256 FROM schema_migration ORDER BY number")
        for (index, row) in rows.enumerated() {
            let reader = RowReader(row, of: "schema_migration", key: ["number"])
            let name = try reader.text("name")
            guard try reader.integer("number") == index + 1 else { throw reader.corrupt("number") }
            guard index < all.count else {
                throw StoreError(
                    code: .newerSchema,
                    message: """
                        A newer Perch wrote this database: migration \(name) is not in \(directory). Nothing was changed. \
                        Start the newer version, or restore a backup from before the upgrade.
                        """)
            }
            let migration = all[index]
            guard migration.name == name else {
                throw Self.failure("Migration \(name) was applied to this database but is missing from \(directory).")
            }
            guard migration.sha256 == (try reader.text("sha256")) else {
                throw Self.failure("Migration \(name) in \(directory) was changed after it was applied to this database.")
            }
        }
    }

    private static func read(_ name: String, _ number: Int, _ directory: String) throws(StoreError) -> Migration {
        do {
            let bytes = try Data(contentsOf: URL(filePath: directory).appending(path: name))
            guard let sql = String(validating: bytes, as: UTF8.self) else {
                throw failure("Migration \(name) in \(directory) is not UTF-8 text.")
            }
            return Migration(number: number, name: name, sql: sql, sha256: TokenHash.sha256(sql))
        } catch let error as StoreError {
            throw error
        } catch {
            throw failure("Migration \(name) in \(directory) cannot be read: \(error.localizedDescription).")
        }
    }

    private static func failure(_ what: String) -> StoreError {
        StoreError(
            code: .migration,
            message: """
                \(what) The database was left at the last complete migration. Use the files that came with this version of \
                Perch.
                """)
    }
}
