import Foundation
import HTTPServer
import HTTPTypes
import Integration
import Secrets
import Store
import Testing

@testable import Portal

/// Every route of the service against everything that must not get in. The routes come from the router itself, and each stands in
/// the table below: a new one fails these tests until somebody has decided who may use it.
@Suite("Every route")
struct RouteWalkTests {
    enum Kind: Equatable {
        /// Anyone may ask.
        case open
        /// A way in: what is sent decides, no session is needed.
        case entry
        case partnerPage, partnerForm
        case consolePage(OperatorRole)
        case consoleForm(OperatorRole)
        case api(OperatorRole)
    }

    static let table: [String: Kind] = [
        "GET /healthz": .open, "GET /readyz": .open, "GET /metrics": .open,
        "GET /launch": .entry, "GET /console/sign-in": .entry, "POST /console/sign-in": .entry,
        "GET /": .partnerPage, "GET /runs": .partnerPage, "GET /runs/{id}": .partnerPage, "GET /runs/{id}/events": .partnerPage,
        "GET /runs/{id}/lines.csv": .partnerPage, "GET /runs/{id}/lines.json": .partnerPage,
        "POST /connect": .partnerForm, "POST /disable": .partnerForm, "POST /enable": .partnerForm, "POST /forget-key": .partnerForm,
        "POST /sync": .partnerForm, "POST /preview": .partnerForm, "POST /send-zeros": .partnerForm,
        "POST /test-alert": .partnerForm, "POST /schedule": .partnerForm, "POST /sign-out": .partnerForm,
        "GET /console": .consolePage(.viewer), "GET /console/partners/{partnerId}": .consolePage(.viewer),
        "GET /console/partners/{partnerId}/runs": .consolePage(.viewer), "GET /console/runs/{runId}": .consolePage(.viewer),
        "GET /console/runs/{runId}/lines.csv": .consolePage(.viewer), "GET /console/runs/{runId}/lines.json": .consolePage(.viewer),
        "GET /console/services": .consolePage(.viewer), "GET /console/audit": .consolePage(.viewer),
        "GET /console/audit.csv": .consolePage(.viewer), "GET /console/audit.json": .consolePage(.viewer),
        "GET /console/operators": .consolePage(.admin),
        "POST /console/partners": .consoleForm(.operator), "POST /console/partners/{partnerId}/sync": .consoleForm(.operator),
        "POST /console/partners/{partnerId}/preview": .consoleForm(.operator),
        "POST /console/partners/{partnerId}/usage": .consoleForm(.operator),
        "POST /console/partners/{partnerId}/launch-link": .consoleForm(.operator),
        "POST /console/runs/{runId}/cancel": .consoleForm(.operator), "POST /console/runs/{runId}/release": .consoleForm(.operator),
        "POST /console/operators": .consoleForm(.admin), "POST /console/operators/{operatorId}/revoke": .consoleForm(.admin),
        "POST /console/sign-out": .consoleForm(.viewer),
    ].merging(AdminAccessTests.roles.map { ("\($0.key.replacing(" ", with: " /api/v1"))", .api($0.value)) }) { first, _ in first }

    struct Route: Sendable {
        var method: HTTPRequest.Method
        var pattern: String
        var kind: Kind
        var name: String { "\(method.rawValue) \(pattern)" }

        /// The address with ids of the partner and the run where it has some.
        func target(_ partner: String, _ run: String, operatorKey: String = "opr_none") -> String {
            pattern.replacing("{partnerId}", with: partner).replacing("{runId}", with: run).replacing("/runs/{id}", with: "/runs/\(run)")
                .replacing("{operatorId}", with: operatorKey).replacing("{accountId}", with: "a-1")
                .replacing("{alert}", with: "alr_1").replacing("{serviceId}", with: "s-1")
        }
    }

    /// Who walks, with everything that a thief could have.
    struct Walk {
        let desk: PageDesk
        let routes: [Route]
        let partner: Partner
        let run: SyncRunID
        /// Of another partner.
        let stranger: PageBrowser
        let owner: PageBrowser
        let admin: ConsoleBrowser
        let viewer: ConsoleBrowser

        var store: SQLiteStore { desk.office.store }

        func send(
            _ route: Route, method: HTTPRequest.Method? = nil, cookie: String? = nil, form: [String: String] = [:], key: Secret? = nil,
            origin: String? = nil, run: SyncRunID? = nil, site: String? = nil, json: String? = nil
        ) async throws -> Answer {
            var fields: HTTPFields = [:]
            if let cookie { fields[.cookie] = cookie }
            if let key { fields[.authorization] = "Bearer " + key.reveal() }
            if let origin { fields[.origin] = origin }
            if let site { fields[.secFetchSite] = site }
            var body: [UInt8] = []
            let method = method ?? route.method
            if let json {
                fields[.contentType] = "application/json"
                body = Array(json.utf8)
            } else if method != .get, method != .head {
                if case .api = route.kind {
                    fields[.contentType] = "application/json"
                    body = Array("{}".utf8)
                } else {
                    fields[.contentType] = "application/x-www-form-urlencoded"
                    body = Array(form.map { "\($0)=\($1)" }.joined(separator: "&").utf8)
                }
            }
            let target = route.target(partner.id.rawValue, (run ?? self.run).rawValue)
            return try await Answer(desk.handler(Request(method, target, headerFields: fields, body: body)))
        }
    }

    private func walk(_ body: (Walk) async throws -> Void) async throws {
        try await withPageDesk { desk in
            let office = desk.office
            let partner = try await office.connectedPartner()
            let other = try await office.partner("msp-2", name: "Stranger IT")
            // Older, so that it would be listed behind the partner's run.
            let older = SyncRun(id: SyncRunID("run_older"), partnerID: other.id, trigger: .partner, createdAt: office.clock.now - 60)
            _ = try await office.store.insertRun(older)
            try await office.store.finishRun(older.id, state: .failed, failure: nil, findings: RunFindings(), at: office.clock.now)
            let run = try await desk.environment.desk.startSync(partner.id, by: .commandLine).run
            try await office.store.finishRun(run.id, state: .held, failure: nil, findings: RunFindings(), at: office.clock.now)
            let routes = try portalRouter(desk.environment).routes.map { method, pattern in
                Route(method: method, pattern: pattern, kind: try #require(Self.table["\(method.rawValue) \(pattern)"]))
            }
            try await body(
                Walk(
                    desk: desk, routes: routes, partner: partner, run: run.id,
                    stranger: try await desk.browser(of: other),
                    owner: try await desk.browser(of: partner), admin: try await ConsoleBrowser(office, as: .admin, in: desk.environment),
                    viewer: try await ConsoleBrowser(office, as: .viewer, in: desk.environment)))
        }
    }

    private func cookie(_ browser: PageBrowser) -> String { browser.cookies.map { "\($0.key)=\($0.value)" }.joined(separator: "; ") }

    @Test("stands in the table, and nothing else does")
    func known() async throws {
        try await withPageDesk { desk in
            let served = Set(portalRouter(desk.environment).routes.map { "\($0.method.rawValue) \($0.pattern)" })
            #expect(served.subtracting(Self.table.keys).sorted() == [], "decide who may use it, and say so in the table")
            #expect(Set(Self.table.keys).subtracting(served).sorted() == [])
        }
    }

    @Test("carries the security headers to everybody, whatever it answers")
    func headers() async throws {
        try await walk { walk in
            for route in walk.routes {
                for cookie in [nil, cookie(walk.stranger), walk.viewer.cookie] {
                    for method in [route.method, .options, .delete] {
                        let fields = try await walk.send(route, method: method, cookie: cookie).headerFields
                        let place: Comment = "\(method) \(route.name)"
                        let policy = fields[.contentSecurityPolicy] ?? ""
                        for part in ["default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'", "form-action 'self'"] {
                            #expect(policy.contains(part), place)
                        }
                        #expect(!policy.contains("unsafe"), place)
                        #expect(fields[.xContentTypeOptions] == "nosniff", place)
                        #expect(fields[.referrerPolicy] == "same-origin", place)
                        #expect(fields[.crossOriginOpenerPolicy] == "same-origin", place)
                        #expect(fields[.crossOriginResourcePolicy] == "same-origin", place)
                        #expect(fields[.permissionsPolicy]?.contains("camera=()") == true, place)
                        #expect(fields[.cacheControl]?.contains("no-store") == true, place)
                        #expect(fields[.server] == nil, place)
                        if let type = fields[.contentType], type.hasPrefix("text/") { #expect(type.contains("charset=utf-8"), place) }
                    }
                }
            }
        }
    }

    @Test("lets nobody in without a session or key, with a made-up one, or with one of another kind, and changes nothing")
    func noSession() async throws {
        try await walk { walk in
            let before = try await walk.store.dump()
            let partnerCookie = cookie(walk.owner)
            let secondName = partnerCookie.replacing("perch_session=", with: "perch_console=")
            let wrongName = walk.admin.cookie.replacing("perch_console=", with: "perch_session=")
            for route in walk.routes {
                for cookie in [
                    nil, "perch_session=made-up; perch_console=made-up", "perch_session=; perch_console=", secondName + "; " + wrongName,
                ] {
                    let answer = try await walk.send(route, cookie: cookie, form: ["csrf": walk.admin.csrf])
                    let place: Comment = "\(route.name) with \(cookie ?? "nothing"): \(answer.status)"
                    switch route.kind {
                    case .open: #expect(answer.status == 200, place)
                    case .entry: #expect([200, 401].contains(answer.status), place)
                    case .partnerPage, .partnerForm, .api: #expect(answer.status == 401, place)
                    case .consolePage, .consoleForm:
                        #expect(answer.status == 303 && answer.headerFields[.location] == "/console/sign-in", place)
                    }
                    #expect(!answer.text.contains("Northwind"), place)
                    #expect(answer.headerFields[.setCookie] == nil, place)
                }
                // A partner's cookie opens nothing of the console's or the API's, and the other way round.
                let crossed: String? =
                    switch route.kind {
                    case .consolePage, .consoleForm, .api: partnerCookie
                    case .partnerPage, .partnerForm: walk.admin.cookie
                    case .open, .entry: nil
                    }
                if let crossed { #expect([303, 401].contains(try await walk.send(route, cookie: crossed).status), "\(route.name)") }
            }
            #expect(try await walk.store.dump() == before)
        }
    }

    @Test("with an id shows another partner nothing, and does not tell whether there is such a thing")
    func foreignSession() async throws {
        try await walk { walk in
            let before = try await walk.store.dump()
            let foreign = cookie(walk.stranger)
            let withIDs = walk.routes.filter { $0.pattern.contains("{") && $0.kind == .partnerPage }
            #expect(withIDs.count == 4)
            for route in withIDs {
                let refused = try await walk.send(route, cookie: foreign)
                let unknown = try await walk.send(route, cookie: foreign, run: SyncRunID("run_aaaaaaaaaaaaaaaaaaaa"))
                #expect(refused.status == 404 && unknown.status == 404, "\(route.name)")
                #expect(refused.text == unknown.text, "\(route.name)")
                #expect(refused.headerFields == unknown.headerFields, "\(route.name)")
                #expect(try await walk.send(route, cookie: cookie(walk.owner)).status == 200, "\(route.name)")
            }
            // As a place in the history to go on from.
            let foreignPage = try await walk.stranger.get("/runs?before=\(walk.run)")
            let unknownPage = try await walk.stranger.get("/runs?before=run_aaaaaaaaaaaaaaaaaaaa")
            #expect(foreignPage.status == 200 && foreignPage.text == unknownPage.text)
            #expect(try await walk.store.dump() == before)
        }
    }

    @Test("needs its role, and a lesser one learns nothing of what there is")
    func lesserRole() async throws {
        try await walk { walk in
            let before = try await walk.store.dump()
            for route in walk.routes {
                for role in OperatorRole.allCases {
                    switch route.kind {
                    case .api(let needed) where role < needed:
                        let there = try await walk.send(route, key: walk.desk.office.keys[role])
                        let not = try await walk.send(route, key: walk.desk.office.keys[role], run: SyncRunID("run_none"))
                        #expect(there.status == 403 && not.status == 403 && there.text == not.text, "\(route.name) as \(role)")
                    case .consolePage(let needed) where role == .viewer && role < needed,
                        .consoleForm(let needed) where role == .viewer && role < needed:
                        let form = ["csrf": walk.viewer.csrf, "operatorKey": walk.viewer.operatorKey]
                        let there = try await walk.send(route, cookie: walk.viewer.cookie, form: form)
                        let not = try await walk.send(route, cookie: walk.viewer.cookie, form: form, run: SyncRunID("run_none"))
                        #expect(there.status == 403 && there.text == not.text, "\(route.name) as \(role)")
                    default: break
                    }
                }
            }
            #expect(try await walk.store.dump() == before)
        }
    }

    @Test("that is a form takes it only with this session's token, and changes nothing without")
    func formTokens() async throws {
        try await walk { walk in
            let foreign = try await walk.stranger.formToken()
            let stale = try await walk.owner.formToken()
            let oldCookie = cookie(walk.owner)
            #expect(try await walk.owner.get("/launch?token=" + walk.desk.token(walk.partner.vendorReference)).status == 303)
            let before = try await walk.store.dump()
            for route in walk.routes {
                let session: String
                switch route.kind {
                case .partnerForm: session = cookie(walk.owner)
                case .consoleForm: session = walk.admin.cookie
                default: continue
                }
                for token in [nil, "", "x", foreign, stale, walk.viewer.csrf] {
                    var form = ["operatorKey": walk.admin.operatorKey]
                    form["csrf"] = token
                    let answer = try await walk.send(route, cookie: session, form: form)
                    #expect(answer.status == 403, "\(route.name) with the token \(token ?? "none"): \(answer.status)")
                }
                // The session before the last sign-in is over, its own token or not.
                if route.kind == .partnerForm {
                    #expect(try await walk.send(route, cookie: oldCookie, form: ["csrf": stale]).status == 401, "\(route.name)")
                }
            }
            #expect(try await walk.store.dump() == before)
        }
    }

    @Test("that changes something takes nothing from another site's page, be session and token right or not")
    func foreignOrigin() async throws {
        try await walk { walk in
            let token = try await walk.owner.formToken()
            let before = try await walk.store.dump()
            for route in walk.routes where route.method != .get {
                for (origin, site) in [
                    ("https://evil.example", nil), ("null", nil), ("http://127.0.0.1:8081", nil), (nil, "cross-site"), (nil, "same-site"),
                ] as [(String?, String?)] {
                    let isConsole = route.pattern.hasPrefix("/console")
                    let answer = try await walk.send(
                        route, cookie: isConsole ? walk.admin.cookie : cookie(walk.owner),
                        form: [
                            "csrf": isConsole ? walk.admin.csrf : token, "operatorKey": walk.admin.operatorKey,
                            "key": walk.admin.operatorKey,
                        ],
                        key: route.pattern.hasPrefix("/api") ? walk.desk.office.keys[.admin] : nil, origin: origin, site: site)
                    #expect(answer.status == 403, "\(route.name) from \(origin ?? site ?? "")")
                    #expect(answer.headerFields[.setCookie] == nil)
                }
            }
            #expect(try await walk.store.dump() == before)
        }
    }

    @Test("takes its own methods only, and says which")
    func wrongMethod() async throws {
        try await walk { walk in
            let before = try await walk.store.dump()
            var methods: [String: Set<String>] = [:]
            for route in walk.routes { methods[route.pattern, default: []].insert(route.method.rawValue) }
            for route in walk.routes {
                let own = methods[route.pattern] ?? []
                for method in [HTTPRequest.Method.get, .post, .put, .patch, .delete, .trace, .connect, .init(rawValue: "BREW")!] {
                    guard !own.contains(method.rawValue), !Self.isServedByAnother(route, method, walk.routes) else { continue }
                    let answer = try await walk.send(
                        route, method: method, cookie: walk.admin.cookie + "; " + cookie(walk.owner), key: walk.desk.office.keys[.admin])
                    let place: Comment = "\(method.rawValue) \(route.pattern): \(answer.status)"
                    if [.connect, .init(rawValue: "BREW")!].contains(method) {
                        #expect([400, 501].contains(answer.status), place)
                    } else {
                        #expect(answer.status == 405, place)
                        let allowed = Set((answer.headerFields[.allow] ?? "").split(separator: ", ").map(String.init))
                        #expect(allowed.isSuperset(of: own), place)
                        #expect(!allowed.contains("TRACE"), place)
                    }
                }
            }
            #expect(try await walk.store.dump() == before)
        }
    }

    /// Another pattern that the same address fits.
    private static func isServedByAnother(_ route: Route, _ method: HTTPRequest.Method, _ routes: [Route]) -> Bool {
        let segments = route.target("p", "r").split(separator: "/", omittingEmptySubsequences: false)
        return routes.contains { other in
            let theirs = other.pattern.split(separator: "/", omittingEmptySubsequences: false)
            return other.pattern != route.pattern && other.method == method && theirs.count == segments.count
                && zip(theirs, segments).allSatisfy { $0.hasPrefix("{") || $0 == $1 }
        }
    }

    @Test("of the admin API refuses a body that it does not know, also where it takes none, and does nothing")
    func unknownBody() async throws {
        try await walk { walk in
            let before = try await walk.store.dump()
            for route in walk.routes {
                guard case .api = route.kind else { continue }
                for json in [#"{"nonsense":1}"#, "[1]", "x"] {
                    let answer = try await walk.send(route, key: walk.desk.office.keys[.admin], json: json)
                    // 404 and 415 where something else was wrong before the body was looked at; 409 from a vendor that hands nothing in.
                    let others = route.pattern.contains("}/usage") ? [409] : [404, 413, 415]
                    #expect(answer.status == 400 || others.contains(answer.status), "\(route.name) with \(json): \(answer.status)")
                    if !route.pattern.contains("{alert}") { #expect(answer.status != 404, "\(route.name)") }
                }
            }
            #expect(try await walk.store.dump() == before)
        }
    }

    @Test("that only reads changes nothing, whoever reads")
    func safeMethods() async throws {
        try await walk { walk in
            let before = try await walk.store.dump()
            for route in walk.routes where route.method == .get && route.pattern != "/launch" {
                for method in [HTTPRequest.Method.get, .head] {
                    _ = try await walk.send(
                        route, method: method, cookie: walk.admin.cookie + "; " + cookie(walk.owner), key: walk.desk.office.keys[.admin])
                }
            }
            #expect(try await walk.store.dump() == before)
        }
    }
}
