import Foundation
import GRDB

extension SQLiteStore {
    public func createPartner(_ partner: Partner) async throws(StoreError) {
        try await write { database in
            try database.insert(
                into: "partner",
                [
                    "id": partner.id.rawValue, "vendor_reference": partner.vendorReference, "name": partner.name,
                    "time_zone": partner.timeZone, "created_at": partner.createdAt.milliseconds,
                    "proof": partner.proof,
                ])
            try database.insert(Connection(partnerID: partner.id, stateSince: partner.createdAt))
        }
    }

    public func partner(_ id: PartnerID) async throws(StoreError) -> Partner? {
        try await read { database in
            try database.fetchOne(Partner.self, "SELECT * FROM partner WHERE id = ?", [id.rawValue])
        }
    }

    public func partner(vendorReference: String) async throws(StoreError) -> Partner? {
        try await read { database in
            try database.fetchOne(Partner.self, "SELECT * FROM partner WHERE vendor_reference = ?", [vendorReference])
        }
    }

    public func partners(after cursor: PartnerID?, limit: Int) async throws(StoreError) -> [Partner] {
        try await read { database in
            try database.fetchAll(
                Partner.self, "SELECT * FROM partner WHERE id > ? ORDER BY id LIMIT ?",
                [cursor?.rawValue ?? "", max(0, limit)])
        }
    }

    public func updatePartner(_ partner: Partner) async throws(StoreError) {
        try await write { database in
            guard
                try database.update(
                    "partner", ["name": partner.name, "time_zone": partner.timeZone], where: "id", is: partner.id.rawValue)
            else { throw StoreError.notFound("partner", partner.id) }
        }
    }
}

extension Partner: StoredRecord {
    static let table = "partner"
    static let key = ["id"]

    init(_ row: RowReader) throws(StoreError) {
        self.init(
            id: PartnerID(try row.text("id")), vendorReference: try row.text("vendor_reference"),
            name: try row.text("name"), timeZone: try row.text("time_zone"), createdAt: try row.instant("created_at"),
            proof: try row.text("proof"))
    }
}
