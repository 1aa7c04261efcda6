import Foundation
import Yams

/// A YAML document as far as definitions use it: texts, lists and maps, each with its line.
struct DocumentNode: Sendable, Hashable {
    enum Content: Sendable, Hashable {
        /// `isQuoted` or written as a block: never a number, a boolean or null.
        case scalar(String, isQuoted: Bool)
        case list([DocumentNode])
        case map([Entry])
    }

    struct Entry: Sendable, Hashable {
        var key: String
        var line: Int
        var value: DocumentNode
    }

    var line: Int
    var content: Content
}

extension DocumentNode {
    /// Larger than any definition by far, and small enough to be read at once.
    static let maximumBytes = 256 << 10
    /// Definitions nest to some eight levels.
    private static let maximumDepth = 32

    /// Reads one document, without anchors and aliases: with them a few lines can stand for gigabytes.
    /// - Throws: `DefinitionError` with the first problem.
    static func parse(_ bytes: [UInt8], file: String) throws(DefinitionError) -> DocumentNode {
        func failure(_ line: Int, _ message: String) -> DefinitionError {
            DefinitionError(file: file, problems: [.init(line: line, message: message)])
        }
        guard bytes.count <= maximumBytes else {
            throw failure(1, "The file has \(bytes.count) bytes; a definition has at most \(maximumBytes).")
        }
        // A byte order mark is no part of the text (YAML 1.2, section 5.2).
        let bytes = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? Array(bytes.dropFirst(3)) : bytes
        guard let text = String(validating: bytes, as: UTF8.self) else {
            // A line's end is never part of a character, so each line is valid or not by itself.
            let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
            let line = lines.firstIndex { String(validating: $0, as: UTF8.self) == nil }.map { $0 + 1 } ?? 1
            throw failure(line, "The file is not UTF-8 text.")
        }
        if let line = aliasLine(text) {
            throw failure(line, "Anchors and aliases (& and *) are not read here. Write out what is meant, or put the text in quotes.")
        }
        let node: Node?
        do {
            node = try compose(yaml: text, .basic)
        } catch let error as YamlError {
            throw failure(error.line, error.problem)
        } catch {
            throw failure(1, "The file is not YAML: \(error)")
        }
        guard let node else { throw failure(1, "The file is empty. A definition begins with `format: 1`.") }
        return try DocumentNode(node, file: file, line: 1, depth: 0)
    }

    private init(_ node: Node, file: String, line: Int, depth: Int) throws(DefinitionError) {
        let line = node.mark?.line ?? line
        func failure(_ message: String) -> DefinitionError {
            DefinitionError(file: file, problems: [.init(line: line, message: message)])
        }
        guard depth < Self.maximumDepth else { throw failure("This nests deeper than \(Self.maximumDepth) levels.") }
        guard node.anchor == nil else { throw failure("Anchors and aliases (& and *) are not read here. Write out what is meant.") }
        self.line = line
        switch node {
        case .scalar(let scalar):
            content = .scalar(scalar.string, isQuoted: scalar.style != .plain && scalar.style != .any)
        case .sequence(let sequence):
            var list: [DocumentNode] = []
            for item in sequence { list.append(try DocumentNode(item, file: file, line: line, depth: depth + 1)) }
            content = .list(list)
        case .mapping(let mapping):
            var entries: [Entry] = []
            for (key, value) in mapping {
                guard case .scalar(let name) = key else { throw failure("A key has to be a word.") }
                let keyLine = key.mark?.line ?? line
                // The parser compares keys with their tags, so it lets `a` and `!x a` stand side by side.
                guard !entries.contains(where: { $0.key == name.string }) else {
                    throw failure("`\(name.string)` stands here twice. Each key may stand once.")
                }
                entries.append(
                    Entry(
                        key: name.string, line: keyLine,
                        value: try DocumentNode(value, file: file, line: keyLine, depth: depth + 1)))
            }
            content = .map(entries)
        case .alias:
            throw failure("Anchors and aliases (& and *) are not read here. Write out what is meant.")
        }
    }

    /// The line of an alias (`*name`) whose anchor (`&name`) stands in the text too. Looked for before the file is parsed, because
    /// the parser compares keys, and comparing a key that is an alias of aliases takes forever.
    private static func aliasLine(_ text: String) -> Int? {
        var anchors: Set<Substring> = []
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            anchors.formUnion(marked(line, with: "&"))
        }
        guard !anchors.isEmpty else { return nil }
        for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated()
        where marked(line, with: "*").contains(where: { anchors.contains($0) }) {
            return number + 1
        }
        return nil
    }

    /// The words of a line that begin with `mark` where a YAML value can begin.
    private static func marked(_ line: Substring, with mark: Character) -> [Substring] {
        let ends: Set<Character> = [" ", "\t", ",", "[", "]", "{", "}", ":", "\r"]
        return line.split(whereSeparator: { ends.contains($0) }).filter { $0.first == mark && $0.count > 1 }.map { $0.dropFirst() }
    }
}

extension YamlError {
    fileprivate var line: Int {
        switch self {
        case .scanner(_, _, let mark, _), .parser(_, _, let mark, _), .composer(_, _, let mark, _): mark.line
        case .duplicatedKeysInMapping(let names, let context): Self.isOfWords(names) ? context.mark.line : 1
        default: 1
        }
    }

    /// Of keys that are maps or lists the parser knows no name, and no order: which of them it tells first changes from one reading to the
    /// next.
    private static func isOfWords(_ names: [String]) -> Bool { !names.contains("<uncovertable>") }

    fileprivate var problem: String {
        switch self {
        case .scanner(let context, let problem, _, _), .parser(let context, let problem, _, _), .composer(let context, let problem, _, _):
            "This is not YAML: \(problem)" + (context.map { " (\($0.text))" } ?? "") + "."
        case .duplicatedKeysInMapping(let names, _) where !Self.isOfWords(names):
            "A key has to be a word, and here is one that is a map or a list."
        case .duplicatedKeysInMapping(let names, _):
            "\(names.map { "`\($0)`" }.joined(separator: ", ")) stands here twice. Each key may stand once."
        default: "The file is not YAML: \(self)"
        }
    }
}

/// What a scalar is by YAML 1.2's JSON schema. Words such as `yes`, `no` and `on` are texts, whatever older YAML made of them.
enum ScalarKind: Sendable, Hashable {
    case null
    case bool(Bool)
    case number(String)
    case text(String)

    init(_ text: String, isQuoted: Bool) {
        if isQuoted {
            self = .text(text)
            return
        }
        switch text {
        case "", "~", "null": self = .null
        case "true": self = .bool(true)
        case "false": self = .bool(false)
        default: self = text.isJSONNumber ? .number(text) : .text(text)
        }
    }
}

extension String {
    /// Whether the whole text is a number in JSON's notation (RFC 8259 section 6).
    var isJSONNumber: Bool {
        var rest = utf8[...]
        func digits(_ rest: inout Substring.UTF8View) -> Int {
            let count = rest.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }.count
            rest = rest.dropFirst(count)
            return count
        }
        if rest.first == UInt8(ascii: "-") { rest = rest.dropFirst() }
        let startsWithZero = rest.first == UInt8(ascii: "0")
        let whole = digits(&rest)
        guard whole > 0, !(startsWithZero && whole > 1) else { return false }
        if rest.first == UInt8(ascii: ".") {
            rest = rest.dropFirst()
            guard digits(&rest) > 0 else { return false }
        }
        if rest.first == UInt8(ascii: "e") || rest.first == UInt8(ascii: "E") {
            rest = rest.dropFirst()
            if rest.first == UInt8(ascii: "+") || rest.first == UInt8(ascii: "-") { rest = rest.dropFirst() }
            guard digits(&rest) > 0 else { return false }
        }
        return rest.isEmpty
    }
}
