import Foundation
import Testing

/// Names and ids as customers really have them: unchanged in Synthesize, but for what is no part of a name, and harmless on the page.
@Suite struct NamesAndIdsScenarios {
    static let awkward: [Customer] = [
        Customer("plain", #"Smith & Sons "West" 'n' Co. <Ltd>"#, billable: 1),
        Customer("script", "<script>alert(1)</script>", billable: 2),
        Customer("attribute", #"" onmouseover="alert(1)"#, billable: 3),
        Customer("template", "{{name}} {{{name}}} {{/x}}", billable: 4),
        Customer("emoji", "Bäckerei 🥨 👩🏽‍💻 Zoë\u{308}", billable: 5),
        Customer("long", String(repeating: "ß", count: 255), billable: 6),
        Customer("formula", "=HYPERLINK(\"http://example.com\")", billable: 7),
        Customer("rtl", "\u{202E}txt.exe שלום", billable: 8),
        Customer("a/b/c", "Slashes", billable: 9),
        Customer("with space", "Space", billable: 10),
        Customer("one+one", "Plus", billable: 11),
        Customer("100%25", "Percent", billable: 12),
        Customer("q?x=1&y=2#z", "Query", billable: 13),
        Customer("münchen.example", "Umlaut", billable: 14),
        Customer("ops@example.com", "Mail", billable: 15),
        Customer("12345678901234567890", "Long number", billable: 16),
        Customer("semi;colon,comma\"quote", "Quote", billable: 17),
        Customer("..", "Dots", billable: 18),
    ]

    /// What turns the text around a name does not travel on.
    private static func shownName(_ customer: Customer) -> String {
        (customer.name ?? "").replacing("\u{202E}", with: "")
    }

    @Test func `Awkward names and ids arrive unchanged and are escaped on every page`() async throws {
        var setup = StageSetup()
        setup.customers = Self.awkward
        try await withStage(setup) { stage in
            let partner = try await stage.connectedPartner("Böse & <b>Söhne</b>")
            let visitor = try await stage.visit(partner)
            let early = try await stage.sync(partner)
            #expect(early.tally.notMapped == Self.awkward.count)
            try await expectHarmless(visitor, "/")

            try await stage.sandbox.mapEverything(partner)
            let run = try await stage.sync(partner)
            #expect(run.state == "succeeded", "\(run.failure?.message ?? "")")
            let organization = try await stage.sandbox.organization(partner)
            #expect(organization.accounts.map(\.id) == Self.awkward.map(\.id))
            for (account, customer) in zip(organization.accounts, Self.awkward) {
                #expect(account.name.unicodeScalars.elementsEqual(Self.shownName(customer).unicodeScalars), "\(account.id)")
                #expect(organization.countByAccount[account.id] == Double(customer.billable), "\(account.id)")
            }
            try await expectHarmless(visitor, "/")
            let page = try await visitor.open("/runs/\(run.id)")
            try await expectHarmless(visitor, "/runs/\(run.id)")
            #expect(page.html.contains("&lt;script&gt;alert(1)&lt;/script&gt;"))
            for customer in Self.awkward { #expect(page.has(Self.shownName(customer).joinedWhiteSpace), "\(customer.id ?? "")") }

            // A formula does not run in a spreadsheet; everything else is there as it is.
            let csv = try await visitor.open("/runs/\(run.id)/lines.csv").html
            #expect(csv.contains(#""'=HYPERLINK(""http://example.com"")""#))
            #expect(csv.contains(#""semi;colon,comma""quote""#))
            #expect(csv.contains("Bäckerei 🥨 👩🏽‍💻 Zoë\u{308}"))
        }
    }

    @Test func `An account that Synthesize refuses does not hold up the others`() async throws {
        var setup = StageSetup()
        setup.customers = [Customer("a", "Short", billable: 2), Customer("b", "Brief", billable: 3)]
        try await withStage(setup) { stage in
            let partner = try await stage.connectedPartner("Refused")
            try await stage.sandbox.mapEverything(partner)
            try await stage.sandbox.settings(#"{"maxTextLength":100}"#)
            let long = String(repeating: "x", count: 120)
            try await stage.sandbox.vendorHas([
                Customer("a", "Short", billable: 5), Customer("b", long, billable: 3), Customer("c", long, billable: 1),
                Customer("d", "Late", billable: 7),
            ])
            let run = try await stage.sync(partner)
            #expect(run.state == "partial")
            #expect(run.failure?.code == "run.accountsRefused")
            #expect(run.failure?.message.contains(long) == true)
            let organization = try await stage.sandbox.organization(partner)
            #expect(Set(organization.accounts.map(\.id)) == ["a", "b", "d"])
            #expect(organization.countByAccount["a"] == 5)
            #expect(organization.countByAccount["b"] == 3)
        }
    }

    @Test func `Renaming reaches each of these ids`() async throws {
        var setup = StageSetup()
        setup.customers = Self.awkward
        try await withStage(setup) { stage in
            let partner = try await stage.mappedPartner()
            let renamed = Self.awkward.map { Customer($0.id, "Renamed \($0.billable)", billable: $0.billable) }
            try await stage.sandbox.vendorHas(renamed)
            let run = try await stage.sync(partner)
            #expect(run.state == "succeeded", "\(run.failure?.message ?? "")")
            let accounts = try await stage.sandbox.organization(partner).accounts
            // No path can name "..", so that account keeps its name, and nobody else suffers from it.
            #expect(accounts.map(\.name) == renamed.map { $0.id == ".." ? "Dots" : $0.name ?? "" })
            #expect(run.findings.accountsUpdated == renamed.count - 1)
            #expect(run.tally.accepted == renamed.count)
            #expect(accounts.map(\.id) == Self.awkward.map(\.id))
        }
    }

    @Test(arguments: ["a/b/c", "with space", "one+one", "100%25", "münchen.example"])
    func `An alert finds an account of such an id`(id: String) async throws {
        var setup = StageSetup()
        setup.customers = Self.awkward
        try await withStage(setup) { stage in
            let partner = try await stage.mappedPartner()
            let alert = try await stage.office.post(
                AlertAnswer.self, "/partners/\(partner.id)/alerts",
                ["accountId": id, "title": "Sign-in from <elsewhere>", "description": "A \"quoted\" line\nand another"])
            let delivered = try await stage.delivered(alert, partner)
            #expect(delivered.ticketId != nil, "\(delivered)")
            #expect(try await stage.sandbox.organization(partner).tickets.first?.accountId == id)
        }
    }

    /// No name has become markup.
    private func expectHarmless(_ visitor: Visitor, _ path: String) async throws {
        let page = try await visitor.open(path)
        #expect(page.status == 200)
        #expect(!page.html.contains("<script>alert"))
        #expect(!page.html.contains(#"" onmouseover="#))
        #expect(!page.html.contains("<b>Söhne"))
        #expect(!page.html.contains("<Ltd>"))
        #expect(page.fields[.contentSecurityPolicy]?.contains("script-src 'self'") == true)
    }
}

extension String {
    fileprivate var joinedWhiteSpace: String { split(whereSeparator: \.isWhitespace).joined(separator: " ") }
}
