import Foundation
import HTTPServer
import Store
import Testing

@testable import Integration
@testable import Portal

@Suite("What the buttons of the partner page do")
struct PageActionTests {
    private static let organization = "GET /api/vendor-api/organization"

    @Test("connect: an accepted key is stored and its job shown")
    func connect() async throws {
        try await withPageDesk { desk in
            let partner = try await desk.office.partner()
            let browser = try await desk.browser(of: partner)
            let answer = try await browser.post("/connect", ["partnerKey": "  pk-abcd7f3c ", "vendor-apiKey": "vk"])
            #expect(answer.status == 303 && answer.location == "/?done=connecting")
            let page = try await browser.get("/?done=connecting")
            #expect(page.text.contains("Synthesize accepted the key and it is stored."))
            #expect(page.text.contains("ends in 7f3c"))
            #expect(!page.text.contains("pk-abcd7f3c"))
            #expect(page.text.contains(">Connecting</span>"))
            #expect(try await desk.office.store.connection(partner.id).state == .connected)
        }
    }

    @Test("connect: a refused key is told at its field, with 422, and nothing is stored")
    func refusedKey() async throws {
        try await withPageDesk { desk in
            desk.office.synthesize.answer(Self.organization, 401, #"{"statusCode":401,"message":"Unauthorized"}"#)
            let partner = try await desk.office.partner()
            let browser = try await desk.browser(of: partner)
            let answer = try await browser.post(
                "/connect", ["partnerKey": "pk-secret-1", "vendor-apiKey": "vk-secret-2", "vendor-apiURL": "https://typed.example"])
            #expect(answer.status == 422)
            #expect(answer.text.contains(#"<p class="field-error" id="partnerKey-error">Synthesize did not accept this key."#))
            #expect(answer.text.contains(#"value="https://typed.example""#))
            #expect(!answer.text.contains("pk-secret-1") && !answer.text.contains("vk-secret-2"))
            #expect(try await desk.office.store.connection(partner.id).partnerKey == nil)
        }
    }

    @Test("connect: an empty key and an empty vendor field each name their field")
    func emptyFields() async throws {
        try await withPageDesk { desk in
            let browser = try await desk.browser(of: desk.office.partner())
            let noKey = try await browser.post("/connect", ["vendor-apiKey": "vk"])
            #expect(noKey.status == 422)
            #expect(noKey.text.contains(#"id="partnerKey-error">Paste the Partner API key."#))
            let noVendorKey = try await browser.post("/connect", ["partnerKey": "pk-12345678"])
            #expect(noVendorKey.status == 422)
            #expect(noVendorKey.text.contains(#"id="vendor-apiKey-error">API Key is empty."#))
        }
    }

    @Test("connect: another organization's key is taken only when confirmed")
    func otherOrganization() async throws {
        try await withPageDesk { desk in
            let partner = try await desk.office.connectedPartner()
            desk.office.synthesize.answer(
                Self.organization, 200,
                #"{"organizationId":"org-2","name":"Woodgrove","vendorName":"Vendor","status":"inactive"}"#)
            let browser = try await desk.browser(of: partner)
            let asked = try await browser.post("/connect", ["partnerKey": "other-key-9999"])
            #expect(asked.status == 409)
            #expect(asked.text.contains("belongs to Woodgrove"))
            #expect(asked.text.contains("confirmsOtherOrganization"))
            #expect(try await desk.office.store.connection(partner.id).organizationID == "org-1")
            let confirmed = try await browser.post(
                "/connect", ["partnerKey": "other-key-9999", "confirmsOtherOrganization": "yes"])
            #expect(confirmed.status == 303)
            #expect(try await desk.office.store.connection(partner.id).organizationID == "org-2")
        }
    }

    @Test("sync: one run however often it is pressed")
    func sync() async throws {
        try await withPageDesk { desk in
            let partner = try await desk.office.connectedPartner()
            let browser = try await desk.browser(of: partner)
            #expect(try await browser.post("/sync").location == "/?done=sync-started")
            let token = try await browser.formToken()
            #expect(try await browser.post("/sync", csrf: token).location == "/?done=sync-running")
            let page = try await browser.get("/")
            #expect(page.text.contains(#"aria-label="Sync progress""#))
            #expect(page.text.contains("Waiting for its turn"))
            #expect(try await desk.environment.desk.syncRuns(partner.id, before: nil, limit: 10).count == 1)
        }
    }

    @Test("what cannot be done now is told on the page, with 409")
    func conflicts() async throws {
        try await withPageDesk { desk in
            let browser = try await desk.browser(of: desk.office.partner())
            for target in ["/sync", "/test-alert", "/disable", "/send-zeros"] {
                let answer = try await browser.post(target)
                #expect(answer.status == 409, "\(target)")
                #expect(answer.text.contains(#"<p class="notice bad" role="alert">"#), "\(target)")
                #expect(answer.text.contains("Partner API key"), "\(target)")
            }
        }
    }

    @Test("disable, enable, forget key")
    func disable() async throws {
        try await withPageDesk { desk in
            let partner = try await desk.office.connectedPartner()
            let browser = try await desk.browser(of: partner)
            // This Synthesize answers no status change, so it could not be told.
            #expect(try await browser.post("/disable").location == "/?done=disabled-untold")
            var page = try await browser.get("/")
            #expect(PageSample.buttons(page.text) == ["Enable", "Connect", "Save schedule", "Forget key"])
            #expect(try await browser.post("/enable").location == "/?done=enabling")
            try await finishRun(of: partner, desk)
            #expect(try await browser.post("/disable").status == 303)
            #expect(try await browser.post("/forget-key").location == "/?done=key-forgotten")
            page = try await browser.get("/?done=key-forgotten")
            #expect(page.text.contains("The key was deleted. Your history is kept."))
            #expect(PageSample.buttons(page.text) == ["Connect"])
            #expect(try await desk.office.store.connection(partner.id).partnerKey == nil)
        }
    }

    @Test("enable: a key that no longer works is told where it can be replaced")
    func enableRefused() async throws {
        try await withPageDesk { desk in
            let partner = try await desk.office.connectedPartner()
            let browser = try await desk.browser(of: partner)
            _ = try await browser.post("/disable")
            desk.office.synthesize.answer(Self.organization, 401, "{}")
            let answer = try await browser.post("/enable")
            #expect(answer.status == 422)
            #expect(answer.text.contains(#"<details id="another-key" open>"#))
            #expect(answer.text.contains(#"id="partnerKey-error">Synthesize did not accept this key."#))
        }
    }

    @Test("schedule: saved with its zone, or refused at its field")
    func schedule() async throws {
        try await withPageDesk { desk in
            let partner = try await desk.office.connectedPartner()
            let browser = try await desk.browser(of: partner)
            let fields = [
                "cadence": "weekly", "time": "06:30", "weekday": "5", "dayOfMonth": "1", "timeZone": "America/Chicago",
            ]
            #expect(try await browser.post("/schedule", fields).location == "/?done=schedule-saved")
            let page = try await browser.get("/?done=schedule-saved")
            #expect(page.text.contains("Next sync: Friday, "))
            #expect(page.text.contains("(America/Chicago)</p>"))
            #expect(page.text.contains(#"id="cadence-weekly" name="cadence" value="weekly" checked"#))
            #expect(try await desk.office.store.schedule(partner.id)?.weekday == 5)

            let bad = try await browser.post("/schedule", fields.merging(["time": "soon"]) { $1 })
            #expect(bad.status == 422)
            #expect(bad.text.contains(#"id="time-error""#))
            #expect(bad.text.contains(#"name="time" value="soon""#))
            #expect(try await desk.office.store.schedule(partner.id)?.minuteOfDay == 390)
        }
    }

    @Test("runs: list, ledger, CSV and events of one run")
    func ledger() async throws {
        try await withPageDesk { desk in
            let partner = try await desk.office.connectedPartner()
            let browser = try await desk.browser(of: partner)
            _ = try await browser.post("/sync")
            let run = try #require(try await desk.office.store.activeRun(partner.id))
            let now = desk.office.clock.now
            _ = try await desk.office.store.claimRun(owner: "test", at: now, leaseUntil: now.addingTimeInterval(60))
            try await desk.office.store.planLines(
                run.id,
                (0..<250).map { position in
                    UsageLine(
                        runID: run.id, position: position, accountID: "a-\(position)",
                        accountName: position == 0 ? "=HYPERLINK(\"x\")" : "<b>Customer</b> \(position)", serviceID: "s-1",
                        serviceName: "Seats", rawCount: 2, sentCount: 2, state: .planned)
                })
            try await desk.office.store.finishRun(
                run.id, state: .failed, failure: RunFailure(code: "x", message: "It broke off."), findings: RunFindings(), at: now)

            #expect(try await browser.get("/runs").text.contains("/runs/\(run.id)"))
            let first = try await browser.get("/runs/\(run.id)?state=notSent")
            #expect(first.text.contains("It broke off."))
            #expect(first.text.contains("&lt;b&gt;Customer&lt;/b&gt; 99"))
            #expect(!first.text.contains("&lt;b&gt;Customer&lt;/b&gt; 100"))
            let next = "/runs/\(run.id)?state=notSent&amp;after=99"
            #expect(first.text.contains(#"href="\#(next)""#))
            let second = try await browser.get(next.replacing("&amp;", with: "&"))
            #expect(second.text.contains("Customer&lt;/b&gt; 100"))
            #expect(try await browser.get("/runs/\(run.id)?state=accepted").text.contains("No count of this sync is in this state."))
            #expect(try await browser.get("/runs/\(run.id)?state=nonsense").status == 400)

            let csv = try await browser.get("/runs/\(run.id)/lines.csv")
            #expect(csv.headerFields[.contentType]?.hasPrefix("text/csv") == true)
            #expect(csv.headerFields[.contentDisposition] == "attachment; filename=\"sync-2027-01-15-\(run.id).csv\"")
            #expect(csv.text.components(separatedBy: "\r\n").count == 252)
            #expect(csv.text.contains("\r\n0,a-0,\"'=HYPERLINK(\"\"x\"\")\",s-1,Seats,,,2,2,notSent,"))
            let json = try await browser.get("/runs/\(run.id)/lines.json")
            #expect(json.headerFields[.contentDisposition] == "attachment; filename=\"sync-2027-01-15-\(run.id).json\"")
            #expect(try JSON(json.text).lines.array.count == 250)
            for format in ["csv", "json"] { #expect(first.text.contains(#"href="/runs/\#(run.id)/lines.\#(format)""#)) }

            let events = try await browser.get("/runs/\(run.id)/events")
            #expect(events.headerFields[.contentType]?.hasPrefix("text/event-stream") == true)
            #expect(events.text.contains("event: progress\n"))
            #expect(events.text.contains(#""state":"failed""#))
            #expect(events.text.hasSuffix("event: end\ndata: {}\n\n"))
        }
    }

    private func finishRun(of partner: Partner, _ desk: PageDesk) async throws {
        let run = try #require(try await desk.office.store.activeRun(partner.id))
        try await desk.office.store.finishRun(
            run.id, state: .succeeded, failure: nil, findings: RunFindings(), at: desk.office.clock.now)
    }
}
