import HTTPTypes

extension RequestParser {
    enum BodyStep { case moreBytesNeeded, advanced, event(Event) }

    /// Size, extensions and blanks of one chunk line. Real senders need under twenty bytes.
    static let chunkLineLimit = 256
    /// All extensions of one body: without a sum, a stream of one-byte chunks with fat extensions costs the server 250
    /// bytes of traffic for each byte that counts against the body limit (RFC 9112 section 7.1.1 asks for a limit).
    static let extensionBytesLimit = 4096

    mutating func advanceBody() throws(HTTPError) -> BodyStep {
        switch state {
        case .body(let left):
            guard let bytes = takeBytes(left) else { return .moreBytesNeeded }
            state = bytes.count == left ? .endDue : .body(left: left - bytes.count)
            return .event(.body(bytes))

        case .chunkSize:
            guard let line = try takeLine(.chunkSize) else { return .moreBytesNeeded }
            let size = try chunkSize(buffer[line])
            if size == 0 {
                headBytes = 0
                fieldCount = 0
                state = .trailers
            } else {
                guard size <= limits.body - bodyBytes else { throw .bodyTooLarge(limit: limits.body) }
                bodyBytes += size
                state = .chunkData(left: size)
            }
            return .advanced

        case .chunkData(let left):
            guard let bytes = takeBytes(left) else { return .moreBytesNeeded }
            state = bytes.count == left ? .chunkEnd : .chunkData(left: left - bytes.count)
            return .event(.body(bytes))

        case .chunkEnd:
            // Exactly CRLF (RFC 9112 section 7.1): a lenient reader here is the TERM.EXT kind of smuggling.
            guard position < buffer.count else { return .moreBytesNeeded }
            guard buffer[position] == 0x0D else { throw .badRequest("bad-chunk", "A chunk is longer than its size.") }
            guard position + 1 < buffer.count else { return .moreBytesNeeded }
            guard buffer[position + 1] == 0x0A else { throw .badRequest("bad-chunk", "A chunk is longer than its size.") }
            position += 2
            searched = position
            state = .chunkSize
            return .advanced

        case .trailers:
            guard let line = try takeLine(.field) else { return .moreBytesNeeded }
            if line.isEmpty {
                state = .endDue
                return .advanced
            }
            // RFC 9110 section 6.5.1: trailers must not change framing or routing; these three are refused, all others
            // checked and dropped, as no handler here has asked for one.
            let name = try field(line).name
            guard name != .contentLength, name != .transferEncoding, name.canonicalName != "host" else {
                throw .badRequest("bad-trailer", "\(name.rawName) cannot be a trailer.")
            }
            return .advanced

        case .requestLine, .fields, .endDue, .refused:
            return .advanced
        }
    }

    private mutating func takeBytes(_ wanted: Int) -> [UInt8]? {
        let count = min(wanted, buffer.count - position)
        guard count > 0 else { return nil }
        let bytes = Array(buffer[position..<(position + count)])
        position += count
        searched = position
        return bytes
    }

    /// `chunk-size [ chunk-ext ]` (RFC 9112 section 7.1). White space before the semicolon, which section 7.1.1 only
    /// tolerates, is refused.
    private mutating func chunkSize(_ line: ArraySlice<UInt8>) throws(HTTPError) -> Int {
        let semicolon = line.firstIndex(of: UInt8(ascii: ";")) ?? line.endIndex
        guard let size = WireNumber.hexadecimal(line[..<semicolon]) else {
            throw .badRequest("bad-chunk", "A chunk's size is not 1 to 15 hex digits.")
        }
        let extensions = line[semicolon...]
        guard Self.areChunkExtensions(extensions) else {
            throw .badRequest("bad-chunk", "A chunk extension is not: ;name or ;name=value.")
        }
        extensionBytes += extensions.count
        guard extensionBytes <= Self.extensionBytesLimit else {
            throw .badRequest("bad-chunk", "More than \(Self.extensionBytesLimit) bytes of chunk extensions.")
        }
        return size
    }

    /// `*( ";" name [ "=" ( token / quoted-string ) ] )`, RFC 9112 section 7.1.1, without white space.
    private static func areChunkExtensions(_ text: ArraySlice<UInt8>) -> Bool {
        var rest = text
        func takeToken() -> Bool {
            let token = rest.prefix(while: ASCIISet.token.contains)
            rest = rest[token.endIndex...]
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
            guard rest.removeFirst() == UInt8(ascii: ";"), takeToken() else { return false }
            guard rest.first == UInt8(ascii: "=") else { continue }
            rest.removeFirst()
            guard rest.first == UInt8(ascii: "\"") else {
                guard takeToken() else { return false }
                continue
            }
            rest.removeFirst()
            guard takeQuotedRest() else { return false }
        }
        return true
    }
}
