import Foundation
import HTTPClient
import HTTPServer
import HTTPTypes
import Secrets
import Store
import Testing

@testable import Integration
@testable import Portal

@Suite("Browser sessions")
struct AccessSessionTests {
    @Test("end after half an hour without use, and stay alive with it")
    func idle() async throws {
        try await withPageDesk { desk in
            let browser = try await desk.browser(of: desk.office.partner())
            for _ in 0..<4 {
                desk.office.clock.turn(.seconds(29 * 60))
                #expect(try await browser.get("/").status == 200)
            }
            desk.office.clock.turn(.seconds(30 * 60))
            #expect(try await browser.get("/").status == 401)
            #expect(try await browser.get("/").text.contains("Open this page from your vendor&#39;s portal."))
        }
    }

    @Test("end after twelve hours in any case")
    func absolute() async throws {
        try await withPageDesk { desk in
            let browser = try await desk.browser(of: desk.office.partner())
            for _ in 0..<28 {
                desk.office.clock.turn(.seconds(25 * 60))
                #expect(try await browser.get("/").status == 200)
            }
            desk.office.clock.turn(.seconds(20 * 60))
            #expect(try await browser.get("/").status == 401)
        }
    }

    @Test("of a partner end all at once when an operator says so, and of no other partner")
    func endedByOperator() async throws {
        try await withPageDesk { desk in
            let partner = try await desk.office.partner()
            let (first, second) = (try await desk.browser(of: partner), try await desk.browser(of: partner))
            let other = try await desk.browser(of: desk.office.partner("msp-2"))
            #expect(try await desk.office.call(.delete, "/partners/\(partner.id)/sessions", as: .operator).status == 204)
            for browser in [first, second] { #expect(try await browser.get("/").status == 401) }
            #expect(try await other.get("/").status == 200)
            #expect(try await desk.office.store.auditEntries(partner: partner.id, before: nil, limit: 1).first?.action == "sessions.end")
            #expect(try await desk.office.call(.delete, "/partners/par_none/sessions", as: .operator).status == 404)
        }
    }

    /// How a session ends while a stream of events is open in it.
    enum Ending: CaseIterable {
        case signOut, byOperator, idle
    }

    @Test("end their streams of events with them", .timeLimit(.minutes(1)), arguments: Ending.allCases)
    func streams(ending: Ending) async throws {
        try await withPageDesk { desk in
            let partner = try await desk.office.connectedPartner()
            let run = try await desk.environment.desk.startSync(partner.id, by: .commandLine).run
            // Nobody works on the run, so its stream stays open by itself.
            var environment = desk.environment
            let clock = desk.office.clock.source
            environment.time = TimeSource(
                now: clock.now, elapsed: clock.elapsed, sleep: { _ in try await Task.sleep(for: .milliseconds(5)) })
            let browser = PageBrowser(WebSurface(environment).handler)
            #expect(try await browser.get("/launch?token=" + desk.token(partner.vendorReference)).location == "/")
            let cookie = browser.cookies.map { "\($0.key)=\($0.value)" }.joined()
            let response = try await browser.handler(Request(.get, "/runs/\(run.id)/events", headerFields: [.cookie: cookie]))
            guard case .stream(let produce) = response.body else {
                Issue.record("no stream")
                return
            }
            let pieces = PiecesOfBody()
            let (first, began) = AsyncStream.makeStream(of: Void.self)
            async let ended: Void = produce(
                BodyWriter {
                    await pieces.append($0)
                    began.yield()
                })
            for await _ in first { break }
            switch ending {
            case .signOut: #expect(try await browser.post("/sign-out").status == 200)
            case .byOperator: #expect(try await desk.office.call(.delete, "/partners/\(partner.id)/sessions").status == 204)
            case .idle: desk.office.clock.turn(.seconds(30 * 60))
            }
            try await ended
            let text = String(decoding: await pieces.all, as: UTF8.self)
            #expect(text.contains("event: progress") && !text.contains("event: end"))
        }
    }

    @Test("at the limits, by the pure rule")
    func limits() {
        let start = PageSample.now
        let session = WebSession(
            tokenHash: "h", subject: .partner(PageSample.partner), createdAt: start, lastSeenAt: start,
            expiresAt: start.addingTimeInterval(3600))
        func alive(_ seconds: Double, idle: Double) -> Bool {
            Sessions.isAlive(session, at: start.addingTimeInterval(seconds), idle: .seconds(idle))
        }
        #expect(alive(0, idle: 60))
        #expect(alive(59.9, idle: 60))
        #expect(!alive(60, idle: 60))
        #expect(alive(3599, idle: 9999))
        #expect(!alive(3600, idle: 9999))
    }

    @Test("are new at every launch; the old cookie is worth nothing after it")
    func rotation() async throws {
        try await withPageDesk { desk in
            let partner = try await desk.office.partner()
            let browser = try await desk.browser(of: partner)
            let old = browser.cookies
            _ = try await browser.get("/launch?token=" + desk.token(partner.vendorReference))
            #expect(browser.cookies != old)
            #expect(try await browser.get("/").status == 200)
            let thief = desk.browser()
            thief.cookies = old
            #expect(try await thief.get("/").status == 401)
        }
    }

    @Test("a cookie that we did not make is not taken over")
    func fixation() async throws {
        try await withPageDesk { desk in
            let browser = desk.browser()
            browser.cookies["perch_session"] = "chosen-by-somebody-else"
            _ = try await browser.get("/launch?token=" + desk.token("msp-1"))
            #expect(browser.cookies["perch_session"] != "chosen-by-somebody-else")
        }
    }

    @Test("are known to the store by hash only")
    func hashed() async throws {
        try await withPageDesk { desk in
            let browser = try await desk.browser(of: desk.office.partner())
            let token = try #require(browser.cookies["perch_session"])
            #expect(token.count == 43)
            #expect(try await desk.office.store.session(tokenHash: token) == nil)
            #expect(try await desk.office.store.session(tokenHash: TokenHash.sha256(token)) != nil)
        }
    }

    @Test("carry the flags that keep the cookie ours")
    func cookies() async throws {
        for (publicURL, name, secure) in [
            ("http://127.0.0.1:8080", "perch_session", false), ("https://perch.example", "__Host-perch_session", true),
        ] {
            try await withPageDesk(publicURL: publicURL) { desk in
                let answer = try await desk.browser().get("/launch?token=" + desk.token("msp-1"))
                let cookie = try #require(answer.headerFields[.setCookie])
                #expect(cookie.hasPrefix(name + "="))
                let attributes = cookie.components(separatedBy: "; ").dropFirst()
                #expect(Set(attributes) == Set(["Path=/", "HttpOnly", "SameSite=Lax"] + (secure ? ["Secure"] : [])))
            }
        }
    }

    @Test("an operator's session opens no partner page")
    func otherKind() async throws {
        try await withPageDesk { desk in
            let keyID = try #require(desk.office.keyIDs[.admin])
            let cookie = try await Sessions(desk.environment).open(.operator(keyID), replacing: Request(.get, "/"))
            let browser = desk.browser()
            browser.cookies["perch_session"] = cookie.value
            #expect(try await browser.get("/").status == 401)
            #expect(cookie.sameSite == .strict)
        }
    }

    @Test("end at sign-out, here and in the store")
    func signOut() async throws {
        try await withPageDesk { desk in
            let browser = try await desk.browser(of: desk.office.partner())
            let before = browser.cookies
            let answer = try await browser.post("/sign-out")
            #expect(answer.status == 200 && answer.text.contains("You are signed out"))
            #expect(browser.cookies.isEmpty)
            browser.cookies = before
            #expect(try await browser.get("/").status == 401)
        }
    }
}
