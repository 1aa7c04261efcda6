import Foundation
import GRDB
import Secrets

/// One thing that was looked at, and what was found.
public struct InspectionCheck: Sendable, Hashable {
    /// For instance "audit trail".
    public var name: String
    /// What a person reads when all is well.
    public var remark: String
    /// What is wrong, each by name; empty when nothing is.
    public var faults: [String]

    public init(_ name: String, _ remark: String, faults: [String] = []) {
        self.name = name
        self.remark = remark
        self.faults = faults
    }
}

extension SQLiteStore {
    /// Looks at the whole database: SQLite's own integrity check, references, migrations and the schema that they make, the chain of the
    /// audit trail, operator keys as the trail tells of them. Reads only; what cannot be read is a fault like any other.
    public func inspect(migrationsDirectory: String) async throws(StoreError) -> [InspectionCheck] {
        let migrations = try Migrations(directory: migrationsDirectory)
        return try await read { database in
            Self.inspect(database, migrations)
        }
    }

    /// Looks whether the rows that let somebody in are as who holds the keys has written them.
    public func inspectProofs(_ keyRing: KeyRing) async throws(StoreError) -> InspectionCheck {
        try await read { Self.inspectProofs($0, keyRing) }
    }

    static func inspectProofs(_ database: Database, _ keyRing: KeyRing) -> InspectionCheck {
        check("rows that let in") {
            guard keyRing.provesRows else {
                return ("not proven yet; the next start proves them", try database.wereRowsProven() ? [OlderDataKey.message] : [])
            }
            guard try database.hasProofs() else { return ("not proven yet; the next start proves them", []) }
            let rows: [any ProvenRow] =
                try database.fetchAll(Partner.self, "SELECT * FROM partner ORDER BY id")
                + database.fetchAll(OperatorKey.self, "SELECT * FROM operator_key ORDER BY id")
                + database.fetchAll(LaunchLink.self, "SELECT * FROM launch_link ORDER BY token_hash")
                + database.fetchAll(WebSession.self, "SELECT * FROM web_session ORDER BY token_hash")
            return (
                "\(rows.count) partners, operator keys, links and sessions as Perch wrote them", rows.compactMap { $0.fault(keyRing) }
            )
        }
    }

    static func inspect(_ database: Database, _ migrations: Migrations) -> [InspectionCheck] {
        [
            check("integrity") {
                let said = try String.fetchAll(database, sql: "PRAGMA integrity_check(20)")
                return ("every page and index fits", said == ["ok"] ? [] : said)
            },
            check("references") {
                let broken = try Row.fetchAll(database, sql: "PRAGMA foreign_key_check")
                let faults = broken.map { row in
                    "A row of \(row["table"] as String? ?? "?") refers to a row of \(row["parent"] as String? ?? "?") that is not there."
                }
                return ("every row that is referred to is there", Array(Set(faults)).sorted())
            },
            check("migrations") {
                let missing = try migrations.missing(in: database)
                return (
                    missing.isEmpty
                        ? "schema \(migrations.all.count), the newest"
                        : "schema \(migrations.all.count - missing.count); the next start applies \(missing.map(\.name).joined(separator: ", "))",
                    try schemaFaults(in: database, migrations.leading(migrations.all.count - missing.count))
                )
            },
            check("audit trail") {
                guard try database.columns(in: "audit_entry").contains(where: { $0.name == "hash" }) else {
                    return ("not chained yet; the next start chains it", [])
                }
                let walk = try database.auditWalk()
                return ("\(walk.head.sequence) entries, head \(walk.head.hash)", walk.faults.map(\.description))
            },
            check("operator keys") {
                guard try database.hasProofs() else {
                    return ("of an older schema", [])
                }
                let hasHashKey = try database.isThere("SELECT 1 FROM sealed_setting WHERE name = 'operator_key_hash'")
                let hasKeyedHashes = try database.isThere("SELECT 1 FROM operator_key WHERE hash LIKE 'h1:%'")
                if hasKeyedHashes, !hasHashKey { return ("", [OperatorKeyTrail.lostHashKey]) }
                let keys = try database.fetchAll(OperatorKey.self, "SELECT * FROM operator_key ORDER BY created_at, id")
                let entries = try database.fetchAll(
                    AuditEntry.self, "SELECT * FROM audit_entry WHERE action IN (?, ?, ?) ORDER BY sequence",
                    [OperatorKeyTrail.issuing, OperatorKeyTrail.revoking, OperatorKeyTrail.restoring])
                return ("\(keys.count) as the audit trail tells of them", OperatorKeyTrail.faults(keys, entries))
            },
        ]
    }

    /// Where the schema is not what the migrations make: a trigger that was dropped guards nothing any more, and one that was added
    /// does what somebody else wanted.
    private static func schemaFaults(in database: Database, _ applied: Migrations) throws -> [String] {
        let pristine = try DatabaseQueue()
        let made = try pristine.writeWithoutTransaction { database in
            _ = try applied.apply(to: database)
            return try schema(of: database)
        }
        let found = try schema(of: database)
        let faults = Set(made.keys).union(found.keys).sorted().compactMap { name -> String? in
            switch (made[name], found[name]) {
            case (_?, nil): "The \(name) is missing."
            case (nil, _?): "The \(name) is none that Perch makes."
            case (let made, let found): made == found ? nil : "The \(name) was altered."
            }
        }
        return faults
    }

    /// What each table, index, trigger and view is made with, by kind and name. White space and quotes are left out: SQLite's versions
    /// differ in them when they rewrite a statement for a table that is renamed.
    private static func schema(of database: Database) throws -> [String: String] {
        let rows = try Row.fetchAll(
            database, sql: #"SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite\_%' ESCAPE '\'"#)
        return try Dictionary(
            rows.map { row in
                let reader = RowReader(row, of: "sqlite_schema", key: ["name"])
                let sql = try reader.optionalText("sql") ?? ""
                return (
                    "\(try reader.text("type")) \(try reader.text("name"))",
                    try reader.text("tbl_name") + " " + sql.filter { !$0.isWhitespace && $0 != "\"" }
                )
            }, uniquingKeysWith: { $0 + $1 })
    }

    private static func check(_ name: String, _ body: () throws -> (String, [String])) -> InspectionCheck {
        do {
            let (remark, faults) = try body()
            return InspectionCheck(name, remark, faults: faults)
        } catch {
            return InspectionCheck(name, "could not be looked at", faults: [StoreError(mapping: error).message])
        }
    }
}

extension Database {
    /// Whether the schema has proofs of rows.
    func hasProofs() throws -> Bool {
        try columns(in: "partner").contains { $0.name == "proof" }
    }

    /// Whether rows of this database carry proofs, or once did.
    func wereRowsProven() throws -> Bool {
        try hasProofs()
            && isThere(
                """
                SELECT 1 FROM partner WHERE proof <> '' UNION ALL SELECT 1 FROM operator_key WHERE proof <> ''
                    UNION ALL SELECT 1 FROM audit_entry WHERE action = '\(OlderDataKey.provingAction)'
                """)
    }

    fileprivate func isThere(_ query: String) throws -> Bool { try Bool.fetchOne(self, sql: "SELECT EXISTS (\(query))") ?? false }
}
