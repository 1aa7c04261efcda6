import HTTPTypes

@testable import HTTPServer

/// Small, so that a short input reaches every limit.
func fuzzLimits() -> ServerLimits {
    var limits = ServerLimits()
    limits.requestLine = 200
    limits.headerLine = 150
    limits.headerBytes = 600
    limits.headerCount = 12
    limits.body = 100
    return limits
}

/// What holds for every stream of requests, whatever is in it.
func checkRequestStream(_ bytes: [UInt8], limits: ServerLimits) throws(BrokenProperty) -> ParserReading {
    let dripped = try ParserReading(bytes, limits: limits, pieceLengths: repeatElement(1, count: bytes.count))
    let whole = try ParserReading(whole: bytes, limits: limits)
    try require(whole.lines == dripped.lines, "at once: \(whole.lines)\nbyte by byte: \(dripped.lines)")
    let pieces = try ParserReading(bytes, limits: limits, pieceLengths: PieceLengths(for: bytes))
    try require(pieces.lines == dripped.lines, "in pieces: \(pieces.lines)\nbyte by byte: \(dripped.lines)")

    // A chunk's line is bounded by the parser itself, well below 1024 bytes.
    let bound = limits.requestLine + limits.headerBytes + 1024
    try require(dripped.longestWait <= bound, "\(dripped.longestWait) bytes were taken without an event")

    var start = 0
    for request in try requests(in: dripped, limits: limits) {
        let span = Array(bytes[start..<request.end])
        // What came before on the connection must not colour the reading of this request.
        let alone = try ParserReading(whole: span, limits: limits)
        try require(alone.lines == request.lines, "alone: \(alone.lines)\nin the stream: \(request.lines)")
        try checkHead(request.head, bytes: bytes[start..<request.headEnd], limits: limits)
        start = request.end
        if start == bytes.count {
            let after = try ParserReading(whole: bytes + ParserReading.followUp, limits: limits)
            try require(
                after.lines.count == dripped.lines.count + 1 && after.isFollowUp(after.lines.last),
                "a request after the last one is read as \(after.lines)")
        }
    }
    return dripped
}

/// One cut at every place from `start` on, or at 200 of them: as many readings, each as long as the stream.
func checkCuts(_ bytes: [UInt8], from start: Int, limits: ServerLimits) throws(BrokenProperty) {
    let whole = try ParserReading(whole: bytes, limits: limits)
    for cut in stride(from: start, to: bytes.count, by: 1 + (bytes.count - start) / 200) {
        let reading = try ParserReading(bytes, limits: limits, pieceLengths: [cut, bytes.count - cut])
        try require(reading.lines == whole.lines, "cut at \(cut): \(reading.lines)\nat once: \(whole.lines)")
    }
}

private struct WholeRequest {
    var head: RequestHead
    var lines: [ParserReading.Line]
    var headEnd: Int
    var end: Int
}

/// The requests that arrived whole. Throws when events come in an order that no connection could act on, and when a body has
/// another length than was announced or allowed.
private func requests(in reading: ParserReading, limits: ServerLimits) throws(BrokenProperty) -> [WholeRequest] {
    var requests: [WholeRequest] = []
    var open: WholeRequest?
    var received = 0
    for (line, position) in zip(reading.lines, reading.positions) {
        switch line {
        case .head(let head):
            try require(open == nil, "a head inside a body: \(reading.lines)")
            let request = WholeRequest(head: head, lines: [line], headEnd: position, end: position)
            received = 0
            if head.framing == .none { requests.append(request) } else { open = request }
        case .body(let bytes):
            try require(open != nil, "a body without a head: \(reading.lines)")
            open?.lines.append(line)
            received += bytes.count
            try require(!bytes.isEmpty, "an empty piece of body")
            try require(received <= limits.body, "\(received) bytes of body, \(limits.body) are allowed")
            if case .length(let length) = open?.head.framing {
                try require(received <= length, "\(received) bytes of body, \(length) were announced")
            }
        case .end:
            guard var request = open else { throw BrokenProperty(description: "an end without a head: \(reading.lines)") }
            if case .length(let length) = request.head.framing {
                try require(received == length, "the body ended after \(received) of \(length) bytes")
            }
            request.lines.append(line)
            request.end = position
            requests.append(request)
            open = nil
        case .refused(let status, _):
            try require([400, 413, 414, 417, 421, 431, 501, 505].contains(status), "refused with \(status)")
        }
    }
    return requests
}
