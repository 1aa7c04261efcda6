import Foundation
import HTTPTypes

/// The parts of a `multipart/form-data` body (RFC 7578), as browsers send a form with a file.
public struct MultipartForm: Sendable {
    public struct Part: Sendable, Hashable {
        public var name: String
        /// Of a file; empty when none was chosen. Nil for a plain field.
        public var fileName: String?
        public var bytes: [UInt8]

        /// The value of a plain field; nil when it is not UTF-8.
        public var text: String? { String(validating: bytes, as: UTF8.self) }
    }

    public let parts: [Part]

    /// The first part of that name.
    public subscript(name: String) -> Part? { parts.first { $0.name.utf8.elementsEqual(name.utf8) } }

    /// The plain fields, as an ordinary form would have them.
    public var fields: FormFields {
        FormFields(parts.compactMap { part in part.fileName == nil ? part.text.map { (part.name, $0) } : nil })
    }

    /// More than any form of ours has.
    private static let maximumParts = 50
    private static let maximumHeaderBytes = 8 << 10

    /// - Throws: `HTTPError` 400 where the body does not follow RFC 2046 section 5.1.1 or a part has no name.
    public static func parse(_ bytes: [UInt8], boundary: String) throws(HTTPError) -> MultipartForm {
        let delimiter = Array("\r\n--\(boundary)".utf8)
        // The first delimiter may begin the body, without the line end before it.
        var position: Int
        if bytes.starts(with: delimiter.dropFirst(2)) {
            position = delimiter.count - 2
        } else if let first = bytes.firstPlace(of: delimiter, from: 0) {
            position = first + delimiter.count
        } else {
            throw broken("its boundary is not in it")
        }
        var parts: [Part] = []
        while true {
            if bytes[position...].starts(with: "--".utf8) { return MultipartForm(parts: parts) }
            while position < bytes.count, bytes[position] == 0x20 || bytes[position] == 0x09 { position += 1 }
            guard bytes[position...].starts(with: "\r\n".utf8) else { throw broken("a boundary is followed by other text") }
            guard parts.count < maximumParts else { throw broken("it has more than \(maximumParts) parts") }
            // The line end of the boundary may be the one that closes an empty head.
            guard let end = bytes.firstPlace(of: Array("\r\n\r\n".utf8), from: position), end - position <= maximumHeaderBytes else {
                throw broken("a part has no head, or a very long one")
            }
            let start = end + 4
            // An empty part's delimiter shares its line end with the head.
            guard let next = bytes.firstPlace(of: delimiter, from: start - 2) else { throw broken("it ends in the middle") }
            parts.append(try part(bytes[min(position + 2, end)..<end], Array(bytes[start..<max(start, next)])))
            position = next + delimiter.count
        }
    }

    private init(parts: [Part]) { self.parts = parts }

    private static func part(_ head: ArraySlice<UInt8>, _ content: [UInt8]) throws(HTTPError) -> Part {
        guard let head = String(validating: head, as: UTF8.self) else { throw broken("a part's head is not UTF-8") }
        for line in head.split(separator: "\r\n") {
            // RFC 5322 section 2.2: no line end within a field. Another reader would end the name there.
            guard !line.utf8.contains(0x0D), !line.utf8.contains(0x0A) else { throw broken("a part's head has half a line end") }
            guard let colon = line.firstIndex(of: ":"), line[..<colon].lowercased() == "content-disposition" else { continue }
            let parameters = parameters(line[line.index(after: colon)...])
            guard parameters.kind == "form-data", let name = parameters.values["name"] else { break }
            return Part(name: name, fileName: parameters.values["filename"], bytes: content)
        }
        throw broken("a part has no name")
    }

    /// `form-data; name="a"; filename="b;c.csv"`. A quote within is `%22` (WHATWG HTML, multipart form data) or `\"`. Byte by byte: a quote
    /// and an accent behind it are one `Character`, which is no quote.
    private static func parameters(_ text: Substring) -> (kind: String, values: [String: String]) {
        var pieces: [[UInt8]] = [[]]
        var (isQuoted, isEscaped) = (false, false)
        for byte in text.utf8 {
            if isEscaped {
                pieces[pieces.count - 1].append(byte)
                isEscaped = false
            } else if isQuoted, byte == UInt8(ascii: "\\") {
                isEscaped = true
            } else if byte == UInt8(ascii: "\"") {
                isQuoted.toggle()
            } else if byte == UInt8(ascii: ";"), !isQuoted {
                pieces.append([])
            } else {
                pieces[pieces.count - 1].append(byte)
            }
        }
        let trimmed = pieces.map(\.withoutBlanksAround)
        var values: [String: String] = [:]
        for piece in trimmed.dropFirst() {
            guard let equals = piece.firstIndex(of: UInt8(ascii: "=")) else { continue }
            let name = String(decoding: piece[..<equals], as: UTF8.self).lowercased()
            if values[name] == nil { values[name] = String(decoding: piece[(equals + 1)...].withQuotes, as: UTF8.self) }
        }
        return (String(decoding: trimmed[0], as: UTF8.self).lowercased(), values)
    }

    private static func broken(_ problem: String) -> HTTPError {
        .badRequest("bad-form", "The form cannot be read: \(problem).")
    }
}

extension Request {
    /// Whether the body is a form with parts.
    public var isMultipartForm: Bool { mediaType == "multipart/form-data" }

    /// The body of an HTML form with a file, `multipart/form-data`.
    /// - Parameter limit: bytes of the whole body.
    /// - Throws: `HTTPError` 415 for another content type, 413 above the limit, 400 for a body that is not such a form.
    public func multipartForm(upTo limit: Int) async throws -> MultipartForm {
        guard isMultipartForm, let boundary else {
            throw HTTPError(.unsupportedMediaType, code: "not-a-form", message: "Send the form as multipart/form-data.")
        }
        return try MultipartForm.parse(await body.collect(upTo: limit), boundary: boundary)
    }

    /// 1 to 70 characters (RFC 2046 section 5.1.1).
    private var boundary: String? {
        let value = head.headerFields[.contentType] ?? ""
        for parameter in value.split(separator: ";").dropFirst() {
            let pair = parameter.split(separator: "=", maxSplits: 1).map { $0.trimmingCharacters(in: .whitespaces) }
            guard pair.count == 2, pair[0].lowercased() == "boundary" else { continue }
            let boundary = pair[1].trimmingCharacters(in: CharacterSet(charactersIn: "\""))
            return (1...70).contains(boundary.utf8.count) ? boundary : nil
        }
        return nil
    }
}

extension [UInt8] {
    fileprivate var withoutBlanksAround: [UInt8] {
        let isBlank: (UInt8) -> Bool = { $0 == 0x20 || $0 == 0x09 }
        return Array(drop(while: isBlank).reversed().drop(while: isBlank).reversed())
    }

    /// Where `needle` first begins at or behind `start`.
    fileprivate func firstPlace(of needle: [UInt8], from start: Int) -> Int? {
        withUnsafeBytes { all in
            var position = Swift.max(0, start)
            while let base = all.baseAddress, position + needle.count <= all.count,
                let found = memchr(base + position, Int32(needle[0]), all.count - position - needle.count + 1)
            {
                position = UnsafeRawPointer(found) - base
                if all[position..<position + needle.count].elementsEqual(needle) { return position }
                position += 1
            }
            return nil
        }
    }
}

extension ArraySlice<UInt8> {
    /// With `"` in the place of `%22`.
    fileprivate var withQuotes: [UInt8] {
        var result: [UInt8] = []
        var rest = self
        while let byte = rest.first {
            let isQuote = rest.starts(with: "%22".utf8)
            result.append(isQuote ? UInt8(ascii: "\"") : byte)
            rest = rest.dropFirst(isQuote ? 3 : 1)
        }
        return result
    }
}
