/// An account or an organisation-level service: something the vendor created under its own id for
/// the partner to map (contract section 3.3, "Account / mapping property").
public struct MappingProperty: Sendable, Equatable {
    /// Synthesize's internal id; stays when the vendor changes its own (U-38).
    public let key: String
    /// The vendor's id.
    public internal(set) var id: String
    public internal(set) var name: String
    public internal(set) var description: String
}

/// Mapping properties in the order of creation, found by either id without a search.
public struct MappingProperties: Sendable {
    public private(set) var items: [MappingProperty] = []
    private var positions: [WireText: Int] = [:]
    private var positionsByKey: [String: Int] = [:]

    /// By the vendor's id.
    public subscript(id: String) -> MappingProperty? { positions[WireText(id)].map { items[$0] } }

    /// By Synthesize's internal id.
    func withKey(_ key: String) -> MappingProperty? { positionsByKey[key].map { items[$0] } }

    mutating func append(_ property: MappingProperty) {
        positions[WireText(property.id)] = items.count
        positionsByKey[property.key] = items.count
        items.append(property)
    }

    /// Replaces the property of the same key, its id included; does nothing when there is none.
    mutating func replace(_ property: MappingProperty) {
        guard let position = positionsByKey[property.key] else { return }
        positions[WireText(items[position].id)] = nil
        positions[WireText(property.id)] = position
        items[position] = property
    }
}
