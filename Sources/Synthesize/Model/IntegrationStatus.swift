/// The status of one integration, spelled as Synthesize spells it. Any text is accepted when reading (contract U-1).
public struct IntegrationStatus: RawRepresentable, Sendable, Hashable, Codable, CustomStringConvertible {
    public let rawValue: String

    public init(rawValue: String) {
        self.rawValue = rawValue
    }

    public static let inactive = IntegrationStatus(rawValue: "inactive")
    public static let pending = IntegrationStatus(rawValue: "pending")
    public static let active = IntegrationStatus(rawValue: "active")
    /// Older servers only.
    public static let disabled = IntegrationStatus(rawValue: "disabled")
    /// Older servers only.
    public static let error = IntegrationStatus(rawValue: "error")

    /// All that any version of the contract names (section 6.3).
    public static let documented: [IntegrationStatus] = [.inactive, .pending, .active, .disabled, .error]

    public var description: String { rawValue }
}
