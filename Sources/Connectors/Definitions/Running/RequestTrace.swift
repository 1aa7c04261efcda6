import Synchronization

/// The requests that a fetch made, for a person who tries a definition out. Holds no secret.
public final class RequestTrace: Sendable {
    public struct Entry: Sendable, Hashable {
        /// `GET` or `POST`.
        public var method: String
        /// Secrets in it are `***`.
        public var url: String
        /// What it was made for: a read's name, `token` or `test`.
        public var purpose: String
        /// Nil: no answer came.
        public var status: Int?
        /// Of the answer's body.
        public var bytes: Int
        public var duration: Duration
        /// Why it brought nothing; nil when it did.
        public var problem: String?
        /// How long the vendor asks to be left alone (`Retry-After`); nil when it does not.
        public var wait: Duration?
    }

    private let stored = Mutex<[Entry]>([])

    public init() {}

    /// In the order in which they ended.
    public var entries: [Entry] { stored.withLock { $0 } }

    func add(_ entry: Entry) { stored.withLock { $0.append(entry) } }
}
