/// An account (A1 to A3) or an organisation-level service (D1 to D3): both have the same shape and carry the
/// vendor's own id.
public struct MappingEntry: Sendable, Hashable, Decodable {
    public var id: String
    public var name: String
    public var description: String
    /// Nil where the server does not tell (U-10). Never a reason to skip a count.
    public var isMapped: Bool?

    private enum Key: String, CodingKey {
        case id
        case underscoredID = "_id"
        case name, description, isMapped
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        guard let id = container.lenientID(.id, .underscoredID) else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: container.codingPath, debugDescription: "an entry without id"))
        }
        self.id = id
        name = container.lenientText(.name) ?? ""
        description = container.lenientText(.description) ?? ""
        isMapped = container.lenientFlag(.isMapped)
    }
}

/// What A2 and D2 create. Ids are always sent as text (U-33).
public struct MappingEntryDraft: Sendable, Hashable, Encodable {
    public var id: String
    public var name: String
    public var description: String

    public init(id: String, name: String, description: String = "") {
        self.id = id
        self.name = name
        self.description = description
    }
}

/// What A3 and D3 change; at least one field.
public struct MappingEntryChanges: Sendable, Hashable, Codable {
    public var id: String?
    public var name: String?
    public var description: String?

    public init(id: String? = nil, name: String? = nil, description: String? = nil) {
        self.id = id
        self.name = name
        self.description = description
    }

    public var isEmpty: Bool { self == MappingEntryChanges() }
}
