import Integration

/// The body of a request: these fields and no others. A field that is not known is refused, because a mistyped one would
/// otherwise be ignored in silence.
protocol StrictBody: Decodable, Sendable {
    associatedtype CodingKeys: CodingKey & CaseIterable
}

/// Decodes a strict body, and tells which field is at fault.
struct StrictlyDecoded<Body: StrictBody>: Decodable {
    let body: Body

    /// - Throws: `IntegrationError` with code `invalidInput`, the field named.
    init(from decoder: any Decoder) throws {
        guard let container = try? decoder.container(keyedBy: AnyKey.self) else {
            throw invalidInput("The body must be a JSON object.")
        }
        let known = Body.CodingKeys.allCases.map(\.stringValue)
        for key in container.allKeys.map(\.stringValue).sorted() where !known.contains(key) {
            throw invalidInput("The field '\(key)' is not known here. Known: \(known.joined(separator: ", ")).", field: key)
        }
        do {
            body = try Body(from: decoder)
        } catch let error as DecodingError {
            throw Self.refusal(error)
        }
    }

    private static func refusal(_ error: DecodingError) -> IntegrationError {
        switch error {
        case .keyNotFound(let key, let context):
            let field = place(context.codingPath + [key])
            return invalidInput("The field '\(field)' is missing.", field: field)
        case .valueNotFound(let type, let context), .typeMismatch(let type, let context):
            let field = place(context.codingPath)
            return invalidInput("The field '\(field)' must be \(name(of: type)).", field: field)
        case .dataCorrupted(let context):
            guard !context.codingPath.isEmpty else { return invalidInput("The body holds a value that does not fit.") }
            let field = place(context.codingPath)
            return invalidInput("The field '\(field)' does not hold a value that fits.", field: field)
        @unknown default:
            return invalidInput("The body could not be read.")
        }
    }

    private static func place(_ path: [any CodingKey]) -> String {
        path.map(\.stringValue).joined(separator: ".")
    }

    private static func name(of type: any Any.Type) -> String {
        switch type {
        case is String.Type: "text"
        case is Int.Type, is WholeNumber.Type: "a whole number"
        case is Bool.Type: "true or false"
        default: "an object"
        }
    }
}

/// A whole number of a body. `Int` itself does not say which field holds 1.5, only that the body is not valid.
struct WholeNumber: Decodable, Sendable {
    let value: Int

    init(from decoder: any Decoder) throws {
        let number = try? decoder.singleValueContainer().decode(Double.self)
        guard let value = number.flatMap({ Int(exactly: $0) }) else {
            throw DecodingError.typeMismatch(
                Int.self, DecodingError.Context(codingPath: decoder.codingPath, debugDescription: "not a whole number"))
        }
        self.value = value
    }
}

private struct AnyKey: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }

    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { return nil }
}

/// The case that `text` spells.
/// - Throws: `IntegrationError` with code `invalidInput` that lists the allowed words.
func choice<Choice: RawRepresentable & CaseIterable>(
    _ type: Choice.Type, _ text: String, field: String
) throws(IntegrationError) -> Choice where Choice.RawValue == String {
    if let choice = Choice(rawValue: text) { return choice }
    let allowed = Choice.allCases.map(\.rawValue).joined(separator: ", ")
    throw invalidInput("'\(text)' is not allowed for '\(field)'. Allowed: \(allowed).", field: field)
}
