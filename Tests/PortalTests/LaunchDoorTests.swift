import Foundation
import HTTPServer
import Secrets
import Store
import Testing

@testable import Integration
@testable import Portal

@Suite("Launch: from the vendor's portal to the page")
struct LaunchDoorTests {
    @Test("makes the partner, signs it in and goes on to the page")
    func firstLaunch() async throws {
        try await withPageDesk { desk in
            let browser = desk.browser()
            let answer = try await browser.get("/launch?token=" + desk.token("msp-7", name: "Fabrikam & Söhne"))
            #expect(answer.status == 303 && answer.location == "/")
            let page = try await browser.get("/")
            #expect(page.status == 200)
            #expect(page.text.contains("<p>Fabrikam &amp; Söhne</p>"))
            let partner = try #require(try await desk.office.store.partner(vendorReference: "msp-7"))
            #expect(partner.timeZone == desk.environment.settings.defaultTimeZone)
            let trail = try await desk.office.store.auditEntries(partner: partner.id, before: nil, limit: 10)
            #expect(trail.contains { $0.action == "session.open" && $0.actor == "partner:\(partner.id)" })
        }
    }

    @Test("leaves out of a name what would turn the text around it, at the first launch and at a later one; an operator is told instead")
    func names() async throws {
        try await withPageDesk { desk in
            for (name, kept) in [("Nor\u{202E}thwind", "Northwind"), ("South\u{2066}wind\u{2028}", "Southwind")] {
                #expect(try await desk.browser().get("/launch?token=" + desk.token("msp-1", name: name)).location == "/")
                #expect(try await desk.office.store.partner(vendorReference: "msp-1")?.name == kept)
            }
            let answer = try await desk.office.call(.post, "/partners", json: #"{"vendorReference":"msp-2","name":"a\u202eb"}"#)
            #expect(answer.status == 400)
            #expect(try answer.json.field.string == "name")
        }
    }

    @Test("takes a token once")
    func replay() async throws {
        try await withPageDesk { desk in
            let token = try await desk.token("msp-7")
            #expect(try await desk.browser().get("/launch?token=" + token).status == 303)
            let second = desk.browser()
            let refused = try await second.get("/launch?token=" + token)
            #expect(refused.status == 401)
            #expect(refused.text.contains("Open the page again from your vendor&#39;s portal."))
            #expect(second.cookies.isEmpty)
        }
    }

    @Test("takes a token once when it comes many times at once")
    func replayAtOnce() async throws {
        try await withPageDesk { desk in
            let token = try await desk.token("msp-7")
            let handler = desk.handler
            let admitted = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<20 {
                    group.addTask { try await handler(Request(.get, "/launch?token=" + token)).status.code }
                }
                return try await group.reduce(0) { $0 + ($1 == 303 ? 1 : 0) }
            }
            #expect(admitted == 1)
        }
    }

    @Test(
        "says the same of every bad token, makes no partner and gives no cookie",
        arguments: [
            "/launch", "/launch?token=", "/launch?token=abc", "/launch?link=", "/launch?link=abc", "/launch?other=1",
        ])
    func refusals(_ target: String) async throws {
        try await withPageDesk { desk in
            let browser = desk.browser()
            let answer = try await browser.get(target)
            #expect(answer.status == 401)
            #expect(answer.text.contains("This link has expired or was used before."))
            #expect(browser.cookies.isEmpty)
            #expect(try await desk.office.store.partners(after: nil, limit: 10).isEmpty)
        }
    }

    @Test("refuses an expired token")
    func expired() async throws {
        try await withPageDesk { desk in
            let token = try await desk.token("msp-7", lifetime: .seconds(60))
            desk.office.clock.turn(.seconds(91))
            #expect(try await desk.browser().get("/launch?token=" + token).status == 401)
        }
    }

    @Test("opens a page by a link, once, while it is valid")
    func links() async throws {
        try await withPageDesk { desk in
            let partner = try await desk.office.partner()
            let link = try await LaunchLinks.make(for: partner.id, by: .commandLine, desk.environment)
            let target = try #require(URL(string: link.url)).relativeTarget
            // A program that looks ahead does not use it up.
            #expect(try await desk.browser().send(.head, target).status == 204)
            let browser = desk.browser()
            #expect(try await browser.get(target).status == 303)
            #expect(try await browser.get("/").status == 200)
            #expect(try await desk.browser().get(target).status == 401)

            let late = try await LaunchLinks.make(for: partner.id, by: .commandLine, desk.environment)
            desk.office.clock.turn(LaunchLinks.lifetime + .seconds(1))
            #expect(try await desk.browser().get(try #require(URL(string: late.url)).relativeTarget).status == 401)
        }
    }

    @Test("uses up neither token nor link when the entry in the trail cannot be written, or the partner cannot be made")
    func refusedIsNotSpent() async throws {
        try await withPageDesk { desk in
            let store = desk.office.store
            let partner = try await desk.office.partner()
            let link = try await LaunchLinks.make(for: partner.id, by: .commandLine, desk.environment)
            let targets = ["/launch?token=" + (try await desk.token("msp-1")), try #require(URL(string: link.url)).relativeTarget]
            try await store.raw("CREATE TRIGGER no_room BEFORE INSERT ON audit_entry BEGIN SELECT RAISE(ABORT, 'no room'); END")
            for target in targets {
                let browser = desk.browser()
                #expect(try await browser.get(target).status == 503)
                #expect(browser.cookies.isEmpty)
            }
            try await store.raw("DROP TRIGGER no_room")
            for target in targets { #expect(try await desk.browser().get(target).status == 303, "\(target.prefix(14))") }
            for target in targets { #expect(try await desk.browser().get(target).status == 401, "once all the same") }

            try await store.raw("CREATE TRIGGER no_partner BEFORE INSERT ON partner BEGIN SELECT RAISE(ABORT, 'no room'); END")
            let first = "/launch?token=" + (try await desk.token("msp-new"))
            #expect(try await desk.browser().get(first).status == 503)
            try await store.raw("DROP TRIGGER no_partner")
            #expect(try await desk.browser().get(first).status == 303)
        }
    }

    @Test("refuses an id that turns or hides what people read, like every bad token: nothing is used up, and the trail says why")
    func unshowableReference() async throws {
        try await withPageDesk { desk in
            for (number, scalar) in ["\u{202E}", "\u{200B}", "\u{FEFF}", "\u{AD}", "\u{E0041}", "\u{200D}"].enumerated() {
                desk.office.clock.turn(.seconds(120))
                let answer = try await desk.browser().get("/launch?token=" + desk.token("msp\(scalar)1"))
                #expect(answer.status == 401 && answer.text.contains("This link has expired or was used before."))
                let entry = try #require(try await desk.office.store.auditEntries(partner: nil, before: nil, limit: 1).first)
                #expect(
                    entry.action == "session.refused" && entry.details.contains("its sub holds the character U+"), "\(number): \(entry)")
            }
            #expect(try await desk.office.store.rawTexts("SELECT nonce AS text FROM launch_nonce").isEmpty)
            #expect(try await desk.office.store.partners(after: nil, limit: 9).isEmpty)
        }
    }

    @Test("by a link ends with the operator key that made it: the unused link, and the session that it opened; others go on")
    func revokedMaker() async throws {
        try await withPageDesk { desk in
            let office = desk.office
            let partner = try await office.partner()
            func link(_ role: OperatorRole) async throws -> String {
                let url = try #require(try await office.call(.post, "/partners/\(partner.id)/launch-link", as: role).json.url.string)
                return try #require(URL(string: url)).relativeTarget
            }
            let (used, unused) = (try await link(.operator), try await link(.operator))
            let (othersUsed, othersUnused) = (try await link(.admin), try await link(.admin))
            let (browser, other) = (desk.browser(), desk.browser())
            #expect(try await browser.get(used).status == 303)
            #expect(try await other.get(othersUsed).status == 303)
            let portal = try await desk.browser(of: partner)
            let id = try #require(office.keyIDs[.operator])
            #expect(try await office.call(.delete, "/operators/\(id)").status == 204)
            #expect(try await desk.browser().get(unused).status == 401)
            #expect(try await browser.get("/").status == 401)
            #expect(try await desk.browser().get(othersUnused).status == 303)
            for browser in [other, portal] { #expect(try await browser.get("/").status == 200) }
            let entry = try await office.store.auditEntries(after: 0, limit: 99).first { $0.action == "operator.revoke" }
            #expect(entry?.details.hasSuffix("its sign-ins, its unused launch links and the sign-ins by its links ended with it.") == true)
        }
    }

    @Test("by a link of a key that expires lasts no longer than the key")
    func expiringMaker() async throws {
        try await withPageDesk { desk in
            let (office, environment) = (desk.office, desk.environment)
            let partner = try await office.partner()
            let (key, _) = try await OperatorKeys.issue(
                name: "Short", role: .operator, expiresAt: office.clock.now.addingTimeInterval(300), store: office.store,
                keyRing: environment.keyRing, random: environment.random, time: environment.time)
            func link() async throws -> String {
                let maker = Initiator.operator(key.id, name: key.name, address: nil)
                return try #require(URL(string: try await LaunchLinks.make(for: partner.id, by: maker, environment).url)).relativeTarget
            }
            let (used, unused) = (try await link(), try await link())
            let browser = desk.browser()
            #expect(try await browser.get(used).status == 303)
            office.clock.turn(.seconds(299))
            #expect(try await browser.get("/").status == 200)
            office.clock.turn(.seconds(1))
            #expect(try await browser.get("/").status == 401)
            #expect(try await desk.browser().get(unused).status == 401)
        }
    }

    @Test("renames the partner when the portal has another name for it")
    func rename() async throws {
        try await withPageDesk { desk in
            _ = try await desk.browser().get("/launch?token=" + desk.token("msp-7", name: "Old name"))
            let browser = desk.browser()
            _ = try await browser.get("/launch?token=" + desk.token("msp-7", name: "New name"))
            #expect(try await browser.get("/").text.contains("<p>New name</p>"))
        }
    }
}

extension URL {
    /// Path and query.
    var relativeTarget: String { path() + (query().map { "?" + $0 } ?? "") }
}
