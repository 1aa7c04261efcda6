/// The fields that a GraphQL query selects.
struct GraphQLQuery {
    struct Failure: Error {
        var message: String
        init(_ message: String) { self.message = message }
        static func unknownField(_ name: String, _ type: String) -> Failure {
            Failure("Cannot query field \"\(name)\" on type \"\(type)\".")
        }
    }

    struct Field {
        var alias: String
        var name: String
        /// Texts stand in quotes, variables begin with `$`.
        var arguments: [(name: String, value: String)] = []
        var fields: [Field] = []

        func argument(_ wanted: String, variables: JSONValue) throws(Failure) -> JSONValue? {
            if let other = arguments.first(where: { $0.name != wanted }) {
                throw Failure("Unknown argument \"\(other.name)\" on field \"\(name)\".")
            }
            guard let value = arguments.first?.value else { return nil }
            if value.hasPrefix("$") { return variables[String(value.dropFirst())] ?? .null }
            if value == "null" { return .null }
            guard value.hasPrefix("\"") else { return .number(value) }
            // A text is written as in JSON (GraphQL, section 2.9.4).
            guard let text = try? JSONParser.parse(Array(value.utf8)) else { throw Failure("Syntax Error: Invalid string.") }
            return text
        }
    }

    static func parse(_ text: String) throws(Failure) -> [Field] {
        var parser = GraphQLQuery(tokens: try tokens(text)[...])
        if parser.take("query") {
            if parser.tokens.first.map(isName) == true { parser.tokens.removeFirst() }
            // What types the variables have is not looked at.
            if parser.take("(") { while let token = parser.tokens.popFirst(), token != ")" {} }
        }
        let fields = try parser.selection(depth: 0)
        guard parser.tokens.isEmpty else { throw Failure("Syntax Error: Unexpected \(parser.tokens[parser.tokens.startIndex]).") }
        return fields
    }

    private var tokens: ArraySlice<String>

    private mutating func take(_ token: String) -> Bool {
        guard tokens.first == token else { return false }
        tokens.removeFirst()
        return true
    }

    private mutating func name() throws(Failure) -> String {
        guard let token = tokens.popFirst(), Self.isName(token) else { throw Failure("Syntax Error: Expected Name.") }
        return token
    }

    private mutating func selection(depth: Int) throws(Failure) -> [Field] {
        guard depth < 10, take("{") else { throw Failure("Syntax Error: Expected \"{\".") }
        var fields: [Field] = []
        while !take("}") {
            let first = try name()
            var field = Field(alias: first, name: take(":") ? try name() : first)
            if take("(") {
                while !take(")") {
                    let argument = try name()
                    guard take(":"), let value = tokens.popFirst() else { throw Failure("Syntax Error: Expected \":\".") }
                    field.arguments.append((argument, value))
                }
            }
            if tokens.first == "{" { field.fields = try selection(depth: depth + 1) }
            fields.append(field)
        }
        guard !fields.isEmpty else { throw Failure("Syntax Error: Expected Name, found \"}\".") }
        return fields
    }

    private static func isName(_ token: String) -> Bool {
        token.utf8.allSatisfy { $0 == UInt8(ascii: "_") || (0x30...0x39).contains($0) || (0x41...0x5A).contains($0 & 0xDF) }
            && token.utf8.first.map { !(0x30...0x39).contains($0) } ?? false
    }

    /// Names, numbers, `$variables`, texts with their quotes, and single signs. Commas and blanks mean nothing (section 2.1.5).
    private static func tokens(_ text: String) throws(Failure) -> [String] {
        var tokens: [String] = []
        var rest = text[...]
        while let character = rest.first {
            if character.isWhitespace || character == "," {
                rest.removeFirst()
            } else if character == "\"" {
                var end = rest.index(after: rest.startIndex)
                while end < rest.endIndex, rest[end] != "\"" {
                    end = rest.index(end, offsetBy: rest[end] == "\\" ? 2 : 1, limitedBy: rest.endIndex) ?? rest.endIndex
                }
                guard end < rest.endIndex else { throw Failure("Syntax Error: Unterminated string.") }
                tokens.append(String(rest[...end]))
                rest = rest[rest.index(after: end)...]
            } else if "{}():!".contains(character) {
                tokens.append(String(rest.removeFirst()))
            } else {
                let token = rest.prefix { !$0.isWhitespace && !",{}():!\"".contains($0) }
                tokens.append(String(token))
                rest = rest.dropFirst(token.count)
            }
        }
        return tokens
    }
}
