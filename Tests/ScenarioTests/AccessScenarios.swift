import Foundation
import HTTPTypes
import Portal
import Secrets
import Testing

/// Who gets in, and what they can see and do then.
@Suite struct AccessScenarios {
    @Test func `Another partner's run is not there: on the page, as a file, as events`() async throws {
        try await withStage { stage in
            let owner = try await stage.mappedPartner("Owner IT")
            let run = try await stage.sync(owner)
            let stranger = try await stage.visit(try await stage.mappedPartner("Stranger IT"))
            for path in ["", "/lines.csv", "/lines.json", "/events", "?state=accepted"] {
                let page = try await stranger.open("/runs/\(run.id)\(path)")
                #expect(page.status == 404, "\(path)")
                #expect(!page.html.contains("Brightwater"))
            }
            #expect(try await stranger.open("/runs?before=\(run.id)").html.contains(run.id) == false)
            // And to its owner it is.
            let own = try await stage.visit(owner)
            for path in ["", "/lines.csv", "/lines.json", "/events"] {
                #expect(try await own.open("/runs/\(run.id)\(path)").status == 200, "\(path)")
            }
        }
    }

    static let paths = ["/", "/runs", "/runs/run_x", "/runs/run_x/lines.csv", "/runs/run_x/lines.json", "/runs/run_x/events"]

    @Test func `Without a session nothing is shown and nothing is done`() async throws {
        try await withStage { stage in
            let partner = try await stage.mappedPartner()
            let run = try await stage.sync(partner)
            let nobody = Visitor(origin: stage.portalURL, client: stage.client)
            for path in Self.paths + ["/runs/\(run.id)", "/runs/\(run.id)/lines.csv", "/runs/\(run.id)/events"] {
                let page = try await nobody.open(path)
                #expect(page.status == 401, "\(path)")
                #expect(!page.html.contains("Northwind"))
            }
            for path in [
                "/connect", "/disable", "/enable", "/forget-key", "/sync", "/preview", "/send-zeros", "/test-alert", "/schedule",
                "/sign-out",
            ] {
                #expect(try await nobody.submitWithoutFollowing(path, token: "made-up").status == 401, "\(path)")
            }
            #expect(try await stage.office.connection(partner).state == "connected")
            #expect(try await stage.office.runs(partner).count == 1)
        }
    }

    @Test func `A launch token opens the page once`() async throws {
        try await withStage { stage in
            let partner = try await stage.partner()
            let token = try await stage.launchToken(partner)
            for expected in [200, 401, 401] {
                let visitor = Visitor(origin: stage.portalURL, client: stage.client)
                #expect(try await visitor.open("/launch?token=" + token).status == expected)
            }
            let link = try await stage.office.post([String: String].self, "/partners/\(partner.id)/launch-link")
            for expected in [200, 401] {
                let visitor = Visitor(origin: stage.portalURL, client: stage.client)
                #expect(try await visitor.open(try #require(link["url"])).status == expected)
            }
        }
    }

    @Test func `A token that is forged, expired or for too long opens nothing`() async throws {
        try await withStage { stage in
            let partner = try await stage.partner()
            func token(_ secret: String, at offset: Double = 0, lifetime: Duration = .seconds(120)) async throws -> String {
                try await LaunchTokens.sign(
                    vendorReference: partner.reference, name: nil, secret: Secret(secret),
                    now: stage.clock.source.now().addingTimeInterval(offset), lifetime: lifetime, random: .system)
            }
            let good = try await stage.launchToken(partner)
            let parts = good.split(separator: ".").map(String.init)
            let none = "eyJhbGciOiJub25lIn0." + parts[1] + "."
            for bad in [
                try await token("another-secret-of-enough-bytes-012345"), try await token(stage.launchSecret.reveal(), at: -600),
                try await token(stage.launchSecret.reveal(), lifetime: .seconds(3600)), none, parts[0] + "." + parts[1] + ".",
                good + "x", "", "a.b.c",
            ] {
                let visitor = Visitor(origin: stage.portalURL, client: stage.client)
                #expect(try await visitor.open("/launch?token=" + bad).status == 401, "\(bad)")
                #expect(await visitor.cookie.isEmpty)
            }
        }
    }

    @Test func `A form of another site, session or time changes nothing`() async throws {
        try await withStage { stage in
            let partner = try await stage.mappedPartner()
            let visitor = try await stage.visit(partner)
            let token = try await visitor.formToken()
            let stranger = try await stage.visit(try await stage.partner("Stranger IT"))
            let foreign = try await stranger.formToken()
            #expect(try await visitor.submitWithoutFollowing("/disable", token: "").status == 403)
            #expect(try await visitor.submitWithoutFollowing("/disable", token: foreign).status == 403)
            for origin in ["http://evil.example", "null", stage.portalURL + ".evil.example"] {
                #expect(
                    try await visitor.submitWithoutFollowing("/disable", token: token, fields: [.origin: origin]).status == 403)
            }
            #expect(try await stage.office.connection(partner).state == "connected")
        }
    }

    @Test func `A session ends when it is not used, and when the user signs out`() async throws {
        try await withStage { stage in
            let partner = try await stage.partner()
            let idle = try await stage.visit(partner)
            let active = try await stage.visit(partner)
            for _ in 1...3 {
                stage.clock.turn(forward: .seconds(1000))
                #expect(try await active.open("/").status == 200)
            }
            #expect(try await idle.open("/").status == 401)
            try await active.submit("/sign-out")
            #expect(try await active.open("/").status == 401)
        }
    }

    @Test func `The admin API lets nobody in without a key that is valid`() async throws {
        try await withStage { stage in
            let partner = try await stage.mappedPartner()
            for key in ["", "opk_wrong", stage.office.key.reveal() + "x"] {
                let office = Office(portalURL: stage.portalURL, key: Secret(key), client: stage.client)
                for path in ["/partners", "/partners/\(partner.id)", "/partners/\(partner.id)/connection", "/audit", "/operators"] {
                    let answer = try await office.call(.get, path)
                    // After some wrong ones, the next have to wait.
                    #expect([401, 429].contains(answer.status), "\(path)")
                    #expect(!answer.text.contains("Northwind"))
                }
            }
        }
    }
}
