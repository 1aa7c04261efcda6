import Foundation
import Testing

@testable import Integration
@testable import Portal

@Suite("Texts on pages")
struct PageTextTests {
    static let awkward = [
        "<script>alert(1)</script>", #"O'Brien & "Sons""#, "Ünïcode 🦜 Ltd", "a\u{0301}<b", "{{csrf}}", "{{{csrf}}}",
    ]

    @Test("escapes names in text and attributes", arguments: awkward)
    func escaping(_ name: String) {
        let html = PageSample.html(PageSample.overview(.notConnected, name: name))
        #expect(!html.contains("<script>alert"))
        let escaped = name.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
            .replacing("\"", with: "&quot;").replacing("'", with: "&#39;")
        #expect(html.contains("<p>\(escaped)</p>"))
    }

    /// Swift takes each of these for one Character that is neither a quote nor an angle bracket.
    @Test("escapes markup that hides in a cluster", arguments: ["\"\u{0301}", "<\u{0338}", "\u{0600}\"", "'\u{FE0F}", "&\u{20E3}"])
    func clusters(_ name: String) {
        #expect(name.count == 1)
        let field = FieldView(name: "n", label: "l", isSecret: false, value: name + " autofocus", help: "", error: "")
        let html = PageLibrary(["x": Array(#"<input value="{{value}}">"#.utf8)]).html("x", field)
        let inside = html.unicodeScalars.dropFirst(#"<input value=""#.count).dropLast(2)
        #expect(!inside.contains { ["<", ">", "\"", "'"].contains($0) })
        #expect(inside.contains("&"))
    }

    @Test("leaves every other text as it is", arguments: ["", "plain", "e\u{0301}", "👩‍👩‍👧 family", "a\r\nb", "ok < 3"])
    func untouched(_ text: String) {
        #expect(separatingMarkup(text).unicodeScalars.elementsEqual(text.unicodeScalars))
    }

    @Test(
        "writes durations",
        arguments: [
            (0.2, "under a second"), (1, "1 s"), (59.6, "1 min"), (200, "3 min 20 s"), (3600, "1 h"), (3_660, "1 h 1 min"),
            (3_601, "1 h"), (90_000, "1 d 1 h"), (-5, "under a second"),
        ] as [(Double, String)])
    func durations(_ seconds: Double, _ expected: String) {
        #expect(Wording.duration(seconds) == expected)
    }

    @Test("writes numbers")
    func numbers() {
        #expect(Wording.number(1_234_567) == "1,234,567")
        #expect(Wording.number(Decimal(string: "12.5") ?? 0) == "12.5")
        #expect(Wording.number(Decimal(1200)) == "1,200")
        #expect(Wording.count(1, "account") == "1 account")
        #expect(Wording.count(0, "account") == "0 accounts")
        #expect(Wording.list(["a"]) == "a")
        #expect(Wording.list(["a", "b", "c"]) == "a, b and c")
    }

    @Test("writes times in the partner's zone, across a change of the clocks")
    func times() {
        let berlin = LocalTime(zoneName: "Europe/Berlin")
        #expect(berlin.weekdayDateAndTime(PageSample.now) == "Wednesday, 3 Jun 2026, 14:05")
        // 25 October 2026, 00:59 and 01:00 UTC: the hour from two to three comes twice.
        #expect(berlin.dateAndTime(Date(timeIntervalSince1970: 1_792_889_940)) == "25 Oct 2026, 02:59")
        #expect(berlin.dateAndTime(Date(timeIntervalSince1970: 1_792_890_000)) == "25 Oct 2026, 02:00")
        #expect(LocalTime.machine(PageSample.now) == "2026-06-03T12:05:00Z")
        #expect(LocalTime(zoneName: "Nowhere/Else").zoneName == "UTC")
    }

    @Test(
        "tells how far a run is",
        arguments: [
            (ProgressReport(state: .queued, stage: .verify, settled: 0, total: 0, rate: 0, secondsLeft: nil), nil, "Waiting for its turn"),
            (
                ProgressReport(state: .running, stage: .fetch, settled: 0, total: 0, rate: 0, secondsLeft: nil), nil,
                "Reading customers and usage"
            ),
            (ProgressReport(state: .running, stage: .usage, settled: 0, total: 0, rate: 0, secondsLeft: nil), nil, "Preparing the counts"),
            (
                ProgressReport(state: .running, stage: .usage, settled: 300, total: 1200, rate: 80.4, secondsLeft: 12), 25,
                "300 of 1,200 counts sent, 80 a second, about 12 s left"
            ),
            (ProgressReport(state: .running, stage: .finish, settled: 3, total: 3, rate: 0, secondsLeft: nil), 100, "Finishing"),
        ] as [(ProgressReport, Int?, String)])
    func progress(_ report: ProgressReport, _ percent: Int?, _ text: String) {
        #expect(report.percent == percent)
        #expect(report.text == text)
    }

    @Test("every template parses and every page renders")
    func templates() {
        let view = ErrorView(status: .notFound, headline: nil, message: "There is nothing at this address.", version: "1")
        let html = PageLibrary([:]).html("error", view)
        #expect(html.hasPrefix("<!doctype html>"))
        #expect(html.contains("<h1>There is nothing here</h1>"))
        #expect(!html.contains("Sign out"))
        #expect(
            LedgerPages.library.html(
                "partner-runs",
                RunListView(
                    PageSample.overview(.active).partner, product: "Shelf", [PageSample.run(.held)], isFirst: true, hasMore: true,
                    csrf: "c",
                    settings: PageSample.settings)
            ).contains(#"<a href="/runs?before=run_1">Older</a>"#))
    }
}
