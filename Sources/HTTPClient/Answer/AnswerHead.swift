import HTTPTypes

/// The status line and fields of an answer.
struct AnswerHead: Sendable, Equatable {
    var httpVersion: String
    var status: Int
    var fields: HTTPFields

    /// Reads the lines that `AnswerCollector` kept. `nil` without a status line.
    ///
    /// A field whose name is none is passed over, as browsers and libcurl do: it cannot change where the
    /// answer ends, which libcurl has already decided.
    init?(lines: [UInt8]) {
        var rest = lines[...]
        guard let statusLine = Self.nextLine(&rest) else { return nil }
        guard let status = statusLine.withUnsafeBytes(Self.status(inLine:)) else { return nil }
        self.status = status
        httpVersion = String(decoding: statusLine.prefix { $0 != UInt8(ascii: " ") }, as: UTF8.self)
        fields = HTTPFields()

        var pending: (name: HTTPField.Name, value: [UInt8])?
        while let line = Self.nextLine(&rest) {
            if let first = line.first, Self.isBlank(first) {
                // A folded line belongs to the field before (RFC 9112 section 5.2).
                pending?.value.append(UInt8(ascii: " "))
                pending?.value.append(contentsOf: Self.trimmed(line))
                continue
            }
            if let field = pending { fields.append(HTTPField(name: field.name, lenientValue: field.value)) }
            pending = nil
            guard let colon = line.firstIndex(of: UInt8(ascii: ":")),
                let name = HTTPField.Name(String(decoding: line[..<colon], as: UTF8.self))
            else { continue }
            pending = (name, Array(Self.trimmed(line[(colon + 1)...])))
        }
        if let field = pending { fields.append(HTTPField(name: field.name, lenientValue: field.value)) }
    }

    /// The status of a line such as `HTTP/1.1 200 OK` (libcurl writes `HTTP/2 200` for HTTP/2), and `nil`
    /// for any other line.
    static func status(inLine line: UnsafeRawBufferPointer) -> Int? {
        guard line.starts(with: "HTTP/".utf8),
            let space = line.firstIndex(of: UInt8(ascii: " ")), space + 3 < line.count
        else { return nil }
        var status = 0
        for byte in line[(space + 1)...(space + 3)] {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
            status = status * 10 + Int(byte - UInt8(ascii: "0"))
        }
        return status
    }

    private static func nextLine(_ rest: inout ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        guard !rest.isEmpty else { return nil }
        let end = rest.firstIndex(of: UInt8(ascii: "\n")) ?? rest.endIndex
        var line = rest[..<end]
        rest = rest[min(end + 1, rest.endIndex)...]
        if line.last == UInt8(ascii: "\r") { line.removeLast() }
        return line
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }

    private static func trimmed(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var bytes = bytes
        while let first = bytes.first, isBlank(first) { bytes.removeFirst() }
        while let last = bytes.last, isBlank(last) { bytes.removeLast() }
        return bytes
    }
}
