import Foundation
import HTTPTypes

/// Which page comes next, and whether one does. Pure: facts of a page in, the next request's parameters out.
struct PageWalk: Sendable {
    enum Next: Sendable, Hashable {
        case parameters([Parameter])
        case url(String)
    }

    struct Parameter: Sendable, Hashable {
        var name: String
        var value: String
        var isNumber: Bool
    }

    /// What one page was.
    struct Page: Sendable {
        var records: Int
        /// The key of the last record, for paging by keyset.
        var lastKey: String?
        /// The answer without its records.
        var answer: JSONValue
        var headers: HTTPFields
        /// Of the records: equal pages have equal prints, whatever else their answers hold.
        var print: Int
    }

    private let rule: PagingRule
    private(set) var pages = 0
    private(set) var records = 0
    private var prints: Set<Int> = []
    private var seen: Set<String> = []
    /// Of the request to make now.
    private(set) var next: Next

    init(_ rule: PagingRule) {
        self.rule = rule
        var first: [Parameter] = []
        switch rule.style {
        case .page(let parameter, let number), .offset(let parameter, let number):
            first.append(Parameter(name: parameter, value: String(number), isNumber: true))
        case .keyset(let parameter, _, let value?): first.append(Parameter(name: parameter, value: value, isNumber: value.isJSONNumber))
        default: break
        }
        next = .parameters(first + Self.size(rule))
    }

    private static func size(_ rule: PagingRule) -> [Parameter] {
        rule.size.map { [Parameter(name: $0.parameter, value: String($0.value), isNumber: true)] } ?? []
    }

    /// Takes a page that was read.
    /// - Returns: whether there is another one; `next` is then what to ask for.
    /// - Throws: `brokenAnswer` when the pages end before they should, go in a circle, or reach the cap with more to come.
    mutating func take(_ page: Page) throws(ConnectorError) -> Bool {
        pages += 1
        records += page.records
        if case .none = rule.style { return false }
        // Before anything ends the walk: a page that comes again as the last one would count its records twice and lose others.
        // Where the vendor says what comes next, a circle shows in that.
        if page.records > 0, rule.countsPages, !prints.insert(page.print).inserted {
            throw .broken("page \(pages) is the same as one before: the vendor does not turn the pages")
        }
        guard try !stops(after: page) else { return false }
        guard pages < rule.cap else {
            throw .broken("after \(rule.cap) pages, the most that the definition allows, there are more")
        }
        return try turn(page)
    }

    /// Whether one of the rules says that this was the last page.
    private func stops(after page: Page) throws(ConnectorError) -> Bool {
        var hasEnded = false
        for stop in rule.stops {
            switch stop {
            case .shortPage: if page.records < rule.size?.value ?? 0 { hasEnded = true }
            case .emptyPage: if page.records == 0 { hasEnded = true }
            case .noNext: if try following(page) == nil { hasEnded = true }
            case .more(let path):
                guard let more = path.first(in: page.answer)?.bool else { throw .broken("`\(path.text)` is not true or false") }
                if !more { hasEnded = true }
            case .pages(let source):
                let told = try number(source, page)
                guard pages <= told || page.records == 0 else {
                    throw .broken("the vendor tells of \(told) pages, and page \(pages) has records")
                }
                if pages >= told { hasEnded = true }
            case .total(let source):
                let total = try number(source, page)
                // A total of 0 beside records is none, and the records may be a part only.
                guard records <= total else { throw .broken("the vendor tells of \(total) records and gave \(records)") }
                if records >= total { hasEnded = true }
            }
        }
        guard hasEnded || page.records == 0 else { return false }
        // A total that is told has to be reached, whatever else says that this is the end.
        for case .total(let source) in rule.stops {
            let total = try number(source, page)
            guard records >= total else { throw .broken("the vendor tells of \(total) records and gave \(records)") }
        }
        for case .pages(let source) in rule.stops where hasEnded && page.records == 0 {
            guard pages < (try number(source, page)) else { continue }
            throw .broken("page \(pages) is empty, and the vendor tells of more pages")
        }
        return hasEnded
    }

    private func number(_ source: PagingRule.Source, _ page: Page) throws(ConnectorError) -> Int {
        let (value, name): (JSONValue?, String)
        switch source {
        case .answer(let path): (value, name) = (path.first(in: page.answer), path.text)
        case .header(let field, nil): (value, name) = (page.headers[field].map { .string($0) }, "header \(field)")
        case .header(let field, let path?):
            name = "header \(field), \(path.text)"
            guard let text = page.headers[field] else { throw .broken("the \(name) is missing") }
            value = path.first(in: try JSONValue(parsing: Array(text.utf8)))
        }
        guard let text = value?.text?.trimmingWhitespace(), let number = Int(text), number >= 0 else {
            throw .broken("`\(name)` does not say how many there are")
        }
        return number
    }

    /// The cursor or address of the next page, nil when there is none.
    private func following(_ page: Page) throws(ConnectorError) -> String? {
        let text: String?
        switch rule.style {
        case .cursor(_, let path), .nextURL(let path): text = try path.scalar(in: page.answer)?.text
        case .link: text = LinkHeader.field.flatMap { page.headers[$0] }.flatMap(LinkHeader.next)
        default: return nil
        }
        return text.flatMap { $0.isBlank ? nil : $0 }
    }

    private mutating func turn(_ page: Page) throws(ConnectorError) -> Bool {
        func parameter(_ name: String, _ value: String, isNumber: Bool) -> Next {
            .parameters([Parameter(name: name, value: value, isNumber: isNumber)] + Self.size(rule))
        }
        switch rule.style {
        case .none: return false
        case .page(let name, let first): next = parameter(name, String(first + pages), isNumber: true)
        case .offset(let name, let first): next = parameter(name, String(first + records), isNumber: true)
        case .keyset(let name, let path, _):
            guard let key = page.lastKey else { throw .broken("the last record has no `\(path.text)` to go on from") }
            guard seen.insert(key).inserted else { throw .broken("the pages go in a circle at `\(path.text)`") }
            next = parameter(name, key, isNumber: key.isJSONNumber)
        case .cursor, .nextURL, .link:
            guard let following = try following(page) else { throw .broken("the next page is not named") }
            guard seen.insert(following).inserted else { throw .broken("the pages go in a circle") }
            if case .cursor(let name, _) = rule.style {
                next = parameter(name, following, isNumber: false)
            } else {
                next = .url(following)
            }
        }
        return true
    }
}

/// `Link` as RFC 8288 section 3 writes it.
enum LinkHeader {
    static let field = HTTPField.Name("Link")

    /// The target of the first link whose relation is `next`; nil when there is none.
    static func next(_ text: String) -> String? {
        var rest = text[...]
        while let open = rest.firstIndex(of: "<"), let close = rest[open...].firstIndex(of: ">") {
            let target = String(rest[rest.index(after: open)..<close])
            rest = rest[rest.index(after: close)...]
            if parameters(&rest).contains(where: isNext) { return target }
        }
        return nil
    }

    /// Takes the parameters of one link, up to the comma before the next; quotes hold commas and semicolons together.
    private static func parameters(_ rest: inout Substring) -> [String] {
        var parameters = [""]
        var isQuoted = false
        while let character = rest.popFirst() {
            switch character {
            case "," where !isQuoted: return parameters
            case ";" where !isQuoted: parameters.append("")
            case "\"": isQuoted.toggle()
            default: parameters[parameters.count - 1].append(character)
            }
        }
        return parameters
    }

    private static func isNext(_ parameter: String) -> Bool {
        let parts = parameter.split(separator: "=", maxSplits: 1).map { $0.trimmingCharacters(in: .whitespaces).lowercased() }
        return parts.count == 2 && parts[0] == "rel" && parts[1].split(separator: " ").contains("next")
    }
}
