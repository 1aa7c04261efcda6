import Foundation
import HTTPServer
import HTTPTypes
import Store
import Testing

@testable import Integration
@testable import Portal

@Suite("Console: who may do what")
struct ConsoleAccessTests {
    /// Who may see and press what, written down a second time.
    static let roles: [String: OperatorRole] = [
        "GET /console": .viewer,
        "POST /console/partners": .operator,
        "GET /console/partners/{partnerId}": .viewer,
        "POST /console/partners/{partnerId}/sync": .operator,
        "POST /console/partners/{partnerId}/preview": .operator,
        "POST /console/partners/{partnerId}/usage": .operator,
        "POST /console/partners/{partnerId}/launch-link": .operator,
        "GET /console/partners/{partnerId}/runs": .viewer,
        "GET /console/runs/{runId}": .viewer,
        "GET /console/runs/{runId}/lines.csv": .viewer,
        "GET /console/runs/{runId}/lines.json": .viewer,
        "POST /console/runs/{runId}/cancel": .operator,
        "POST /console/runs/{runId}/release": .operator,
        "GET /console/services": .viewer,
        "GET /console/operators": .admin,
        "POST /console/operators": .admin,
        "POST /console/operators/{operatorId}/revoke": .admin,
        "GET /console/audit": .viewer, "GET /console/audit.csv": .viewer, "GET /console/audit.json": .viewer,
    ]

    @Test("Every address admits its role and those above, refuses the rest, and sends strangers to sign in")
    func everyRouteAndRole() async throws {
        #expect(Set(Console.routes.map { "\($0.method.rawValue) \($0.path)" }) == Set(Self.roles.keys))
        try await withAdminOffice { office in
            for role in OperatorRole.allCases {
                let browser = try await ConsoleBrowser(office, as: role)
                for route in Console.routes {
                    let name = "\(route.method.rawValue) \(route.path)"
                    let needed = try #require(Self.roles[name])
                    let path = route.path.replacing(/\{\w+\}/, with: "none")
                    let answer = route.method == .get ? try await browser.get(path) : try await browser.post(path)
                    if role < needed {
                        #expect(answer.status == 403, "\(role) \(name)")
                    } else {
                        #expect(![401, 403, 500].contains(answer.status), "\(role) \(name): \(answer.status)")
                        #expect(answer.headerFields[.location] != ConsoleSignIn.address)
                    }
                    var stranger = browser
                    stranger.cookie = "perch_console=unknown"
                    let turnedAway = route.method == .get ? try await stranger.get(path) : try await stranger.post(path)
                    #expect(turnedAway.status == 303 && turnedAway.headerFields[.location] == "/console/sign-in", "\(name)")
                }
            }
        }
    }

    @Test("Every form refuses a missing or a foreign token")
    func tokens() async throws {
        try await withAdminOffice { office in
            let browser = try await ConsoleBrowser(office, as: .admin)
            let other = try await ConsoleBrowser(office, as: .admin)
            let forms = Console.routes.filter { $0.method == .post }.map(\.path) + ["/console/sign-out"]
            let before = try await office.store.auditEntries(partner: nil, before: nil, limit: 200).count
            for path in forms.map({ $0.replacing(/\{\w+\}/, with: "none") }) {
                for token in ["", other.csrf] {
                    #expect(try await browser.post(path, "name=x&role=admin", csrf: token).status == 403, "\(path)")
                }
            }
            #expect(try await office.store.auditEntries(partner: nil, before: nil, limit: 200).count == before)
            #expect(try await browser.get("/console").status == 200)
        }
    }

    @Test("A wrong key is refused in the same words as a revoked one, and opens no session")
    func wrongKey() async throws {
        try await withAdminOffice { office in
            try await OperatorKeys.revoke(
                try #require(office.keyIDs[.viewer]), store: office.store, keyRing: office.environment.keyRing,
                time: office.environment.time)
            let handler = WebSurface(office.environment).handler
            var words: Set<String> = []
            for key in ["", "opk_unknown", try #require(office.keys[.viewer]).reveal()] {
                let answer = try await Answer(
                    try await handler(
                        Request(
                            .post, "/console/sign-in",
                            headerFields: [.contentType: "application/x-www-form-urlencoded"],
                            body: Array("key=\(key)".utf8))))
                #expect(answer.status == 401)
                #expect(answer.headerFields[.setCookie] == nil)
                words.insert(answer.text)
            }
            #expect(words.count == 1)
        }
    }

    @Test("The cookie is kept from scripts and other sites, and is not the partner's")
    func cookie() async throws {
        try await withAdminOffice { office in
            let handler = WebSurface(office.environment).handler
            let key = try #require(office.keys[.viewer]).reveal()
            let answer = try await Answer(
                try await handler(
                    Request(
                        .post, "/console/sign-in", headerFields: [.contentType: "application/x-www-form-urlencoded"],
                        body: Array("key=%20\(key)%0A".utf8))))
            let cookie = try #require(answer.headerFields[.setCookie])
            #expect(cookie.hasPrefix("perch_console=") && cookie.contains("; HttpOnly") && cookie.contains("SameSite=Strict"))
            let trail = try await office.store.auditEntries(partner: nil, before: nil, limit: 1)
            #expect(trail.first?.action == "session.open")
            // A console session is no partner's session.
            let value = cookie.dropFirst("perch_console=".count).prefix { $0 != ";" }
            let page = try await Answer(
                try await handler(Request(.get, "/", headerFields: [.cookie: "perch_session=\(value)"])))
            #expect(page.status == 401)
        }
    }

    @Test("Signing out, and revoking the key, end the session")
    func endings() async throws {
        try await withAdminOffice { office in
            let viewer = try await ConsoleBrowser(office, as: .viewer)
            let out = try await viewer.post("/console/sign-out")
            #expect(out.status == 303)
            #expect(out.headerFields[.setCookie]?.contains("Max-Age=0") == true)
            #expect(try await viewer.get("/console").status == 303)

            let worker = try await ConsoleBrowser(office, as: .operator)
            try await OperatorKeys.revoke(
                try #require(office.keyIDs[.operator]), store: office.store, keyRing: office.environment.keyRing,
                time: office.environment.time)
            #expect(try await worker.get("/console").headerFields[.location] == "/console/sign-in")
        }
    }

    @Test("A session ends after its idle time")
    func idle() async throws {
        try await withAdminOffice { office in
            let browser = try await ConsoleBrowser(office, as: .viewer)
            office.clock.turn(office.environment.settings.sessionIdle - .seconds(1))
            #expect(try await browser.get("/console").status == 200)
            office.clock.turn(office.environment.settings.sessionIdle)
            #expect(try await browser.get("/console").status == 303)
        }
    }
}

@Suite("Console: pages")
struct ConsolePageTests {
    @Test("Partners stand in the order in which they need someone")
    func order() async throws {
        try await withAdminOffice { office in
            _ = try await office.partner("new", name: "New")
            let failing = try await office.connectedPartner("failing")
            let held = try await office.connectedPartner("held")
            let well = try await office.connectedPartner("well")
            let refused = try await office.connectedPartner("refused")
            for (partner, state) in [(failing, RunState.failed), (held, .held), (well, .succeeded)] {
                let run = try await office.environment.desk.startSync(partner.id, by: .commandLine).run
                try await office.store.finishRun(
                    run.id, state: state, failure: nil, findings: RunFindings(), at: office.clock.now)
            }
            try await office.store.updateConnection(refused.id) { $0.state = .needsNewKey }
            office.clock.turn(.seconds(2 * 3600 + 5 * 60))
            let browser = try await ConsoleBrowser(office, as: .viewer)
            let page = try await browser.get("/console").text
            let places = ["refused", "held", "failing", "well", "new"].map {
                page.range(of: "<span class=\"small\">\($0)</span>")?.lowerBound
            }
            #expect(!places.contains(nil) && places.compactMap { $0 } == places.compactMap { $0 }.sorted())
            #expect(page.contains("3 of 5 partners need attention."))
            #expect(page.contains("2 h 5 min ago"))
            #expect(page.contains("Needs a new key"))
            // A viewer has no buttons to press.
            #expect(!page.contains("Add partner"))
            let found = try await browser.get("/console?search=HELD").text
            #expect(found.contains(">held</span>") && !found.contains(">well</span>"))
        }
    }

    @Test("The list is cut into pages, with the search kept")
    func listPages() {
        let frame = ConsoleFrame("Partners", version: "1")
        let now = Date(timeIntervalSince1970: 0)
        let partners = (1...205).map { number in
            let id = PartnerID("par_\(1000 + number)")
            return PartnerSummary(
                partner: Partner(
                    id: id, vendorReference: "v-\(number)", name: "Name \(1000 + number)", timeZone: "UTC", createdAt: now),
                connection: Connection(partnerID: id, stateSince: now), standing: .notConnected, lastRun: nil,
                lastSuccessAt: nil, schedule: nil, failingSchedule: nil)
        }
        func view(_ page: Int, _ search: String = "Name") -> PartnerListView {
            PartnerListView(partners.shuffled(), search: search, page: page, at: now, frame: frame, canAdd: false)
        }
        #expect(view(1).rows.first?.name == "Name 1001" && view(1).rows.count == 100)
        #expect(view(1).nextQuery == "?page=2&search=Name")
        #expect(view(3).rows.count == 5 && view(3).nextQuery.isEmpty)
        #expect(view(4).rows.isEmpty && view(1_000_000).rows.isEmpty)
        #expect(view(1, "par_1007").rows.map(\.name) == ["Name 1007"])
        #expect(view(1, "").summary == "0 of 205 partners need attention.")
    }

    @Test("A partner is added, synced and given a launch link; the link is shown once")
    func partnerActions() async throws {
        try await withAdminOffice { office in
            let browser = try await ConsoleBrowser(office, as: .operator)
            let added = try await browser.post("/console/partners", "vendorReference=msp-9&name=Wide%20World%20%26%20Co")
            let address = try #require(added.headerFields[.location])
            #expect(added.status == 303 && address.hasPrefix("/console/partners/par_"))
            let page = try await browser.get(address).text
            #expect(page.contains("Wide World &amp; Co") && page.contains("There is no sync yet."))

            let linked = try await browser.post(address + "/launch-link")
            #expect(linked.status == 200 && linked.text.contains("http://127.0.0.1:8080/launch?link="))
            #expect(linked.headerFields[.cacheControl] == "no-store")
            let link = try #require(linked.text.firstMatch(of: /\/launch\?link=[\w-]+/)).0
            #expect(try await !browser.get(address).text.contains("launch?link="))
            let opened = try await Answer(try await browser.handler(Request(.get, String(link))))
            #expect(opened.headerFields[.setCookie]?.hasPrefix("perch_session=") == true)

            let refused = try await browser.post(address + "/sync")
            #expect(refused.status == 409 && refused.text.contains("Connect first"))
            let partner = try await office.connectedPartner()
            let started = try await browser.post("/console/partners/\(partner.id)/sync")
            #expect(started.headerFields[.location]?.hasPrefix("/console/runs/run_") == true)
        }
    }

    @Test("An alert is shown with its state, and text from outside stays text")
    func alerts() async throws {
        try await withAdminOffice { office in
            let partner = try await office.connectedPartner()
            let submission = AlertSubmission(
                alertID: "v-1", accountID: "<b>a</b>", title: "<script>alert(1)</script>", text: "t", priority: 1, statusCode: 1)
            let alert = try await office.environment.desk.submitAlert(partner.id, submission, by: .commandLine)
            try await office.store.updateAlert(alert.id) { alert in
                alert.state = .unknown
                alert.nextActionAt = nil
                alert.errors = ["No answer \"came\""]
            }
            let browser = try await ConsoleBrowser(office, as: .viewer)
            let page = try await browser.get("/console/partners/\(partner.id)").text
            #expect(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;") && !page.contains("<script"))
            #expect(page.contains("No answer &quot;came&quot;") && page.contains(">No answer</span>"))
            #expect(!page.contains("Start sync"))
        }
    }

    @Test("A run is shown with its ledger by state, cancelled while active, released when held")
    func runs() async throws {
        try await withAdminOffice { office in
            let partner = try await office.connectedPartner()
            let run = try await office.environment.desk.startSync(partner.id, by: .commandLine).run
            let lines = (0..<150).map { index in
                UsageLine(
                    runID: run.id, position: index, accountID: "a-\(index)", accountName: "Account \(index)",
                    serviceID: "s-1", serviceName: "Seats", rawCount: 5, sentCount: index == 7 ? nil : 5,
                    state: index == 7 ? .excluded : .planned)
            }
            try await office.store.planLines(run.id, lines)
            let browser = try await ConsoleBrowser(office, as: .operator)
            let address = "/console/runs/\(run.id)"
            let page = try await browser.get(address).text
            #expect(page.contains("Account 99") && !page.contains("Account 101") && page.contains("Cancel run"))
            let next = try #require(page.firstMatch(of: /href="([^"]+)">Next page/)).1.replacing("&amp;", with: "&")
            let second = try await browser.get(String(next)).text
            #expect(second.contains("Account 149") && !second.contains("Account 99<"))
            let filtered = try await browser.get(address + "?state=excluded").text
            #expect(filtered.contains("Account 7<") && !filtered.contains("Account 8<"))
            #expect(try await browser.get(address + "?state=sent").status == 400)

            #expect(try await browser.post(address + "/cancel").headerFields[.location] == address)
            #expect(try await browser.post(address + "/cancel").status == 409)
            let held = try await office.environment.desk.startSync(partner.id, by: .commandLine).run
            try await office.store.finishRun(
                held.id, state: .held, failure: RunFailure(code: "run.drop", message: "A large drop."),
                findings: RunFindings(), at: office.clock.now)
            let heldPage = try await browser.get("/console/runs/\(held.id)").text
            #expect(heldPage.contains("A large drop.") && heldPage.contains(">Release</button>"))
            let released = try await browser.post("/console/runs/\(held.id)/release")
            #expect(released.headerFields[.location]?.hasPrefix("/console/runs/run_") == true)
            #expect(released.headerFields[.location] != "/console/runs/\(held.id)")
            let list = try await browser.get("/console/partners/\(partner.id)/runs").text
            #expect(list.contains("/console/runs/\(held.id)") && list.contains(address))
        }
    }

    @Test("An operator key is issued, shown once, and revoked")
    func operators() async throws {
        try await withAdminOffice { office in
            let browser = try await ConsoleBrowser(office, as: .admin)
            let issued = try await browser.post("/console/operators", "name=Night+%3Cshift%3E&role=viewer")
            #expect(issued.status == 200 && issued.text.contains("Night &lt;shift&gt;"))
            let key = try #require(issued.text.firstMatch(of: /opk_[\w-]{43}/)).0
            #expect(try await !browser.get("/console/operators").text.contains(key))
            let made = try #require(try await office.store.operatorKeys().first { $0.name == "Night <shift>" })
            #expect(try await browser.post("/console/operators/\(made.id)/revoke").status == 303)
            #expect(try await office.store.operatorKey(made.id)?.revokedAt != nil)
            let bad = try await browser.post("/console/operators", "name=&role=viewer")
            #expect(bad.status == 422 && bad.text.contains("1 to 100 characters"))
            let last = try await browser.post("/console/operators/\(office.keyIDs[.admin]?.rawValue ?? "")/revoke")
            #expect(last.status == 409 && last.text.contains("last admin key"))
        }
    }

    @Test("Audit trail and services are shown")
    func otherPages() async throws {
        try await withAdminOffice { office in
            let partner = try await office.partner()
            for number in 1...120 {
                try await office.store.appendAudit(
                    AuditEntry(
                        at: office.clock.now, actor: "commandLine", action: "test.\(number)", partnerID: partner.id,
                        address: nil, details: ""))
            }
            try await office.store.saveServices([
                Service(
                    id: "s-1", name: "Seats", description: "All seats", category: "security",
                    subcategory: "email security", isOverridden: true, lastSeenAt: office.clock.now)
            ])
            let browser = try await ConsoleBrowser(office, as: .viewer)
            // Operators are told by name.
            #expect(try await browser.get("/console/audit").text.contains("Operator The viewer"))
            let trail = try await browser.get("/console/audit?partner=\(partner.id)").text
            #expect(trail.contains("test.120<") && trail.contains("test.21<") && !trail.contains("test.20<"))
            let older = try #require(trail.firstMatch(of: /href="([^"]+)">Older/)).1.replacing("&amp;", with: "&")
            let rest = try await browser.get(String(older)).text
            #expect(rest.contains("test.20<") && rest.contains("partner.create") && !rest.contains("test.21<"))
            #expect(!rest.contains("operator.issue"))
            let services = try await browser.get("/console/services").text
            #expect(services.contains("All seats") && services.contains("Changed by hand"))
        }
    }
}
