/// Takes an answer as libcurl hands it over, line by line and piece by piece, and holds it to its limits.
struct AnswerCollector: Sendable {
    /// More than any server's own limit for a request (8 to 64 KiB) by far; without one, an endless list
    /// of fields would fill the memory.
    static let maximumHeadBytes = 256 << 10

    enum Excess: Sendable, Equatable {
        case head
        case body
        /// The sink wanted no more.
        case sink
    }

    let maximumBodyBytes: Int
    let sink: OutgoingRequest.BodySink?
    /// The lines of the newest head: status line and fields, each with its line break.
    private(set) var head: [UInt8] = []
    private(set) var body: [UInt8] = []
    private(set) var excess: Excess?
    /// What the sink has taken.
    private(set) var bytesPassedOn = 0
    private var status: Int?
    private var isHeadComplete = false
    /// Interim heads and trailers included.
    private var headBytesSeen = 0

    init(maximumBodyBytes: Int, sink: OutgoingRequest.BodySink? = nil) {
        self.maximumBodyBytes = maximumBodyBytes
        self.sink = sink
    }

    /// The status of the final answer, as soon as its status line is complete.
    var finalStatus: Int? {
        guard let status, status >= 200 else { return nil }
        return status
    }

    /// Whether the empty line after the final head has come.
    var isFinalHeadComplete: Bool { isHeadComplete && finalStatus != nil }

    /// Whether the connection can carry more requests beside this one.
    var isMultiplexed: Bool { head.starts(with: "HTTP/2".utf8) }

    /// Takes one complete line. `false` ends the transfer.
    mutating func take(headLine line: UnsafeRawBufferPointer) -> Bool {
        headBytesSeen += line.count
        guard headBytesSeen <= Self.maximumHeadBytes else {
            excess = .head
            return false
        }
        // After a complete final head only trailers follow: they are not kept.
        if isFinalHeadComplete { return true }

        if let status = AnswerHead.status(inLine: line) {
            head.removeAll(keepingCapacity: true)
            self.status = status
            isHeadComplete = false
        } else if line.allSatisfy({ $0 == UInt8(ascii: "\r") || $0 == UInt8(ascii: "\n") }) {
            isHeadComplete = true
            return true
        }
        head.append(contentsOf: line)
        return true
    }

    /// Takes one piece of the body. `false` ends the transfer.
    mutating func take(body piece: UnsafeRawBufferPointer) -> Bool {
        guard piece.count <= maximumBodyBytes - body.count - bytesPassedOn else {
            excess = .body
            return false
        }
        // The body of any other status is for a message, not for the one who reads the data.
        if let sink, let finalStatus, (200..<300).contains(finalStatus) {
            bytesPassedOn += piece.count
            guard sink(piece) else {
                excess = .sink
                return false
            }
            return true
        }
        body.append(contentsOf: piece)
        return true
    }
}
