import Foundation

/// Whether a record meets conditions.
struct RecordJudge: Sendable {
    enum Verdict: Sendable, Hashable {
        case holds, fails
        /// The record is left out and counted as dropped.
        case drops
    }

    /// How often a field that may be missing was there, by the condition's number: a list in which no record has it is of
    /// another form than the definition thinks.
    struct Presence: Sendable, Hashable {
        var field: String
        var present = 0
        var missing = 0
    }

    let values: FetchValues

    /// All conditions in their order, up to the first that does not hold.
    func verdict(
        _ conditions: [Condition], _ context: FillContext, _ presence: inout [Int: Presence]
    ) throws(ConnectorError) -> Verdict {
        for condition in conditions {
            let verdict = try verdict(condition, context, &presence)
            if verdict != .holds { return verdict }
        }
        return .holds
    }

    func verdict(_ condition: Condition, _ context: FillContext, _ presence: inout [Int: Presence]) throws(ConnectorError) -> Verdict {
        switch condition.form {
        case .any(let parts):
            var drops = false
            for part in parts {
                switch try verdict(part, context, &presence) {
                case .holds: return .holds
                case .drops: drops = true
                case .fails: break
                }
            }
            return drops ? .drops : .fails
        case .field(let value, .isPresent(let wanted), _):
            let found = try value.found(values, context)
            let isThere = found.map { $0.shownText?.isBlank != true } ?? false
            return isThere == wanted ? .holds : .fails
        case .field(let value, let test, let missing):
            let found = try value.scalar(values, context)
            if missing == .drop {
                presence[condition.number, default: Presence(field: value.shown)].present += found == nil ? 0 : 1
                presence[condition.number, default: Presence(field: value.shown)].missing += found == nil ? 1 : 0
            }
            if let found { return try holds(test, found, value) ? .holds : .fails }
            switch missing {
            case .keep: return .holds
            case .skip: return .fails
            case .drop: return .drops
            case .fail: throw .broken("a record has no `\(value.shown)`")
            }
        }
    }

    private func holds(_ test: Condition.Test, _ found: JSONValue, _ value: Value) throws(ConnectorError) -> Bool {
        switch test {
        case .isOneOf(let scalars, let negated):
            for scalar in scalars {
                if try scalar.isSame(as: found, value) { return !negated }
            }
            return negated
        case .contains(let part, let negated):
            return (found.shownText ?? "").lowercased().contains(part.lowercased()) != negated
        case .matches(let pattern, let negated): return pattern.matches(found.shownText ?? "") != negated
        case .above(let limit): return try NumberRule().number(found, value) > limit
        case .below(let limit): return try NumberRule().number(found, value) < limit
        case .isPresent: return true
        }
    }
}

extension Condition.Scalar {
    /// Texts by every letter, numbers by value. A boolean and something else cannot be compared: the field is not what it is taken for.
    func isSame(as found: JSONValue, _ value: Value) throws(ConnectorError) -> Bool {
        switch (self, found) {
        case (.bool(let wanted), .bool(let actual)): return wanted == actual
        case (.bool, _): throw .broken("`\(value.shown)` is \(found.kind), where true or false was expected")
        case (_, .bool): throw .broken("`\(value.shown)` is true or false, where a text or a number was expected")
        case (.number(let wanted), .number(let actual)):
            if let one = Decimal(exactly: wanted), let other = Decimal(exactly: actual) { return one == other }
            return wanted == actual
        case (.number(let wanted), _), (.text(let wanted), _): return found.text.map { $0.isExactly(wanted) } ?? false
        }
    }
}

extension NumberRule {
    /// The number that a field holds, as a number or as text.
    func number(_ found: JSONValue, _ value: Value) throws(ConnectorError) -> Decimal {
        if let number = found.decimal { return number }
        if case .string(let text) = found, let number = number(text) { return number }
        throw .broken("`\(value.shown)` is \(found.kind), and no number that can be counted")
    }

    private func number(_ text: String) -> Decimal? {
        var text = text.trimmingWhitespace()
        if hasDecimalComma {
            // 1.234,5 as many countries write it; 1.5 is not 15.
            guard text.contains(/^-?([0-9]+|[0-9]{1,3}(\.[0-9]{3})+)(,[0-9]+)?$/) else { return nil }
            text = text.replacing(".", with: "").replacing(",", with: ".")
        }
        return text.isJSONNumber ? Decimal(exactly: text) : nil
    }

    /// Bytes turned into their unit, and rounded.
    func finished(_ sum: Decimal) -> Decimal {
        var number = sum
        for _ in 0..<(bytes?.power ?? 0) { number /= 1024 }
        guard let decimals else { return number }
        let mode: NSDecimalNumber.RoundingMode =
            switch rounding {
            case .half: .plain
            case .up: .up
            case .down: .down
            }
        var rounded = Decimal()
        withUnsafePointer(to: number) { NSDecimalRound(&rounded, $0, decimals, mode) }
        return rounded
    }
}
