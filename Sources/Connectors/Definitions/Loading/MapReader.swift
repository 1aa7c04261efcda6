import Foundation

/// Reads the keys of one map, notes what is wrong with them, and names at the end those that nobody asked for.
final class MapReader {
    let line: Int
    /// What the map describes, for messages: `reads.devices`.
    let what: String
    let problems: DefinitionProblems
    private let entries: [DocumentNode.Entry]
    private var known: Set<String> = []

    /// Nil, with a problem, when the node is no map.
    init?(_ node: DocumentNode, _ what: String, _ problems: DefinitionProblems) {
        guard case .map(let entries) = node.content else {
            problems.add(node.line, "\(what) has to be a map of keys and values, and is \(node.kind).")
            return nil
        }
        self.entries = entries
        (line, self.what, self.problems) = (node.line, what, problems)
    }

    func node(_ key: String) -> DocumentNode? {
        known.insert(key)
        return entries.first { $0.key == key }?.value
    }

    func has(_ key: String) -> Bool { entries.contains { $0.key == key } }

    /// - Parameter hint: what the key is for.
    func required(_ key: String, _ hint: String) -> DocumentNode? {
        guard let node = node(key) else {
            problems.add(line, "\(what) has no `\(key)`: \(hint)")
            return nil
        }
        return node
    }

    /// Notes every key that was not asked for.
    func finish(alsoKnown: [String] = []) {
        let all = known.union(alsoKnown)
        for entry in entries where !all.contains(entry.key) {
            let meant = entry.key.nearest(of: all).map { " Did you mean `\($0)`?" }
            problems.add(
                entry.line,
                "\(what) has no key `\(entry.key)`.\(meant ?? " It may hold \(all.sorted().map { "`\($0)`" }.joined(separator: ", ")).")")
        }
    }

    // MARK: Kinds of values

    /// A text that is not blank.
    func text(_ key: String) -> String? {
        node(key).flatMap { problems.text($0, "`\(key)`") }
    }

    func requiredText(_ key: String, _ hint: String) -> String {
        required(key, hint).flatMap { problems.text($0, "`\(key)`") } ?? ""
    }

    func integer(_ key: String, _ range: ClosedRange<Int>) -> Int? {
        guard let node = node(key) else { return nil }
        guard case .number(let digits)? = node.scalar, let number = Int(digits), range.contains(number) else {
            problems.add(
                node.line, "`\(key)` has to be a whole number from \(range.lowerBound) to \(range.upperBound), and is \(node.kind).")
            return nil
        }
        return number
    }

    func number(_ key: String, _ range: ClosedRange<Double>) -> Double? {
        guard let node = node(key) else { return nil }
        guard case .number(let digits)? = node.scalar, let number = Double(digits), range.contains(number) else {
            problems.add(node.line, "`\(key)` has to be a number from \(range.lowerBound) to \(range.upperBound), and is \(node.kind).")
            return nil
        }
        return number
    }

    func flag(_ key: String) -> Bool? {
        guard let node = node(key) else { return nil }
        guard case .bool(let value)? = node.scalar else {
            problems.add(node.line, "`\(key)` has to be true or false, and is \(node.kind).")
            return nil
        }
        return value
    }

    /// One of a fixed set of words.
    func word<Word: RawRepresentable<String> & CaseIterable>(_ key: String, _ type: Word.Type) -> Word? {
        node(key).flatMap { problems.word($0, "`\(key)`", type) }
    }

    /// A list, or nothing.
    func list(_ key: String) -> [DocumentNode] {
        guard let node = node(key) else { return [] }
        guard case .list(let items) = node.content else {
            problems.add(node.line, "`\(key)` has to be a list, and is \(node.kind).")
            return []
        }
        return items
    }

    func texts(_ key: String) -> [String] {
        list(key).compactMap { problems.text($0, "an item of `\(key)`") }
    }

    /// The pairs of a map, or nothing.
    func pairs(_ key: String) -> [DocumentNode.Entry] {
        guard let node = node(key) else { return [] }
        return problems.pairs(node, "`\(key)`")
    }
}

extension DefinitionProblems {
    func text(_ node: DocumentNode, _ what: String) -> String? {
        guard case .scalar(let text, let isQuoted) = node.content, isQuoted || ScalarKind(text, isQuoted: false) != .null,
            !text.isBlank
        else {
            add(node.line, "\(what) has to be a text, and is \(node.kind).")
            return nil
        }
        // It would reach terminals and Synthesize. Blocks have line ends.
        if text.unicodeScalars.contains(where: { $0.properties.generalCategory == .control && $0 != "\n" && $0 != "\t" }) {
            add(node.line, "\(what) holds a control character.")
        }
        return text
    }

    func word<Word: RawRepresentable<String> & CaseIterable>(_ node: DocumentNode, _ what: String, _ type: Word.Type) -> Word? {
        guard let text = text(node, what) else { return nil }
        guard let word = Word(rawValue: text) else {
            let words = Word.allCases.map(\.rawValue)
            let meant = text.nearest(of: words).map { " Did you mean `\($0)`?" } ?? ""
            add(node.line, "\(what) is `\(text)`, and has to be one of \(words.map { "`\($0)`" }.joined(separator: ", ")).\(meant)")
            return nil
        }
        return word
    }

    func pairs(_ node: DocumentNode, _ what: String) -> [DocumentNode.Entry] {
        guard case .map(let entries) = node.content else {
            add(node.line, "\(what) has to be a map of keys and values, and is \(node.kind).")
            return []
        }
        return entries
    }
}

extension DocumentNode {
    var scalar: ScalarKind? {
        guard case .scalar(let text, let isQuoted) = content else { return nil }
        return ScalarKind(text, isQuoted: isQuoted)
    }

    /// For messages.
    var kind: String {
        switch content {
        case .list: "a list"
        case .map: "a map"
        case .scalar(let text, let isQuoted):
            switch ScalarKind(text, isQuoted: isQuoted) {
            case .null: "empty"
            case .bool, .number: text
            case .text: text.isBlank ? "empty" : "`\(text.prefix(60))`"
            }
        }
    }
}
