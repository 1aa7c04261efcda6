/// A set of ASCII characters as two 64-bit masks, so that a test costs one shift. Bytes of 0x80 and above are never in it.
struct ASCIISet: Sendable {
    private var low: UInt64 = 0
    private var high: UInt64 = 0

    init(_ characters: String) {
        for byte in characters.utf8 {
            if byte < 64 { low |= 1 << UInt64(byte) } else if byte < 128 { high |= 1 << UInt64(byte - 64) }
        }
    }

    func contains(_ byte: UInt8) -> Bool {
        byte < 64 ? (low >> UInt64(byte)) & 1 == 1 : byte < 128 && (high >> UInt64(byte - 64)) & 1 == 1
    }

    private static let alphanumeric = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
    /// `tchar`, RFC 9110 section 5.6.2.
    static let token = ASCIISet(alphanumeric + "!#$%&'*+-.^_`|~")
    /// `cookie-octet`, RFC 6265 section 4.1.1.
    static let cookieValue = ASCIISet(alphanumeric + "!#$%&'()*+-./:<=>?@[]^_`{|}~")
    /// Everything RFC 3986 lets stand in a URI, with `%`.
    static let uri = ASCIISet(alphanumeric + "-._~:/?#[]@!$&'()*+,;=%")
    /// What a request target may hold: visible ASCII without the four that no user agent sends unescaped. Browsers do
    /// leave `|`, `^`, `{`, `}`, `[`, `]`, `\` and the backquote bare in queries (WHATWG URL, query percent-encode set).
    static let target = ASCIISet(alphanumeric + "-._~:/?[]@!$&'()*+,;=%|^{}\\`")
    /// `reg-name` without escapes and sub-delims (RFC 3986 section 3.2.2): no registered host name holds those, and `,` or
    /// `;` in a host is how two parsers come to disagree.
    static let hostName = ASCIISet(alphanumeric + "-._~")
}

extension Sequence<UInt8> {
    /// As text, with only A to Z lowered: `lowercased()` would make a k of the Kelvin sign, and `chunked` of what is not.
    var lowercasedASCII: String {
        String(decoding: map { 0x41...0x5A ~= $0 ? $0 | 0x20 : $0 }, as: UTF8.self)
    }
}

extension BidirectionalCollection<UInt8> {
    /// Without spaces and tabs (OWS, RFC 9110 section 5.6.3) at both ends.
    func trimmingBlanks() -> SubSequence {
        var slice = self[...]
        while let first = slice.first, first == 0x20 || first == 0x09 { slice.removeFirst() }
        while let last = slice.last, last == 0x20 || last == 0x09 { slice.removeLast() }
        return slice
    }

    /// The members of a comma-separated list (RFC 9110 section 5.6.1), trimmed, empty ones left out, in lower case.
    func listMembers() -> [String] {
        split(separator: UInt8(ascii: ",")).compactMap { member in
            let text = member.trimmingBlanks()
            return text.isEmpty ? nil : text.lowercasedASCII
        }
    }
}

/// The one reader of numbers that come from the network: digits only, bounded length, so that `+5`, `0x10`, `1_0`,
/// blanks and overflow are all refused in the same place.
enum WireNumber {
    /// 1 to 18 ASCII digits, which always fit an `Int`; RFC 9110 section 8.6 asks to guard against overflow.
    static func decimal(_ digits: some Collection<UInt8>) -> Int? {
        guard digits.count <= 18, digits.allSatisfy({ $0 &- 0x30 < 10 }) else { return nil }
        return Int(String(decoding: digits, as: UTF8.self))
    }

    /// 1 to 15 hex digits (60 bits).
    static func hexadecimal(_ digits: some Collection<UInt8>) -> Int? {
        guard digits.count <= 15, digits.allSatisfy({ hexDigit($0) != nil }) else { return nil }
        return Int(String(decoding: digits, as: UTF8.self), radix: 16)
    }

    static func hexDigit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46: byte - 0x41 + 10
        case 0x61...0x66: byte - 0x61 + 10
        default: nil
        }
    }
}
