/// One JSON value, as the sandbox reads it from a request and writes it into an answer.
///
/// Foundation's coders are not used here because three things matter on this wire: members keep the
/// order in which the contract shows them, a number keeps its literal text (an account id sent as
/// the number 12345678901234567890 is stored as that text, U-33), and a set unit count call, made
/// thousands of times a second, costs microseconds.
enum JSONValue: Sendable, Hashable {
    case null
    case bool(Bool)
    /// The literal as written, for instance `12`, `0.5` or `1e3`.
    case number(String)
    case string(String)
    case array([JSONValue])
    /// Members in the order written. A name may repeat; reading takes the last, as JavaScript does.
    case object([Member])

    struct Member: Sendable, Hashable {
        var name: String
        var value: JSONValue
    }
}

extension JSONValue {
    /// The member of that name; nil when there is none or this is no object.
    subscript(name: String) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        return members.last { $0.name == name }?.value
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

    /// The number as a double, nil when it is no number or does not fit one.
    var double: Double? {
        guard case .number(let literal) = self, let value = Double(literal), value.isFinite else { return nil }
        return value
    }

    /// The number as a whole number; `2` and `2.0` are both 2, as in JavaScript.
    var integer: Int? {
        double.flatMap(Int.init(exactly:))
    }

    var isNull: Bool { self == .null }

    /// An object from those of the members that have a value: optional fields are left out, not null.
    static func object(present members: KeyValuePairs<String, JSONValue?>) -> JSONValue {
        .object(members.compactMap { name, value in value.map { Member(name: name, value: $0) } })
    }

    /// A number in its shortest form: whole numbers without a fraction.
    static func number(_ value: Double) -> JSONValue {
        if let whole = Int64(exactly: value) { return .number(String(whole)) }
        return .number(String(value))
    }

    static func optional(_ text: String?) -> JSONValue { text.map(JSONValue.string) ?? .null }

    static func strings(_ texts: some Sequence<String>) -> JSONValue { .array(texts.map(JSONValue.string)) }
}

extension JSONValue: ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByStringLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    init(booleanLiteral value: Bool) { self = .bool(value) }
    init(integerLiteral value: Int) { self = .number(String(value)) }
    init(stringLiteral value: String) { self = .string(value) }
    init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
    init(dictionaryLiteral elements: (String, JSONValue)...) {
        self = .object(elements.map { Member(name: $0.0, value: $0.1) })
    }
}
