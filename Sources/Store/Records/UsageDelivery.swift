import Foundation

/// How usage was handed in.
public enum UsageChannel: String, Sendable, Hashable, CaseIterable, Codable {
    /// By the vendor's own systems, as JSON.
    case push
    /// By an operator, as a file.
    case upload
}

/// One snapshot of a partner's usage that was handed in. Its content is kept until a newer one comes.
public struct UsageDelivery: Sendable, Hashable {
    public var id: UsageDeliveryID
    public var partnerID: PartnerID
    public var channel: UsageChannel
    /// Given by the sender: a second delivery with the key of a first is the first, repeated. Always there for a push.
    public var key: String?
    /// Of the content, as 64 lower-case hexadecimal digits.
    public var sha256: String
    /// Bytes of the content.
    public var size: Int
    public var accounts: Int
    public var counts: Int
    public var receivedAt: Date
    /// Who handed it in, as shown to people.
    public var receivedFrom: String
    /// The run that it started; nil when one was under way already or the partner was not connected.
    public var startedRun: SyncRunID?

    public init(
        id: UsageDeliveryID, partnerID: PartnerID, channel: UsageChannel, key: String?, sha256: String, size: Int, accounts: Int,
        counts: Int, receivedAt: Date, receivedFrom: String, startedRun: SyncRunID? = nil
    ) {
        self.id = id
        self.partnerID = partnerID
        self.channel = channel
        self.key = key
        self.sha256 = sha256
        self.size = size
        self.accounts = accounts
        self.counts = counts
        self.receivedAt = receivedAt
        self.receivedFrom = receivedFrom
        self.startedRun = startedRun
    }
}

public typealias UsageDeliveryID = Identifier<UsageDelivery>

/// Which usage that was handed in a sync took.
public struct TakenUsage: Sendable, Hashable {
    public enum Origin: String, Sendable, Hashable, CaseIterable, Codable {
        case push, upload
        /// A file in the watched folder.
        case file
    }

    public var origin: Origin
    /// A file's name; the id of a delivery.
    public var name: String
    /// When the file was written, or the delivery arrived.
    public var countsFrom: Date

    public init(origin: Origin, name: String, countsFrom: Date) {
        self.origin = origin
        self.name = name
        self.countsFrom = countsFrom
    }
}

/// What became of a delivery.
public enum DeliveryInsertion: Sendable, Hashable {
    case inserted(UsageDelivery)
    /// The partner has a delivery of this key already; nothing was changed.
    case known(UsageDelivery)
}

/// Usage that was handed in.
public protocol UsageDeliveryStore: Sendable {
    /// Keeps a delivery as the partner's newest, its content in the place of the one before, and inserts the run unless the partner has
    /// an active one. One transaction. Deliveries of the partner received before `horizon` are forgotten with their keys.
    /// - Parameter run: nil starts none.
    /// - Throws: `StoreError` with code `notFound` for an unknown partner, `duplicate` when an id is taken.
    func insertDelivery(
        _ delivery: UsageDelivery, content: [UInt8], run: SyncRun?, forgettingBefore horizon: Date
    ) async throws(StoreError) -> DeliveryInsertion
    /// The partner's delivery of this key, its content kept or not.
    func delivery(_ partner: PartnerID, key: String) async throws(StoreError) -> UsageDelivery?
    /// The partner's newest delivery.
    func newestDelivery(_ partner: PartnerID) async throws(StoreError) -> UsageDelivery?
    /// The newest delivery with its content, both of one moment.
    func newestContent(_ partner: PartnerID) async throws(StoreError) -> (delivery: UsageDelivery, content: [UInt8])?
}
