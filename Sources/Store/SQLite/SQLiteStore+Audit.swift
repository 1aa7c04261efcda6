import Foundation
import GRDB

extension SQLiteStore {
    public func appendAudit(_ entry: AuditEntry) async throws(StoreError) {
        try await write { try $0.append(entry) }
    }

    public func auditEntries(
        partner: PartnerID?, before cursor: Int?, limit: Int
    ) async throws(StoreError) -> [AuditEntry] {
        try await read { database in
            var arguments: StatementArguments = []
            if let partner { arguments += [partner.rawValue] }
            arguments += [cursor ?? .max, max(0, limit)]
            return try database.fetchAll(AuditEntry.self, Queries.auditEntries(ofPartner: partner != nil), arguments)
        }
    }

    public func auditEntries(after cursor: Int, limit: Int) async throws(StoreError) -> [AuditEntry] {
        try await read { try $0.fetchAll(AuditEntry.self, Queries.auditEntriesAfter, [cursor, max(0, limit)]) }
    }
}

extension Queries {
    /// Arguments: partner when asked for one, cursor, limit.
    static func auditEntries(ofPartner: Bool) -> String {
        """
        SELECT * FROM audit_entry WHERE \(ofPartner ? "partner_id = ? AND" : "") sequence < ?
        ORDER BY sequence DESC LIMIT ?
        """
    }

    /// Arguments: cursor, limit.
    static let auditEntriesAfter = "SELECT * FROM audit_entry WHERE sequence > ? ORDER BY sequence LIMIT ?"
}

extension Database {
    /// Chains the entry to the last one and inserts it.
    func append(_ entry: AuditEntry) throws {
        var entry = entry
        entry.sequence = try lastAuditSequence() + 1
        let before = try String.fetchOne(
            cachedStatement(sql: "SELECT hash FROM audit_entry ORDER BY sequence DESC LIMIT 1"))
        try insert(
            into: "audit_entry",
            [
                "sequence": entry.sequence, "at": entry.at.milliseconds, "actor": entry.actor, "action": entry.action,
                "partner_id": entry.partnerID?.rawValue, "address": entry.address, "details": entry.details,
                "hash": AuditChain.hash(of: entry, after: before ?? AuditChain.beginning),
            ])
    }

    /// The highest sequence ever given, of an entry that is gone too.
    func lastAuditSequence() throws -> Int {
        try Int.fetchOne(cachedStatement(sql: "SELECT seq FROM sqlite_sequence WHERE name = 'audit_entry'")) ?? 0
    }

    /// Chains the entries of a trail that was never chained, once: those written before there was a chain.
    func chainOlderAuditEntries() throws {
        // An older schema, as the tests of migrations have it.
        guard try columns(in: "audit_entry").contains(where: { $0.name == "hash" }),
            try Int.fetchOne(self, sql: "SELECT COUNT(hash) FROM audit_entry") == 0
        else { return }
        var before = AuditChain.beginning
        for entry in try fetchAll(AuditEntry.self, "SELECT * FROM audit_entry ORDER BY sequence") {
            before = AuditChain.hash(of: entry, after: before)
            try change("UPDATE audit_entry SET hash = ? WHERE sequence = ?", [before, entry.sequence])
        }
    }

    /// The whole trail, held against its chain.
    func auditWalk() throws -> AuditChain.Walk {
        var walk = AuditChain.Walk()
        let rows = try Row.fetchCursor(self, sql: "SELECT * FROM audit_entry ORDER BY sequence")
        while let row = try rows.next() {
            walk.take(try AuditEntry(RowReader(row, of: AuditEntry.table, key: AuditEntry.key)))
        }
        walk.end(atLast: try lastAuditSequence())
        return walk
    }
}

extension AuditEntry: StoredRecord {
    static let table = "audit_entry"
    static let key = ["sequence"]

    init(_ row: RowReader) throws(StoreError) {
        self.init(
            sequence: try row.integer("sequence"), at: try row.instant("at"), actor: try row.text("actor"),
            action: try row.text("action"), partnerID: try row.optionalText("partner_id").map { PartnerID($0) },
            address: try row.optionalText("address"), details: try row.text("details"),
            chainHash: try row.optionalText("hash") ?? "")
    }
}
