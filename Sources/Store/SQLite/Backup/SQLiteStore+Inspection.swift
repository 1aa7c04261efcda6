import Foundation
import GRDB

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
    /// Looks at the whole database: SQLite's own integrity check, references, migrations, the chain of the audit trail. Reads only;
    /// what cannot be read is a fault like any other.
    public func inspect(migrationsDirectory: String) async throws(StoreError) -> [InspectionCheck] {
        let migrations = try Migrations(directory: migrationsDirectory)
        return try await read { database in
            Self.inspect(database, migrations)
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
                    []
                )
            },
            check("audit trail") {
                guard try database.columns(in: "audit_entry").contains(where: { $0.name == "hash" }) else {
                    return ("not chained yet; the next start chains it", [])
                }
                let walk = try database.auditWalk()
                return ("\(walk.head.sequence) entries, head \(walk.head.hash)", walk.faults.map(\.description))
            },
        ]
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
