/// As much of the room Secrets as the types of a definition name. The real one stands on a cryptographic library, which would be built and
/// instrumented too and is never reached from here.
public struct Secret: Sendable, Hashable {
    private let text: String
    public init(_ text: String) { self.text = text }
    public func reveal() -> String { text }
}
