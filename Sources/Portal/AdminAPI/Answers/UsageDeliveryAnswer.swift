import Foundation
import Store

/// Usage that was handed in: the same however often it is sent under its key.
struct UsageDeliveryAnswer: Encodable, Sendable {
    var id: UsageDeliveryID
    var partnerId: PartnerID
    var channel: UsageChannel
    @OrNull var idempotencyKey: String?
    var sha256: String
    var size: Int
    var accounts: Int
    var counts: Int
    var receivedAt: Date
    var receivedFrom: String
    @OrNull var startedRunId: SyncRunID?

    init(_ delivery: UsageDelivery) {
        id = delivery.id
        partnerId = delivery.partnerID
        channel = delivery.channel
        idempotencyKey = delivery.key
        sha256 = delivery.sha256
        size = delivery.size
        accounts = delivery.accounts
        counts = delivery.counts
        receivedAt = delivery.receivedAt
        receivedFrom = delivery.receivedFrom
        startedRunId = delivery.startedRun
    }
}
