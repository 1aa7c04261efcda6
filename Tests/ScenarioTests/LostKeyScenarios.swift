import Foundation
import Testing

/// Keys that stop working: regenerated in the middle of a run, or gone with a Disconnect.
@Suite struct LostKeyScenarios {
    @Test func `A key regenerated during a run stops that run at the first refusals and nobody else's`() async throws {
        var setup = StageSetup()
        setup.customers = Customer.many(120)
        setup.parallelCounts = 8
        try await withStage(setup) { stage in
            let unlucky = try await stage.mappedPartner("Northwind IT")
            let other = try await stage.mappedPartner("Contoso Managed")
            let visitor = try await stage.visit(unlucky)
            try await stage.sandbox.forgetRequests()

            // The other's run is under way all the time.
            let gate = stage.wire.hold(.setCount, from: 10, token: other.token)
            let otherRun = try await stage.startSync(other)
            await gate.reached()
            stage.wire.before(20, .setCount, token: unlucky.token) {
                _ = try? await stage.sandbox.regenerateKey(unlucky)
            }
            let run = try await stage.sync(unlucky)

            #expect(run.state == "failed")
            #expect(run.stage == "usage")
            #expect(run.failure?.code == "synthesize.keyRefused")
            #expect(run.failure?.message.contains("Synthesize did not accept this key") == true)
            let state = try await stage.sandbox.state()
            let refused = state.requests.byStatus["401"] ?? 0
            #expect((1...setup.parallelCounts).contains(refused), "\(refused) calls with a key that was refused")
            // Nothing lost: what was accepted is in the ledger, the rest is told as not sent.
            let accepted = try await stage.sandbox.organization(unlucky).counts.count
            #expect(run.tally.accepted == accepted)
            #expect(run.tally.accepted + run.tally.notSent == 120)
            #expect(run.tally.open == 0)

            #expect(try await stage.office.connection(unlucky).standing == "needsNewKey")
            let page = try await visitor.open("/")
            #expect(page.has("Needs a new key"))
            #expect(page.has("generate a Partner API key"))
            // Without a key nothing more is even tried.
            #expect(try await visitor.submit("/sync").status == 409)

            #expect(try await stage.office.run(otherRun.id).state == "running")
            gate.open()
            let finished = try await stage.finished(otherRun)
            #expect(finished.state == "succeeded")
            #expect(finished.tally.accepted == 120)
            #expect(try await stage.office.connection(other).standing == "active")
        }
    }

    @Test func `With the new key everything goes on, and the mapping is still there`() async throws {
        try await withStage { stage in
            let partner = try await stage.mappedPartner()
            let visitor = try await stage.visit(partner)
            let newKey = try await stage.sandbox.regenerateKey(partner)
            #expect(try await stage.sync(partner).stage == "verify")
            #expect(try await stage.office.connection(partner).state == "needsNewKey")

            try await stage.connect(partner, as: visitor, key: newKey)
            let page = try await visitor.open("/")
            #expect(!page.has("Mapping must be redone"))
            #expect(try await stage.sync(partner).tally.accepted == 4)
        }
    }

    @Test func `Disconnected in Synthesize and connected again, all accounts are made anew and mapping must be redone`() async throws {
        try await withStage { stage in
            let partner = try await stage.mappedPartner()
            let visitor = try await stage.visit(partner)
            #expect(try await stage.sync(partner).tally.accepted == 4)
            let accounts = try await stage.sandbox.organization(partner).accounts.map(\.id)

            try await stage.sandbox.disconnect(partner)
            #expect(try await stage.sync(partner).failure?.code == "synthesize.keyRefused")
            #expect(try await stage.sandbox.organization(partner).accounts.isEmpty)
            #expect(try await visitor.open("/").has("Needs a new key"))

            let newKey = try await stage.sandbox.regenerateKey(partner)
            try await stage.connect(partner, as: visitor, key: newKey)
            let organization = try await stage.sandbox.organization(partner)
            #expect(organization.accounts.map(\.id) == accounts)
            #expect(organization.status == "pending")
            #expect(try await stage.sandbox.state().vendor.services.count == 1)
            let page = try await visitor.open("/")
            #expect(page.has("Mapping must be redone in Synthesize."))
            #expect(try await stage.office.connection(partner).mappingLostAt != nil)

            // Before it is redone a sync says so, without an error.
            let early = try await stage.sync(partner)
            #expect(early.state == "succeeded")
            #expect(early.tally.notMapped == 4)
            #expect(try await visitor.open("/").has("Mapping must be redone in Synthesize."))

            try await stage.sandbox.mapEverything(partner)
            #expect(try await stage.sync(partner).tally.accepted == 4)
            #expect(try await !visitor.open("/").has("Mapping must be redone"))
            #expect(try await stage.sandbox.organization(partner).status == "active")
        }
    }

    @Test func `The same, ten times over`() async throws {
        try await withStage { stage in
            let partner = try await stage.mappedPartner()
            let visitor = try await stage.visit(partner)
            for _ in 1...10 {
                try await stage.sandbox.disconnect(partner)
                try await stage.connect(partner, as: visitor, key: try await stage.sandbox.regenerateKey(partner))
                try await stage.sandbox.mapEverything(partner)
                let run = try await stage.sync(partner)
                #expect(run.state == "succeeded")
                #expect(run.tally.accepted == 4)
            }
            #expect(try await stage.sandbox.state().vendor.services.count == 1)
            #expect(try await stage.sandbox.state().requests.byStatus["409"] == nil)
        }
    }

    @Test func `Disable stops the work and keeps the key; Enable is one click; Forget key deletes it`() async throws {
        try await withStage { stage in
            let partner = try await stage.mappedPartner()
            let visitor = try await stage.visit(partner)
            let gate = stage.wire.hold(.setCount)
            let run = try await stage.startSync(partner)
            await gate.reached()
            let disabling = Task { try await visitor.submit("/disable") }
            gate.open()
            #expect(try await disabling.value.has("Nothing is sent to Synthesize"))
            #expect(["cancelled", "succeeded"].contains(try await stage.finished(run).state))
            // The sandbox knows only today's three words, so `disabled` falls back to `inactive` (U-1).
            #expect(try await stage.sandbox.organization(partner).status == "inactive")
            #expect(try await stage.office.connection(partner).state == "disabled")
            #expect(try await visitor.submit("/sync").status == 409)

            #expect(try await visitor.submit("/enable").status == 200)
            #expect(try await stage.connectJob(partner).state == .succeeded)
            #expect(try await stage.sync(partner).tally.accepted == 4)

            #expect(try await visitor.submit("/forget-key").status == 200)
            let connection = try await stage.application.store.connection(partner.partnerID)
            #expect(connection.partnerKey == nil)
            #expect(try await stage.application.store.vendorCredential(partner.partnerID) == nil)
            #expect(try await stage.office.runs(partner).count == 2)
        }
    }
}
