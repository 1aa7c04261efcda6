/// Reads the fields of one request object and gathers what is wrong with them, so that a 400 names
/// every offending field at once (U-36).
struct FieldReader {
    private let object: JSONValue
    /// Stands before a field's name in a message, for instance `accounts[2].`.
    private let prefix: String
    private let settings: SandboxSettings
    private(set) var problems: [String] = []

    init(_ object: JSONValue, prefix: String = "", settings: SandboxSettings) {
        self.object = object
        self.prefix = prefix
        self.settings = settings
        if object.members == nil {
            problems.append("\(prefix.isEmpty ? "body" : String(prefix.dropLast())) must be an object")
        }
    }

    /// Throws a 400 when anything read so far was wrong.
    func check() throws(CallRefusal) {
        if !problems.isEmpty { throw CallRefusal(offending: problems) }
    }

    mutating func note(_ field: String, _ problem: String) { problems.append("\(prefix)\(field) \(problem)") }

    /// The field, nil when it is missing or null.
    func value(_ field: String) -> JSONValue? {
        object[field].flatMap { $0.isNull ? nil : $0 }
    }

    /// Empty text is accepted, a missing or null one is not (U-34).
    mutating func text(_ field: String) -> String {
        guard let text = optionalText(field) else {
            if value(field) == nil { note(field, "must be a string") }
            return ""
        }
        return text
    }

    mutating func optionalText(_ field: String) -> String? {
        guard let value = value(field) else { return nil }
        guard let text = value.string else {
            note(field, "must be a string")
            return nil
        }
        if let limit = settings.maximumTextLength, text.count > limit {
            note(field, "must be at most \(limit) characters long")
        }
        return text
    }

    /// An id: text, or a number that is kept as its text (U-33).
    mutating func identifier(_ field: String) -> String {
        optionalIdentifier(field)
            ?? {
                if value(field) == nil { note(field, "must be a string") }
                return ""
            }()
    }

    mutating func optionalIdentifier(_ field: String) -> String? {
        if case .number(let literal) = value(field), !settings.strictIds { return literal }
        return optionalText(field)
    }

    /// A text that must be one of a set, spelled exactly.
    mutating func optionalWord(_ field: String, among words: some Collection<String>) -> String? {
        guard let text = optionalText(field) else { return nil }
        if !words.contains(where: { WireText($0) == WireText(text) }) {
            note(field, "must be one of: \(words.sorted().joined(separator: ", "))")
        }
        return text
    }

    mutating func word(_ field: String, among words: some Collection<String>) -> String {
        guard let text = optionalWord(field, among: words) else {
            if value(field) == nil { note(field, "must be one of: \(words.sorted().joined(separator: ", "))") }
            return ""
        }
        return text
    }

    /// A whole number in a range; `fallback` when the field is absent, a problem without one.
    mutating func wholeNumber(_ field: String, in range: ClosedRange<Int>, fallback: Int?) -> Int {
        guard let value = value(field) else {
            if fallback == nil { note(field, "must be an integer from \(range.lowerBound) to \(range.upperBound)") }
            return fallback ?? range.lowerBound
        }
        guard let number = value.integer, range.contains(number) else {
            note(field, "must be an integer from \(range.lowerBound) to \(range.upperBound)")
            return range.lowerBound
        }
        return number
    }
}
