import Foundation

/// One JSON value as a vendor wrote it (RFC 8259).
///
/// Not Foundation's decoder: a count of 12345678901234567890 and an id of 1001.0 keep the vendor's digits, members keep their order,
/// and a name that comes twice is an error instead of a value that silently wins.
enum JSONValue: Sendable, Hashable {
    case null
    case bool(Bool)
    /// The digits as written, for instance `12`, `0.50` or `1e3`.
    case number(String)
    case string(String)
    case array([JSONValue])
    /// In the order written; no name comes twice.
    case object([Member])

    struct Member: Sendable, Hashable {
        var name: String
        var value: JSONValue
    }
}

extension JSONValue {
    /// Reads a whole JSON text.
    /// - Throws: `brokenAnswer` with line and byte where the text stops being JSON, `tooLarge` beyond `limits`.
    init(parsing bytes: [UInt8], limits: JSONLimits = JSONLimits()) throws(ConnectorError) {
        var reader = RecordReader(records: nil, limits: limits)
        try reader.read(bytes) { (_) throws(ConnectorError) in }
        self = try reader.finish()
    }

    /// The member of that name, compared byte by byte; nil when there is none or this is no object.
    subscript(name: String) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.name.isExactly(name) }?.value
    }

    /// This object with a member more, or with that one in the place of its like; nil when it is no object.
    func setting(_ name: String, to value: JSONValue) -> JSONValue? {
        guard case .object(var members) = self else { return nil }
        if let position = members.firstIndex(where: { $0.name.isExactly(name) }) {
            members[position].value = value
        } else {
            members.append(Member(name: name, value: value))
        }
        return .object(members)
    }

    var members: [Member]? {
        guard case .object(let members) = self else { return nil }
        return members
    }

    var elements: [JSONValue]? {
        guard case .array(let elements) = self else { return nil }
        return elements
    }

    var string: String? {
        guard case .string(let text) = self else { return nil }
        return text
    }

    var bool: Bool? {
        guard case .bool(let value) = self else { return nil }
        return value
    }

    var isNull: Bool { self == .null }

    /// A text, or a number's digits as written: what an id is, whichever of the two a vendor sends.
    var text: String? {
        switch self {
        case .string(let text), .number(let text): text
        case .null, .bool, .array, .object: nil
        }
    }

    /// The number, exactly; nil when it is none, or has more digits or a larger exponent than `Decimal` holds.
    var decimal: Decimal? {
        guard case .number(let digits) = self else { return nil }
        return Decimal(exactly: digits)
    }

    /// What kind of value it is, for messages.
    var kind: String {
        switch self {
        case .null: "null"
        case .bool: "true or false"
        case .number: "a number"
        case .string: "a text"
        case .array: "a list"
        case .object: "an object"
        }
    }
}

extension Decimal {
    /// The value of a number in JSON's notation, nil when it cannot be held without rounding: `Decimal` has 38 digits and an
    /// exponent from -128 to 127.
    init?(exactly number: String) {
        let parts = number.utf8.split(maxSplits: 1, omittingEmptySubsequences: false) {
            $0 == UInt8(ascii: "e") || $0 == UInt8(ascii: "E")
        }
        guard let mantissa = parts.first else { return nil }
        let fraction = mantissa.split(separator: UInt8(ascii: "."), maxSplits: 1, omittingEmptySubsequences: false).dropFirst().first
        let digits = mantissa.filter { $0 != UInt8(ascii: "-") && $0 != UInt8(ascii: ".") }.drop { $0 == UInt8(ascii: "0") }
        if digits.isEmpty {
            self = 0
            return
        }
        let zeros = digits.reversed().prefix { $0 == UInt8(ascii: "0") }.count
        guard let power = parts.count == 1 ? 0 : Int(String(decoding: parts[1], as: UTF8.self)),
            // Beyond this the sum below could overflow, and no such number fits anyway.
            (-1000...1000).contains(power)
        else { return nil }
        let exponent = power - (fraction?.count ?? 0) + zeros
        guard digits.count - zeros <= 38, (-128...127).contains(exponent),
            let value = Decimal(string: String(decoding: digits.dropLast(zeros), as: UTF8.self), locale: nil)
        else { return nil }
        let sign: FloatingPointSign = mantissa.first == UInt8(ascii: "-") ? .minus : .plus
        self = Decimal(sign: sign, exponent: exponent, significand: value)
    }
}

extension String {
    /// Byte by byte: `==` takes composed and decomposed letters for the same.
    func isExactly(_ other: String) -> Bool {
        // `==` first, because it settles most comparisons with one look at the whole word.
        self == other && utf8.elementsEqual(other.utf8)
    }
}

/// How much of a JSON text is read before it is refused. What is held at once is bounded by `heldBytes` and `heldValues`: the
/// record being read, and apart from it everything outside the records.
struct JSONLimits: Sendable, Equatable {
    /// What the text is, at the head of a message.
    var subject = "The answer"
    /// Whether half a surrogate pair becomes U+FFFD, or the text is refused.
    var allowsHalfPairs = true
    /// Of the whole text.
    var totalBytes = 256 << 20
    /// Lists and objects within each other.
    var depth = 64
    /// Of one number. The longest that means anything, a double written out in full, has fewer.
    var numberBytes = 400
    /// Of one text or name.
    var textBytes = 1 << 20
    /// Of one record, and of everything outside the records together.
    var heldBytes = 32 << 20
    /// Likewise. A value takes two bytes at least and some 40 in memory, so bytes alone would not bound the memory.
    var heldValues = 1_000_000

    /// For what is handed in, whose sender can mend it.
    static func handedIn(_ subject: String) -> JSONLimits { JSONLimits(subject: subject, allowsHalfPairs: false) }
}
