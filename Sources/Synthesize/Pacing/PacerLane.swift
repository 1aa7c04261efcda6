/// Whose call waits, and how urgently.
public struct PacerLane: Sendable, Hashable {
    public enum Urgency: Sendable, Hashable {
        /// A person waits for it: goes before everything else.
        case interactive
        case background
    }

    public var urgency: Urgency
    /// Lanes of one urgency take turns; a share is one partner's.
    public var share: String

    public init(_ urgency: Urgency, share: String) {
        self.urgency = urgency
        self.share = share
    }
}
