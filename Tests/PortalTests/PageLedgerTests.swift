import Foundation
import HTTPServer
import Store
import Testing

@testable import Integration
@testable import Portal

@Suite("A run's ledger as page, CSV and chart")
struct PageLedgerTests {
    /// A cell and how it is written.
    static let cells: [(String, String)] = [
        ("plain", "plain"), ("", ""), ("12", "12"), ("-3", "-3"), ("-3.25", "-3.25"), ("a,b", "\"a,b\""),
        ("say \"hi\"", "\"say \"\"hi\"\"\""), ("two\r\nlines", "\"two\r\nlines\""),
        ("=1+2", "'=1+2"), ("+1", "'+1"), ("-cmd", "'-cmd"), ("@SUM(A1)", "'@SUM(A1)"), ("\tx", "'\tx"), ("\rx", "\"'\rx\""),
        ("=\"a\"", "\"'=\"\"a\"\"\""), ("=\u{0301}x", "'=\u{0301}x"), ("-", "'-"), ("-1-1", "'-1-1"), ("--1", "'--1"),
        ("-.5", "'-.5"), ("-1.", "'-1."), ("1=1", "1=1"), ("\r\n=x", "\"'\r\n=x\""),
        ("＝1+2", "'＝1+2"), ("＠x", "'＠x"), ("two\nlines", "\"two\nlines\""), ("\u{FEFF}Zoë 🥨", "\u{FEFF}Zoë 🥨"), ("00123", "00123"),
    ]

    @Test("writes cells that are neither broken nor run as formulas", arguments: cells.indices)
    func cell(_ index: Int) {
        let (text, expected) = Self.cells[index]
        #expect(LedgerCSV.cell(text).unicodeScalars.elementsEqual(expected.unicodeScalars), "\(LedgerCSV.cell(text).debugDescription)")
    }

    @Test("writes a line with as many cells as the header")
    func line() {
        var line = PageSample.line(.notMapped, account: "=HYPERLINK(\"http://x\"),", raw: Decimal(string: "2.5") ?? 0, sent: nil)
        line.httpStatus = 404
        line.outcomeAt = PageSample.now
        #expect(
            LedgerCSV.line(line)
                == "0,a-1,\"'=HYPERLINK(\"\"http://x\"\"),\",s-1,Seats,,,2.5,,notMapped,0,404,,,2026-06-03T12:05:00Z\r\n")
        line.basis = LineBasis(connectorID: "shelf", name: "=seats", version: 2)
        #expect(LedgerCSV.line(line).contains(",Seats,'=seats,2,2.5,"))
        #expect(LedgerCSV.header.split(separator: ",").count == 15)
        #expect(LedgerCSV.header.hasSuffix("outcome_at\r\n"))
    }

    @Test("reads the filter, and refuses a word that is no state")
    func filter() throws {
        #expect(try LineFilter(nil).states == nil)
        #expect(try LineFilter("").states == nil)
        #expect(try LineFilter("notMapped").states == [.notMapped])
        #expect(try LineFilter("planned").states == [.planned, .sending])
        #expect(throws: HTTPError.self) { try LineFilter("nonsense") }
    }

    @Test("keeps the filter from page to page")
    func paging() throws {
        var run = PageSample.run(.partial)
        run.tally.accepted = 1
        run.tally.failed = 150
        var last = PageSample.line(.failed)
        last.position = 99
        let view = RunPageView(
            PageSample.overview(.active).partner, product: "Shelf", run, [last], try LineFilter("failed"), isFirst: false, hasMore: true,
            csrf: "c",
            settings: PageSample.settings)
        #expect(view.nextQuery == "?state=failed&after=99")
        #expect(view.firstQuery == "?state=failed")
        #expect(view.filters.map(\.label) == ["All", "Accepted", "Failed"])
        #expect(view.filters.filter(\.isCurrent).map(\.label) == ["Failed"])
        #expect(view.headline == "Sync of 3 Jun 2026, 14:05")
        #expect(view.facts.contains { $0.remark == "took 3 min 20 s" })
    }

    @Test("tells what was counted, where that was recorded; a later version by its number")
    func basis() {
        var line = PageSample.line(.accepted)
        #expect(RunPageView.Row(line).basis == "")
        line.basis = LineBasis(connectorID: "shelf", name: "protected seats", version: 1)
        #expect(RunPageView.Row(line).basis == "protected seats")
        line.basis?.version = 2
        #expect(RunPageView.Row(line).basis == "protected seats (version 2)")
    }

    @Test("tells the vendor's number where another was sent")
    func rawCount() {
        #expect(RunPageView.Row(PageSample.line(.accepted, raw: 5, sent: 0)).rawRemark == "vendor: 5")
        #expect(RunPageView.Row(PageSample.line(.accepted, raw: 5, sent: 5)).rawRemark == "")
        #expect(RunPageView.Row(PageSample.line(.excluded, raw: 0, sent: nil)).count == "0")
    }

    private func total(_ run: Int, _ service: String, _ value: Decimal) -> ServiceTotal {
        ServiceTotal(
            runID: SyncRunID("run_\(run)"), finishedAt: PageSample.now.addingTimeInterval(Double(run) * 86400),
            serviceName: service, total: value)
    }

    @Test("draws no chart of fewer than two runs")
    func shortChart() {
        let time = LocalTime(zoneName: "UTC")
        #expect(UsageChartView([], time: time) == nil)
        #expect(UsageChartView([total(0, "A", 1), total(0, "B", 2)], time: time) == nil)
    }

    @Test("draws one column a run, its parts adding up to the run's total")
    func chart() throws {
        let totals = [total(0, "A", 30), total(0, "B", 10), total(1, "A", 60), total(1, "B", 20)]
        let chart = try #require(UsageChartView(totals, time: LocalTime(zoneName: "UTC")))
        #expect(chart.legend.map(\.name) == ["A", "B"])
        #expect(chart.highest == "80 units")
        #expect(chart.columns[1].parts.map(\.height) == ["75.00", "25.00"])
        #expect(chart.columns[1].parts.map(\.y) == ["25.00", "0.00"])
        #expect(chart.columns[0].parts.map(\.height) == ["37.50", "12.50"])
        #expect(chart.columns[0].tip == "3 Jun 2026, 12:05: 40 units")
        #expect(chart.table.rows.map(\.total) == ["80", "40"])
        #expect(chart.table.rows[1].counts == ["30", "10"])
        #expect(chart.explanation == "One column a sync, from 3 Jun to 4 Jun.")
        #expect((chart.width, chart.shownWidth) == (40, 96))
    }

    @Test("sums up the smallest services when there are many, and names all in the table")
    func manyServices() throws {
        let totals = (0..<2).flatMap { run in (1...9).map { total(run, "S\($0)", Decimal($0)) } }
        let chart = try #require(UsageChartView(totals, time: LocalTime(zoneName: "UTC")))
        #expect(chart.legend.map(\.name) == ["S9", "S8", "S7", "S6", "S5", "4 others"])
        #expect(chart.table.services.count == 9)
        #expect(chart.columns[0].parts.count == 6)
        let sum = chart.columns[0].parts.compactMap { Double($0.height) }.reduce(0, +)
        #expect(abs(sum - 100) < 0.05)
    }

    @Test("draws runs in which nothing was accepted as empty columns")
    func zeros() throws {
        let chart = try #require(
            UsageChartView([total(0, "A", 0), total(1, "A", 0)], time: LocalTime(zoneName: "UTC")))
        #expect(chart.columns.allSatisfy { $0.parts.isEmpty })
        #expect(chart.highest == "0 units")
    }
}
