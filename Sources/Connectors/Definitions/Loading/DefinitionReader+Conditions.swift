import Foundation

extension DefinitionReader {
    private static let tests = [
        "is", "isNot", "in", "notIn", "contains", "notContains", "matches", "notMatches", "above", "below", "present",
    ]

    /// The conditions under `key`; none when it is not there.
    func conditions(_ map: MapReader, _ key: String, _ scope: Scope) -> [Condition] {
        map.list(key).compactMap { node in
            MapReader(node, "an item of \(key)", problems).flatMap { condition(node, $0, scope, missing: .fail) }
        }
    }

    /// - Parameters:
    ///   - missing: what a missing field means when the condition does not say.
    ///   - extraKeys: keys beside the condition's own that somebody else reads.
    func condition(
        _ node: DocumentNode, _ map: MapReader, _ scope: Scope, missing: MissingField, extraKeys: [String] = []
    ) -> Condition? {
        conditionCount += 1
        let number = conditionCount
        if map.has("any") {
            let parts = map.list("any").compactMap { part in
                MapReader(part, "an item of any", problems).flatMap { condition(part, $0, scope, missing: missing) }
            }
            map.finish(alsoKnown: extraKeys)
            if parts.isEmpty { problems.add(node.line, "`any` has to hold conditions.") }
            return Condition(number: number, form: .any(parts))
        }
        let field = map.required("field", "the path to what is looked at.").flatMap { value($0, "`field`", scope) }
        let named = Self.tests.filter { map.has($0) }
        let test = named.count == 1 ? self.test(named[0], map) : nil
        if named.count != 1 {
            problems.add(
                node.line,
                "\(map.what) needs one of \(Self.tests.map { "`\($0)`" }.joined(separator: ", "))"
                    + (named.isEmpty ? "." : ", and has \(named.map { "`\($0)`" }.joined(separator: ", "))."))
        }
        let given = map.word("missing", MissingField.self)
        if given != nil, named == ["present"] {
            problems.add(node.line, "`present` says itself what a missing field means; leave out `missing`.")
        }
        map.finish(alsoKnown: Self.tests + extraKeys)
        guard let field, let test else { return nil }
        return Condition(number: number, form: .field(field, test, missing: given ?? missing))
    }

    private func test(_ key: String, _ map: MapReader) -> Condition.Test? {
        guard let node = map.node(key) else { return nil }
        switch key {
        case "is", "isNot": return scalar(node, key).map { .isOneOf([$0], negated: key == "isNot") }
        case "in", "notIn":
            let items = map.list(key)
            if items.isEmpty { problems.add(node.line, "`\(key)` has to be a list of values.") }
            return .isOneOf(items.compactMap { scalar($0, key) }, negated: key == "notIn")
        case "contains", "notContains": return map.text(key).map { .contains($0, negated: key == "notContains") }
        case "matches", "notMatches":
            guard let text = map.text(key) else { return nil }
            guard let pattern = Pattern(text) else {
                problems.add(node.line, "`\(key)` is `\(text)`, which is no regular expression.")
                return nil
            }
            return .matches(pattern, negated: key == "notMatches")
        case "above", "below":
            guard case .number(let digits)? = node.scalar, let number = Decimal(exactly: digits) else {
                problems.add(node.line, "`\(key)` has to be a number, and is \(node.kind).")
                return nil
            }
            return key == "above" ? .above(number) : .below(number)
        default: return map.flag(key).map { .isPresent($0) }
        }
    }

    private func scalar(_ node: DocumentNode, _ key: String) -> Condition.Scalar? {
        switch node.scalar {
        case .bool(let value)?: return .bool(value)
        case .number(let digits)?: return .number(digits)
        case .text(let text)?: return .text(text)
        case .null?, nil:
            problems.add(
                node.line, "`\(key)` has to be a text, a number, true or false, and is \(node.kind). For null use `present: false`.")
            return nil
        }
    }
}
