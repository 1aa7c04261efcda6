/// Decoded form fields in the order they came. A name may be repeated; a name ending in `[]` is kept as written.
public struct FormFields: Sendable {
    public let pairs: [(name: String, value: String)]

    public init(_ pairs: [(name: String, value: String)]) { self.pairs = pairs }

    /// The first value of that name.
    public subscript(name: String) -> String? { all(name).first }

    /// Every value of that name, in order. Names are compared by their bytes: `==` takes the Kelvin sign for a K.
    public func all(_ name: String) -> [String] { pairs.filter { $0.name.utf8.elementsEqual(name.utf8) }.map(\.value) }

    /// Reads `application/x-www-form-urlencoded` text (WHATWG URL, section 5.1): pairs split at `&`, `+` is a space,
    /// then percent-decoding.
    /// - Throws: `HTTPError` 400 for an escape that is not `%` and two hex digits, and for bytes that are not UTF-8.
    public static func parse(_ text: some Collection<UInt8>) throws(HTTPError) -> FormFields {
        var isBroken = false
        let fields = FormFields(text) { _ in
            isBroken = true
            return ""
        }
        if isBroken { throw .badRequest("bad-form", "The form holds a broken %-escape or is not UTF-8.") }
        return fields
    }

    /// As `parse`, for text that must never be refused: what cannot be decoded stays as written.
    init(lenient text: some Collection<UInt8>) { self.init(text) { String(decoding: $0, as: UTF8.self) } }

    private init<Text: Collection<UInt8>>(_ text: Text, whenBroken: (Text.SubSequence) -> String) {
        pairs = text.split(separator: UInt8(ascii: "&")).map { pair in
            let name = pair.prefix { $0 != UInt8(ascii: "=") }
            let value = pair.dropFirst(name.count + 1)
            return (
                PercentCoding.decode(name, plusIsSpace: true) ?? whenBroken(name),
                PercentCoding.decode(value, plusIsSpace: true) ?? whenBroken(value)
            )
        }
    }
}
