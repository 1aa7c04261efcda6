import HTTPTypes

extension RequestParser {
    enum LineKind { case requestLine, field, chunkSize }

    /// Takes one line that ends with CRLF; the range is without it. Faults are found byte by byte from the front, so
    /// the first one decides whatever the splits.
    mutating func takeLine(_ kind: LineKind) throws(HTTPError) -> Range<Int>? {
        let limit = lineLimit(kind)
        let end = buffer.count
        var index = searched
        while index < end {
            let byte = buffer[index]
            let afterReturn = index > position && buffer[index - 1] == 0x0D
            if byte == 0x0A {
                // RFC 9112 section 2.2 lets a recipient take a bare LF as a line end; a proxy in front may not.
                guard afterReturn else { throw .badRequest("bare-line-feed", "A line ends in LF without CR.") }
                let line = position..<(index - 1)
                position = index + 1
                searched = position
                return line
            }
            // RFC 9112 section 2.2: a bare CR is an error or a space, at the recipient's choice.
            guard !afterReturn else { throw .badRequest("bare-return", "CR stands alone in a line.") }
            if byte != 0x0D {
                // RFC 9110 section 5.5: CR, LF and NUL are dangerous, other controls invalid. Tab is blank space.
                guard byte >= 0x20 && byte != 0x7F || byte == 0x09 else {
                    throw .badRequest("control-character", "The head holds a control character.")
                }
                guard index - position < limit else { throw overflow(kind) }
            }
            index += 1
        }
        searched = end
        return nil
    }

    private func lineLimit(_ kind: LineKind) -> Int {
        switch kind {
        case .requestLine: limits.requestLine
        case .field: min(limits.headerLine, limits.headerBytes - headBytes - 2)
        case .chunkSize: Self.chunkLineLimit
        }
    }

    private func overflow(_ kind: LineKind) -> HTTPError {
        switch kind {
        case .requestLine:
            // RFC 9112 section 3: a method longer than any implemented is 501, a target longer than allowed is 414.
            if buffer[position...].prefix(limits.requestLine).contains(0x20) {
                HTTPError(
                    .uriTooLong, code: "target-too-long",
                    message: "The request line is longer than \(limits.requestLine) bytes.")
            } else {
                HTTPError(.notImplemented, code: "unknown-method", message: "The method is not known here.")
            }
        case .field:
            HTTPError(
                .requestHeaderFieldsTooLarge, code: "header-too-large",
                message: "A header line may have \(limits.headerLine) bytes, the whole head \(limits.headerBytes).")
        case .chunkSize:
            .badRequest("bad-chunk", "A chunk's size line is longer than \(Self.chunkLineLimit) bytes.")
        }
    }

    /// `field-name ":" OWS field-value OWS` (RFC 9112 section 5). Used for trailers as well.
    mutating func field(_ range: Range<Int>) throws(HTTPError) -> HTTPField {
        let line = buffer[range]
        headBytes += line.count + 2
        fieldCount += 1
        guard fieldCount <= limits.headerCount else {
            throw HTTPError(
                .requestHeaderFieldsTooLarge, code: "too-many-headers",
                message: "More than \(limits.headerCount) header fields.")
        }
        // Section 5.2: a line that starts with white space is the obsolete folding, refused with 400.
        guard line.first != 0x20, line.first != 0x09 else {
            throw .badRequest("folded-header", "A header line starts with white space.")
        }
        // Section 5.1: white space between name and colon must be refused with 400; a space is no token character.
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")), colon > line.startIndex,
            line[..<colon].allSatisfy(ASCIISet.token.contains),
            let name = HTTPField.Name(String(decoding: line[..<colon], as: UTF8.self))
        else { throw .badRequest("bad-header", "A header line is not: name, colon, value.") }
        return HTTPField(name: name, value: line[(colon + 1)...].trimmingBlanks())
    }
}
