import Foundation
import GRDB

extension SQLiteStore {
    public func accounts(_ partner: PartnerID) async throws(StoreError) -> [Account] {
        try await read { database in
            try database.fetchAll(
                Account.self, "SELECT * FROM account WHERE partner_id = ? ORDER BY id", [partner.rawValue])
        }
    }

    public func replaceAccounts(_ partner: PartnerID, _ accounts: [Account]) async throws(StoreError) {
        try await write { database in
            try database.change("DELETE FROM account WHERE partner_id = ?", [partner.rawValue])
            for account in accounts {
                try database.change(
                    "INSERT INTO account (partner_id, id, name, is_mapped, last_seen_at) VALUES (?, ?, ?, ?, ?)",
                    [partner.rawValue, account.id, account.name, account.isMapped, account.lastSeenAt.milliseconds])
            }
        }
    }

    public func forgetAccounts(_ partner: PartnerID) async throws(StoreError) {
        try await write { database in
            try database.change("DELETE FROM account WHERE partner_id = ?", [partner.rawValue])
            try database.change("DELETE FROM last_count WHERE partner_id = ?", [partner.rawValue])
        }
    }

    public func services() async throws(StoreError) -> [Service] {
        try await read { try $0.fetchAll(Service.self, "SELECT * FROM service ORDER BY id") }
    }

    public func saveServices(_ services: [Service]) async throws(StoreError) {
        try await write { database in
            for service in services {
                try database.insert(
                    into: "service",
                    [
                        "id": service.id, "name": service.name, "description": service.description,
                        "category": service.category, "subcategory": service.subcategory,
                        "is_overridden": service.isOverridden, "catalogue_name": service.catalogueName,
                        "last_seen_at": service.lastSeenAt.milliseconds,
                    ],
                    """
                    ON CONFLICT (id) DO UPDATE SET name = excluded.name, description = excluded.description,
                        category = excluded.category, subcategory = excluded.subcategory,
                        is_overridden = excluded.is_overridden, catalogue_name = excluded.catalogue_name,
                        last_seen_at = excluded.last_seen_at
                    """)
            }
        }
    }
}

extension Account: StoredRecord {
    static let table = "account"
    static let key = ["partner_id", "id"]

    init(_ row: RowReader) throws(StoreError) {
        self.init(
            partnerID: PartnerID(try row.text("partner_id")), id: try row.text("id"), name: try row.text("name"),
            isMapped: try row.optionalFlag("is_mapped"), lastSeenAt: try row.instant("last_seen_at"))
    }
}

extension Service: StoredRecord {
    static let table = "service"
    static let key = ["id"]

    init(_ row: RowReader) throws(StoreError) {
        self.init(
            id: try row.text("id"), name: try row.text("name"), description: try row.text("description"),
            category: try row.text("category"), subcategory: try row.text("subcategory"),
            isOverridden: try row.flag("is_overridden"), catalogueName: try row.optionalText("catalogue_name"),
            lastSeenAt: try row.instant("last_seen_at"))
    }
}
