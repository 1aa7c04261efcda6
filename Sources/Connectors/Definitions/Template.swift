/// Text with names in `${...}`, filled in when a request is made or a record is read.
struct Template: Sendable, Hashable {
    enum Piece: Sendable, Hashable {
        case text(String)
        case name(Name)
    }

    /// What a `${...}` stands for.
    enum Name: Sendable, Hashable {
        /// A setting or a constant.
        case setting(String)
        case accountID
        case accountName
        /// A field of the record that the account was taken from.
        case accountField(JSONPath)
        case each(String)
        case date(String)
        case lookup(String)
        case token
        /// A field of the record at hand.
        case record(JSONPath)
    }

    var pieces: [Piece]

    init(pieces: [Piece]) { self.pieces = pieces }

    /// Text without any name in it.
    init(literal: String) { pieces = [.text(literal)] }

    /// Why a text is no template.
    struct Problem: Error, Hashable {
        var message: String
    }

    /// - Parameter text: `${name}` is a name, `$${` a literal `${`.
    init(_ text: String) throws(Problem) {
        pieces = []
        var literal = ""
        var rest = text[...]
        while let start = rest.firstRange(of: "${") {
            let before = rest[..<start.lowerBound]
            if before.last == "$" {
                literal += before.dropLast() + "${"
                rest = rest[start.upperBound...]
                continue
            }
            literal += before
            let (name, after) = try Self.inner(rest[start.upperBound...])
            if !literal.isEmpty { pieces.append(.text(literal)) }
            literal = ""
            pieces.append(.name(try Self.name(name)))
            rest = after
        }
        literal += rest
        if !literal.isEmpty || pieces.isEmpty { pieces.append(.text(literal)) }
    }

    /// What stands before the closing brace; braces within quotes belong to a path.
    private static func inner(_ text: Substring) throws(Problem) -> (name: String, after: Substring) {
        var quote: Character?
        for index in text.indices {
            let character = text[index]
            if let open = quote {
                if character == open { quote = nil }
            } else if character == "'" || character == "\"" {
                quote = character
            } else if character == "}" {
                return (String(text[..<index]), text[text.index(after: index)...])
            }
        }
        throw Problem(message: "`${\(text.prefix(20))` has no closing brace. A literal `${` is written `$${`.")
    }

    private static func name(_ text: String) throws(Problem) -> Name {
        func rest(_ prefix: String) -> String { String(text.dropFirst(prefix.count)) }
        if text == "token" { return .token }
        if text == "account.id" { return .accountID }
        if text == "account.name" { return .accountName }
        if text.hasPrefix("account.$") { return .accountField(try path(rest("account."))) }
        if text.hasPrefix("each.") { return .each(rest("each.")) }
        if text.hasPrefix("date.") { return .date(rest("date.")) }
        if text.hasPrefix("lookup.") { return .lookup(rest("lookup.")) }
        if text.hasPrefix("$") { return .record(try path(text)) }
        guard text.isDefinitionName else {
            throw Problem(
                message: "`${\(text)}` is no name. It is a setting, or begins with account., each., date., lookup. or $.")
        }
        return .setting(text)
    }

    static func path(_ text: String) throws(Problem) -> JSONPath {
        do {
            return try JSONPath(text)
        } catch {
            throw Problem(message: error.message)
        }
    }

    var names: [Name] {
        pieces.compactMap { piece in
            if case .name(let name) = piece { name } else { nil }
        }
    }

    /// The text when there is no name in it.
    var literal: String? {
        names.isEmpty
            ? pieces.map { piece in
                if case .text(let text) = piece { text } else { "" }
            }.joined() : nil
    }
}

extension Template {
    /// As written, for messages.
    var shown: String {
        pieces.map { piece in
            switch piece {
            case .text(let text): text
            case .name(.setting(let name)): "${\(name)}"
            case .name(.accountID): "${account.id}"
            case .name(.accountName): "${account.name}"
            case .name(.accountField(let path)): "${account.\(path.text)}"
            case .name(.each(let name)): "${each.\(name)}"
            case .name(.date(let name)): "${date.\(name)}"
            case .name(.lookup(let name)): "${lookup.\(name)}"
            case .name(.token): "${token}"
            case .name(.record(let path)): "${\(path.text)}"
            }
        }.joined()
    }
}

extension String {
    /// Whether this can name a setting, a read, a date and their like: a letter, then letters and digits.
    var isDefinitionName: Bool {
        guard let first = unicodeScalars.first, first.properties.isAlphabetic else { return false }
        return utf8.count <= 64 && unicodeScalars.allSatisfy { $0.isASCII && ($0.properties.isAlphabetic || ("0"..."9").contains($0)) }
    }
}

/// Where a value comes from.
enum Value: Sendable, Hashable {
    case path(JSONPath)
    case template(Template)
    /// The first that is there and not blank.
    case first([Value])

    /// - Parameter text: a path when it begins with `$` and is no template, else a template or plain text.
    init(_ text: String) throws(Template.Problem) {
        if text == "$" || text.hasPrefix("$.") || text.hasPrefix("$[") {
            self = .path(try Template.path(text))
        } else {
            self = .template(try Template(text))
        }
    }

    var names: [Template.Name] {
        switch self {
        case .path: []
        case .template(let template): template.names
        case .first(let values): values.flatMap(\.names)
        }
    }
}
