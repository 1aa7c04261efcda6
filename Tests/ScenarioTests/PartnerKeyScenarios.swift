import Foundation
import Store
import Testing

/// What a partner can do wrong with its key.
@Suite struct PartnerKeyScenarios {
    static let wrongKeys = ["not-the-key", "c0ffee00-0000-4000-8000-000000000000", "a:b", String(repeating: "k", count: 4096)]

    @Test(arguments: wrongKeys) func `A wrong key is refused with words that help, and nothing is stored`(key: String) async throws {
        try await withStage { stage in
            let partner = try await stage.partner()
            let visitor = try await stage.visit(partner)
            let page = try await visitor.submit("/connect", stage.connectEntries(partner, key: key))

            #expect(page.status == 422)
            #expect(page.has("Synthesize did not accept this key"))
            #expect(page.has("generate a Partner API key"))
            #expect(!page.html.contains(key))
            try await expectNothingStored(partner, stage)
        }
    }

    @Test func `A stored vendor key is not sent to another address`() async throws {
        try await withStage { stage in
            let partner = try await stage.connectedPartner("Elsewhere")
            let visitor = try await stage.visit(partner)
            var entries = stage.connectEntries(partner, key: "")
            entries["vendor-apiKey"] = ""
            entries["vendor-apiURL"] = "http://127.0.0.1:9/elsewhere"
            let page = try await visitor.submit("/connect", entries)
            #expect(page.status == 422)
            #expect(page.has("enter the API Key again"))
        }
    }

    @Test func `An empty key is refused before Synthesize is asked, and nothing is stored`() async throws {
        try await withStage { stage in
            let partner = try await stage.partner()
            let visitor = try await stage.visit(partner)
            let page = try await visitor.submit("/connect", stage.connectEntries(partner, key: " \u{A0}\t "))

            #expect(page.status == 422)
            #expect(page.has("Paste the Partner API key"))
            #expect(try await stage.sandbox.state().requests.total == 0)
            try await expectNothingStored(partner, stage)
        }
    }

    @Test(arguments: ["two words", "line\nbreak", "schlüssel", "key\u{200B}with-nothing-in-it"])
    func `A key that cannot be one is refused before Synthesize is asked`(key: String) async throws {
        try await withStage { stage in
            let partner = try await stage.partner()
            let visitor = try await stage.visit(partner)
            let page = try await visitor.submit("/connect", stage.connectEntries(partner, key: key))

            #expect(page.status == 422)
            #expect(page.has("This does not look like a Partner API key"))
            #expect(try await stage.sandbox.state().requests.total == 0)
            try await expectNothingStored(partner, stage)
        }
    }

    @Test(arguments: [(" ", ""), ("", "\n"), ("\r\n\t ", " \r\n"), ("\u{A0}", "\u{2003}"), ("\u{FEFF}", "")])
    func `A key pasted with white space around it is taken without it`(before: String, after: String) async throws {
        try await withStage { stage in
            let partner = try await stage.partner()
            let visitor = try await stage.visit(partner)
            try await stage.connect(partner, as: visitor, key: before + partner.partnerKey + after)

            let connection = try await stage.office.connection(partner)
            #expect(connection.standing == "pendingMapping")
            #expect(connection.keyLastFour == String(partner.partnerKey.suffix(4)))
        }
    }

    @Test func `After a wrong key the old one is kept and goes on working`() async throws {
        try await withStage { stage in
            let partner = try await stage.mappedPartner()
            let before = try await stage.application.store.connection(partner.partnerID)
            let visitor = try await stage.visit(partner)
            for key in ["not-the-key", "two words"] {
                let page = try await visitor.submit("/connect", stage.connectEntries(partner, key: key))
                #expect(page.status == 422)
            }

            #expect(try await stage.application.store.connection(partner.partnerID) == before)
            #expect(try await stage.sync(partner).state == "succeeded")
        }
    }

    @Test func `A vendor key that SaaS Alerts refuses is told, and nothing is stored`() async throws {
        try await withStage { stage in
            let partner = try await stage.partner()
            let visitor = try await stage.visit(partner)
            var entries = stage.connectEntries(partner)
            entries["vendor-apiKey"] = "not-the-vendor-key"
            let page = try await visitor.submit("/connect", entries)

            #expect(page.status >= 400)
            #expect(page.has("SaaS Alerts did not accept the credentials"))
            #expect(!page.html.contains("not-the-vendor-key"))
            try await expectNothingStored(partner, stage)
        }
    }

    @Test func `The key of another organization must be confirmed before it replaces the stored one`() async throws {
        try await withStage { stage in
            let partner = try await stage.mappedPartner()
            let other = try await stage.sandbox.createOrganization("Contoso Managed")
            let visitor = try await stage.visit(partner)
            var entries = stage.connectEntries(partner, key: other.partnerKey)

            let asking = try await visitor.submit("/connect", entries)
            #expect(asking.status == 409)
            #expect(asking.has("This key belongs to Contoso Managed, not to Northwind IT as before. Nothing was changed."))
            #expect(try await stage.office.connection(partner).keyLastFour == String(partner.partnerKey.suffix(4)))

            entries["confirmsOtherOrganization"] = "yes"
            #expect(try await visitor.submit("/connect", entries).status == 200)
            #expect(try await stage.connectJob(partner).state == .succeeded)
            #expect(try await stage.office.connection(partner).keyLastFour == String(other.partnerKey.suffix(4)))
        }
    }

    private func expectNothingStored(_ partner: StagePartner, _ stage: Stage) async throws {
        let connection = try await stage.application.store.connection(partner.partnerID)
        #expect(connection.state == .notConnected)
        #expect(connection.partnerKey == nil)
        #expect(try await stage.application.store.vendorCredential(partner.partnerID) == nil)
        #expect(try await stage.desk.overview(partner.partnerID).connectJob == nil)
        #expect(try await stage.sandbox.state().requests.writes.isEmpty)
    }
}
