import Foundation
import HTTPServer
import HTTPTypes
import Integration
import Store
import Testing

@testable import Portal

@Suite("A partner's user who may only look")
struct ViewerTests {
    private func browser(_ desk: PageDesk, _ role: String?) async throws -> PageBrowser {
        let token = try await LaunchTokens.sign(
            vendorReference: "msp-1", name: nil, role: role, secret: PageDesk.launchSecret, now: desk.office.clock.now,
            random: desk.environment.random)
        let browser = desk.browser()
        #expect(try await browser.get("/launch?token=" + token).status == 303)
        return browser
    }

    @Test("sees the page without anything to press but Sign out")
    func page() async throws {
        try await withPageDesk { desk in
            _ = try await desk.office.connectedPartner()
            func actions(_ page: PageAnswer) -> [String] { page.text.matches(of: /action="([^"]+)"/).map { String($0.1) }.sorted() }
            let viewer = try await browser(desk, "viewer").get("/")
            #expect(viewer.status == 200)
            #expect(actions(viewer) == ["/sign-out"])
            let owner = try await browser(desk, "owner").get("/")
            #expect(actions(owner).contains("/connect") && actions(owner).contains("/disable") && actions(owner).contains("/schedule"))
        }
    }

    @Test("changes nothing with the right token either, and may sign out")
    func forms() async throws {
        try await withPageDesk { desk in
            _ = try await desk.office.connectedPartner()
            let viewer = try await browser(desk, "viewer")
            let token = try await viewer.formToken()
            let before = try await desk.office.store.dump()
            for path in ["/connect", "/disable", "/enable", "/forget-key", "/sync", "/preview", "/send-zeros", "/test-alert", "/schedule"] {
                let answer = try await viewer.post(path, ["partnerKey": "partner-key-0009"], csrf: token)
                #expect(answer.status == 403 && answer.text.contains("You may look at this page"), "\(path)")
            }
            #expect(try await desk.office.store.dump() == before)
            #expect(try await viewer.post("/sign-out", csrf: token).status == 200)
            #expect(try await viewer.get("/").status == 401)
        }
    }

    @Test("is one by each launch anew")
    func relaunch() async throws {
        try await withPageDesk { desk in
            _ = try await desk.office.connectedPartner()
            let viewer = try await browser(desk, "viewer")
            let token = try await LaunchTokens.sign(
                vendorReference: "msp-1", name: nil, role: "admin", secret: PageDesk.launchSecret, now: desk.office.clock.now,
                random: desk.environment.random)
            #expect(try await viewer.get("/launch?token=" + token).status == 303)
            #expect(try await viewer.post("/disable").status == 303)
        }
    }

    @Test("A cookie for a frame of the portal is partitioned, and only there; the console's never is")
    func framing() async throws {
        for (ancestors, publicURL, expected) in [
            (["https://portal.example"], "https://perch.example", "SameSite=None; Partitioned"),
            ([], "https://perch.example", "SameSite=Lax"), (["https://portal.example"], PageBrowser.publicURL, "SameSite=Lax"),
        ] {
            try await withPageDesk(publicURL: publicURL, frameAncestors: ancestors) { desk in
                let answer = try await desk.browser().get("/launch?token=" + desk.token("msp-1"))
                let cookie = try #require(answer.headerFields[.setCookie])
                #expect(cookie.hasSuffix(expected), "\(cookie)")
                let key = try #require(desk.office.keys[.viewer]).reveal()
                let signIn = try await desk.handler(
                    Request(
                        .post, "/console/sign-in", headerFields: [.contentType: "application/x-www-form-urlencoded"],
                        body: Array("key=\(key)".utf8)))
                #expect(signIn.headerFields[.setCookie]?.hasSuffix("SameSite=Strict") == true)
            }
        }
    }
}
