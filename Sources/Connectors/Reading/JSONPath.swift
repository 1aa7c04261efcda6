/// Where in a JSON text something stands: a query in the syntax and with the meaning of RFC 9535.
///
/// Of that standard the selectors for names, indexes, slices and everything (`*`), one or several in a bracket. Not the descendant
/// segment `..` and not filters `?`: a definition says by other means which records count, and a path that may search anywhere
/// would hide that an answer has changed its form.
struct JSONPath: Sendable, Hashable, CustomStringConvertible {
    enum Selector: Sendable, Hashable {
        case name(String)
        case index(Int)
        case slice(start: Int?, end: Int?, step: Int)
        case wildcard
    }

    /// As written.
    let text: String
    /// Each holds the selectors of one bracket.
    let segments: [[Selector]]

    /// - Throws: `invalidDefinition` with the place of the mistake.
    init(_ text: String) throws(ConnectorError) {
        var parser = JSONPathParser(text)
        segments = try parser.parse()
        self.text = text
    }

    var description: String { text }

    /// Whether it can only find one value: names and single indexes (RFC 9535 section 2.3.5.1, "singular query").
    var isSingular: Bool {
        segments.allSatisfy { selectors in
            guard selectors.count == 1 else { return false }
            switch selectors[0] {
            case .name, .index: return true
            case .slice, .wildcard: return false
            }
        }
    }

    /// Whether its values can be told while the text is still coming: nothing is counted from the end, nothing chosen twice.
    var isStreamable: Bool { streamableSelectors != nil }

    var streamableSelectors: [Selector]? {
        var selectors: [Selector] = []
        for segment in segments {
            guard segment.count == 1 else { return nil }
            switch segment[0] {
            case .name, .wildcard: break
            case .index(let index): if index < 0 { return nil }
            case .slice: return nil
            }
            selectors.append(segment[0])
        }
        return selectors
    }

    /// All values it finds, in the standard's order.
    func values(in root: JSONValue) -> [JSONValue] {
        var nodes = [root]
        for segment in segments {
            var next: [JSONValue] = []
            for node in nodes {
                for selector in segment { selector.choose(from: node, into: &next) }
            }
            nodes = next
        }
        return nodes
    }

    /// The first value it finds.
    func first(in root: JSONValue) -> JSONValue? {
        guard isSingular else { return values(in: root).first }
        var node = root
        for segment in segments {
            guard let next = segment[0].child(of: node) else { return nil }
            node = next
        }
        return node
    }
}

extension JSONPath.Selector {
    /// The one child that a name or an index chooses.
    fileprivate func child(of node: JSONValue) -> JSONValue? {
        switch self {
        case .name(let name): return node[name]
        case .index(let index):
            guard case .array(let elements) = node else { return nil }
            let position = index < 0 ? elements.count + index : index
            return elements.indices.contains(position) ? elements[position] : nil
        case .slice, .wildcard: return nil
        }
    }

    fileprivate func choose(from node: JSONValue, into chosen: inout [JSONValue]) {
        switch (self, node) {
        case (.name, _), (.index, _): if let child = child(of: node) { chosen.append(child) }
        case (.wildcard, .array(let elements)): chosen += elements
        case (.wildcard, .object(let members)): chosen += members.lazy.map(\.value)
        case (.slice(let start, let end, let step), .array(let elements)):
            for position in Self.positions(start, end, step, count: elements.count) { chosen.append(elements[position]) }
        default: break
        }
    }

    /// RFC 9535 section 2.3.4.2.2.
    private static func positions(_ start: Int?, _ end: Int?, _ step: Int, count: Int) -> StrideTo<Int> {
        func normalized(_ index: Int) -> Int { index >= 0 ? index : count + index }
        if step > 0 {
            let lower = min(max(normalized(start ?? 0), 0), count)
            return stride(from: lower, to: min(max(normalized(end ?? count), 0), count), by: step)
        }
        guard step < 0 else { return stride(from: 0, to: 0, by: 1) }
        let upper = min(max(normalized(start ?? count - 1), -1), count - 1)
        let lower = end.map { min(max(normalized($0), -1), count - 1) } ?? -1
        return stride(from: upper, to: lower, by: step)
    }
}
