/// What L1 queues. Priority and status are always sent (contract U-20).
public struct AlertDispatch: Sendable, Hashable, Encodable {
    public var title: String
    public var description: String
    /// The vendor's own id, the same for every try of the same alert (U-21).
    public var alertId: String
    /// 1 low, 2 medium, 3 high, 4 very high.
    public var priority: Int
    /// 1 to 6; meanings are not published.
    public var status: Int

    public init(title: String, description: String, alertId: String, priority: Int, status: Int) {
        self.title = title
        self.description = description
        self.alertId = alertId
        self.priority = priority
        self.status = status
    }
}

/// L1's answer: queued, not yet a ticket.
public struct AlertReceipt: Sendable, Hashable, Decodable {
    public var messageId: String

    private enum Key: CodingKey { case messageId }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        guard let id = container.lenientText(.messageId), !id.isEmpty else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: container.codingPath, debugDescription: "a receipt without messageId"))
        }
        messageId = id
    }
}

/// L2's answer: how far a queued alert has come. Every field is optional on the wire.
public struct AlertProgress: Sendable, Hashable, Decodable {
    public var ticketID: String?
    public var message: String?
    /// `failed`, `pending` or `success`; any other text counts as pending.
    public var status: String?
    public var errors: [String]

    private enum Key: String, CodingKey {
        case ticketId, message, status, errors
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        ticketID = container.lenientText(.ticketId)
        message = container.lenientText(.message)
        status = container.lenientText(.status)
        errors = container.lenientTexts(.errors)
    }
}
