import Foundation
import HTTPTypes

extension DefinitionReader {
    func readLookups(_ map: MapReader) -> [LookupRule] {
        map.pairs("lookups").compactMap { entry in
            if !entry.key.isDefinitionName { problems.add(entry.line, "`\(entry.key)` cannot name a lookup: use letters and digits.") }
            guard let rule = MapReader(entry.value, "the lookup `\(entry.key)`", problems) else { return nil }
            let read = readName(rule, "from")
            let value = path(rule, "value", "the path to the value in a record.")
            let pick = rule.word("pick", LookupRule.Pick.self) ?? .first
            rule.finish()
            guard let read, let value else { return nil }
            return LookupRule(name: entry.key, read: read, value: value, pick: pick)
        }
    }

    /// The name of a read that there is.
    func readName(_ map: MapReader, _ key: String) -> String? {
        guard let node = map.required(key, "the name of a read."), let name = problems.text(node, "`\(key)`") else { return nil }
        checkKnown(name, among: readNames, kind: "read", line: node.line, "`\(key)`")
        return readNames.contains(name) ? name : nil
    }

    func readReads(_ map: MapReader) -> [ReadRule] {
        guard map.required("reads", "the lists that are read from the vendor.") != nil else { return [] }
        return map.pairs("reads").compactMap(read)
    }

    private enum Fan: String, CaseIterable {
        case accounts
    }

    private func read(_ entry: DocumentNode.Entry) -> ReadRule? {
        if !entry.key.isDefinitionName { problems.add(entry.line, "`\(entry.key)` cannot name a read: use letters and digits.") }
        guard let map = MapReader(entry.value, "the read `\(entry.key)`", problems) else { return nil }
        let isForAccounts = map.word("for", Fan.self) != nil
        let each = readEach(map)
        var scope = Scope.request
        scope.hasAccount = isForAccounts
        scope.each = Set(each.map(\.name))
        let request = request(map, scope)
        let lists = paths(map, "records")
        let single = map.node("record").flatMap { path($0, "`record`") }
        if !map.has("records"), !map.has("record") {
            problems.add(map.line, "\(map.what) has no `records`: the path to the list of records in the answer, such as $ or $.data.")
        }
        let explode = map.node("explode").flatMap(explodeRule)
        let joins = map.list("join").compactMap { joinRule($0, of: entry.key) }
        var recordScope = Scope()
        (recordScope.hasRecord, recordScope.hasAccount, recordScope.each) = (true, isForAccounts, scope.each)
        let conditions = conditions(map, "where", recordScope)
        let paging = paging(map, request)
        if let paging { checkPagingPaths(paging, lists, single, line: map.node("paging")?.line ?? map.line) }
        checkParameters(request, paging, map)
        map.finish()
        guard let request, let paging else { return nil }
        return ReadRule(
            name: entry.key, request: request, isForAccounts: isForAccounts, each: each, lists: lists, single: single,
            explode: explode, joins: joins, conditions: conditions, paging: paging)
    }

    private func readEach(_ map: MapReader) -> [(name: String, values: [String])] {
        map.pairs("each").compactMap { entry in
            if !entry.key.isDefinitionName {
                problems.add(entry.line, "`\(entry.key)` cannot name a list of constants: use letters and digits.")
            }
            guard case .list(let items) = entry.value.content, !items.isEmpty, items.count <= 1000 else {
                problems.add(entry.value.line, "`\(entry.key)` has to be a list of 1 to 1000 constants, and is \(entry.value.kind).")
                return nil
            }
            return (entry.key, items.compactMap { problems.text($0, "an item of `\(entry.key)`") })
        }
    }

    private func paths(_ map: MapReader, _ key: String) -> [JSONPath] {
        guard let node = map.node(key) else { return [] }
        if case .list(let items) = node.content { return items.compactMap { path($0, "`\(key)`") } }
        return path(node, "`\(key)`").map { [$0] } ?? []
    }

    private enum Missing: String, CaseIterable {
        case fail, none
    }

    private func explodeRule(_ node: DocumentNode) -> ExplodeRule? {
        guard let map = MapReader(node, "explode", problems) else { return nil }
        let list = path(map, "list", "the path to the record's list.")
        let field = fieldName(map)
        let missing = map.word("missing", Missing.self) ?? .fail
        map.finish()
        guard let list else { return nil }
        return ExplodeRule(list: list, field: field, takesMissingForNone: missing == .none)
    }

    private func joinRule(_ node: DocumentNode, of name: String) -> JoinRule? {
        guard let map = MapReader(node, "an item of join", problems) else { return nil }
        let read = readName(map, "read")
        if read == name { problems.add(node.line, "The read `\(name)` joins itself.") }
        let on = path(map, "on", "the path in this record.")
        let key = path(map, "key", "the path in the other record.")
        let field = fieldName(map)
        map.finish()
        guard let read, let on, let key else { return nil }
        return JoinRule(read: read, on: on, key: key, field: field)
    }

    private func fieldName(_ map: MapReader) -> String { map.requiredText("as", "the name of the new field.") }

    // MARK: Paging

    private enum PagingStyle: String, CaseIterable {
        case page, offset, keyset, cursor, nextURL, link
    }

    private enum StopWord: String, CaseIterable {
        case shortPage, emptyPage, noNext
    }

    private func paging(_ read: MapReader, _ request: RequestRule?) -> PagingRule? {
        guard let node = read.required("paging", "`none`, or how the next page is asked for and when to stop.") else { return nil }
        if case .scalar("none", _) = node.content { return PagingRule(style: .none, place: .query, size: nil, stops: [], cap: 1) }
        guard let map = MapReader(node, "paging", problems) else { return nil }
        let by = map.required("by", "page, offset, keyset, cursor, nextURL or link.").flatMap {
            problems.word($0, "`by`", PagingStyle.self)
        }
        let place = map.word("in", PagingRule.Place.self) ?? .query
        let size = map.node("size").flatMap(pageSize)
        let stops = stopRules(map)
        let cap = map.required("cap", "the most pages that are read, such as 1000.").flatMap { _ in map.integer("cap", 1...100_000) }
        guard let by else { return nil }
        let style = pagingStyle(by, map)
        map.finish()
        checkPaging(by, map, place, size, stops, request)
        guard let style, let cap else { return nil }
        return PagingRule(style: style, place: place, size: size, stops: stops.rules, cap: cap)
    }

    private func pagingStyle(_ by: PagingStyle, _ map: MapReader) -> PagingRule.Style? {
        func parameter() -> String { map.requiredText("parameter", "the name of the parameter.") }
        switch by {
        case .page: return .page(parameter: parameter(), first: map.integer("first", 0...1_000_000) ?? 1)
        case .offset: return .offset(parameter: parameter(), first: map.integer("first", 0...1_000_000) ?? 0)
        case .keyset:
            let key = path(map, "key", "the path to the key in a record.")
            let first = map.text("first")
            let name = parameter()
            return key.map { .keyset(parameter: name, key: $0, first: first) }
        case .cursor:
            let next = path(map, "next", "the path to the cursor in the answer.")
            let name = parameter()
            return next.map { .cursor(parameter: name, next: $0) }
        case .nextURL: return path(map, "next", "the path to the next address in the answer.").map { .nextURL($0) }
        case .link: return .link
        }
    }

    private func pageSize(_ node: DocumentNode) -> PagingRule.Size? {
        guard let map = MapReader(node, "size", problems) else { return nil }
        let parameter = map.requiredText("parameter", "the name of the parameter.")
        let value = map.required("value", "records a page.").flatMap { _ in map.integer("value", 1...1_000_000) }
        map.finish()
        return value.map { PagingRule.Size(parameter: parameter, value: $0) }
    }

    private func stopRules(_ map: MapReader) -> (rules: [PagingRule.Stop], words: Set<StopWord>) {
        guard map.required("stop", "when the last page is reached, such as [shortPage] or [noNext].") != nil else { return ([], []) }
        let items = map.list("stop")
        if items.isEmpty { problems.add(map.node("stop")?.line ?? map.line, "`stop` is empty. Say when the last page is reached.") }
        var rules: [PagingRule.Stop] = []
        var words: Set<StopWord> = []
        for item in items {
            if case .scalar = item.content {
                guard let word = problems.word(item, "an item of `stop`", StopWord.self) else { continue }
                words.insert(word)
                switch word {
                case .shortPage: rules.append(.shortPage)
                case .emptyPage: rules.append(.emptyPage)
                case .noNext: rules.append(.noNext)
                }
            } else if let rule = stopRule(item) {
                rules.append(rule)
            }
        }
        return (rules, words)
    }

    private func stopRule(_ node: DocumentNode) -> PagingRule.Stop? {
        guard let map = MapReader(node, "an item of stop", problems) else { return nil }
        defer { map.finish() }
        func header(_ key: String) -> PagingRule.Source? {
            guard let text = map.text(key) else { return nil }
            guard let name = HTTPField.Name(text) else {
                problems.add(node.line, "`\(text)` cannot be the name of a header.")
                return nil
            }
            return .header(name, map.node("path").flatMap { path($0, "`path`") })
        }
        if let node = map.node("total") { return path(node, "`total`").map { .total(.answer($0)) } }
        if let node = map.node("pages") { return path(node, "`pages`").map { .pages(.answer($0)) } }
        if let node = map.node("more") { return path(node, "`more`").map { .more($0) } }
        if map.has("totalHeader") { return header("totalHeader").map { .total($0) } }
        if map.has("pagesHeader") { return header("pagesHeader").map { .pages($0) } }
        problems.add(node.line, "An item of `stop` is a word, or has `total`, `pages`, `more`, `totalHeader` or `pagesHeader`.")
        return nil
    }

    private func checkPaging(
        _ by: PagingStyle, _ map: MapReader, _ place: PagingRule.Place, _ size: PagingRule.Size?,
        _ stops: (rules: [PagingRule.Stop], words: Set<StopWord>), _ request: RequestRule?
    ) {
        if stops.words.contains(.shortPage), size == nil {
            problems.add(map.line, "`stop` says shortPage, so `size` has to say how many records a full page has.")
        }
        let hasNext = [.cursor, .nextURL, .link].contains(by)
        if stops.words.contains(.noNext), !hasNext {
            problems.add(map.line, "`stop` says noNext, which only paging by cursor, nextURL or link knows.")
        }
        if hasNext, !stops.words.contains(.noNext), !stops.rules.isEmpty {
            problems.add(map.line, "Paging by \(by.rawValue) has to stop at noNext (it may stop earlier too).")
        }
        guard let request else { return }
        switch (place, request.body) {
        case (.json, .json), (.form, .form), (.query, _): break
        default: problems.add(map.line, "`in` is \(place.rawValue), and the read has no such body.")
        }
    }
}
