import Foundation
import Testing

@testable import Connectors

@Suite("The JSON Schema of definitions")
struct SchemaTests {
    private let schema: JSONSchema

    init(file: String = #filePath) throws {
        let path = URL(fileURLWithPath: file).deletingLastPathComponent().appendingPathComponent(
            "../../../Public/connector-definition.schema.json")
        schema = JSONSchema(root: try JSONValue(parsing: [UInt8](try Data(contentsOf: path))))
    }

    private func document(_ id: String) throws -> DocumentNode {
        try DocumentNode.parse(try #require(BuiltinDefinitions.text(id)), file: id)
    }

    @Test("Every built-in definition fits it", arguments: BuiltinDefinitions.ids)
    func fits(_ id: String) throws {
        #expect(schema.problems(try document(id).json) == [])
    }

    @Test("Its subcategories are Gradient's")
    func words() {
        #expect(schema.root["$defs"]?["category"]?["enum"]?.elements?.compactMap(\.string) == GradientWords.categories)
        #expect(schema.root["$defs"]?["subcategory"]?["enum"]?.elements?.compactMap(\.string) == GradientWords.subcategories)
    }

    /// What the loader refuses and JSON Schema can say, by the part of the small definition that breaks it.
    private static let refused: [(what: String, change: @Sendable (inout SmallDefinition) -> Void)] = {
        func read(_ seats: String) -> @Sendable (inout SmallDefinition) -> Void {
            { $0.reads = "  customers: {get: /customers, records: $, paging: none}\n  seats: {\(seats)}" }
        }
        func paging(_ paging: String) -> @Sendable (inout SmallDefinition) -> Void { read("get: /seats, records: $, paging: {\(paging)}") }
        func setting(_ setting: String) -> @Sendable (inout SmallDefinition) -> Void {
            { $0.settings += "\n    \(setting)" }
        }
        func count(_ keys: String) -> @Sendable (inout SmallDefinition) -> Void {
            { $0.counts = "  - {from: seats, account: $.customer, \(keys)}" }
        }
        func condition(_ condition: String) -> @Sendable (inout SmallDefinition) -> Void {
            count("service: Seats, where: [{\(condition)}]")
        }
        return [
            ("a reserved name", setting("token: {label: A, help: B}")),
            ("a choice without choices", setting("a: {label: A, help: B, kind: choice}")),
            ("choices of a text", setting("a: {label: A, help: B, choices: {x: X}}")),
            ("a secret's default", setting("a: {label: A, help: B, kind: secret, default: x}")),
            ("an address without https", setting("a: {label: A, help: B, kind: url, default: \"http://a.example\"}")),
            (
                "a name of a deployment's setting",
                { $0.settings += "\n  deployment:\n    a: {label: A, help: B, default: x, environment: A}" }
            ),
            ("a host with a scheme", { $0.hosts = "[\"https://vendor.example\"]" }),
            ("everything under a single label", { $0.hosts = "[\"*.example\"]" }),
            ("a base without https", { $0.requests = "base: http://vendor.example" }),
            ("a status that is not mended", { $0.requests += "\nretry: {statuses: [404]}" }),
            ("a range with such a status", { $0.requests += "\nretry: {statuses: [400-499]}" }),
            (
                "a control character",
                {
                    $0.accounts = "{from: customers, id: $.id, name: \"$.a\\u0007\"}"
                    $0.services = $0.services.replacing("description: Seats", with: "description: \"a\\u0007\"")
                }
            ),
            ("a blank text", { $0.services = $0.services.replacing("description: Seats", with: "description: \" \"") }),
            ("no service", { $0.services = "  []" }),
            ("a get with a body", read("get: /seats, json: {a: 1}, records: $, paging: none")),
            ("two bodies", read("post: /seats, json: {a: 1}, form: {a: 1}, records: $, paging: none")),
            ("an address without a beginning", read("get: seats, records: $, paging: none")),
            ("paging without its parameter", paging("by: page, stop: [emptyPage], cap: 5")),
            ("paging with another's key", paging("by: page, parameter: p, next: $.n, stop: [emptyPage], cap: 5")),
            ("a first page that is no number", paging("by: page, parameter: p, first: a, stop: [emptyPage], cap: 5")),
            ("keyset without a key", paging("by: keyset, parameter: p, stop: [emptyPage], cap: 5")),
            ("cursor without next", paging("by: cursor, parameter: p, stop: [noNext], cap: 5")),
            ("nextURL with a parameter", paging("by: nextURL, parameter: p, next: $.n, stop: [noNext], cap: 5")),
            ("a short page of no size", paging("by: page, parameter: p, stop: [shortPage], cap: 5")),
            ("no next where there is none", paging("by: page, parameter: p, stop: [noNext], cap: 5")),
            ("a next that is not awaited", paging("by: cursor, parameter: p, next: $.n, stop: [emptyPage], cap: 5")),
            ("a stop of nothing", paging("by: page, parameter: p, stop: [{}], cap: 5")),
            ("a stop of two kinds", paging("by: page, parameter: p, stop: [{total: $.t, more: $.m}], cap: 5")),
            ("a path of no header", paging("by: page, parameter: p, stop: [{total: $.t, path: $.m}], cap: 5")),
            ("a number of records", count("service: Seats, number: {decimals: 1}")),
            ("records that are missing", count("service: Seats, count: records, missing: zero")),
            ("a number of different values", count("service: Seats, count: {distinct: $.a}, number: {decimals: 1}")),
            ("a fixed text as a path", count("service: Seats, count: {sum: quantity}")),
            ("a service that is neither mapped nor discovered", count("service: {value: $.sku}")),
            ("a service that is both", count("service: {value: $.sku, discover: true, map: {a: Seats}}")),
            ("discovery without its rule", count("service: {value: $.sku, discover: true}")),
            (
                "a rule of discovery that nothing uses",
                {
                    $0.more = "discovered: {limit: 5, category: other, subcategory: other, description: \"${$.sku}\", basis: seats}"
                }
            ),
            ("a condition without a test", condition("field: $.a")),
            ("a condition with two", condition("field: $.a, is: 1, above: 1")),
            ("a present field that is missing", condition("field: $.a, present: true, missing: keep")),
            ("any of none", condition("any: []")), ("any beside a test", condition("any: [{field: $.a, is: 1}], is: 2")),
            ("a name that is no path", { $0.accounts = "{from: customers, id: $.id, name: name}" }),
            ("a date too far", { $0.more = "dates: {d: {format: unix, days: 10001}}" }),
            (
                "two ways to a token",
                {
                    $0.auth =
                        "oauth2: {grant: password, url: /t, user: \"${apiKey}\", password: \"${apiKey}\"}\n"
                        + "token: {post: /t, value: $.t}\nbearer: \"${token}\""
                }
            ),
            ("a client without its secret", { $0.auth = "oauth2: {grant: clientCredentials, url: /t, clientId: \"${apiKey}\"}" }),
            (
                "a client with a user",
                {
                    $0.auth =
                        "oauth2: {grant: clientCredentials, url: /t, clientId: c, clientSecret: \"${apiKey}\", user: u, password: \"${apiKey}\"}"
                }
            ),
            ("a password without a user", { $0.auth = "oauth2: {grant: password, url: /t, password: \"${apiKey}\"}" }),
        ]
    }()

    @Test("What the loader refuses and a schema can tell, both refuse", arguments: refused.indices)
    func rules(_ index: Int) throws {
        let (what, change) = Self.refused[index]
        var small = SmallDefinition()
        let sound = try DocumentNode.parse(Array(small.text.utf8), file: "small.yaml")
        #expect(schema.problems(sound.json) == [])
        change(&small)
        #expect(throws: DefinitionError.self, "\(what)") { try small.definition() }
        let broken = try DocumentNode.parse(Array(small.text.utf8), file: "small.yaml")
        #expect(schema.problems(broken.json) != [], "\(what)")
    }

    @Test("A key too many, wherever the format has its own, is refused by the schema and by the checker", arguments: BuiltinDefinitions.ids)
    func keys(_ id: String) throws {
        let sound = try document(id)
        for place in sound.places where !place.isFree {
            let broken = sound.adding("nonsense", at: place.path[...])
            #expect(schema.problems(broken.json) != [], "\(place.path)")
            let problems = DefinitionProblems()
            _ = DefinitionReader(problems).definition(broken)
            #expect(problems.inOrder.contains { $0.message.contains("nonsense") }, "\(place.path): \(problems.inOrder)")
        }
    }
}

extension DocumentNode {
    struct Place {
        var path: [String]
        /// The file's own words stand here as keys: names of settings, headers, reads.
        var isFree: Bool
    }

    private static let free: Set<String> = [
        "partner", "deployment", "choices", "constants", "headers", "query", "form", "json", "extra", "dates", "lookups", "reads", "each",
        "bases", "map",
    ]

    /// Every map in the document.
    var places: [Place] { places([], isFree: false, isJSON: false) }

    private func places(_ path: [String], isFree: Bool, isJSON: Bool) -> [Place] {
        switch content {
        case .scalar: []
        case .list(let items): items.enumerated().flatMap { $1.places(path + ["\($0)"], isFree: false, isJSON: isJSON) }
        case .map(let entries):
            [Place(path: path, isFree: isFree || isJSON)]
                + entries.flatMap { entry in
                    entry.value.places(
                        path + [entry.key], isFree: !isFree && Self.free.contains(entry.key),
                        isJSON: isJSON || (!isFree && entry.key == "json"))
                }
        }
    }

    func adding(_ key: String, at path: ArraySlice<String>) -> DocumentNode {
        var node = self
        switch content {
        case .scalar: break
        case .list(var items):
            guard let first = path.first, let index = Int(first) else { break }
            items[index] = items[index].adding(key, at: path.dropFirst())
            node.content = .list(items)
        case .map(var entries):
            if let first = path.first, let index = entries.firstIndex(where: { $0.key == first }) {
                entries[index].value = entries[index].value.adding(key, at: path.dropFirst())
            } else {
                entries.append(Entry(key: key, line: line, value: DocumentNode(line: line, content: .scalar("1", isQuoted: false))))
            }
            node.content = .map(entries)
        }
        return node
    }
}
