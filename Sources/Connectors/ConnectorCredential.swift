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
        let isBlank: (Unicode.Scalar) -> Bool = {
            $0.properties.isWhitespace || $0.properties.generalCategory == .format
        }
        let scalars = unicodeScalars.drop(while: isBlank).reversed().drop(while: isBlank).reversed()
        return String(String.UnicodeScalarView(scalars))
    }

    /// For people's eyes and for Synthesize: control characters (Unicode's Cc, and the separators of lines and paragraphs) are left out;
    /// those that part words, such as tabs and line ends, become one space.
    var withoutControls: String {
        func isControl(_ scalar: Unicode.Scalar) -> Bool {
            switch scalar.properties.generalCategory {
            case .control, .lineSeparator, .paragraphSeparator: true
            default: false
            }
        }
        // Nearly all texts are without, and are told by their bytes.
        guard utf8.contains(where: { $0 < 0x20 || $0 == 0x7F || $0 == 0xC2 || $0 == 0xE2 }), unicodeScalars.contains(where: isControl)
        else {
            return self
        }
        var kept = String.UnicodeScalarView()
        var isGap = false
        for scalar in unicodeScalars {
            guard isControl(scalar) else {
                if isGap, !kept.isEmpty { kept.append(" ") }
                isGap = false
                kept.append(scalar)
                continue
            }
            isGap = isGap || scalar.properties.isWhitespace
        }
        return String(kept)
    }

    var isBlank: Bool { trimmingWhitespace().isEmpty }
}
