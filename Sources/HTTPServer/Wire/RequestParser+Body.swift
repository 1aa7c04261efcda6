/// Bodies of a known length and chunked ones (RFC 9112 section 7.1), a step at a time.
extension RequestParser {
    /// Size, extensions and blanks of one chunk line. Real senders need under twenty bytes.
    static let chunkLineLimit = 256
    /// All extensions of one body: without a sum, a stream of one-byte chunks with fat extensions costs the server 250
    /// bytes of traffic for each byte that counts against the body limit (RFC 9112 section 7.1.1 asks for a limit).
    static let extensionBytesLimit = 4096

    /// Hands out what has come of `left` bytes; behind the last of them the parser is in `end`.
    mutating func takeData(_ left: Int, awaiting: (Int) -> State, then end: State) -> Step? {
        let bytes = Array(buffer[position...].prefix(left))
        guard !bytes.isEmpty else { return nil }
        position += bytes.count
        searched = position
        state = bytes.count == left ? end : awaiting(left - bytes.count)
        return .event(.body(bytes))
    }

    mutating func takeChunkSize() throws(HTTPError) -> Step? {
        guard let line = try takeLine(.chunkSize) else { return nil }
        let size = try chunkSize(line)
        guard size > 0 else {
            (headBytes, fieldCount) = (0, 0)
            state = .trailers
            return .advanced
        }
        guard size <= limits.body - chunkBytes else { throw .bodyTooLarge(limit: limits.body) }
        chunkBytes += size
        state = .chunkData(left: size)
        return .advanced
    }

    /// Exactly CRLF (RFC 9112 section 7.1): a lenient reader here is the TERM.EXT kind of smuggling.
    mutating func takeChunkEnd() throws(HTTPError) -> Step? {
        let end = buffer[position...].prefix(2)
        guard [0x0D, 0x0A].starts(with: end) else { throw .badRequest("bad-chunk", "A chunk is longer than its size.") }
        guard end.count == 2 else { return nil }
        position += 2
        searched = position
        state = .chunkSize
        return .advanced
    }

    /// `chunk-size [ chunk-ext ]` (RFC 9112 section 7.1). Extensions are ignored, as section 7.1.1 asks, but must be well
    /// formed: a reader that lets an open quote go on after the line end would find the next chunk elsewhere. White space,
    /// which that section only tolerates, is refused.
    private mutating func chunkSize(_ line: ArraySlice<UInt8>) throws(HTTPError) -> Int {
        let digits = line.prefix { $0 != UInt8(ascii: ";") }
        guard let size = WireNumber.hexadecimal(digits) else {
            throw .badRequest("bad-chunk", "A chunk's size is not 1 to 15 hex digits.")
        }
        guard Self.areChunkExtensions(line[digits.endIndex...]) else {
            throw .badRequest("bad-chunk", "A chunk extension is not: ;name or ;name=value.")
        }
        extensionBytes += line.count - digits.count
        guard extensionBytes <= Self.extensionBytesLimit else {
            throw .badRequest("bad-chunk", "More than \(Self.extensionBytesLimit) bytes of chunk extensions.")
        }
        return size
    }

    /// `*( ";" name [ "=" ( token / quoted-string ) ] )`. By hand, as a Regex takes 0.2 ms a chunk, which may be one byte long.
    private static func areChunkExtensions(_ text: ArraySlice<UInt8>) -> Bool {
        var rest = text
        func take(_ byte: Character) -> Bool {
            guard let first = rest.first, first == byte.asciiValue else { return false }
            rest.removeFirst()
            return true
        }
        func takeToken() -> Bool {
            let token = rest.prefix(while: ASCIISet.token.contains)
            rest.removeFirst(token.count)
            return !token.isEmpty
        }
        func takeQuotedRest() -> Bool {
            while let byte = rest.popFirst() {
                if byte == UInt8(ascii: "\"") { return true }
                if byte == UInt8(ascii: "\\") { _ = rest.popFirst() }
            }
            return false
        }
        while !rest.isEmpty {
            guard take(";"), takeToken() else { return false }
            if take("=") { guard take("\"") ? takeQuotedRest() : takeToken() else { return false } }
        }
        return true
    }
}
