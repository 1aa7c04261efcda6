import HTTPServer
import HTTPTypes

/// usecure's clients and their plans over GraphQL (`vendor-integrations` tables 1 and 2): one address, errors in 200 answers. The one
/// kind of a customer is its plan: `premium`, `custom`, `freeTrial`.
///
/// Of GraphQL what a reading client needs: a query, with a name or without, fields with aliases, one argument given as a text or by a
/// variable. Its schema: `company(companyId: ID): Company`, `Company { id externalId name clients: [Company] plan: { name learnerCount learnerLimit } }`; without
/// an id the company is the MSP's own.
struct UsecureAPI: HoldingVendorAPI {
    let name = "usecure"
    var requests = RequestMeter()
    var holdings = VendorHoldings(credentials: ["apiKey": "usecure-sandbox-key"])

    static let patterns = ["POST /graphql"]

    init() {
        holdings.customers = [
            VendorCustomer("uc-1", "Bright Smile Orthodontics", ["premium": 42]), VendorCustomer("uc-2", "Coastal Freight", ["custom": 18]),
            VendorCustomer("uc-3", "Harbor Dental", [:]),
        ]
    }

    func access(origin: String) -> [(label: String, value: String)] {
        [("usecure API URL", "\(origin)/\(name)/graphql"), ("usecure API key", credential("apiKey"))]
    }

    func carryOut(_ call: HeldCall) -> SandboxAnswer {
        guard call.request.header("x-api-key") == credential("apiKey") else { return error(.unauthorized, "Unauthorized") }
        if let rawAnswer { return rawAnswer }
        guard let body = call.json, let text = body["query"]?.string else {
            return error(.badRequest, "POST body missing, invalid Content-Type, or JSON object has no query.")
        }
        do throws(GraphQLQuery.Failure) {
            let fields = try GraphQLQuery.parse(text)
            return .json(["data": .object(try resolve(fields, variables: body["variables"] ?? .null))])
        } catch {
            return Self.errors(error.message, status: .ok)
        }
    }

    private func resolve(_ fields: [GraphQLQuery.Field], variables: JSONValue) throws(GraphQLQuery.Failure) -> [JSONValue.Member] {
        try fields.map { (field) throws(GraphQLQuery.Failure) in
            guard field.name == "company" else { throw .unknownField(field.name, "Query") }
            let value: JSONValue
            switch try field.argument("companyId", variables: variables) {
            case nil, .some(.null): value = try company(field.fields, nil)
            case let id?:
                guard let customer = holdings.customers.first(where: { $0.id == id }) else { throw GraphQLQuery.Failure("Company not found") }
                value = try company(field.fields, customer)
            }
            return JSONValue.Member(name: field.alias, value: value)
        }
    }

    private func company(_ fields: [GraphQLQuery.Field], _ customer: VendorCustomer?) throws(GraphQLQuery.Failure) -> JSONValue {
        guard !fields.isEmpty else { throw GraphQLQuery.Failure("Field \"company\" of type \"Company\" must have a selection of subfields.") }
        return .object(
            try fields.map { (field) throws(GraphQLQuery.Failure) in
                let value: JSONValue =
                    switch field.name {
                    case "id": customer?.id ?? "uc-msp"
                    case "name": customer?.name ?? "Example MSP"
                    case "externalId": .null
                    case "clients":
                        .array(
                            try (customer == nil ? holdings.customers : []).map { (client) throws(GraphQLQuery.Failure) in
                                try company(field.fields, client)
                            })
                    case "plan": try plan(field.fields, customer)
                    default: throw .unknownField(field.name, "Company")
                    }
                return JSONValue.Member(name: field.alias, value: value)
            })
    }

    private func plan(_ fields: [GraphQLQuery.Field], _ customer: VendorCustomer?) throws(GraphQLQuery.Failure) -> JSONValue {
        guard let kind = customer?.counts.first else { return .null }
        return .object(
            try fields.map { (field) throws(GraphQLQuery.Failure) in
                let value: JSONValue =
                    switch field.name {
                    case "name": .string(kind.name)
                    case "learnerCount": .number(Double(kind.count))
                    case "learnerLimit": .null
                    default: throw .unknownField(field.name, "Plan")
                    }
                return JSONValue.Member(name: field.alias, value: value)
            })
    }

    func error(_ status: HTTPResponse.Status, _ message: String) -> SandboxAnswer { Self.errors(message, status: status) }

    private static func errors(_ message: String, status: HTTPResponse.Status) -> SandboxAnswer {
        .json(["errors": [["message": .string(message)]], "data": .null], status: status)
    }
}

/// The fields that a GraphQL query selects.
struct GraphQLQuery {
    struct Failure: Error {
        var message: String
        init(_ message: String) { self.message = message }
        static func unknownField(_ name: String, _ type: String) -> Failure { Failure("Cannot query field \"\(name)\" on type \"\(type)\".") }
    }

    struct Field {
        var alias: String
        var name: String
        /// Texts stand in quotes, variables begin with `$`.
        var arguments: [(name: String, value: String)] = []
        var fields: [Field] = []

        func argument(_ wanted: String, variables: JSONValue) throws(Failure) -> JSONValue? {
            if let other = arguments.first(where: { $0.name != wanted }) { throw Failure("Unknown argument \"\(other.name)\" on field \"\(name)\".") }
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
