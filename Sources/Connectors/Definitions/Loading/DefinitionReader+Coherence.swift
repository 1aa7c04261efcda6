import Foundation

// What parts of a definition have to do with each other.

extension DefinitionReader {
    // MARK: Records, and what is read beside them

    /// Records are handed on one by one and not kept, so nothing within their list can be seen when a page has been read.
    func checkPagingPaths(_ paging: PagingRule, _ lists: [JSONPath], _ single: JSONPath?, line: Int) {
        guard let list = lists.first, lists.count == 1, single == nil else { return }
        for (key, path) in paging.answerPaths where path.lies(within: list) {
            problems.add(
                line,
                "`\(key)` is `\(path.text)`, which lies within the records (`\(list.text)`), and those are not kept. Name a place beside them."
            )
        }
    }

    /// The same for errors in answers. A name below the list is fine: then an object stands where the list was expected.
    func checkFailurePaths(_ reads: [ReadRule]) {
        for (line, rule) in failures {
            let values = rule.condition.values + [rule.message].compactMap(\.self)
            for path in values.flatMap(\.recordPaths) {
                guard let read = reads.first(where: { $0.onlyList.map { path.isElement(of: $0) } ?? false }) else { continue }
                problems.add(
                    line,
                    "`failWhen` looks at `\(path.text)`, which lies within the records of the read `\(read.name)` "
                        + "(`\(read.onlyList?.text ?? "")`), and those are not kept. Name a place beside them.")
            }
        }
    }

    // MARK: Hosts

    /// Addresses that are written out lead to hosts of `hosts`; the others are looked at when they are made.
    func checkAddresses(_ rules: [HostRule]) {
        var known = addresses
        let opened = Set(addresses.compactMap { $0.template.firstSetting })
        for (line, setting) in defaults where setting.kind == .url {
            // A deployment's address that only offers itself to partners is looked at where they enter it.
            guard !deploymentNames.contains(setting.name) || opened.contains(setting.name), let value = setting.defaultValue else {
                continue
            }
            if !rules.contains(.ofSetting(setting.name)) { known.append((line, "`default`", value)) }
        }
        for (line, what, template) in known {
            guard let host = template.literalHost, !rules.contains(where: { $0.allows(host) }) else { continue }
            problems.add(line, "\(what) leads to `\(host)`, which is not among `hosts`. Add it there if requests may go to it.")
        }
    }

    // MARK: Parameters

    /// A parameter that comes from two places would be sent twice, and vendors take either.
    func checkParameters(_ request: RequestRule?, _ paging: PagingRule?, _ map: MapReader) {
        guard let request else { return }
        let line = (map.node("paging") ?? map.node("query"))?.line ?? map.line
        let query = request.query.compactMap(\.name.literal)
        for name in query where signedParameters.contains(name) {
            problems.add(line, "The parameter `\(name)` stands in `query` and in `auth`, and would be sent twice.")
        }
        guard let paging else { return }
        let (turned, size) = (paging.parameter, paging.size?.parameter)
        if let turned, turned == size { problems.add(line, "`parameter` and `size` are both called `\(turned)`.") }
        for name in [turned, size].compactMap(\.self) {
            let place: String?
            switch (paging.place, request.body) {
            case (.query, _):
                let places = [("`query`", query), ("`auth`", Array(signedParameters)), ("the address", request.address.parameterNames)]
                place = places.first { $0.1.contains(name) }?.0
            case (.form, .form(let pairs)): place = pairs.contains { $0.name.literal == name } ? "`form`" : nil
            // In JSON the page's parameter takes the place of the member of its name.
            default: place = nil
            }
            guard let place else { continue }
            problems.add(line, "The parameter `\(name)` stands in \(place) and in `paging`, and would be sent twice. Leave it to `paging`.")
        }
    }

    // MARK: Dates

    /// A pattern of Unicode (UTS 35, "Date Field Symbols"), with the mistakes that give a wrong date instead of an error.
    func checkDateFormat(_ format: String, line: Int) {
        let words = ["iso8601", "unix", "unixMilliseconds"]
        guard !words.contains(format) else { return }
        func problem(_ text: String) { problems.add(line, "`format` is `\(format)`: \(text).") }
        if let word = words.first(where: { $0.lowercased() == format.lowercased() }) { return problem("it is written `\(word)`") }
        var fields: [Character: Int] = [:]
        var isQuoted = false
        for character in format {
            if character == "'" { isQuoted.toggle() }
            guard !isQuoted, character.isASCII, character.isLetter else { continue }
            guard "GyYuUrQqMLwWdDFgEecabBhHkKmsSAzZOvVXx".contains(character) else {
                return problem("`\(character)` stands for nothing; put words in single quotes")
            }
            fields[character, default: 0] += 1
        }
        func written(_ letter: Character) -> String { String(repeating: letter, count: fields[letter] ?? 0) }
        if isQuoted { return problem("a quote is not closed") }
        if fields.isEmpty { return problem("it holds nothing of a date") }
        if fields["Y"] != nil, fields["w"] == nil { problem("`\(written("Y"))` is the year of the week; the year is `yyyy`") }
        if fields["D"] != nil, fields["M"] != nil || fields["L"] != nil {
            problem("`\(written("D"))` is the day of the year; the day of the month is `dd`")
        }
        if fields["m"] != nil, !"hHkK".contains(where: { fields[$0] != nil }) {
            problem("`\(written("m"))` is minutes; the month is `MM`")
        }
        if fields["h"] != nil, !"abB".contains(where: { fields[$0] != nil }) { problem("`\(written("h"))` counts to 12; the hour is `HH`") }
    }
}

extension JSONPath {
    /// Whether it leads to the list or into it.
    fileprivate func lies(within list: JSONPath) -> Bool { segments.starts(with: list.segments) }

    /// Whether it leads to or into one element of the list.
    fileprivate func isElement(of list: JSONPath) -> Bool {
        guard lies(within: list), segments.count > list.segments.count, case .index? = segments[list.segments.count].first else {
            return false
        }
        return true
    }
}

extension PagingRule {
    /// Places in the answer by the key that names them.
    fileprivate var answerPaths: [(key: String, path: JSONPath)] {
        var paths: [(String, JSONPath)] = []
        switch style {
        case .cursor(_, let path), .nextURL(let path): paths.append(("next", path))
        default: break
        }
        for stop in stops {
            switch stop {
            case .total(.answer(let path)): paths.append(("total", path))
            case .pages(.answer(let path)): paths.append(("pages", path))
            case .more(let path): paths.append(("more", path))
            default: break
            }
        }
        return paths
    }

    /// What it turns the pages with.
    fileprivate var parameter: String? {
        switch style {
        case .page(let name, _), .offset(let name, _), .keyset(let name, _, _), .cursor(let name, _): name
        case .none, .nextURL, .link: nil
        }
    }
}

extension ReadRule {
    /// The list whose records are not kept.
    fileprivate var onlyList: JSONPath? { lists.count == 1 && single == nil ? lists[0] : nil }
}

extension Condition {
    fileprivate var values: [Value] {
        switch form {
        case .field(let value, _, _): [value]
        case .any(let parts): parts.flatMap(\.values)
        }
    }
}

extension Value {
    fileprivate var recordPaths: [JSONPath] {
        switch self {
        case .path(let path): [path]
        case .template(let template): template.names.compactMap { if case .record(let path) = $0 { path } else { nil } }
        case .first(let values): values.flatMap(\.recordPaths)
        }
    }
}

extension Template {
    /// The setting that it begins with.
    fileprivate var firstSetting: String? {
        if case .name(.setting(let name))? = pieces.first { name } else { nil }
    }

    /// The host when it is written out whole.
    fileprivate var literalHost: String? {
        guard case .text(let text)? = pieces.first, let start = text.range(of: "://") else { return nil }
        let isWhole = pieces.count == 1 || text[start.upperBound...].contains { "/?".contains($0) }
        return isWhole ? text.urlHost : nil
    }

    /// Names of parameters in an address.
    fileprivate var parameterNames: [String] {
        let text = pieces.map { if case .text(let text) = $0 { text } else { "-" } }.joined()
        guard let start = text.firstIndex(of: "?") else { return [] }
        return text[text.index(after: start)...].split(separator: "&").map { String($0.prefix { $0 != "=" }) }
    }
}

extension HostRule {
    /// By the name alone; what somebody enters is not known yet.
    fileprivate func allows(_ host: String) -> Bool {
        switch self {
        case .exact(let name): host == name
        case .under(let name): host.hasSuffix("." + name)
        case .ofSetting: false
        }
    }
}
