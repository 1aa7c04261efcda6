import Foundation
import Testing

@testable import Sandbox

@Suite("Section 5: S4, section 8, section 11")
struct UnitCountTests {
    @Test("S4: sets, does not add; counts the times; moves lastSyncedAt and the status") func sets() throws {
        var desk = Desk()
        let service = try desk.mapOne()
        #expect(desk.count("5", service: service).json == ["status": 201, "message": "Success - Created Service Unit Count"])
        desk.wait(seconds: 60)
        desk.count("2.5", service: service)
        let organization = try desk.organization
        let count = try #require(organization.counts.values.first)
        #expect(count == UnitCount(value: 2.5, at: desk.now, times: 2))
        let id = desk.keys.organizationID
        #expect(try desk.model.unitCount(organization: id, accountID: "1", serviceID: service) == count)
        #expect(try desk.model.unitCount(organization: id, accountID: "2", serviceID: service) == nil)
        #expect(try desk.model.unitCount(organization: id, accountID: "1", serviceID: "none") == nil)
        #expect(organization.lastSyncedAt == desk.now)
        #expect(organization.status == .active)
    }

    @Test("8: known 404 text for an account that is unmapped, excluded or was never created", arguments: ["1", "2", "never", ""])
    func unmappedAccount(id: String) throws {
        var desk = Desk()
        let service = try desk.mapOne()
        desk.createAccount("2", "Globex")
        try desk.model.map(organization: desk.keys.organizationID, accounts: [("1", .excluded)])
        let reply = desk.count(account: id, service: service)
        #expect(reply.status == 404)
        #expect(reply.json == ["statusCode": 404, "message": .string("No account map found with id: \(id)")])
        #expect(try desk.organization.counts.isEmpty)
        #expect(try desk.organization.status == .inactive)
    }

    @Test(
        "8: 404 for a mapped account and an unknown, unmapped or excluded service", arguments: ["unknown", "unmapped", "excluded", "empty"])
    func unmappedService(kind: String) throws {
        var desk = Desk()
        let mapped = try desk.mapOne()
        let unmapped = desk.createService("Unmapped")
        try desk.model.map(organization: desk.keys.organizationID, services: [(mapped, .excluded)])
        let id = ["unknown": "64aa00000000000000000000", "unmapped": unmapped, "excluded": mapped, "empty": ""][kind]!
        let reply = desk.count(service: id)
        #expect(reply.status == 404)
        #expect(reply.message == "No service map found with id: \(id) (simulated text)")
    }

    @Test("8: the account is checked before the service, the body before both") func order() throws {
        var desk = Desk()
        let service = desk.createService()
        #expect(desk.count(account: "9", service: "nope").message == "No account map found with id: 9")
        #expect(desk.count("-1", account: "9", service: service).status == 400)
    }

    @Test("U-18: accepted values", arguments: ["0", "1", "0.25", "1e3", "-0", "2.50", "1000000000000"])
    func acceptedValue(text: String) throws {
        var desk = Desk()
        let service = try desk.mapOne()
        #expect(desk.count(text, service: service).status == 201)
        #expect(try desk.organization.counts.values.first?.value == Double(text))
    }

    @Test("U-18: refused values", arguments: ["-1", "-0.5", "\"3\"", "null", "true", "[]", "{}", "1e999"])
    func refusedValue(text: String) throws {
        var desk = Desk()
        let service = try desk.mapOne()
        let reply = desk.count(text, service: service)
        #expect(reply.status == 400)
        #expect(reply.message == "unitCount must be a finite number of at least 0")
    }

    @Test(
        "S4: malformed or incomplete bodies are 400",
        arguments: [
            "", "{", "null", "[]", "{}", #"{"accountId":"1"}"#, #"{"unitCount":1}"#, #"{"accountId":null,"unitCount":1}"#,
            #"{"accountId":"1","unitCount":NaN}"#, #"{"accountId":true,"unitCount":1}"#, #"{"accountId":"1","unitCount":1"#,
        ])
    func badBody(body: String) throws {
        var desk = Desk()
        let service = try desk.mapOne()
        let reply = desk.call(.post, "/service/\(service)/count", body)
        #expect(reply.status == 400)
        #expect(reply.json["statusCode"] == 400)
        #expect(reply.message?.isEmpty == false)
    }

    @Test(
        "S4: with no_build the billing page keeps its numbers until a call without it",
        arguments: [
            ("?no_build=true", false), ("?no_build=True", false), ("?no_build=1", false), ("?no_build=TRUE", false),
            ("?no_build=false", true), ("?no_build=0", true), ("", true), ("?other=1", true),
        ])
    func noBuild(query: String, rebuilds: Bool) throws {
        var desk = Desk()
        let service = try desk.mapOne()
        desk.count(service: service, query: query)
        #expect(try desk.shownQuantity() == nil, "the burst is not over")
        desk.wait(seconds: 1)
        #expect(try desk.shownQuantity() == (rebuilds ? 3 : nil))
        try desk.model.refreshBilling(organization: desk.keys.organizationID)
        #expect(try desk.shownQuantity() == 3)
    }

    @Test("S4: the billing view is rebuilt after the last call of a burst") func debounced() throws {
        var desk = Desk()
        let service = try desk.mapOne()
        for value in 1...5 {
            desk.count(String(value), service: service)
            desk.wait(seconds: 0.9)
            #expect(try desk.shownQuantity() == nil)
        }
        desk.wait(seconds: 0.1)
        #expect(try desk.shownQuantity() == 5)
    }

    @Test("13: a card for each mapped service, PSA against vendor quantity, a dash without a count") func cards() throws {
        var desk = Desk()
        let service = try desk.mapOne()
        desk.createService("Unmapped")
        desk.createAccount("2", "Globex")
        try desk.model.mapExactNames(organization: desk.keys.organizationID)
        func lines() throws -> [ServiceCard.Line] {
            try desk.model.refreshBilling(organization: desk.keys.organizationID)
            let cards = try desk.organization.serviceCards(vendor: desk.model.vendor)
            #expect(cards.map(\.serviceName) == ["Seats"])
            #expect(cards.map(\.productNames) == [["Seats"]])
            return cards.flatMap(\.lines)
        }
        #expect(try lines().map(\.clientName) == ["Acme", "Globex"])
        #expect(try lines().map(\.psaQuantity) == [4, 0])
        #expect(try lines().map(\.kind) == [.notReceived, .notReceived])
        desk.count("6", account: "1", service: service)
        desk.count("2", account: "2", service: service)
        #expect(try lines().map(\.vendorQuantity) == [6, 2])
        #expect(try lines().map(\.kind) == [.reconcile, .newRevenue])
        desk.count("4", account: "1", service: service)
        #expect(try lines().map(\.kind) == [.noChange, .newRevenue])
    }
}

extension Desk {
    /// The vendor quantity on the only line of the only card.
    mutating func shownQuantity() throws -> Double? {
        let position = try model.position(ofOrganization: keys.organizationID)
        model.organizations[position].refreshBillingIfDue(at: now)
        return model.organizations[position].serviceCards(vendor: model.vendor).first?.lines.first?.vendorQuantity
    }
}
