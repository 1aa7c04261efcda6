/// A request's body: an asynchronous sequence of byte chunks, readable once. Nothing is read from the network before
/// the handler asks (RFC 9112 section 6), so a slow handler slows the sender down. What a handler leaves unread is
/// discarded by the server, or the connection is closed.
public struct RequestBody: Sendable, AsyncSequence {
    public typealias Element = [UInt8]

    enum Source: Sendable {
        case bytes([UInt8])
        case stream(@Sendable () async throws -> [UInt8]?)
    }

    let source: Source

    /// A body that is already in memory.
    public init(_ bytes: [UInt8]) { source = .bytes(bytes) }

    /// A body that `next` hands out chunk by chunk until it returns nil.
    init(next: @escaping @Sendable () async throws -> [UInt8]?) { source = .stream(next) }

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

    public func makeAsyncIterator() -> Iterator { Iterator(source: source) }

    public struct Iterator: AsyncIteratorProtocol {
        var source: Source

        public mutating func next() async throws -> [UInt8]? {
            switch source {
            case .stream(let next):
                return try await next()
            case .bytes(let bytes):
                source = .bytes([])
                return bytes.isEmpty ? nil : bytes
            }
        }
    }
}
