import Mustache

/// How texts behave in templates. Templates write `{{name}}`, which escapes `< > & " '`.
///
/// The template engine escapes by `Character`, and Swift counts a quote followed by a combining accent (or preceded by one
/// of Unicode's prepended marks) as one other character, which would pass unescaped and could end an attribute. So such
/// clusters are taken apart with U+200B ZERO WIDTH SPACE, which shows nothing, before they are escaped. An empty text is
/// false in a section.
extension String: @retroactive MustacheCustomRenderable {
    public var renderText: String { separatingMarkup(self) }
    public var isNull: Bool { isEmpty }
}

/// The text with every character that means something in HTML standing as a `Character` of its own.
func separatingMarkup(_ text: String) -> String {
    // Without bytes beyond ASCII the only cluster is CR LF.
    guard text.utf8.contains(where: { $0 >= 0x80 }) else { return text }
    var separated = ""
    for character in text {
        let scalars = character.unicodeScalars
        if scalars.count > 1, scalars.contains(where: isMarkup) {
            for scalar in scalars {
                if isMarkup(scalar) {
                    separated.unicodeScalars.append("\u{200B}")
                    separated.unicodeScalars.append(scalar)
                    separated.unicodeScalars.append("\u{200B}")
                } else {
                    separated.unicodeScalars.append(scalar)
                }
            }
        } else {
            separated.append(character)
        }
    }
    return separated
}

private func isMarkup(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar {
    case "<", ">", "&", "\"", "'": true
    default: false
    }
}
