extension DefinitionReader {
    /// The reads in an order in which each comes after those it needs: its lookups, the reads it joins, and, when it is made for each
    /// account, those that accounts come from. Notes circles and reads that nobody uses.
    func ordered(
        _ reads: [ReadRule], _ accounts: [AccountRule], _ counts: [CountRule], _ lookups: [LookupRule], _ map: MapReader
    ) -> [ReadRule] {
        guard problems.inOrder.isEmpty else { return [] }
        let baseLookups = lookupNames(in: map)
        let needs = Dictionary(
            uniqueKeysWithValues: reads.map { read in
                let names = read.templateNames + (read.request.isRelative ? baseLookups : [])
                return (read.name, ConnectorDefinition.needs(of: read, names, accounts, lookups))
            })
        let used = Set(accounts.map(\.read) + counts.map(\.read) + lookups.map(\.read) + reads.flatMap { $0.joins.map(\.read) })
        let line = map.node("reads")?.line ?? map.line
        for entry in map.pairs("reads") where !used.contains(entry.key) {
            problems.add(entry.line, "The read `\(entry.key)` is used by no account, count, lookup or join. Use it or leave it out.")
        }
        var waiting = reads
        var ordered: [ReadRule] = []
        while !waiting.isEmpty {
            let open = Set(waiting.map(\.name))
            guard let next = waiting.firstIndex(where: { open.isDisjoint(with: needs[$0.name] ?? []) }) else {
                problems.add(line, "These reads need each other: \(waiting.map { "`\($0.name)`" }.joined(separator: ", ")).")
                return ordered
            }
            var read = waiting.remove(at: next)
            read.needs = needs[read.name] ?? []
            ordered.append(read)
        }
        return ordered
    }

    /// Lookups that every request with the base address needs.
    private func lookupNames(in map: MapReader) -> [Template.Name] {
        var nodes: [DocumentNode] = [map.node("requests"), map.node("auth")].compactMap(\.self)
        var names: [Template.Name] = []
        while let node = nodes.popLast() {
            switch node.content {
            case .list(let items): nodes += items
            case .map(let entries): nodes += entries.map(\.value)
            case .scalar(let text, _):
                do { names += try Template(text).names } catch { continue }
            }
        }
        return names.filter { if case .lookup = $0 { true } else { false } }
    }
}

extension ConnectorDefinition {
    /// The reads that have to be made before this one.
    static func needs(
        of read: ReadRule, _ names: [Template.Name], _ accounts: [AccountRule], _ lookups: [LookupRule]
    ) -> Set<String> {
        var needs = Set(read.joins.map(\.read))
        if read.isForAccounts { needs.formUnion(accounts.map(\.read)) }
        for case .lookup(let name) in names { needs.formUnion(lookups.filter { $0.name == name }.map(\.read)) }
        return needs
    }
}

extension RequestRule {
    /// Whether the base address goes in front.
    var isRelative: Bool {
        if case .text(let text)? = address.pieces.first { return text.hasPrefix("/") }
        return false
    }

    var templateNames: [Template.Name] {
        var names = address.names + (query + headers).flatMap { $0.name.names + $0.value.names }
        switch body {
        case .none: break
        case .form(let pairs): names += pairs.flatMap { $0.name.names + $0.value.names }
        case .json(let json): names += json.names
        }
        return names
    }
}

extension JSONTemplate {
    var names: [Template.Name] {
        switch self {
        case .null, .bool, .number: []
        case .text(let template): template.names
        case .list(let items): items.flatMap(\.names)
        case .object(let members): members.flatMap(\.value.names)
        }
    }
}

extension ReadRule {
    var templateNames: [Template.Name] { request.templateNames }
}
