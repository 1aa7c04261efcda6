import Secrets

/// What a partner entered for the vendor's API, split by whether it may be shown again.
public struct ConnectorCredential: Sendable, Hashable {
    public var openFields: [String: String]
    public var secretFields: [String: Secret]

    public init(openFields: [String: String], secretFields: [String: Secret]) {
        self.openFields = openFields
        self.secretFields = secretFields
    }
}

extension Connector {
    /// Sorts trimmed input by field, fills defaults, and refuses what is missing.
    /// - Parameter anyText: fields that may hold spaces and letters of any language; the others travel in headers and addresses.
    func sorted(_ entered: [String: String], anyText: Set<String> = []) throws(ConnectorError) -> ConnectorCredential {
        var credential = ConnectorCredential(openFields: [:], secretFields: [:])
        for field in fields {
            let text = (entered[field.name] ?? "").trimmingWhitespace()
            guard let value = text.isEmpty ? field.defaultValue : text else {
                throw ConnectorError(
                    code: .invalidInput, message: "\(field.label) is empty. \(field.help)", field: field.name)
            }
            let isFit =
                anyText.contains(field.name)
                ? value.withoutControls == value : value.unicodeScalars.allSatisfy { $0.value > 0x20 && $0.value < 0x7F }
            guard isFit else {
                throw ConnectorError(
                    code: .invalidInput,
                    message: "\(field.label) contains a character that it cannot contain, such as a space. Copy it again.",
                    field: field.name)
            }
            if field.isSecret {
                credential.secretFields[field.name] = Secret(value)
            } else {
                credential.openFields[field.name] = value
            }
        }
        return credential
    }
}

extension String {
    /// Without white space and line ends around it, as pasted text often has. Zero-width and no-break spaces count too.
    public func trimmingWhitespace() -> String {
        trimming { $0.properties.isWhitespace || $0.properties.generalCategory == .format }
    }

    /// Without the blanks around it that are seen as such; what is not seen stays, for who looks at names to refuse.
    public func trimmingBlanks() -> String { trimming(\.properties.isWhitespace) }

    private func trimming(_ isBlank: (Unicode.Scalar) -> Bool) -> String {
        let scalars = unicodeScalars.drop(while: isBlank).reversed().drop(while: isBlank).reversed()
        return String(String.UnicodeScalarView(scalars))
    }

    var isBlank: Bool { trimmingWhitespace().isEmpty }
}
