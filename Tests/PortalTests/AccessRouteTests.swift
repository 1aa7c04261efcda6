import Foundation
import HTTPServer
import HTTPTypes
import Secrets
import Store
import Testing

@testable import Integration
@testable import Portal

@Suite("Every route of the partner page")
struct AccessRouteTests {
    private static let forms = [
        "/connect", "/disable", "/enable", "/forget-key", "/sync", "/preview", "/send-zeros", "/test-alert", "/schedule", "/sign-out",
    ]
    private static let pages = ["/", "/runs", "/runs/run_x", "/runs/run_x/lines.csv", "/runs/run_x/lines.json", "/runs/run_x/events"]

    private func routes(_ desk: PageDesk) -> [(method: HTTPRequest.Method, pattern: String)] {
        var router = Router()
        addPartnerPageRoutes(to: &router, desk.environment)
        return router.routes
    }

    @Test("is one that these tests know")
    func known() async throws {
        try await withPageDesk { desk in
            let expected = Set(
                Self.forms.map { "POST \($0)" } + Self.pages.map { "GET " + $0.replacing("run_x", with: "{id}") } + ["GET /launch"])
            #expect(Set(routes(desk).map { "\($0.method.rawValue) \($0.pattern)" }) == expected)
        }
    }

    @Test("answers 401 to who is not signed in, and changes nothing")
    func signedOut() async throws {
        try await withPageDesk { desk in
            for (method, pattern) in routes(desk) {
                let browser = desk.browser()
                browser.cookies["perch_session"] = "made-up"
                let answer = try await browser.send(
                    method, pattern.replacing("{id}", with: "run_x"), form: method == .post ? ["csrf": "x"] : nil)
                #expect(answer.status == 401, "\(method) \(pattern)")
                #expect(answer.headerFields[.setCookie] == nil)
            }
        }
    }

    @Test("carries the security headers, whatever it answers")
    func headers() async throws {
        try await withPageDesk(frameAncestors: ["https://portal.example"]) { desk in
            let signedIn = try await desk.browser(of: desk.office.partner())
            for (method, pattern) in portalRouter(desk.environment).routes + [(.get, "/no-such-page"), (.put, "/"), (.get, "/perch.css")] {
                for browser in [desk.browser(), signedIn] {
                    let answer = try await browser.send(
                        method, pattern.replacing(/\{[^}]*\}/, with: "x"), form: method == .post ? [:] : nil)
                    let fields = answer.headerFields
                    let place = "\(method) \(pattern) \(answer.status)"
                    #expect(fields[.contentSecurityPolicy]?.contains("default-src 'none'") == true, "\(place)")
                    #expect(fields[.contentSecurityPolicy]?.hasSuffix("frame-ancestors https://portal.example") == true, "\(place)")
                    #expect(fields[.xContentTypeOptions] == "nosniff", "\(place)")
                    #expect(fields[.referrerPolicy] == "same-origin", "\(place)")
                    #expect(fields[.permissionsPolicy]?.contains("camera=()") == true, "\(place)")
                    #expect(fields[.crossOriginOpenerPolicy] == "same-origin", "\(place)")
                    #expect(fields[.cacheControl] == (pattern == "/perch.css" ? "no-cache" : "no-store"), "\(place)")
                    #expect(fields[.server] == nil, "\(place)")
                }
            }
        }
    }

    @Test("refuses a form without the session's token, and changes nothing", arguments: forms)
    func formTokens(_ target: String) async throws {
        try await withPageDesk { desk in
            let partner = try await desk.office.connectedPartner()
            let browser = try await desk.browser(of: partner)
            let other = try await desk.browser(of: desk.office.partner("msp-2"))
            let foreign = try await other.formToken()
            let before = try await desk.office.store.connection(partner.id)
            for form in [[:], ["csrf": ""], ["csrf": foreign], ["csrf": "x"]] {
                let answer = try await browser.send(.post, target, form: form)
                #expect(answer.status == 403)
            }
            #expect(try await desk.office.store.connection(partner.id) == before)
            #expect(try await desk.office.store.activeRun(partner.id) == nil)
            #expect(try await browser.get("/").status == 200)
        }
    }

    @Test("refuses a form from another site although its token is right", arguments: forms)
    func foreignOrigin(_ target: String) async throws {
        try await withPageDesk { desk in
            let partner = try await desk.office.connectedPartner()
            let browser = try await desk.browser(of: partner)
            let token = try await browser.formToken()
            browser.origin = "https://evil.example"
            let answer = try await browser.post(target, csrf: token)
            #expect(answer.status == 403)
            #expect(answer.text.contains("came from another site"))
            #expect(try await desk.office.store.connection(partner.id).state == .connected)
        }
    }

    @Test("shows no other partner's run")
    func otherPartner() async throws {
        try await withPageDesk { desk in
            let owner = try await desk.office.connectedPartner()
            let run = try await desk.environment.desk.startSync(owner.id, by: .commandLine).run
            try await desk.office.store.finishRun(
                run.id, state: .failed, failure: nil, findings: RunFindings(), at: desk.office.clock.now)
            let ownBrowser = try await desk.browser(of: owner)
            let stranger = try await desk.browser(of: desk.office.partner("msp-2"))
            for target in ["/runs/\(run.id)", "/runs/\(run.id)/lines.csv", "/runs/\(run.id)/lines.json", "/runs/\(run.id)/events"] {
                #expect(try await ownBrowser.get(target).status == 200, "\(target)")
                let refused = try await stranger.get(target)
                let unknown = try await stranger.get(target.replacing(run.id.rawValue, with: "run_unknown"))
                #expect(refused.status == 404 && unknown.status == 404)
                // Nothing tells a foreign run from one that never was.
                #expect(refused.text == unknown.text)
            }
            #expect(try await !stranger.get("/runs").text.contains(run.id.rawValue))
        }
    }

    @Test("changes nothing on GET")
    func safeMethods() async throws {
        try await withPageDesk { desk in
            let partner = try await desk.office.connectedPartner()
            let browser = try await desk.browser(of: partner)
            let before = try await desk.office.store.connection(partner.id)
            for target in Self.forms { #expect(try await browser.get(target).status == 405, "\(target)") }
            for target in Self.pages { _ = try await browser.get(target) }
            #expect(try await desk.office.store.connection(partner.id) == before)
            #expect(try await desk.office.store.activeRun(partner.id) == nil)
        }
    }
}
