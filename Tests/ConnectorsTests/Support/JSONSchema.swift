import Foundation

@testable import Connectors

/// As much of JSON Schema 2020-12 as `Public/connector-definition.schema.json` uses; a keyword it does not know is a problem itself.
struct JSONSchema {
    let root: JSONValue

    /// What is wrong with a value, with its place; empty when nothing is.
    func problems(_ value: JSONValue) -> [String] { check(value, root, "$").problems }

    private struct Outcome {
        var problems: [String] = []
        /// Names of members that some keyword looked at, for `unevaluatedProperties`.
        var seen: Set<String> = []
    }

    private func check(_ value: JSONValue, _ schema: JSONValue, _ place: String) -> Outcome {
        var outcome = Outcome()
        guard case .object(let keywords) = schema else { return outcome }
        func add(_ problem: String) { outcome.problems.append("\(place): \(problem)") }
        func merge(_ other: Outcome) {
            outcome.problems += other.problems
            outcome.seen.formUnion(other.seen)
        }
        for keyword in keywords {
            let rule = keyword.value
            switch keyword.name {
            case "$schema", "$id", "$defs", "title", "description": break
            case "$ref": merge(check(value, target(rule.string ?? ""), place))
            case "type":
                let types = rule.elements?.compactMap(\.string) ?? [rule.string ?? ""]
                if !types.contains(where: { isOfType(value, $0) }) { add("is \(value.kind)") }
            case "const": if value != rule { add("is not \(rule.jsonText)") }
            case "enum": if rule.elements?.contains(value) != true { add("is none of \(rule.jsonText)") }
            case "pattern":
                if let text = value.string, text.range(of: rule.string ?? "", options: .regularExpression) == nil {
                    add("\(text) does not match")
                }
            case "minLength": if let text = value.string, text.count < count(rule) { add("is too short") }
            case "minimum": if let number = value.decimal, let least = rule.decimal, number < least { add("is too small") }
            case "maximum": if let number = value.decimal, let most = rule.decimal, number > most { add("is too large") }
            case "minItems": if let items = value.elements, items.count < count(rule) { add("has too few items") }
            case "maxItems": if let items = value.elements, items.count > count(rule) { add("has too many items") }
            case "minProperties": if let members = value.members, members.count < count(rule) { add("has too few members") }
            case "maxProperties": if let members = value.members, members.count > count(rule) { add("has too many members") }
            case "items":
                for (index, item) in (value.elements ?? []).enumerated() {
                    outcome.problems += check(item, rule, "\(place)[\(index)]").problems
                }
            case "required":
                for name in rule.elements?.compactMap(\.string) ?? [] where value.members != nil && value[name] == nil {
                    add("has no \(name)")
                }
            case "properties":
                for member in value.members ?? [] {
                    guard let own = rule[member.name] else { continue }
                    outcome.seen.insert(member.name)
                    outcome.problems += check(member.value, own, "\(place).\(member.name)").problems
                }
            case "propertyNames":
                for member in value.members ?? [] {
                    outcome.problems += check(.string(member.name), rule, "\(place).\(member.name)").problems
                }
            case "additionalProperties", "unevaluatedProperties", "then", "else": break
            case "not": if check(value, rule, place).problems.isEmpty { add("fits what it must not: \(rule.jsonText)") }
            case "if":
                let condition = check(value, rule, place)
                if condition.problems.isEmpty { outcome.seen.formUnion(condition.seen) }
                if let branch = schema[condition.problems.isEmpty ? "then" : "else"] { merge(check(value, branch, place)) }
            case "contains":
                if let items = value.elements, !items.contains(where: { check($0, rule, place).problems.isEmpty }) {
                    add("holds nothing that fits \(rule.jsonText)")
                }
            case "allOf": for part in rule.elements ?? [] { merge(check(value, part, place)) }
            case "anyOf", "oneOf":
                let outcomes = (rule.elements ?? []).map { check(value, $0, place) }
                let fitting = outcomes.filter(\.problems.isEmpty)
                if fitting.isEmpty || (keyword.name == "oneOf" && fitting.count > 1) {
                    add("fits \(fitting.count) of \(outcomes.count): \(outcomes.flatMap(\.problems).joined(separator: "; "))")
                }
                for fit in fitting { outcome.seen.formUnion(fit.seen) }
            default: add("the schema's keyword \(keyword.name) is not known here")
            }
        }
        for member in value.members ?? [] {
            if let rule = schema["additionalProperties"], schema["properties"]?[member.name] == nil {
                outcome.seen.insert(member.name)
                if rule == .bool(false) {
                    add("has \(member.name)")
                } else {
                    outcome.problems += check(member.value, rule, "\(place).\(member.name)").problems
                }
            }
            if schema["unevaluatedProperties"] == .bool(false), !outcome.seen.contains(member.name) { add("has \(member.name)") }
        }
        return outcome
    }

    private func count(_ rule: JSONValue) -> Int { Int(rule.text ?? "") ?? 0 }

    private func target(_ reference: String) -> JSONValue {
        reference.split(separator: "/").dropFirst().reduce(root) { $0[String($1)] ?? .null }
    }

    private func isOfType(_ value: JSONValue, _ type: String) -> Bool {
        switch (type, value) {
        case ("object", .object), ("array", .array), ("string", .string), ("number", .number), ("boolean", .bool), ("null", .null): true
        case ("integer", .number(let digits)): Int(digits) != nil
        default: false
        }
    }
}

extension DocumentNode {
    /// The JSON that the document stands for.
    var json: JSONValue {
        switch content {
        case .list(let items): .array(items.map(\.json))
        case .map(let entries): .object(entries.map { JSONValue.Member(name: $0.key, value: $0.value.json) })
        case .scalar(let text, let isQuoted):
            switch ScalarKind(text, isQuoted: isQuoted) {
            case .null: .null
            case .bool(let value): .bool(value)
            case .number(let digits): .number(digits)
            case .text(let text): .string(text)
            }
        }
    }
}
