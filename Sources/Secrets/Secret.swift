/// A text that nobody may see by accident: it prints, dumps and reflects as `***`.
///
/// It is not `Codable`, so that no encoder can write it down; the one way to the text is `reveal()`.
public struct Secret: Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    private let text: String

    /// Below this length the last four characters would give away half of the secret.
    private static let shortestWithLastFour = 8

    public init(_ text: String) {
        self.text = text
    }

    /// The text itself, for the one place that sends or seals it.
    public func reveal() -> String { text }

    /// The last four characters, by which a person tells one key from another; empty when the secret has fewer than
    /// eight characters.
    public var lastFour: String {
        text.count < Self.shortestWithLastFour ? "" : String(text.suffix(4))
    }

    public var isEmpty: Bool { text.isEmpty }

    /// Compares bytes in a time that depends on the lengths only.
    public static func == (left: Secret, right: Secret) -> Bool {
        equalInConstantTime(left.text, right.text)
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(Array(text.utf8))
    }

    public var description: String { "***" }
    public var debugDescription: String { "***" }
    public var customMirror: Mirror { Mirror(self, children: [Mirror.Child]()) }
}
