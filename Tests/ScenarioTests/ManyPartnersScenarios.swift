import Foundation
import Testing

/// Several partners of one vendor.
@Suite struct ManyPartnersScenarios {
    @Test func `Two partners walk through Gradient's whole checklist beside each other`() async throws {
        try await withStage { stage in
            try await withVendor(of: stage, [Customer("c1", "Other customer, same id", billable: 99)]) { vendor in
                async let first: Void = walk("Northwind IT", stage, stage.sandbox, ["c1": 5, "c2": 7, "c3": 2, "c4": 11])
                async let second: Void = walk("Contoso Managed", stage, vendor, ["c1": 99])
                _ = try await (first, second)
                // The service is the vendor's, so it is there once.
                #expect(try await stage.sandbox.state().vendor.services.count == 1)
            }
        }
    }

    /// From disconnected to usage received, and all over again (contract section 12).
    private func walk(_ name: String, _ stage: Stage, _ vendor: SandboxHand, _ counts: [String: Double]) async throws {
        let partner = try await stage.partner(name)
        let visitor = try await stage.visit(partner)
        #expect(try await visitor.open("/").has("Not connected"))
        var key = partner.partnerKey
        for round in 1...2 {
            try await stage.connect(partner, as: visitor, key: key, vendor: vendor)
            var organization = try await stage.sandbox.organization(partner)
            #expect(organization.status == "pending")
            #expect(organization.accounts.map(\.id).sorted() == counts.keys.sorted())
            #expect(try await visitor.open("/").has("Pending mapping"))

            try await stage.sandbox.mapEverything(partner)
            #expect(try await visitor.submit("/sync").status == 200)
            let run = try await stage.finished(try await stage.office.runs(partner)[0])
            #expect(run.state == "succeeded", "\(run.failure?.message ?? "")")
            organization = try await stage.sandbox.organization(partner)
            #expect(organization.countByAccount == counts)
            #expect(organization.status == "active")
            #expect(try await visitor.open("/").has("Usage reaches Synthesize"))

            #expect(try await visitor.submit("/test-alert").status == 200)
            let alert = try await stage.delivered(try await stage.office.alerts(partner)[0], partner)
            #expect(alert.state == "delivered")
            #expect(try await stage.sandbox.organization(partner).tickets.contains { $0.id == alert.ticketId })

            try await stage.sandbox.disconnect(partner)
            if round == 1 { key = try await stage.sandbox.regenerateKey(partner) }
        }
        #expect(try await stage.sync(partner).failure?.code == "synthesize.keyRefused")
        #expect(try await stage.office.connection(partner).standing == "needsNewKey")
    }

    @Test(.timeLimit(.minutes(2)))
    func `Many partners at once share Gradient's limit, and none is ever told to slow down`() async throws {
        var setup = StageSetup()
        setup.customers = Customer.many(80)
        setup.sandboxRateLimit = 100
        setup.callsPerSecond = 95
        try await withStage(setup) { stage in
            var partners: [StagePartner] = []
            for number in 1...3 { partners.append(try await stage.mappedPartner("Partner \(number)")) }
            try await stage.sandbox.forgetRequests()
            let began = ContinuousClock.now
            try await withThrowingTaskGroup { group in
                for partner in partners {
                    group.addTask {
                        let run = try await stage.sync(partner)
                        #expect(run.state == "succeeded", "\(run.failure?.message ?? "")")
                        #expect(run.tally.accepted == 80)
                    }
                }
                try await group.waitForAll()
            }
            let seconds = (ContinuousClock.now - began) / .seconds(1)
            let requests = try await stage.sandbox.state().requests
            #expect(requests.byStatus["429"] == nil)
            // The sandbox counts when it comes to a request, which on a busy machine is not in the order of arrival: 101 were seen.
            #expect(requests.maxPerSecond <= 110)
            // As close to the limit as it can: 252 calls are the work of 3 seconds, not of 30.
            #expect(seconds < 15, "\(requests.total) calls took \(seconds) s")
        }
    }

    @Test func `A partner's trouble stays its own`() async throws {
        try await withStage { stage in
            let healthy = try await stage.mappedPartner("Healthy IT")
            try await withVendor(of: stage, Customer.few) { vendor in
                let ill = try await stage.mappedPartner("Ill IT", vendor: vendor)
                try await vendor.vendorHas([])
                let gate = stage.wire.hold(.setCount, token: healthy.token)
                let run = try await stage.startSync(healthy)
                await gate.reached()
                #expect(try await stage.sync(ill).stage == "fetch")
                gate.open()
                #expect(try await stage.finished(run).tally.accepted == 4)
                #expect(try await stage.office.connection(ill).state == "connected")
            }
        }
    }
}
