/// Decoded form fields in the order they came. A name may be repeated; a name ending in `[]` is kept as written.
public struct FormFields: Sendable {
    public let pairs: [(name: String, value: String)]

    public init(_ pairs: [(name: String, value: String)]) { self.pairs = pairs }

    /// The first value of that name.
    public subscript(name: String) -> String? { pairs.first { $0.name == name }?.value }

    /// Every value of that name, in order.
    public func all(_ name: String) -> [String] { pairs.filter { $0.name == name }.map(\.value) }

    /// Reads `application/x-www-form-urlencoded` text (WHATWG URL, section 5.1): pairs split at `&`, `+` is a space,
    /// then percent-decoding.
    /// - Throws: `HTTPError` 400 for an escape that is not `%` and two hex digits, and for bytes that are not UTF-8.
    public static func parse(_ text: some Sequence<UInt8>) throws(HTTPError) -> FormFields {
        var pairs: [(name: String, value: String)] = []
        for (name, value) in rawPairs(text) {
            guard let name = PercentCoding.decode(name, plusIsSpace: true),
                let value = PercentCoding.decode(value, plusIsSpace: true)
            else { throw HTTPError.badRequest("bad-form", "The form holds a broken %-escape or is not UTF-8.") }
            pairs.append((name, value))
        }
        return FormFields(pairs)
    }

    /// As `parse`, for text that must never be refused.
    init(lenient text: some Sequence<UInt8>) {
        pairs = Self.rawPairs(text).map { name, value in
            (PercentCoding.decodeLeniently(name, plusIsSpace: true), PercentCoding.decodeLeniently(value, plusIsSpace: true))
        }
    }

    private static func rawPairs(_ text: some Sequence<UInt8>) -> [(ArraySlice<UInt8>, ArraySlice<UInt8>)] {
        Array(text).split(separator: UInt8(ascii: "&")).map { pair in
            guard let equals = pair.firstIndex(of: UInt8(ascii: "=")) else { return (pair, []) }
            return (pair[..<equals], pair[(equals + 1)...])
        }
    }
}
