import Foundation
import Testing

@testable import Sandbox

@Suite("Sections 7.2 and 8: the integration's life, mapping")
struct LifeCycleTests {
    @Test("7.2 create: inactive, no accounts, no mappings, no services") func create() throws {
        let desk = Desk()
        let organization = try desk.organization
        #expect(organization.status == .inactive)
        #expect(organization.accounts.items.isEmpty && organization.services.items.isEmpty)
        #expect(organization.partnerKey?.value == desk.keys.partnerKey)
        #expect(organization.partnerKey?.issuedAt == desk.now)
    }

    @Test(
        "7.2 first accepted count or alert: active, from any status", arguments: ["inactive", "pending", "active", "disabled", "error"],
        [true, false])
    func firstUsage(status: String, byAlert: Bool) throws {
        var desk = Desk { $0.extendedStatuses = true }
        let service = try desk.mapOne()
        desk.call(.patch, "/organization/status/\(status)")
        let reply = byAlert ? desk.alert() : desk.count(service: service)
        #expect(reply.status == 201)
        #expect(desk.call(.get, "/organization").json["status"] == "active")
        #expect((desk.call(.get, "/organization").json["lastSyncedAt"] == "1900-06-18T17:11:28.553Z") == byAlert, "U-31: counts only")
    }

    @Test("U-30: externalIntegrationStatus follows to active") func externalStatus() throws {
        var desk = Desk()
        let service = try desk.mapOne()
        #expect(desk.call(.get).json["data"]?["externalIntegrationStatus"] == "notIntegrated")
        desk.call(.patch, "/organization/status/pending")
        #expect(desk.call(.get).json["data"]?["externalIntegrationStatus"] == "notIntegrated")
        desk.count(service: service)
        #expect(desk.call(.get).json["data"]?["externalIntegrationStatus"] == "active")
    }

    @Test("U-3: refused counts and alerts do not turn it active") func refusedUsage() {
        var desk = Desk()
        let service = desk.createService()
        desk.createAccount()
        desk.call(.patch, "/organization/status/pending")
        desk.count(service: service)
        desk.alert()
        #expect(desk.call(.get, "/organization").json["status"] == "pending")
    }

    @Test("7.2, U-29 regenerate: old token 401; status, accounts, mappings, services kept") func regenerate() throws {
        var desk = Desk()
        let service = try desk.mapOne()
        desk.call(.patch, "/organization/status/pending")
        desk.wait(seconds: 60)
        let old = desk.keys
        desk.keys = try desk.model.generatePartnerKey(organization: old.organizationID, at: desk.now)
        #expect(desk.keys.partnerKey != old.partnerKey)
        #expect(desk.keys.vendorKey == old.vendorKey)
        #expect(try desk.organization.revokedKeys.map(\.revokedAt) == [desk.now])
        #expect(desk.call(.get, "/organization").json["status"] == "pending")
        #expect(desk.call(.get, "/organization/accounts").json.elements?.first?["isMapped"] == true)
        #expect(desk.count(service: service).status == 201)
        desk.keys = old
        #expect(desk.call(.get, "/organization").status == 401)
    }

    @Test("7.2, U-28 disconnect: inactive, key revoked, accounts, organisation services, mappings and counts gone, vendor services stay")
    func disconnect() throws {
        var desk = Desk()
        desk.call(.post, "/organization/services", #"[{"id":"d","name":"Dynamic"}]"#)
        let service = try desk.mapOne()
        desk.count(service: service)
        desk.alert()
        let id = desk.keys.organizationID
        try desk.model.finishMapping(organization: id)
        try desk.model.disconnect(organization: id, at: desk.now)
        #expect(desk.call(.get, "/organization").status == 401)
        #expect(desk.call(.get).status == 401)
        #expect(try desk.organization.partnerKey == nil)
        #expect(try desk.organization.status == .inactive)
        #expect(try desk.organization.counts.isEmpty)
        #expect(try desk.organization.mappingFinished == false)
        desk.wait(seconds: 5)
        #expect(try desk.organization.alerts.tickets(at: desk.now).count == 1, "a ticket in the PSA stays")

        desk.keys = try desk.model.generatePartnerKey(organization: id, at: desk.now)
        #expect(desk.call(.get, "/organization").json["status"] == "inactive")
        #expect(desk.call(.get, "/organization").json["lastSyncedAt"] == .string(Organization.neverSynced))
        #expect(desk.call(.get, "/organization/accounts").json == [])
        #expect(desk.call(.get, "/organization/services").json == [])
        #expect(desk.call(.get).json["data"]?["skus"]?.elements?.map { $0["id"] } == [.string(service)])
        desk.createAccount()
        #expect(desk.count(service: service).status == 404)
        #expect(desk.call(.get, "/organization/accounts").json.elements?.first?["isMapped"] == false)
    }

    @Test("disconnecting twice, and without a key, does no harm") func disconnectTwice() throws {
        var desk = Desk()
        for _ in 1...2 { try desk.model.disconnect(organization: desk.keys.organizationID, at: desk.now) }
        #expect(try desk.organization.revokedKeys.count == 1)
    }

    @Test("partners do not see each other; vendor services are shared") func separatePartners() throws {
        var desk = Desk()
        let service = try desk.mapOne()
        let other = desk.model.createOrganization(.init(name: "Other"), at: desk.now)
        desk.keys = other
        #expect(desk.call(.get, "/organization/accounts").json == [])
        #expect(desk.count(service: service).message == "No account map found with id: 1")
        #expect(desk.call(.get).json["data"]?["skus"]?.elements?.count == 1)
        desk.createAccount()
        #expect(desk.count(service: service).status == 404, "mapping is each partner's own")
    }

    @Test(
        "8: auto-mapping is exact, case-sensitive, character for character",
        arguments: [
            ("Acme", true), ("acme", false), ("Acme ", false), ("Acme Inc", false), ("Cafe\u{301}", false), ("Caf\u{E9}", true),
        ])
    func exactNames(name: String, expected: Bool) throws {
        var desk = Desk(clients: ["Acme", "Caf\u{E9}"])
        desk.createAccount("1", name)
        desk.createService(name)
        try desk.model.mapExactNames(organization: desk.keys.organizationID)
        #expect(try desk.organization.mappings.mappedAccountCount == (expected ? 1 : 0))
        #expect(try desk.organization.mappings.mappedServiceCount == 0, "no product is called \(name)")
    }

    @Test("8: auto-mapping maps services too; a client stands for one account") func autoMapping() throws {
        var desk = Desk()
        let service = desk.createService("Seats")
        desk.createAccount("1", "Acme")
        desk.createAccount("2", "Acme")
        try desk.model.mapExactNames(organization: desk.keys.organizationID)
        #expect(desk.count(account: "1", service: service).status == 201)
        #expect(desk.count(account: "2", service: service).status == 404)
    }

    @Test("8: many services to one product, one service to many products") func manyToMany() throws {
        var desk = Desk()
        let id = desk.keys.organizationID
        let first = try desk.mapOne()
        let second = desk.createService("Extra")
        try desk.model.mapEverything(organization: id, at: desk.now)
        let products = try desk.organization.products.map(\.id)
        #expect(products.count == 2)
        try desk.model.map(organization: id, services: [(first, .products(products)), (second, .products([products[0]]))])
        #expect(desk.count(service: first).status == 201)
        #expect(desk.count(service: second).status == 201)
    }

    @Test("8: one account for a client; two may trade in one go; a mistake changes nothing") func oneToOne() throws {
        var desk = Desk()
        let id = desk.keys.organizationID
        desk.createAccount("1", "A")
        desk.createAccount("2", "B")
        let clients = try desk.organization.clients.map(\.id)
        try desk.model.map(organization: id, accounts: [("1", .client(clients[0])), ("2", .client(clients[1]))])
        try desk.model.map(organization: id, accounts: [("1", .client(clients[1])), ("2", .client(clients[0]))])
        #expect(try desk.organization.mappedClient(ofAccountID: "1") == clients[1])
        #expect(throws: SandboxError.self) { try desk.model.map(organization: id, accounts: [("1", .client(clients[0]))]) }
        #expect(throws: SandboxError.self) { try desk.model.map(organization: id, accounts: [("1", .unmapped), ("9", .unmapped)]) }
        #expect(throws: SandboxError.self) { try desk.model.map(organization: id, accounts: [("1", .client("nobody"))]) }
        #expect(throws: SandboxError.self) {
            try desk.model.map(organization: id, accounts: [("1", .excluded)], services: [("none", .unmapped)])
        }
        #expect(try desk.organization.mappedClient(ofAccountID: "1") == clients[1])
    }

    @Test("8: accounts created after setup arrive unmapped") func later() throws {
        var desk = Desk()
        let service = try desk.mapOne()
        desk.createAccount("2", "Globex")
        #expect(desk.count(account: "2", service: service).status == 404)
    }

    @Test("8: finishing needs one account and one service") func finish() throws {
        var desk = Desk()
        let id = desk.keys.organizationID
        desk.createAccount()
        #expect(throws: SandboxError.self) { try desk.model.finishMapping(organization: id) }
        try desk.model.mapEverything(organization: id, at: desk.now)
        #expect(throws: SandboxError.self) { try desk.model.finishMapping(organization: id) }
        desk.createService()
        try desk.model.mapEverything(organization: id, at: desk.now)
        try desk.model.finishMapping(organization: id)
        #expect(try desk.organization.mappingFinished)
        #expect(try desk.organization.status == .inactive, "nothing changes for the vendor")
    }
}
