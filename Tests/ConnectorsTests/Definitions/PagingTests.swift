import Foundation
import HTTPTypes
import Testing

@testable import Connectors

@Suite("Which page comes next")
struct PageWalkTests {
    private func path(_ text: String) throws -> JSONPath { try JSONPath(text) }

    private func page(_ records: Int, _ answer: String = "{}", lastKey: String? = nil, headers: HTTPFields = [:], print: Int) throws
        -> PageWalk.Page
    {
        PageWalk.Page(
            records: records, lastKey: lastKey, answer: try JSONValue(parsing: Array(answer.utf8)), headers: headers, print: print)
    }

    private func rule(
        _ style: PagingRule.Style, _ stops: [PagingRule.Stop], size: Int? = 2, cap: Int = 10
    ) -> PagingRule {
        PagingRule(style: style, place: .query, size: size.map { .init(parameter: "size", value: $0) }, stops: stops, cap: cap)
    }

    private func shown(_ next: PageWalk.Next) -> String {
        switch next {
        case .parameters(let parameters): parameters.map { "\($0.name)=\($0.value)" }.joined(separator: "&")
        case .url(let url): url
        }
    }

    @Test("One page")
    func none() throws {
        var walk = PageWalk(PagingRule(style: .none, place: .query, size: nil, stops: [], cap: 1))
        #expect(walk.next == .parameters([]))
        #expect(try !walk.take(page(1000, print: 1)))
    }

    @Test("Page numbers, until a page is short")
    func numbers() throws {
        var walk = PageWalk(rule(.page(parameter: "page", first: 1), [.shortPage]))
        #expect(shown(walk.next) == "page=1&size=2")
        #expect(try walk.take(page(2, print: 1)))
        #expect(shown(walk.next) == "page=2&size=2")
        #expect(try walk.take(page(2, print: 2)))
        #expect(shown(walk.next) == "page=3&size=2")
        #expect(try !walk.take(page(1, print: 3)))
        #expect(walk.records == 5)
    }

    @Test("A page that comes again, as the last one too, is an error: its records would count twice and others be lost")
    func repeated() throws {
        var walk = PageWalk(rule(.page(parameter: "page", first: 1), [.total(.answer(try JSONPath("$.total")))]))
        #expect(try walk.take(page(2, #"{"total":6}"#, print: 1)))
        #expect(try walk.take(page(2, #"{"total":6}"#, print: 2)))
        #expect(throws: ConnectorError.self) { try walk.take(page(2, #"{"total":6}"#, print: 1)) }
    }

    @Test("Offsets count the records, until a page is empty")
    func offsets() throws {
        var walk = PageWalk(rule(.offset(parameter: "skip", first: 0), [.emptyPage]))
        #expect(shown(walk.next) == "skip=0&size=2")
        #expect(try walk.take(page(2, print: 1)))
        #expect(try walk.take(page(1, print: 2)))
        #expect(shown(walk.next) == "skip=3&size=2")
        #expect(try !walk.take(page(0, print: 3)))
    }

    @Test("A keyset goes on from the last key, byte by byte")
    func keyset() throws {
        var walk = PageWalk(rule(.keyset(parameter: "after", key: try path("$.id"), first: nil), [.shortPage]))
        #expect(shown(walk.next) == "size=2")
        #expect(try walk.take(page(2, lastKey: "9007199254740993", print: 1)))
        #expect(shown(walk.next) == "after=9007199254740993&size=2")
        #expect(throws: ConnectorError.self) { try walk.take(page(2, lastKey: "9007199254740993", print: 2)) }
    }

    @Test("A keyset whose last record has no key is no end")
    func keysetWithoutKey() throws {
        var walk = PageWalk(rule(.keyset(parameter: "after", key: try path("$.id"), first: "0"), [.shortPage]))
        #expect(shown(walk.next) == "after=0&size=2")
        #expect(throws: ConnectorError.self) { try walk.take(page(2, lastKey: nil, print: 1)) }
    }

    @Test("A cursor is followed until there is none", arguments: ["{}", #"{"next":null}"#, #"{"next":""}"#])
    func cursor(_ end: String) throws {
        var walk = PageWalk(rule(.cursor(parameter: "cursor", next: try path("$.next")), [.noNext], size: nil))
        #expect(try walk.take(page(2, #"{"next":"a=b"}"#, print: 1)))
        #expect(shown(walk.next) == "cursor=a=b")
        #expect(try !walk.take(page(2, end, print: 2)))
    }

    @Test("A cursor that comes again is a circle")
    func circle() throws {
        var walk = PageWalk(rule(.cursor(parameter: "cursor", next: try path("$.next")), [.noNext], size: nil))
        #expect(try walk.take(page(2, #"{"next":"a"}"#, print: 1)))
        #expect(try walk.take(page(2, #"{"next":"b"}"#, print: 2)))
        #expect(throws: ConnectorError.self) { try walk.take(page(2, #"{"next":"a"}"#, print: 3)) }
    }

    @Test(
        "Links in the header",
        arguments: [
            (#"<https://a/?page=2>; rel="next", <https://a/?page=9>; rel="last""#, "https://a/?page=2"),
            (#"<https://a/1>; rel="prev"; title="a, b; rel=next", <https://a/3>; rel=next"#, "https://a/3"),
            (#"<https://a/1>; rel="first next""#, "https://a/1"), (#"<https://a/1>; rel="prev""#, nil), ("", nil), ("<", nil),
            ("rel=next", nil),
        ])
    func link(_ field: String, _ next: String?) throws {
        #expect(LinkHeader.next(field) == next)
        var walk = PageWalk(rule(.link, [.noNext], size: nil))
        #expect(try walk.take(page(1, headers: [HTTPField.Name("Link")!: field], print: 1)) == (next != nil))
    }

    @Test("A total that is told has to be reached")
    func total() throws {
        let stops: [PagingRule.Stop] = [.total(.answer(try path("$.total")))]
        var walk = PageWalk(rule(.page(parameter: "page", first: 1), stops))
        #expect(try walk.take(page(2, #"{"total":3}"#, print: 1)))
        #expect(try !walk.take(page(1, #"{"total":3}"#, print: 2)))
        var short = PageWalk(rule(.page(parameter: "page", first: 1), stops))
        #expect(try short.take(page(2, #"{"total":3}"#, print: 1)))
        #expect(throws: ConnectorError.self) { try short.take(page(0, #"{"total":3}"#, print: 2)) }
        var silent = PageWalk(rule(.page(parameter: "page", first: 1), stops))
        #expect(throws: ConnectorError.self) { try silent.take(page(2, "{}", print: 1)) }
    }

    @Test("A total that less than what came contradicts is no end", arguments: ["0", "1"])
    func totalBelow(_ total: String) throws {
        for stop: PagingRule.Stop in [.total(.answer(try path("$.n"))), .pages(.answer(try path("$.n")))] {
            var walk = PageWalk(rule(.page(parameter: "page", first: 1), [stop]))
            if case .pages = stop, total == "1" {
                #expect(try !walk.take(page(2, #"{"n":1}"#, print: 1)))
                continue
            }
            let error = #expect(throws: ConnectorError.self) { try walk.take(page(2, #"{"n":\#(total)}"#, print: 1)) }
            #expect(error?.code == .brokenAnswer)
            #expect(error?.message.contains("tells of \(total)") == true)
        }
        var empty = PageWalk(rule(.page(parameter: "page", first: 1), [.total(.answer(try path("$.n")))]))
        #expect(try !empty.take(page(0, #"{"n":0}"#, print: 1)))
    }

    @Test("A short page before the total is no end")
    func totalAndShortPage() throws {
        var walk = PageWalk(rule(.page(parameter: "page", first: 1), [.shortPage, .total(.answer(try path("$.total")))]))
        #expect(throws: ConnectorError.self) { try walk.take(page(1, #"{"total":3}"#, print: 1)) }
    }

    @Test("Totals in a header, plain and as JSON")
    func headers() throws {
        let plain = try #require(HTTPField.Name("X-Total-Count"))
        var walk = PageWalk(rule(.page(parameter: "page", first: 1), [.total(.header(plain, nil))]))
        #expect(try walk.take(page(2, headers: [plain: "3"], print: 1)))
        #expect(try !walk.take(page(1, headers: [plain: "3"], print: 2)))
        let json = try #require(HTTPField.Name("pagination"))
        var other = PageWalk(rule(.page(parameter: "page", first: 1), [.pages(.header(json, try path("$.totalPages")))]))
        #expect(try other.take(page(2, headers: [json: #"{"totalPages":2}"#], print: 1)))
        #expect(try !other.take(page(1, headers: [json: #"{"totalPages":2}"#], print: 2)))
        var none = PageWalk(rule(.page(parameter: "page", first: 1), [.total(.header(plain, nil))]))
        #expect(throws: ConnectorError.self) { try none.take(page(2, print: 1)) }
    }

    @Test("Until a flag says that there is no more")
    func more() throws {
        var walk = PageWalk(rule(.page(parameter: "page", first: 0), [.more(try path("$.hasMore"))]))
        #expect(try walk.take(page(2, #"{"hasMore":true}"#, print: 1)))
        #expect(shown(walk.next) == "page=1&size=2")
        #expect(try !walk.take(page(2, #"{"hasMore":false}"#, print: 2)))
        var silent = PageWalk(rule(.page(parameter: "page", first: 0), [.more(try path("$.hasMore"))]))
        #expect(throws: ConnectorError.self) { try silent.take(page(2, "{}", print: 1)) }
    }

    @Test("The cap ends what does not end")
    func cap() throws {
        var walk = PageWalk(rule(.page(parameter: "page", first: 1), [.emptyPage], cap: 3))
        #expect(try walk.take(page(2, print: 1)))
        #expect(try walk.take(page(2, print: 2)))
        let error = #expect(throws: ConnectorError.self) { try walk.take(page(2, print: 3)) }
        #expect(error?.message.contains("after 3 pages") == true)
    }

    @Test("A last page at the cap is an end")
    func lastAtCap() throws {
        var walk = PageWalk(rule(.page(parameter: "page", first: 1), [.shortPage], cap: 1))
        #expect(try !walk.take(page(1, print: 1)))
    }

    @Test("The same page twice means that the vendor does not turn pages")
    func samePage() throws {
        var walk = PageWalk(rule(.page(parameter: "page", first: 1), [.emptyPage]))
        #expect(try walk.take(page(2, print: 1)))
        #expect(throws: ConnectorError.self) { try walk.take(page(2, print: 1)) }
    }
}
