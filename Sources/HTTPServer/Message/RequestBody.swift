/// A request's body: an asynchronous sequence of byte chunks, readable once. Save for what came in one read with the head,
/// nothing is read from the network before the handler asks, so a slow handler slows the sender down. Where it leaves a part
/// unread that has not arrived yet, the connection is closed after the answer.
public struct RequestBody: Sendable, AsyncSequence {
    private let bytes: [UInt8]
    private let next: @Sendable () async throws -> [UInt8]?

    /// A body that is already in memory.
    public init(_ bytes: [UInt8]) { (self.bytes, next) = (bytes, { nil }) }

    /// A body that `next` hands out chunk by chunk until it returns nil.
    init(next: @escaping @Sendable () async throws -> [UInt8]?) { (bytes, self.next) = ([], next) }

    /// The whole body in one array.
    /// - Throws: `HTTPError` 413 as soon as more than `limit` bytes have arrived, 408 when the sender is too slow,
    ///   400 when it stops in the middle or breaks the chunked coding.
    public func collect(upTo limit: Int) async throws -> [UInt8] {
        var collected: [UInt8] = []
        for try await chunk in self {
            guard chunk.count <= limit - collected.count else { throw HTTPError.bodyTooLarge(limit: limit) }
            if collected.isEmpty { collected = chunk } else { collected += chunk }
        }
        return collected
    }

    public func makeAsyncIterator() -> Iterator { Iterator(bytes: bytes, following: next) }

    public struct Iterator: AsyncIteratorProtocol {
        var bytes: [UInt8]
        let following: @Sendable () async throws -> [UInt8]?

        public mutating func next() async throws -> [UInt8]? {
            guard !bytes.isEmpty else { return try await following() }
            defer { bytes = [] }
            return bytes
        }
    }
}
