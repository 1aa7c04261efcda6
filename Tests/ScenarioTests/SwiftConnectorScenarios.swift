import Foundation
import Synchronization
import Testing

/// A connector written in Swift in the place of a definition, as docs/connector-in-swift.md tells it.
@Suite struct SwiftConnectorScenarios {
    private struct DatabaseIsAway: Error {}

    @Test func `Its counts reach Synthesize, each partner's own, and when it cannot tell all nothing changes`() async throws {
        let isAway = Mutex(false)
        var setup = StageSetup()
        setup.connector = LicenceConnector { partner in
            if isAway.withLock({ $0 }) { throw DatabaseIsAway() }
            return partner != "northwind-it"
                ? []
                : [
                    .init(customerID: "1", customer: "Brightwater Law", seats: 3),
                    .init(customerID: "2", customer: "Harbor Dental", seats: 7),
                    .init(customerID: "1", customer: "Brightwater Law", seats: 2),
                ]
        }
        try await withStage(setup) { stage in
            let partner = try await stage.partner()
            let visitor = try await stage.visit(partner)
            _ = try await visitor.submit("/connect", ["partnerKey": partner.partnerKey])
            #expect(try await stage.connectJob(partner).state == .succeeded)
            try await stage.sandbox.mapEverything(partner)
            #expect(try await stage.sync(partner).tally.accepted == 2)
            #expect(try await stage.sandbox.organization(partner).countByAccount == ["1": 5, "2": 7])

            let stranger = try await stage.partner("Stranger IT")
            let refused = try await stage.visit(stranger).submit("/connect", ["partnerKey": stranger.partnerKey])
            #expect(refused.has("Acme has no licence of this partner."))

            isAway.withLock { $0 = true }
            let run = try await stage.sync(partner)
            #expect(run.state == "failed" && run.failure?.code == "vendor.unreachable")
            #expect(try await stage.sandbox.organization(partner).countByAccount == ["1": 5, "2": 7])
        }
    }

    @Test func `The page shows the example as it is`() throws {
        let page = try String(contentsOfFile: repository + "docs/connector-in-swift.md", encoding: .utf8)
        let code = try String(
            contentsOfFile: repository + "Tests/ScenarioTests/Support/LicenceConnector.swift", encoding: .utf8)
        #expect(page.contains("```swift\n" + code + "```\n"))
    }
}
