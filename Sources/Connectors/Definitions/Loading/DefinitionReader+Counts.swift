/// The services of a definition as they were read.
struct Catalogue {
    var services: [CatalogueService] = []
    /// In an order in which each comes after those it is made of.
    var computed: [ComputedRule] = []
    var names: Set<String> = []
    var lines: [String: Int] = [:]
}

extension DefinitionReader {
    func readAccounts(_ map: MapReader, _ reads: [ReadRule]) -> [AccountRule] {
        guard let node = map.required("accounts", "which read holds the partner's customers.") else { return [] }
        let nodes: [DocumentNode]
        if case .list(let items) = node.content { nodes = items } else { nodes = [node] }
        if nodes.isEmpty { problems.add(node.line, "`accounts` is empty. Say which read holds the partner's customers.") }
        return nodes.compactMap { node in
            guard let rule = MapReader(node, "accounts", problems) else { return nil }
            let read = readName(rule, "from")
            if let read, reads.contains(where: { $0.name == read && $0.isForAccounts }) {
                problems.add(node.line, "accounts come from `\(read)`, which is read for each account. They have to be known before.")
            }
            let id = path(rule, "id", "the path to the account's id. An id is the vendor's and is never put together.")
            var scope = Scope()
            scope.hasRecord = true
            scope.each = eachNames(read, reads)
            let name = rule.required("name", "the account's name.").flatMap { value($0, "`name`", scope) }
            let conditions = conditions(rule, "where", scope)
            rule.finish()
            guard let read, let id, let name else { return nil }
            return AccountRule(read: read, id: id, name: name, conditions: conditions)
        }
    }

    private func eachNames(_ read: String?, _ reads: [ReadRule]) -> Set<String> {
        Set(reads.first { $0.name == read }?.each.map(\.name) ?? [])
    }

    // MARK: bases and services

    func readBases(_ map: MapReader) {
        guard map.required("bases", "what counts count, in the vendor's words.") != nil else { return }
        for entry in map.pairs("bases") {
            guard let basis = MapReader(entry.value, "the basis `\(entry.key)`", problems) else { continue }
            let version = basis.required("version", "from 1, raised with every change of what is counted.").flatMap { _ in
                basis.integer("version", 1...1_000_000)
            }
            _ = basis.requiredText("counts", "one sentence: what is counted.")
            basis.finish()
            bases[entry.key] = CountBasis(name: entry.key, version: version ?? 1)
        }
    }

    private func basis(_ map: MapReader) -> CountBasis {
        guard let node = map.required("basis", "one of `bases`."), let name = problems.text(node, "`basis`") else {
            return CountBasis(name: "", version: 1)
        }
        checkKnown(name, among: Set(bases.keys), kind: "basis", line: node.line, "`basis`")
        return bases[name] ?? CountBasis(name: name, version: 1)
    }

    private func category(_ map: MapReader) -> (String, String) {
        func word(_ key: String, _ known: [String]) -> String {
            guard let node = map.required(key, "Gradient's word for the kind of service."), let text = problems.text(node, "`\(key)`")
            else {
                return ""
            }
            if !known.contains(text) {
                let meant = text.nearestCategory(of: known).map { "Did you mean `\($0)`?" }
                problems.add(
                    node.line,
                    "`\(key)` is `\(text)`, which Gradient does not know. "
                        + (meant ?? "It knows \(known.map { "`\($0)`" }.joined(separator: ", "))."))
            }
            return text
        }
        return (word("category", GradientWords.categories), word("subcategory", GradientWords.subcategories))
    }

    func readServices(_ map: MapReader) -> Catalogue {
        var catalogue = Catalogue()
        let nodes = map.list("services")
        if nodes.isEmpty, !map.has("discovered") {
            problems.add(map.line, "the definition has no `services`: the catalogue that counts are sent for.")
        }
        var computed: [(line: Int, rule: ComputedRule)] = []
        for node in nodes {
            guard let service = MapReader(node, "a service", problems) else { continue }
            let name = service.requiredText("name", "as Synthesize shows it.")
            if catalogue.names.contains(where: { $0.lowercased() == name.lowercased() }) {
                problems.add(node.line, "There are two services `\(name)`.")
            }
            catalogue.names.insert(name)
            catalogue.lines[name] = node.line
            let description = service.requiredText("description", "one line; Synthesize takes no service without.")
            let (category, subcategory) = category(service)
            catalogue.services.append(
                CatalogueService(
                    name: name, description: description, category: category, subcategory: subcategory, basis: basis(service)))
            if let node = service.node("computed"), let parts = MapReader(node, "computed", problems) {
                let rule = ComputedRule(service: name, sum: parts.texts("sum"), minus: parts.texts("minus"))
                if rule.sum.isEmpty { problems.add(node.line, "computed has no `sum`: the services that are added up.") }
                parts.finish()
                computed.append((node.line, rule))
            }
            service.finish()
        }
        for (line, rule) in computed {
            for part in rule.sum + rule.minus {
                checkKnown(part, among: catalogue.names, kind: "service", line: line, "`computed`")
            }
        }
        catalogue.computed = orderedComputed(computed)
        return catalogue
    }

    private func orderedComputed(_ rules: [(line: Int, rule: ComputedRule)]) -> [ComputedRule] {
        var waiting = rules
        var ordered: [ComputedRule] = []
        while !waiting.isEmpty {
            let open = Set(waiting.map(\.rule.service))
            guard let next = waiting.firstIndex(where: { open.isDisjoint(with: $0.rule.sum + $0.rule.minus) }) else {
                for (line, rule) in waiting { problems.add(line, "The service `\(rule.service)` is computed from itself.") }
                return ordered
            }
            ordered.append(waiting.remove(at: next).rule)
        }
        return ordered
    }

    func readDiscovered(_ map: MapReader) -> (line: Int, rule: DiscoveryRule)? {
        guard let node = map.node("discovered"), let rule = MapReader(node, "discovered", problems) else { return nil }
        let limit = rule.required("limit", "the most services that data may bring.").flatMap { _ in rule.integer("limit", 1...1000) }
        let (category, subcategory) = category(rule)
        var scope = Scope()
        scope.hasRecord = true
        let description = rule.required("description", "one line; it may hold fields such as ${$.sku}.")
            .flatMap { template($0, "`description`", scope) }
        let basis = basis(rule)
        rule.finish()
        guard let limit, let description else { return nil }
        return (
            node.line,
            DiscoveryRule(limit: limit, category: category, subcategory: subcategory, description: description, basis: basis)
        )
    }

    // MARK: counts

    func readCounts(
        _ map: MapReader, _ reads: [ReadRule], _ catalogue: Catalogue, _ discovered: (line: Int, rule: DiscoveryRule)?
    ) -> [CountRule] {
        guard let node = map.required("counts", "the rules that count records.") else { return [] }
        let items = map.list("counts")
        if items.isEmpty { problems.add(node.line, "`counts` is empty. Say what is counted.") }
        let computed = Set(catalogue.computed.map(\.service))
        let rules = items.compactMap { count($0, reads, catalogue, computed, hasDiscovery: discovered != nil) }
        if let discovered, !rules.contains(where: { if case .discovered = $0.service { true } else { false } }) {
            problems.add(discovered.line, "No rule of `counts` has `discover: true`, so nothing is discovered.")
        }
        return rules
    }

    private func count(
        _ node: DocumentNode, _ reads: [ReadRule], _ catalogue: Catalogue, _ computed: Set<String>, hasDiscovery: Bool
    ) -> CountRule? {
        guard let map = MapReader(node, "a rule of counts", problems) else { return nil }
        let name = readName(map, "from")
        let read = reads.first { $0.name == name }
        var scope = Scope()
        (scope.hasRecord, scope.hasAccount, scope.each) = (true, read?.isForAccounts == true, eachNames(name, reads))
        let account = map.node("account").flatMap { path($0, "`account`") }
        if let read, read.isForAccounts == map.has("account") {
            problems.add(
                node.line,
                read.isForAccounts
                    ? "The read `\(read.name)` is made for each account, so the rule has no `account`."
                    : "a rule of counts has no `account`: the path to the account's id in the record.")
        }
        let service = map.required("service", "the service that is counted for.").flatMap {
            self.service($0, scope, catalogue, computed, hasDiscovery: hasDiscovery)
        }
        let conditions = conditions(map, "where", scope)
        let measure = measure(map, scope)
        let missing = map.word("missing", CountRule.MissingCount.self) ?? .fail
        let number = map.node("number").flatMap(self.number) ?? NumberRule()
        checkMeaning(of: map, measure)
        map.finish()
        guard let name, let service, let measure else { return nil }
        return CountRule(
            read: name, service: service, account: account, conditions: conditions, measure: measure, missing: missing, number: number)
    }

    private func service(
        _ node: DocumentNode, _ scope: Scope, _ catalogue: Catalogue, _ computed: Set<String>, hasDiscovery: Bool
    ) -> CountRule.Service? {
        func check(_ name: String, line: Int) {
            checkKnown(name, among: catalogue.names, kind: "service", line: line, "`service`")
            if computed.contains(name) { problems.add(line, "The service `\(name)` is computed, so no rule counts for it.") }
        }
        if case .scalar = node.content {
            guard let name = problems.text(node, "`service`") else { return nil }
            check(name, line: node.line)
            return .fixed(name)
        }
        guard let map = MapReader(node, "service", problems) else { return nil }
        let value = map.required("value", "the field that tells the service.").flatMap { self.value($0, "`value`", scope) }
        let missing = map.word("missing", MissingField.self) ?? .fail
        if missing == .keep { problems.add(node.line, "`missing` of a service is fail, skip or drop.") }
        if map.flag("discover") == true {
            map.finish()
            if !hasDiscovery { problems.add(node.line, "`discover: true` needs `discovered` at the top: limit, category and basis.") }
            return value.map { .discovered($0, missing: missing) }
        }
        var names: [String: String] = [:]
        for entry in map.pairs("map") {
            guard let name = problems.text(entry.value, "the service of `\(entry.key)`") else { continue }
            check(name, line: entry.value.line)
            names[entry.key] = name
        }
        if names.isEmpty { problems.add(node.line, "service needs `map`, from values to services, or `discover: true`.") }
        var other = CountRule.Other.fail
        if let node = map.node("other"), let word = problems.text(node, "`other`") {
            switch word {
            case "fail": break
            case "skip": other = .skip
            default:
                check(word, line: node.line)
                other = .service(word)
            }
        }
        map.finish()
        return value.map { .mapped($0, map: names, other: other, missing: missing) }
    }

    private func measure(_ map: MapReader, _ scope: Scope) -> CountRule.Measure? {
        guard let node = map.node("count") else { return .records }
        if case .scalar(let text, _) = node.content {
            if text == "records" { return .records }
            problems.add(node.line, "`count` is `\(text)`, and has to be records, {sum: PATH}, {distinct: PATH} or {greatest: PATH}.")
            return nil
        }
        guard let form = MapReader(node, "count", problems) else { return nil }
        defer { form.finish() }
        if let node = form.node("sum") { return value(node, "`sum`", scope).map { .sum($0) } }
        if let node = form.node("distinct") { return value(node, "`distinct`", scope).map { .distinct($0) } }
        if let node = form.node("greatest") { return value(node, "`greatest`", scope).map { .greatest($0) } }
        problems.add(node.line, "`count` has to be records, {sum: PATH}, {distinct: PATH} or {greatest: PATH}.")
        return nil
    }

    /// What is counted one by one has no field that could be missing, and no number that could be read or rounded.
    private func checkMeaning(of map: MapReader, _ measure: CountRule.Measure?) {
        let (counted, idle): (String, [String])
        switch measure {
        case .records?: (counted, idle) = ("records", ["number", "missing"])
        case .distinct?: (counted, idle) = ("different values", ["number"])
        default: return
        }
        for key in idle {
            guard let node = map.node(key) else { continue }
            problems.add(node.line, "`\(key)` means nothing where \(counted) are counted. Leave it out, or count {sum: PATH}.")
        }
    }

    private func number(_ node: DocumentNode) -> NumberRule? {
        guard let map = MapReader(node, "number", problems) else { return nil }
        var rule = NumberRule()
        rule.bytes = map.word("bytes", NumberRule.ByteUnit.self)
        let rounding = map.word("round", NumberRule.Rounding.self)
        rule.rounding = rounding ?? .half
        rule.decimals = map.integer("decimals", 0...6) ?? (rule.bytes != nil || rounding != nil ? 0 : nil)
        rule.hasDecimalComma = map.flag("comma") ?? false
        map.finish()
        return rule
    }

    /// Every service is counted for by a rule, or computed.
    func checkUse(_ catalogue: Catalogue, _ counts: [CountRule], _ line: Int) {
        var counted = Set(catalogue.computed.map(\.service))
        for rule in counts {
            switch rule.service {
            case .fixed(let name): counted.insert(name)
            case .mapped(_, let map, let other, _):
                counted.formUnion(map.values)
                if case .service(let name) = other { counted.insert(name) }
            case .discovered: break
            }
        }
        // After a problem with the rules themselves this would only repeat it.
        guard problems.inOrder.isEmpty else { return }
        for service in catalogue.services where !counted.contains(service.name) {
            problems.add(
                catalogue.lines[service.name] ?? line,
                "No rule of `counts` counts for the service `\(service.name)`, and it is not computed.")
        }
    }
}
