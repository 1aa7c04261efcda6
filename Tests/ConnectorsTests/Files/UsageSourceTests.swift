import Foundation
import Testing

@testable import Connectors

@Suite("A file of kind usage")
struct UsageSourceTests {
    static let small = """
        format: 1
        kind: usage
        id: acme-backup
        name: Acme Backup
        bases:
          protected seats:
            version: 2
            counts: Seats with a backup at the moment of the export.
        services:
          - name: Seats
            description: Protected seats.
            category: backup
            subcategory: cloud backup
            basis: protected seats

        """
    static let file = """
        file:
          type: csv
          delimiter: ";"
          encoding: windows-1252
          decimalMark: comma
          columns:
            accountId: Kundennr.
            accountName: Kunde
            service: Dienst
            count: Menge

        """

    private func read(_ text: String) throws -> UsageSource {
        guard case .usage(let source) = try ConnectorSource(parsing: Array(text.utf8), file: "mine.yaml") else {
            throw ConnectorError(code: .invalidDefinition, message: "another kind")
        }
        return source
    }

    @Test("tells services with what they count, and how files are written; commas and plain headers unless it says otherwise")
    func reading() throws {
        let plain = try read(Self.small)
        #expect(plain.id == "acme-backup" && plain.name == "Acme Backup")
        #expect(plain.services.map(\.basis) == [CountBasis(name: "protected seats", version: 2)])
        #expect(plain.file == UsageFileFormat(kind: .csv(delimiter: ",")))
        let german = try read(Self.small + Self.file)
        #expect(
            german.file
                == UsageFileFormat(
                    kind: .csv(delimiter: ";"), encoding: .windows1252, decimalMark: .comma, accountID: "Kundennr.", accountName: "Kunde",
                    service: "Dienst", count: "Menge"))
        #expect(try read(Self.small + "file:\n  type: csv\n  delimiter: tab\n").file.kind == .csv(delimiter: "\t"))
        #expect(try read(Self.small + "file:\n  type: json\n  records: $.usage[*]\n").file.kind == .json(records: "$.usage[*]"))
    }

    @Test(
        "has a mistake named with its line",
        arguments: [
            ("kind: usage", "kind: usag", 2, "Did you mean `usage`?"), ("format: 1", "format: 2", 1, "reads format 1"),
            ("id: acme-backup", "id: Acme Backup", 3, "lower-case"),
            ("category: backup", "category: backups", 12, "Did you mean `backup`?"),
            ("basis: protected seats", "basis: seats", 14, "basis"), ("name: Acme Backup", "nam: Acme Backup", 4, "Did you mean `name`?"),
            ("type: csv", "type: xml", 16, "`csv`, `json`"), ("delimiter: \";\"", "delimiter: ;;", 17, "one character"),
            ("delimiter: \";\"", "delimiter: a", 17, "cannot divide"), ("delimiter: \";\"", "records: $[*]", 17, "for files of type json"),
            ("encoding: windows-1252", "encoding: latin1", 18, "`utf-8`"), ("decimalMark: comma", "decimalMark: ','", 19, "`comma`"),
            ("count: Menge", "count: Dienst", 21, "same name"), ("count: Menge", "kount: Menge", 24, "Did you mean `count`?"),
            ("type: csv\n  delimiter: \";\"", "type: json\n  records: $.a[?@.b]", 17, "cannot be read"),
        ])
    func mistakes(right: String, wrong: String, line: Int, says: String) {
        let text = (Self.small + Self.file).replacing(right, with: wrong)
        let error = #expect(throws: DefinitionError.self) { try read(text) }
        #expect(error?.problems.contains { $0.line == line && $0.message.contains(says) } == true, "\(error?.description ?? "taken")")
    }

    @Test("fits its JSON Schema, which knows the same keys and words")
    func schema() throws {
        let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "../../../Public/usage-source.schema.json")
        let schema = JSONSchema(root: try JSONValue(parsing: [UInt8](try Data(contentsOf: path))))
        let sound = try DocumentNode.parse(Array((Self.small + Self.file).utf8), file: "mine.yaml")
        #expect(schema.problems(sound.json) == [])
        #expect(schema.root["$defs"]?["category"]?["enum"]?.elements?.compactMap(\.string) == GradientWords.categories)
        #expect(schema.root["$defs"]?["subcategory"]?["enum"]?.elements?.compactMap(\.string) == GradientWords.subcategories)
        let encodings = schema.root["properties"]?["file"]?["properties"]?["encoding"]?["enum"]?.elements?.compactMap(\.string)
        #expect(encodings == TextEncoding.allCases.map(\.rawValue))
        for place in sound.places where !place.isFree {
            #expect(schema.problems(sound.adding("nonsense", at: place.path[...]).json) != [], "\(place.path)")
        }
        for (right, wrong) in [
            ("kind: usage", "kind: usag"), ("type: csv", "type: xml"), ("delimiter: \";\"", "delimiter: a"),
            ("encoding: windows-1252", "encoding: latin1"), ("decimalMark: comma", "decimalMark: dot"), ("version: 2", "version: 0"),
        ] {
            let broken = try DocumentNode.parse(Array((Self.small + Self.file).replacing(right, with: wrong).utf8), file: "mine.yaml")
            #expect(schema.problems(broken.json) != [], "\(wrong)")
        }
    }

    @Test("without a kind is a definition of an API, and a word without a dot a built-in one")
    func other() throws {
        for name in ["saas-alerts"] {
            guard case .definition(let definition) = try ConnectorSource(named: name) else {
                Issue.record("another kind")
                return
            }
            #expect(definition.id == "saas-alerts")
        }
        let error = #expect(throws: DefinitionError.self) {
            try ConnectorSource(parsing: Array(Self.small.replacing("kind: usage\n", with: "").utf8), file: "f")
        }
        #expect(error?.problems.contains { $0.message.contains("`hosts`") || $0.message.contains("`settings`") } == true)
        #expect(throws: DefinitionError.self) { try ConnectorSource(named: "/nowhere/mine.yaml") }
        #expect(throws: DefinitionError.self) { try ConnectorSource(named: "nobody") }
    }
}
