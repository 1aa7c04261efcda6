/// A text id that cannot be mixed up with an id of another kind.
///
/// `Kind` is the record that the id names; it exists only at compile time.
public struct Identifier<Kind>: RawRepresentable, Hashable, Sendable, Codable, CustomStringConvertible {
    public let rawValue: String

    public init(rawValue: String) {
        self.rawValue = rawValue
    }

    public init(_ rawValue: String) {
        self.rawValue = rawValue
    }

    public init(from decoder: any Decoder) throws {
        rawValue = try decoder.singleValueContainer().decode(String.self)
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(rawValue)
    }

    public var description: String { rawValue }
}

public typealias PartnerID = Identifier<Partner>
public typealias SyncRunID = Identifier<SyncRun>
public typealias AlertID = Identifier<Alert>
public typealias OperatorKeyID = Identifier<OperatorKey>
