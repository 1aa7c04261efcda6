/// One partner's integration as Synthesize sees it (contract O1, IntegrationData).
public struct PartnerOrganization: Sendable, Hashable, Decodable {
    public var organizationID: String
    /// The partner's name.
    public var name: String
    public var vendorName: String
    public var status: IntegrationStatus
    /// ISO 8601; a year before 2000 means never (U-31).
    public var lastSyncedAt: String?

    private enum Key: String, CodingKey {
        case organizationId, name, vendorName, status, lastSyncedAt
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        guard let id = container.lenientText(.organizationId), let status = container.lenientText(.status) else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: container.codingPath, debugDescription: "an organization without id or status"))
        }
        organizationID = id
        self.status = IntegrationStatus(rawValue: status)
        name = container.lenientText(.name) ?? ""
        vendorName = container.lenientText(.vendorName) ?? ""
        lastSyncedAt = container.lenientText(.lastSyncedAt)
    }
}

/// A customer as the partner's PSA knows it (contract O3). The element's type is unknown, so text and objects are both
/// read (U-16).
public struct PSAClient: Sendable, Hashable, Codable {
    public var id: String
    public var name: String

    private enum Key: String, CodingKey {
        case id
        case underscoredID = "_id"
        case name
    }

    public init(from decoder: any Decoder) throws {
        do {
            id = try decoder.singleValueContainer().decode(String.self)
            name = id
            return
        } catch {
            // Not bare text: an object, read below.
        }
        let container = try decoder.container(keyedBy: Key.self)
        guard let id = container.lenientID(.id, .underscoredID) else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: container.codingPath, debugDescription: "a client without id"))
        }
        self.id = id
        name = container.lenientText(.name) ?? id
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(id, forKey: .id)
        try container.encode(name, forKey: .name)
    }
}
