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
