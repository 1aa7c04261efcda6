/// Why a vendor refused, in its own words.
enum VendorReason {
    /// Members in which errors are told, most telling first: RFC 9457 (`detail`, `title`), RFC 6749 (`error_description`), GraphQL and
    /// JSON:API (`errors`), and what many make up.
    private static let names = [
        "message", "error_description", "errorMessage", "detail", "description", "faultstring", "reason", "errors", "error", "fault",
        "title",
    ]

    /// - Returns: nil when the answer says nothing in a form that a person reads. Secrets may be in it.
    static func find(in body: [UInt8]) -> String? {
        guard body.count <= 1 << 20, let first = body.first(where: { $0 > 0x20 }) else { return nil }
        guard first == UInt8(ascii: "{") || first == UInt8(ascii: "[") else { return line(of: body) }
        do throws(ConnectorError) {
            return text(in: try JSONValue(parsing: body), depth: 0)
        } catch {
            return nil
        }
    }

    private static func text(in value: JSONValue, depth: Int) -> String? {
        guard depth < 4 else { return nil }
        switch value {
        case .string(let text): return text.isBlank ? nil : text
        case .array(let elements): return elements.first.flatMap { text(in: $0, depth: depth + 1) }
        case .object(let members):
            for name in names {
                for member in members where member.name.lowercased() == name.lowercased() {
                    if let text = text(in: member.value, depth: depth + 1) { return text }
                }
            }
            return nil
        default: return nil
        }
    }

    /// A short plain text, but no markup.
    private static func line(of body: [UInt8]) -> String? {
        guard body.count <= 500, let text = String(validating: body, as: UTF8.self)?.trimmingWhitespace(), !text.isEmpty,
            !text.contains("<")
        else { return nil }
        return text
    }
}

extension String {
    /// For the middle of a sentence.
    var withoutFullStop: String { hasSuffix(".") ? String(dropLast()) : self }
}

extension Duration {
    /// For people: `90 seconds`, `20 minutes`.
    var inWords: String {
        let seconds = components.seconds + (components.attoseconds > 0 ? 1 : 0)
        return seconds >= 120 && seconds.isMultiple(of: 60) ? "\(seconds / 60) minutes" : "\(seconds) seconds"
    }
}
