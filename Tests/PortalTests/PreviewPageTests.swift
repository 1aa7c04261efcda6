import Connectors
import Foundation
import HTTPServer
import HTTPTypes
import Store
import Testing

@testable import Integration
@testable import Portal

@Suite("A preview as page and answer")
struct PreviewPageTests {
    private func preview(_ counts: [(Decimal?, Decimal)], name: String = "Contoso") -> UsagePreview {
        UsagePreview(
            of: VendorSnapshot(
                accounts: counts.indices.map { VendorAccount(id: "a-\($0)", name: name) },
                usage: counts.enumerated().map { UsageRecord(accountID: "a-\($0)", serviceName: "Seats", count: $1.1) }, recordsDropped: 1),
            connector: ShelfConnector(), serviceIDs: ["seats": "s-1"],
            lastCounts: counts.enumerated().compactMap { index, pair in
                pair.0.map {
                    LastCount(
                        accountID: "a-\(index)", accountName: name, serviceID: "s-1", serviceName: "Seats", count: $0,
                        runID: SyncRunID("run_1"), acceptedAt: PageSample.now)
                }
            }, policy: IntegrationPolicy(), readAt: PageSample.now)
    }

    private let time = LocalTime(zoneName: "Europe/Berlin")

    @Test("what differs comes first; old and new stand side by side")
    func rows() {
        let view = PreviewView(preview([(5, 5), (nil, 1204), (9, 4), (6, 0), (nil, 0)]), time: time)
        #expect(view.rows.map(\.badge.word) == ["Dropped to zero", "Changed", "New", "Unchanged", "Left out"])
        #expect(view.rows.map(\.before) == ["6", "9", "none", "", "none"])
        #expect(view.rows.map(\.now) == ["0", "4", "1,204", "5", "0"])
        #expect(view.rows[0].basis == "protected seats (version 2)")
        #expect(view.headline == "A sync now would send 3 counts; 2 of them differ from what Synthesize last accepted.")
        #expect(view.facts.last?.value == "20 → 1,213")
        #expect(view.hold.isEmpty && view.moreText.isEmpty)
        #expect(view.remarks.count == 2)
    }

    @Test("a page shows five hundred lines, and says how many it does not show")
    func manyRows() {
        let view = PreviewView(preview((0..<620).map { _ in (3, 3) } + [(3, 4)]), time: time)
        #expect(view.rows.count == 500)
        #expect(view.rows[0].badge.word == "Changed")
        #expect(view.moreText == "121 more counts not shown.")
        #expect(view.headline == "A sync now would send 621 counts; 1 of them differs from what Synthesize last accepted.")
    }

    @Test("a large drop is told before it happens")
    func hold() {
        let view = PreviewView(preview((0..<6).map { ($0 == 0 ? 1 : 50, 1) }), time: time)
        #expect(view.hold.contains("fewer units than Synthesize last accepted"))
        #expect(view.headline == "A sync now would be held for an operator, and nothing would be sent.")
    }

    @Test("names are escaped")
    func escaping() {
        let view = PreviewPageView(
            PageSample.overview(.active), preview([(1, 2)], name: "<script>x</script>"), csrf: "c", settings: PageSample.settings)
        let html = PreviewPageView.library.html("partner-preview", view)
        #expect(html.contains("&lt;script&gt;x&lt;/script&gt;"))
        #expect(!html.contains("<script>x"))
        #expect(PageSample.buttons(html) == ["Sync Now"])
    }

    @Test("the button shows the page, and Synthesize hears nothing")
    func button() async throws {
        try await withPageDesk { desk in
            let partner = try await desk.office.connectedPartner()
            let browser = try await desk.browser(of: partner)
            #expect(try await browser.get("/").text.contains(#"action="/preview""#))
            let before = desk.office.synthesize.requests
            let answer = try await browser.post("/preview")
            #expect(answer.status == 200)
            #expect(answer.text.contains("<h1>Preview of a sync</h1>"))
            #expect(answer.text.contains("A sync now would send no counts."))
            #expect(desk.office.synthesize.requests == before)
            #expect(try await desk.office.store.activeRun(partner.id) == nil)
        }
    }

    @Test("a partner that is not connected is told so on its page, with 409")
    func notConnected() async throws {
        try await withPageDesk { desk in
            let partner = try await desk.office.connectedPartner()
            let browser = try await desk.browser(of: partner)
            _ = try await browser.post("/disable")
            let answer = try await browser.post("/preview")
            #expect(answer.status == 409)
            #expect(answer.text.contains("The integration is disabled. Press Enable first."))
        }
    }

    @Test("the admin API answers with every line; the console shows the same page")
    func operators() async throws {
        try await withAdminOffice { office in
            let partner = try await office.connectedPartner()
            let answer = try await office.call(.post, "/partners/\(partner.id)/sync-preview", as: .operator)
            #expect(answer.status == 200)
            let preview = try answer.json
            #expect(preview.partnerId.string == partner.id.rawValue)
            #expect(preview.hold.isNull && preview.lines.array.isEmpty)
            #expect(preview.tally.toSend.int == 0)
            #expect(try await office.call(.get, "/partners/\(partner.id)/sync-runs").json.items.array.isEmpty)
            let unconnected = try await office.partner("msp-2")
            #expect(try await office.call(.post, "/partners/\(unconnected.id)/sync-preview").status == 409)

            let browser = try await ConsoleBrowser(office, as: .operator)
            #expect(try await browser.get("/console/partners/\(partner.id)").text.contains("/console/partners/\(partner.id)/preview"))
            let page = try await browser.post("/console/partners/\(partner.id)/preview")
            #expect(page.status == 200)
            #expect(page.text.contains("A sync now would send no counts."))
            #expect(try await browser.post("/console/partners/\(unconnected.id)/preview").status == 409)
        }
    }
}
