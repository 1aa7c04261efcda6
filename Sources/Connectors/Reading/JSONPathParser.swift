/// Reads the text of a `JSONPath` (RFC 9535 section 2 and appendix A, as far as that type goes).
struct JSONPathParser {
    /// Longer and deeper than any path a definition needs.
    private static let maximumLength = 1000

    private let text: String
    private let scalars: [Unicode.Scalar]
    private var position = 0

    init(_ text: String) {
        self.text = text
        scalars = Array(text.unicodeScalars)
    }

    mutating func parse() throws(ConnectorError) -> [[JSONPath.Selector]] {
        guard scalars.count <= Self.maximumLength else { throw failure("it is longer than \(Self.maximumLength) characters") }
        guard take("$") else { throw failure("expected '$', with which every path begins") }
        var segments: [[JSONPath.Selector]] = []
        while true {
            let end = position
            skipBlanks()
            if take("[") {
                segments.append(try bracket())
            } else if take(".") {
                segments.append([try afterDot()])
            } else {
                position = end
                guard next == nil else { throw failure("expected '.', '[' or the end") }
                return segments
            }
        }
    }

    private mutating func afterDot() throws(ConnectorError) -> JSONPath.Selector {
        if next == "." { throw failure("the descendant segment '..' is not among what Perch reads; name each step") }
        if take("*") { return .wildcard }
        guard let first = next, Self.beginsName(first) else {
            throw failure("expected a name, which begins with a letter or '_'; any other name is written ['like this']")
        }
        var name = String.UnicodeScalarView()
        while let scalar = next, Self.beginsName(scalar) || ("0"..."9").contains(scalar) {
            name.append(scalar)
            position += 1
        }
        return .name(String(name))
    }

    /// `name-first`; a Swift scalar is never a surrogate.
    private static func beginsName(_ scalar: Unicode.Scalar) -> Bool {
        ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar) || scalar == "_" || scalar.value >= 0x80
    }

    private mutating func bracket() throws(ConnectorError) -> [JSONPath.Selector] {
        var selectors: [JSONPath.Selector] = []
        while true {
            skipBlanks()
            selectors.append(try selector())
            skipBlanks()
            if take("]") { return selectors }
            guard take(",") else { throw failure("expected ',' or ']'") }
        }
    }

    private mutating func selector() throws(ConnectorError) -> JSONPath.Selector {
        switch next {
        case "*"?:
            position += 1
            return .wildcard
        case "'"?, "\""?: return .name(try quotedName())
        case "?"?: throw failure("filters '?' are not among what Perch reads; use the definition's own filters")
        case let scalar? where scalar == "-" || scalar == ":" || ("0"..."9").contains(scalar): return try indexOrSlice()
        default: throw failure("expected a name in quotes, an index, a slice or '*'")
        }
    }

    private mutating func indexOrSlice() throws(ConnectorError) -> JSONPath.Selector {
        let start = next == ":" ? nil : try integer()
        let end = position
        skipBlanks()
        guard take(":") else {
            position = end
            return .index(start ?? 0)
        }
        let stop = try optionalInteger()
        skipBlanks()
        let step = take(":") ? try optionalInteger() ?? 1 : 1
        return .slice(start: start, end: stop, step: step)
    }

    /// Blanks before it are passed over, those behind it too when it is there.
    private mutating func optionalInteger() throws(ConnectorError) -> Int? {
        skipBlanks()
        guard let scalar = next, scalar == "-" || ("0"..."9").contains(scalar) else { return nil }
        return try integer()
    }

    /// `int`: no leading zeros, no `-0`, within the range of exact doubles (I-JSON, RFC 7493).
    private mutating func integer() throws(ConnectorError) -> Int {
        let start = position
        let isNegative = take("-")
        var value = 0
        var digits = 0
        while let scalar = next, ("0"..."9").contains(scalar) {
            value = value * 10 + Int(scalar.value - 0x30)
            digits += 1
            guard value < 1 << 53 else { throw failure("the number is too large", at: start) }
            position += 1
        }
        guard digits > 0 else { throw failure("expected a digit") }
        guard digits == 1 || scalars[position - digits] != "0" else { throw failure("a number has no leading zeros", at: start) }
        guard !isNegative || value > 0 else { throw failure("there is no -0", at: start) }
        return isNegative ? -value : value
    }

    private mutating func quotedName() throws(ConnectorError) -> String {
        let quote = scalars[position]
        let start = position
        position += 1
        var name = String.UnicodeScalarView()
        while let scalar = next {
            position += 1
            switch scalar {
            case quote: return String(name)
            case "\\": name.append(try escape(quote))
            case _ where scalar.value < 0x20: throw failure("a control character has to be escaped", at: position - 1)
            default: name.append(scalar)
            }
        }
        throw failure("the name's closing \(quote) is missing", at: start)
    }

    private mutating func escape(_ quote: Unicode.Scalar) throws(ConnectorError) -> Unicode.Scalar {
        let start = position - 1
        guard let scalar = next else { throw failure("an escape ends in the middle", at: start) }
        position += 1
        switch scalar {
        case quote, "\\", "/": return scalar
        case "b": return "\u{8}"
        case "f": return "\u{C}"
        case "n": return "\n"
        case "r": return "\r"
        case "t": return "\t"
        case "u":
            let unit = try hexadecimalUnit(start)
            if let scalar = Unicode.Scalar(UInt32(unit)) { return scalar }
            guard UTF16.isLeadSurrogate(unit), take("\\"), take("u") else { throw failure("half a surrogate pair", at: start) }
            let second = try hexadecimalUnit(start)
            guard UTF16.isTrailSurrogate(second),
                let scalar = Unicode.Scalar(0x10000 + (UInt32(unit - 0xD800) << 10) + UInt32(second - 0xDC00))
            else { throw failure("half a surrogate pair", at: start) }
            return scalar
        default: throw failure("there is no such escape", at: start)
        }
    }

    private mutating func hexadecimalUnit(_ start: Int) throws(ConnectorError) -> UInt16 {
        var unit: UInt16 = 0
        for _ in 0..<4 {
            guard let scalar = next, scalar.isASCII, let digit = Character(scalar).hexDigitValue else {
                throw failure("\\u needs four hexadecimal digits", at: start)
            }
            unit = unit << 4 | UInt16(digit)
            position += 1
        }
        return unit
    }

    // MARK: Characters

    private var next: Unicode.Scalar? { position < scalars.count ? scalars[position] : nil }

    private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        guard next == scalar else { return false }
        position += 1
        return true
    }

    /// `S`: space, tab, line feed, return.
    private mutating func skipBlanks() {
        while let scalar = next, [" ", "\t", "\n", "\r"].contains(scalar) { position += 1 }
    }

    private func failure(_ problem: String, at place: Int? = nil) -> ConnectorError {
        ConnectorError(
            code: .invalidDefinition,
            message: "The path \(text.prefix(80)) cannot be read at character \((place ?? position) + 1): \(problem).")
    }
}
