import HTTPTypes

@testable import HTTPServer

private let chunkedHead = Array("POST /chunked HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n".utf8)

/// A chunked body, and whatever requests follow it.
func checkChunkedBody(_ bytes: [UInt8]) throws(BrokenProperty) {
    let limits = fuzzLimits()
    let reading = try checkRequestStream(chunkedStream(bytes), limits: limits)
    guard let end = reading.lines.firstIndex(of: .end) else { return }

    var body: [UInt8] = []
    if case .body(let bytes) = reading.lines[end - 1] { body = bytes }
    guard let plain = plainlyDecoded(bytes) else {
        throw BrokenProperty(description: "accepted, but no chunked body: \(shown(bytes))")
    }
    try require(plain.body == body, "\(shown(bytes))\nbecame \(shown(body))\nand not \(shown(plain.body))")
    let length = reading.positions[end] - chunkedHead.count
    try require(plain.length == length, "the body ends after \(plain.length) bytes, was ended after \(length)")

    for size in [1, 7, limits.body] {
        let again = try ParserReading(whole: chunkedStream(encode(body, chunkSize: size)), limits: limits).lines.dropFirst()
        try require(
            Array(again) == (body.isEmpty ? [] : [.body(body)]) + [.end], "in chunks of \(size), \(shown(body)) became \(again)")
    }
}

/// The bytes behind a head that announces them.
func chunkedStream(_ bytes: [UInt8]) -> [UInt8] { chunkedHead + bytes }

private func encode(_ body: [UInt8], chunkSize: Int) -> [UInt8] {
    var bytes: [UInt8] = []
    for start in stride(from: 0, to: body.count, by: chunkSize) {
        bytes += ResponseEncoder.chunk(Array(body[start..<min(start + chunkSize, body.count)]))
    }
    return bytes + ResponseEncoder.lastChunk
}

/// RFC 9112 section 7.1.3, to the letter and without limits; nil where the text leaves the grammar of sizes and line ends.
private func plainlyDecoded(_ bytes: [UInt8]) -> (body: [UInt8], length: Int)? {
    var rest = bytes[...]
    func line() -> ArraySlice<UInt8>? {
        guard let end = rest.firstIndex(of: 0x0A), end > rest.startIndex, rest[end - 1] == 0x0D else { return nil }
        defer { rest = rest[(end + 1)...] }
        return rest[..<(end - 1)]
    }
    var body: [UInt8] = []
    while let sizeLine = line() {
        let digits = sizeLine.prefix { $0 != UInt8(ascii: ";") }
        guard !digits.isEmpty, digits.allSatisfy(isHexDigit), let size = Int(String(decoding: digits, as: UTF8.self), radix: 16)
        else { return nil }
        if size == 0 {
            while let trailer = line() {
                if trailer.isEmpty { return (body, rest.startIndex) }
            }
            return nil
        }
        guard rest.count >= size + 2 else { return nil }
        body += rest.prefix(size)
        rest = rest.dropFirst(size)
        guard line()?.isEmpty == true else { return nil }
    }
    return nil
}
