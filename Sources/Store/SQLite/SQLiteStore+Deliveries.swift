import Foundation
import GRDB

extension SQLiteStore {
    public func insertDelivery(
        _ delivery: UsageDelivery, content: [UInt8], run: SyncRun?, forgettingBefore horizon: Date
    ) async throws(StoreError) -> DeliveryInsertion {
        try await write { database in
            if let key = delivery.key, let known = try database.delivery(delivery.partnerID, key: key) { return .known(known) }
            let partner = delivery.partnerID.rawValue
            try database.change(Queries.dropContent, [partner])
            try database.change(Queries.forgetDeliveries, [partner, horizon.milliseconds])
            var started: SyncRunID?
            if let run, case .inserted(let inserted) = try database.insertUnlessActive(run) { started = inserted.id }
            try database.insert(
                into: "usage_delivery",
                [
                    "id": delivery.id.rawValue, "partner_id": partner, "channel": delivery.channel.rawValue,
                    "idempotency_key": delivery.key, "sha256": delivery.sha256, "size": delivery.size,
                    "accounts": delivery.accounts, "counts": delivery.counts, "received_at": delivery.receivedAt.milliseconds,
                    "received_from": delivery.receivedFrom, "started_run": started?.rawValue, "content": Data(content),
                ])
            guard let stored = try database.fetchOne(UsageDelivery.self, Queries.newestDelivery, [partner]) else {
                throw StoreError.notFound("usage of partner", delivery.partnerID)
            }
            return .inserted(stored)
        }
    }

    public func delivery(_ partner: PartnerID, key: String) async throws(StoreError) -> UsageDelivery? {
        try await read { try $0.delivery(partner, key: key) }
    }

    public func newestDelivery(_ partner: PartnerID) async throws(StoreError) -> UsageDelivery? {
        try await read { try $0.fetchOne(UsageDelivery.self, Queries.newestDelivery, [partner.rawValue]) }
    }

    public func newestContent(
        _ partner: PartnerID
    ) async throws(StoreError) -> (delivery: UsageDelivery, content: [UInt8])? {
        try await read { database in
            guard let delivery = try database.fetchOne(UsageDelivery.self, Queries.newestDelivery, [partner.rawValue]),
                let content = try Data.fetchOne(
                    database.cachedStatement(sql: Queries.deliveredContent), arguments: [partner.rawValue])
            else { return nil }
            return (delivery, [UInt8](content))
        }
    }
}

extension Queries {
    private static let deliveryColumns = """
        id, partner_id, channel, idempotency_key, sha256, size, accounts, counts, received_at, received_from, started_run
        """
    /// Arguments: partner.
    static let newestDelivery = "SELECT \(deliveryColumns) FROM usage_delivery WHERE partner_id = ? AND content IS NOT NULL"
    /// Arguments: partner.
    static let deliveredContent = "SELECT content FROM usage_delivery WHERE partner_id = ? AND content IS NOT NULL"
    /// Arguments: partner, key.
    static let deliveryOfKey = "SELECT \(deliveryColumns) FROM usage_delivery WHERE partner_id = ? AND idempotency_key = ?"
    /// Arguments: partner.
    static let dropContent = "UPDATE usage_delivery SET content = NULL WHERE partner_id = ? AND content IS NOT NULL"
    /// Arguments: partner, instant.
    static let forgetDeliveries = "DELETE FROM usage_delivery WHERE partner_id = ? AND received_at < ?"
}

extension Database {
    fileprivate func delivery(_ partner: PartnerID, key: String) throws -> UsageDelivery? {
        try fetchOne(UsageDelivery.self, Queries.deliveryOfKey, [partner.rawValue, key])
    }
}

extension UsageDelivery: StoredRecord {
    static let table = "usage_delivery"
    static let key = ["id"]

    init(_ row: RowReader) throws(StoreError) {
        self.init(
            id: UsageDeliveryID(try row.text("id")), partnerID: PartnerID(try row.text("partner_id")), channel: try row.word("channel"),
            key: try row.optionalText("idempotency_key"), sha256: try row.text("sha256"), size: try row.integer("size"),
            accounts: try row.integer("accounts"), counts: try row.integer("counts"), receivedAt: try row.instant("received_at"),
            receivedFrom: try row.text("received_from"), startedRun: try row.optionalText("started_run").map { SyncRunID($0) })
    }
}
