import Foundation
import Store

extension MemoryStore {
    public func insertDelivery(
        _ delivery: UsageDelivery, content: [UInt8], run: SyncRun?, forgettingBefore horizon: Date
    ) throws(StoreError) -> DeliveryInsertion {
        try access { database throws(StoreError) in
            let partner = delivery.partnerID
            let before = database.deliveries[partner] ?? []
            if let known = before.first(where: { $0.delivery.key != nil && $0.delivery.key == delivery.key }) {
                return .known(known.delivery)
            }
            try database.requirePartner(partner)
            guard !database.deliveries.values.contains(where: { $0.contains { $0.delivery.id == delivery.id } }) else {
                throw .duplicate("delivery")
            }
            try StoreError.require(
                delivery.size == content.count && delivery.size > 0 && delivery.accounts > 0 && delivery.counts >= 0
                    && (delivery.channel != .push || delivery.key != nil), "a delivery is whole")
            var delivery = delivery
            delivery.receivedAt = delivery.receivedAt.stored
            delivery.startedRun = nil
            if let run, database.activeRun(run.partnerID) == nil {
                delivery.startedRun = database.insert(try database.insertable(run)).id
            }
            database.deliveries[partner] =
                before.filter { $0.delivery.receivedAt >= horizon.stored }.map { StoredDelivery(delivery: $0.delivery) }
                + [StoredDelivery(delivery: delivery, content: content)]
            return .inserted(delivery)
        }
    }

    public func delivery(_ partner: PartnerID, key: String) throws(StoreError) -> UsageDelivery? {
        try access { database throws(StoreError) in
            database.deliveries[partner]?.first { $0.delivery.key == key }?.delivery
        }
    }

    public func newestDelivery(_ partner: PartnerID) throws(StoreError) -> UsageDelivery? {
        try newestContent(partner)?.delivery
    }

    public func newestContent(_ partner: PartnerID) throws(StoreError) -> (delivery: UsageDelivery, content: [UInt8])? {
        try access { database throws(StoreError) in
            guard let newest = database.deliveries[partner]?.last, let content = newest.content else { return nil }
            return (newest.delivery, content)
        }
    }
}

/// A delivery, and its content while it is the newest.
struct StoredDelivery: Sendable {
    var delivery: UsageDelivery
    var content: [UInt8]?
}
