import HTTPTypes

@testable import HTTPServer

/// What a parser said about a stream that reached it in pieces.
struct ParserReading {
    enum Line: Equatable {
        case head(RequestHead)
        /// All neighbouring body events in one: how the pieces fall is the one thing that may depend on the cuts.
        case body([UInt8])
        case end
        case refused(status: Int, code: String)
    }

    private(set) var lines: [Line] = []
    /// How many bytes had been handed over when each line was (last) said.
    private(set) var positions: [Int] = []
    /// The most bytes that were handed over between two events.
    private(set) var longestWait = 0

    init(_ bytes: [UInt8], limits: ServerLimits, pieceLengths: some Sequence<Int>) throws(BrokenProperty) {
        var parser = RequestParser(limits: limits)
        var position = 0
        var lastEvent = 0
        for length in pieceLengths {
            guard position < bytes.count else { break }
            let end = min(position + length, bytes.count)
            parser.append(Array(bytes[position..<end]))
            position = end
            do throws(HTTPError) {
                while let event = try parser.next() {
                    longestWait = max(longestWait, position - lastEvent)
                    lastEvent = position
                    add(event, at: position)
                }
            } catch {
                say(.refused(status: error.status.code, code: error.code), at: position)
                try Self.requireFinal(error, &parser)
                return
            }
        }
        longestWait = max(longestWait, position - lastEvent)
    }

    /// At once.
    init(whole bytes: [UInt8], limits: ServerLimits) throws(BrokenProperty) {
        try self.init(bytes, limits: limits, pieceLengths: CollectionOfOne(bytes.count))
    }

    private mutating func add(_ event: RequestParser.Event, at position: Int) {
        switch event {
        case .head(let head): say(.head(head), at: position)
        case .end: say(.end, at: position)
        case .body(let bytes):
            if case .body(let before) = lines.last {
                lines[lines.count - 1] = .body(before + bytes)
                positions[positions.count - 1] = position
            } else {
                say(.body(bytes), at: position)
            }
        }
    }

    private mutating func say(_ line: Line, at position: Int) {
        lines.append(line)
        positions.append(position)
    }

    /// After a refusal nothing on the connection can be told apart (RFC 9112 section 11.2): it is repeated whatever comes.
    private static func requireFinal(_ refusal: HTTPError, _ parser: inout RequestParser) throws(BrokenProperty) {
        parser.append(followUp)
        for _ in 0..<2 {
            let again: HTTPError
            do throws(HTTPError) {
                let event = try parser.next()
                again = HTTPError(.ok, code: "accepted", message: String(describing: event))
            } catch {
                again = error
            }
            try require(again.code == refusal.code && again.status == refusal.status, "\(refusal) became \(again)")
        }
    }

    /// A request that any parser at rest must take.
    static let followUp = Array("GET /follow-up HTTP/1.1\r\nHost: follow.up\r\n\r\n".utf8)

    func isFollowUp(_ line: Line?) -> Bool {
        guard case .head(let head) = line else { return false }
        return head.request.path == "/follow-up" && head.framing == .none
    }
}

/// Lengths of pieces that depend on nothing but the bytes, so that a finding can be replayed and a mutation is cut elsewhere.
struct PieceLengths: Sequence, IteratorProtocol {
    private var state: UInt64

    init(for bytes: [UInt8]) {
        state = bytes.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }  // FNV-1a
    }

    mutating func next() -> Int? {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return 1 + Int((state >> 33) % 24)
    }
}
