/// One text of a JSON text, taken piece by piece (RFC 8259 section 7).
struct JSONText: Sendable {
    enum Taken {
        /// The piece ended before the text.
        case more
        case whole(String)
        case broken(String)
        case tooLong
    }

    private enum Escape {
        case outside, begun
        /// Hexadecimal digits of `\u`.
        case unit(digits: Int, value: UInt16)
    }

    /// Whether it is a member's name.
    private(set) var isName = false
    private var bytes: [UInt8] = []
    private var escape = Escape.outside
    /// The first half of a pair that two `\u` write together.
    private var half: UInt16?
    /// Whether half a pair stood alone and was replaced.
    private(set) var hadHalf = false

    /// Behind the opening quote.
    mutating func begin(isName: Bool) {
        self.isName = isName
        bytes.removeAll(keepingCapacity: true)
        escape = .outside
        half = nil
        hadHalf = false
    }

    /// - Parameter next: moved behind what was taken; where the text is broken, to the place.
    mutating func take(_ piece: UnsafeBufferPointer<UInt8>, from next: inout Int, limit: Int) -> Taken {
        while next < piece.count {
            if case .outside = escape {
            } else {
                if let problem = takeEscape(piece[next]) { return .broken(problem) }
                next += 1
                guard bytes.count <= limit else { return .tooLong }
                continue
            }
            let start = next
            while next < piece.count, piece[next] >= 0x20, piece[next] != UInt8(ascii: "\""), piece[next] != UInt8(ascii: "\\") {
                next += 1
            }
            if next > start || next < piece.count && piece[next] == UInt8(ascii: "\"") { completeHalf() }
            guard bytes.count + next - start <= limit else { return .tooLong }
            guard next < piece.count else {
                bytes.append(contentsOf: piece[start..<next])
                break
            }
            switch piece[next] {
            case UInt8(ascii: "\""):
                next += 1
                // Most texts have no escape and lie in one piece.
                let run = UnsafeBufferPointer(rebasing: piece[start..<(next - 1)])
                if bytes.isEmpty { return whole(run) }
                bytes.append(contentsOf: run)
                return bytes.withUnsafeBufferPointer(whole)
            case UInt8(ascii: "\\"):
                bytes.append(contentsOf: piece[start..<next])
                escape = .begun
                next += 1
            default: return .broken("a text holds a control character that is not escaped")
            }
        }
        return .more
    }

    private func whole(_ run: UnsafeBufferPointer<UInt8>) -> Taken {
        guard let string = String(validating: run, as: UTF8.self) else { return .broken("a text is not UTF-8") }
        return .whole(string)
    }

    /// What is wrong with the next byte of an escape, nil when nothing is.
    private mutating func takeEscape(_ byte: UInt8) -> String? {
        guard case .unit(let digits, let value) = escape else {
            if byte == UInt8(ascii: "u") {
                escape = .unit(digits: 0, value: 0)
                return nil
            }
            let plain: UInt8? =
                switch byte {
                case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): byte
                case UInt8(ascii: "b"): 0x08
                case UInt8(ascii: "f"): 0x0C
                case UInt8(ascii: "n"): 0x0A
                case UInt8(ascii: "r"): 0x0D
                case UInt8(ascii: "t"): 0x09
                default: nil
                }
            guard let plain else { return "there is no such escape" }
            completeHalf()
            bytes.append(plain)
            escape = .outside
            return nil
        }
        guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue, byte < 0x80 else { return "\\u needs four hexadecimal digits" }
        let unit = value << 4 | UInt16(digit)
        guard digits == 3 else {
            escape = .unit(digits: digits + 1, value: unit)
            return nil
        }
        escape = .outside
        take(unit)
        return nil
    }

    private mutating func take(_ unit: UInt16) {
        if let first = half, UTF16.isTrailSurrogate(unit) {
            half = nil
            let value = 0x10000 + (UInt32(first - 0xD800) << 10) + UInt32(unit - 0xDC00)
            append(Unicode.Scalar(value) ?? "\u{FFFD}")
            return
        }
        completeHalf()
        if UTF16.isLeadSurrogate(unit) {
            half = unit
        } else {
            hadHalf = hadHalf || UTF16.isTrailSurrogate(unit)
            append(Unicode.Scalar(UInt32(unit)) ?? "\u{FFFD}")
        }
    }

    /// Half a pair stands for nothing. Vendors that cut long names by UTF-16 units send such; a fetch must not fail by it for good. What is
    /// handed in can be mended, and is refused.
    private mutating func completeHalf() {
        guard half != nil else { return }
        half = nil
        hadHalf = true
        append("\u{FFFD}")
    }

    private mutating func append(_ scalar: Unicode.Scalar) { bytes.append(contentsOf: Character(scalar).utf8) }
}
