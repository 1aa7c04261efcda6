/// How the characters of a file are written.
public enum TextEncoding: String, Sendable, Hashable, CaseIterable {
    /// By the byte order mark where there is one, else UTF-8. Nothing is guessed beyond that: a wrong guess would change names.
    case automatic
    case utf8 = "utf-8"
    case utf16LittleEndian = "utf-16le"
    case utf16BigEndian = "utf-16be"
    /// What Excel on Windows writes as "CSV" in Western Europe and America.
    case windows1252 = "windows-1252"
}

extension TextEncoding {
    /// The text as UTF-8 bytes, without a byte order mark.
    /// - Throws: `invalidFile` where the bytes are no text in this encoding, with the place.
    func utf8Bytes(of bytes: [UInt8]) throws(ConnectorError) -> [UInt8] {
        if let kind = Self.otherKind(bytes) { throw .invalidFile("The file is \(kind).") }
        let mark: (encoding: TextEncoding, length: Int)? =
            if bytes.starts(with: [0xEF, 0xBB, 0xBF]) {
                (.utf8, 3)
            } else if bytes.starts(with: [0xFF, 0xFE]) {
                (.utf16LittleEndian, 2)
            } else if bytes.starts(with: [0xFE, 0xFF]) {
                (.utf16BigEndian, 2)
            } else {
                nil
            }
        if let mark, self != .automatic, self != mark.encoding {
            throw .invalidFile(
                "The file begins with the byte order mark of \(mark.encoding.rawValue), and its encoding is set to \(rawValue). "
                    + "Set it to automatic.")
        }
        let encoding = self == .automatic ? mark?.encoding ?? .utf8 : self
        let body = bytes.dropFirst(mark?.length ?? 0)
        switch encoding {
        case .automatic, .utf8:
            if let wide = Self.wideEncoding(body) {
                throw .invalidFile("The file looks like \(wide.rawValue) without a byte order mark. Set the encoding to \(wide.rawValue).")
            }
            return try Self.checkedUTF8(body, isGuess: self == .automatic)
        case .utf16LittleEndian: return try Self.fromUTF16(body) { UInt16($1) << 8 | UInt16($0) }
        case .utf16BigEndian: return try Self.fromUTF16(body) { UInt16($0) << 8 | UInt16($1) }
        case .windows1252: return try Self.fromWindows1252(body)
        }
    }

    /// What a file is that is no text at all, by its first bytes.
    private static func otherKind(_ bytes: [UInt8]) -> String? {
        let kinds: [(start: [UInt8], words: String)] = [
            ([0x50, 0x4B, 0x03, 0x04], "an Excel workbook (.xlsx) or another ZIP archive, not text; save it as CSV UTF-8"),
            ([0xD0, 0xCF, 0x11, 0xE0], "an old Excel workbook (.xls) or another Office file, not text; save it as CSV UTF-8"),
            ([0x25, 0x50, 0x44, 0x46], "a PDF, not text"), ([0x1F, 0x8B], "compressed (gzip), not text; hand it in unpacked"),
        ]
        return kinds.first { bytes.starts(with: $0.start) }?.words
    }

    /// UTF-16 by its many zeros: a header of ASCII letters has one in every second byte.
    private static func wideEncoding(_ bytes: ArraySlice<UInt8>) -> TextEncoding? {
        let beginning = bytes.prefix(200)
        let zeros = beginning.indices.filter { beginning[$0] == 0 }
        guard zeros.count * 3 > beginning.count else { return nil }
        let odd = zeros.count { !($0 - beginning.startIndex).isMultiple(of: 2) }
        return odd * 2 > zeros.count ? .utf16LittleEndian : .utf16BigEndian
    }

    private static func checkedUTF8(_ bytes: ArraySlice<UInt8>, isGuess: Bool) throws(ConnectorError) -> [UInt8] {
        if String(validating: bytes, as: UTF8.self) != nil { return Array(bytes) }
        // Only now is the place of interest: the end of the longest beginning that is text.
        var good = 0
        var decoder = UTF8()
        var iterator = bytes.makeIterator()
        search: while true {
            switch decoder.decode(&iterator) {
            case .scalarValue(let scalar): good += UTF8.width(scalar)
            case .emptyInput, .error: break search
            }
        }
        let line = bytes.prefix(good).count { $0 == 0x0A } + 1
        // Texts have no control characters but tabs and line ends; what has is no text in any encoding.
        let isText = bytes.prefix(1000).allSatisfy { $0 >= 0x20 || $0 == 0x09 || $0 == 0x0A || $0 == 0x0D }
        let hint =
            !isText
            ? " The file does not look like text at all."
            : isGuess ? " If Excel on Windows wrote it, set the encoding to windows-1252." : ""
        throw .invalidFile("Line \(line) is not text in UTF-8 (byte \(good)).\(hint)")
    }

    private static func fromUTF16(_ bytes: ArraySlice<UInt8>, _ unit: (UInt8, UInt8) -> UInt16) throws(ConnectorError) -> [UInt8] {
        guard bytes.count.isMultiple(of: 2) else {
            throw .invalidFile("The file ends in the middle of a character; it is said to be UTF-16.")
        }
        var units: [UInt16] = []
        units.reserveCapacity(bytes.count / 2)
        var position = bytes.startIndex
        while position < bytes.endIndex {
            units.append(unit(bytes[position], bytes[position + 1]))
            position += 2
        }
        guard let text = String(validating: units, as: UTF16.self) else {
            throw .invalidFile("The file holds what is no text in UTF-16. Set another encoding.")
        }
        return Array(text.utf8)
    }

    /// WHATWG and Microsoft agree on all but the five that Microsoft leaves undefined.
    private static func fromWindows1252(_ bytes: ArraySlice<UInt8>) throws(ConnectorError) -> [UInt8] {
        let upper: [UInt16] = [
            0x20AC, 0, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0, 0x017D, 0,
            0, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0, 0x017E, 0x0178,
        ]
        var text: [UInt8] = []
        text.reserveCapacity(bytes.count)
        for byte in bytes {
            let value = (0x80...0x9F).contains(byte) ? UInt32(upper[Int(byte) - 0x80]) : UInt32(byte)
            guard value != 0 || byte == 0, let scalar = Unicode.Scalar(value) else {
                let line = text.count { $0 == 0x0A } + 1
                throw .invalidFile("Line \(line) holds the byte \(String(byte, radix: 16)), which windows-1252 does not know.")
            }
            text.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
        }
        return text
    }
}

extension ConnectorError {
    static func invalidFile(_ problem: String, field: String? = nil) -> ConnectorError {
        ConnectorError(code: .invalidFile, message: "\(problem) The file was not taken, and nothing was changed.", field: field)
    }
}
