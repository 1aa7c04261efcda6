import Testing

@testable import Sandbox

@Suite("Section 5: O1, O2, O3")
struct OrganizationTests {
    @Test("O1: a never-synced integration") func integration() {
        var desk = Desk()
        let reply = desk.call(.get, "/organization")
        #expect(reply.json["organizationId"] == .string(desk.keys.organizationID))
        #expect(reply.json["name"] == "Example MSP")
        #expect(reply.json["vendorId"] == .string(desk.model.vendor.id))
        #expect(reply.json["vendorName"] == "SaaS Alerts")
        #expect(reply.json["status"] == "inactive")
        #expect(reply.json["lastSyncedAt"] == "1900-06-18T17:11:28.553Z", "U-31")
    }

    @Test("O2: from any status to any other (U-4)", arguments: ["inactive", "pending", "active"], ["inactive", "pending", "active"])
    func status(from: String, to: String) {
        var desk = Desk()
        desk.call(.patch, "/organization/status/\(from)")
        let reply = desk.call(.patch, "/organization/status/\(to)")
        #expect(reply.status == 200)
        #expect(reply.message == "Success - Updated Integration Status")
        #expect(reply.json["data"]?["status"] == .string(to))
        #expect(reply.json["data"] == desk.call(.get, "/organization").json)
    }

    @Test(
        "U-1, U-2: other words and casings are 400",
        arguments: [
            "disabled", "error", "Pending", "PENDING", "Active", "connected", "pending%20", "%70ending%00",
        ])
    func wrongStatus(word: String) {
        var desk = Desk()
        let reply = desk.call(.patch, "/organization/status/\(word)")
        #expect(reply.status == 400)
        #expect(reply.message == "status must be one of: inactive, pending, active")
        #expect(desk.call(.get, "/organization").json["status"] == "inactive")
    }

    @Test("U-1: disabled and error behind the switch", arguments: ["disabled", "error"]) func olderStatus(word: String) {
        var desk = Desk { $0.extendedStatuses = true }
        #expect(desk.call(.patch, "/organization/status/\(word)").json["data"]?["status"] == .string(word))
        #expect(desk.call(.patch, "/organization/status/Disabled").status == 400, "U-2")
    }

    @Test("O3: paged by previousId, in order, empty after the last (U-16)") func clients() throws {
        var desk = Desk(clients: (1...7).map { "Client \($0)" })
        desk.model.settings.clientsPageSize = 3
        var names: [String] = []
        var previous = ""
        while true {
            let reply = desk.call(.get, "/organization/clients" + (previous.isEmpty ? "" : "?previousId=\(previous)"))
            #expect(reply.json["meta"]?["total"] == 7)
            #expect(reply.json["meta"]?["simulated"] == true)
            let page = try #require(reply.json["clients"]?.elements)
            #expect(reply.json["meta"]?["count"]?.integer == page.count)
            guard let last = page.last else { break }
            #expect(page.count <= 3)
            #expect(last["id"] == last["_id"])
            names += page.compactMap { $0["name"]?.string }
            previous = try #require(last["id"]?.string)
        }
        #expect(names == (1...7).map { "Client \($0)" })
        let ids = desk.model.organizations[0].clients.map(\.id)
        #expect(ids == ids.sorted())
    }

    @Test("O3: search, without case") func search() {
        var desk = Desk(clients: ["Acme North", "Globex", "acme south"])
        let reply = desk.call(.get, "/organization/clients?search=ACME")
        #expect(reply.json["clients"]?.elements?.compactMap { $0["name"] } == ["Acme North", "acme south"])
        #expect(desk.call(.get, "/organization/clients?search=%zz").status == 400)
        #expect(desk.call(.get, "/organization/clients?previousId=unknown").json["clients"] == [])
    }
}
