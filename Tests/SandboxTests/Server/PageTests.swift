import Foundation
import Testing

@testable import Sandbox

@Suite("Pages, over a socket")
struct PageTests {
    static let form = "application/x-www-form-urlencoded"

    @Test(
        "every page of a partner: one h1, labelled controls, no script, no inline style",
        arguments: [
            "", "/mapping/accounts", "/mapping/services", "/billing", "/tickets", "/disconnect",
        ])
    func wellFormed(page: String) async throws {
        try await RunningSandbox.with(seed: .demo) { sandbox in
            let id = try await sandbox.demoPartner()
            let reply = try await sandbox.client.send("GET", "/organizations/\(id)\(page)")
            #expect(reply.status == 200)
            #expect(reply.header("Content-Type") == "text/html; charset=utf-8")
            #expect(reply.header("Content-Security-Policy")?.contains("default-src 'none'") == true)
            let html = reply.body
            #expect(html.components(separatedBy: "<h1>").count == 2)
            #expect(html.contains(#"<html lang="en">"#))
            #expect(html.contains("Sandbox: simulated Synthesize"))
            #expect(html.contains(#"name="viewport" content="width=device-width"#))
            #expect(!html.contains("<script") && !html.contains("style="))
            for select in html.matches(of: /<select[^>]*>/) { #expect(select.output.contains("aria-label=")) }
            for tag in ["main", "form", "section", "div", "select", "table", "fieldset", "label", "ul", "p", "span"] {
                let opened = html.matches(of: try Regex("<\(tag)[ >]")).count
                #expect(opened == html.components(separatedBy: "</\(tag)>").count - 1, "\(tag)")
            }
        }
    }

    @Test("names are escaped, in text and in attributes") func escaping() async throws {
        try await RunningSandbox.with { sandbox in
            let nasty = #"<script>alert("x")</script> & 'co'"#
            let written = "&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt; &amp; &#39;co&#39;"
            let text = JSONValue.string(nasty)
            let seed: JSONValue = ["name": text, "clients": [text], "products": [text]]
            let keys = try await sandbox.control("POST", "/organizations", String(decoding: seed.bytes, as: UTF8.self), expecting: 201)
            let id = try #require(keys["id"]?.string)
            let token = try #require(keys["token"]?.string)
            let account: JSONValue = [["id": text, "name": text]]
            _ = try await sandbox.vendor("POST", "/organization/accounts", String(decoding: account.bytes, as: UTF8.self), token: token)
            let service: JSONValue = ["name": text, "description": text, "category": "other", "subcategory": "other"]
            _ = try await sandbox.vendor("POST", "/service", String(decoding: service.bytes, as: UTF8.self), token: token)
            try await sandbox.control("POST", "/organizations/\(id)/map", #"{"auto":true}"#)
            let path = try #require(nasty.addingPercentEncoding(withAllowedCharacters: .alphanumerics))
            let alert: JSONValue = ["title": text, "description": text, "alertId": text]
            #expect(
                try await sandbox.vendor("POST", "/alerting/\(path)", String(decoding: alert.bytes, as: UTF8.self), token: token).status
                    == 201)
            for page in [
                "/", "/organizations/\(id)", "/organizations/\(id)/mapping/accounts", "/organizations/\(id)/mapping/services",
                "/organizations/\(id)/billing", "/organizations/\(id)/tickets",
            ] {
                let html = try await sandbox.client.send("GET", page).body
                #expect(!html.contains("<script"), "\(page)")
                #expect(html.contains(written), "\(page)")
            }
        }
    }

    @Test("Next is off until the vendor sets pending") func next() async throws {
        try await RunningSandbox.with { sandbox in
            let (id, token, _) = try await sandbox.partner()
            func page() async throws -> String { try await sandbox.client.send("GET", "/organizations/\(id)").body }
            #expect(try await page().contains("<button disabled aria-describedby=\"next-why\">Next</button>"))
            #expect(try await page().contains("<dt>Accounts received</dt><dd>1</dd>"))
            _ = try await sandbox.vendor("PATCH", "/organization/status/pending", token: token)
            #expect(try await page().contains("href=\"/organizations/\(id)/mapping/accounts\">Next</a>"))
            #expect(try await page().contains("Pending: continue setup"))
            for button in ["Refresh status", "Generate new key", "Disconnect"] { #expect(try await page().contains(button)) }
        }
    }

    @Test("a new key is shown once, and works") func keyShownOnce() async throws {
        try await RunningSandbox.with { sandbox in
            let (id, token, _) = try await sandbox.partner()
            let made = try await sandbox.client.send("POST", "/organizations/\(id)/key", "", type: Self.form)
            #expect(made.status == 303)
            #expect(made.header("Location") == "/organizations/\(id)#key")
            let first = try await sandbox.client.send("GET", "/organizations/\(id)").body
            let key = try #require(first.firstMatch(of: /Partner API key <input readonly value="([0-9a-f-]{36})">/)?.output.1)
            #expect(try await sandbox.vendor("GET", "/organization", token: token).status == 401)
            let fresh = TokenTable.text(vendorKey: sandbox.server.vendorAPIKey, partnerKey: String(key))
            #expect(try await sandbox.vendor("GET", "/organization", token: fresh).status == 200)
            #expect(try await !sandbox.client.send("GET", "/organizations/\(id)").body.contains(key))
        }
    }

    @Test("disconnecting asks first, then shows Connect") func disconnect() async throws {
        try await RunningSandbox.with { sandbox in
            let (id, token, _) = try await sandbox.partner()
            #expect(try await sandbox.client.send("GET", "/organizations/\(id)/disconnect").body.contains("deletes 1 account and"))
            #expect(try await sandbox.vendor("GET", "/organization", token: token).status == 200, "looking does nothing")
            #expect(try await sandbox.client.send("POST", "/organizations/\(id)/disconnect", "", type: Self.form).status == 303)
            #expect(try await sandbox.vendor("GET", "/organization", token: token).status == 401)
            let page = try await sandbox.client.send("GET", "/organizations/\(id)").body
            #expect(page.contains("<button>Connect</button>"))
            #expect(page.contains("Not connected"))
            #expect(!page.contains("/disconnect\">"))
        }
    }

    @Test("mapping by hand: accounts, services, finish, billing") func mapping() async throws {
        try await RunningSandbox.with { sandbox in
            let (id, token, service) = try await sandbox.partner()
            let state = try await sandbox.control("GET", "/organizations/\(id)")
            let client = state["clients"]?.elements?.first?["id"]?.string ?? ""
            let product = state["products"]?.elements?.first?["id"]?.string ?? ""
            let accounts = "/organizations/\(id)/mapping/accounts"
            let services = "/organizations/\(id)/mapping/services"

            let early = try await sandbox.client.send(
                "POST", services, "service=\(service)&product=\(product)&action=finish", type: Self.form)
            #expect(early.status == 409)
            #expect(early.body.contains("Map at least one account and one service before finishing."))
            #expect(try await sandbox.control("GET", "/organizations/\(id)")["serviceMap"] == [:], "nothing was saved")

            let saved = try await sandbox.client.send(
                "POST", accounts, "page=1&account=1&choice=client%3A\(client)&action=save", type: Self.form)
            #expect(saved.status == 303)
            #expect(try await sandbox.client.send("GET", accounts).body.contains("value=\"client:\(client)\" selected"))
            let finished = try await sandbox.client.send(
                "POST", services, "service=\(service)&product=\(product)&action=finish", type: Self.form)
            #expect(finished.header("Location") == "/organizations/\(id)?notice=finished")

            let dash = try await sandbox.client.send("GET", "/organizations/\(id)/billing").body
            #expect(dash.contains("data-label=\"Vendor quantity\">–</td>"))
            _ = try await sandbox.vendor("POST", "/service/\(service)/count", #"{"accountId":"1","unitCount":7.5}"#, token: token)
            sandbox.wait(seconds: 1)
            #expect(
                try await sandbox.client.send("GET", "/organizations/\(id)/billing").body.contains(
                    "data-label=\"Vendor quantity\">7.5</td>"))

            _ = try await sandbox.client.send("POST", accounts, "account=1&choice=excluded", type: Self.form)
            _ = try await sandbox.client.send("POST", services, "service=\(service)&product=\(product)&excluded=yes", type: Self.form)
            let excluded = try await sandbox.control("GET", "/organizations/\(id)")
            #expect(excluded["accounts"]?.elements?.first?["excluded"] == true)
            #expect(excluded["excludedServices"] == [.string(service)])
            #expect(try await sandbox.client.send("GET", "/organizations/\(id)/billing").body.contains("There are no service cards"))
        }
    }

    @Test("a client cannot stand for two accounts; the page says so") func conflict() async throws {
        try await RunningSandbox.with { sandbox in
            let (id, token, _) = try await sandbox.partner()
            _ = try await sandbox.vendor("POST", "/organization/accounts", #"[{"id":"2","name":"B"}]"#, token: token)
            let client = try await sandbox.control("GET", "/organizations/\(id)")["clients"]?.elements?.first?["id"]?.string ?? ""
            let reply = try await sandbox.client.send(
                "POST", "/organizations/\(id)/mapping/accounts", "account=1&choice=client:\(client)&account=2&choice=client:\(client)",
                type: Self.form)
            #expect(reply.status == 409)
            #expect(reply.body.contains(#"role="alert">Account 2 was not mapped"#))
            #expect(try await sandbox.control("GET", "/organizations/\(id)")["accountMap"] == [:])
        }
    }

    @Test("auto-map on the demo leaves the two that differ") func autoMap() async throws {
        try await RunningSandbox.with(seed: .demo) { sandbox in
            let id = try await sandbox.demoPartner()
            _ = try await sandbox.client.send("POST", "/organizations/\(id)/mapping/accounts", "action=auto", type: Self.form)
            let accounts = try await sandbox.control("GET", "/organizations/\(id)")["accounts"]?.elements ?? []
            let unmapped = accounts.filter { $0["mappedTo"]?.isNull == true }.compactMap { $0["name"]?.string }
            #expect(unmapped == ["Harbor Dental", "Riverside Animal Hospital"])
        }
    }

    @Test("tickets: pending, then a number; failed with its reason") func tickets() async throws {
        try await RunningSandbox.with { sandbox in
            let (id, token, _) = try await sandbox.partner()
            try await sandbox.control("PATCH", "/settings", #"{"queueUnmappedAlerts":true}"#)
            let alert = #"{"title":"Impossible travel","description":"d","alertId":"x"}"#
            _ = try await sandbox.vendor("POST", "/alerting/1", alert, token: token)
            try await sandbox.control("POST", "/organizations/\(id)/map", #"{"all":true}"#)
            _ = try await sandbox.vendor("POST", "/alerting/1", alert, token: token)
            func page() async throws -> String { try await sandbox.client.send("GET", "/organizations/\(id)/tickets").body }
            #expect(try await page().components(separatedBy: ">pending<").count == 3)
            sandbox.wait(seconds: 2)
            let html = try await page()
            #expect(html.contains(">success<") && html.contains("data-label=\"Ticket\">10401"))
            #expect(html.contains(">failed<") && html.contains("No account map found with id: 1"))
        }
    }

    @Test("many accounts come in pages") func pages() async throws {
        try await RunningSandbox.with { sandbox in
            let (id, token, _) = try await sandbox.partner()
            let many = (2...120).map { #"{"id":"\#($0)","name":"N\#($0)"}"# }.joined(separator: ",")
            _ = try await sandbox.vendor("POST", "/organization/accounts", "[\(many)]", token: token)
            for (query, rows) in [("", 50), ("?page=2", 50), ("?page=3", 20), ("?page=99", 20), ("?page=-1", 50), ("?page=x", 50)] {
                let html = try await sandbox.client.send("GET", "/organizations/\(id)/mapping/accounts\(query)").body
                #expect(html.components(separatedBy: "name=\"account\"").count - 1 == rows, "\(query)")
            }
        }
    }

    @Test("start page, style and what is not there") func start() async throws {
        try await RunningSandbox.with(seed: .demo) { sandbox in
            let html = try await sandbox.client.send("GET", "/").body
            #expect(html.contains("Northwind Managed IT"))
            #expect(html.contains(sandbox.server.vendorAPIKey))
            let style = try await sandbox.client.send("GET", "/sandbox.css")
            #expect(style.header("Content-Type") == "text/css; charset=utf-8")
            #expect(style.body.contains("prefers-color-scheme: dark"))
            for path in ["/organizations/nope", "/organizations/nope/billing", "/nothing"] {
                let missing = try await sandbox.client.send("GET", path)
                #expect(missing.status == 404)
                #expect(missing.body.contains("<h1>Not found</h1>"))
            }
            #expect(try await sandbox.client.send("POST", "/organizations/nope/key", "", type: Self.form).status == 404)
        }
    }
}

extension RunningSandbox {
    /// The demo's partner, with the accounts a connector would have created and one service.
    func demoPartner() async throws -> String {
        let partner = try #require(server.withModel { model, _ in model.organizations.first })
        let token = TokenTable.text(vendorKey: server.vendorAPIKey, partnerKey: partner.partnerKey?.value ?? "")
        let accounts = SandboxSeed.demo.saasAlerts.customers.map { customer -> JSONValue in
            ["id": .optional(customer.id), "name": .optional(customer.name)]
        }
        _ = try await vendor(
            "POST", "/organization/accounts", String(decoding: JSONValue.array(accounts).bytes, as: UTF8.self), token: token)
        _ = try await vendor(
            "POST", "/service", #"{"name":"Billable Users","description":"","category":"security","subcategory":"other"}"#, token: token)
        return partner.id
    }
}
