import HTTPTypes
import Integration
import Store
import Testing

@testable import Portal

@Suite("Admin API: catalogue and alerts")
struct AdminCatalogueTests {
    @Test("Clients are asked of Synthesize with the search text, and paged")
    func clients() async throws {
        try await withAdminOffice { office in
            let partner = try await office.connectedPartner()
            let query = "GET /api/vendor-api/organization/clients"
            office.synthesize.answer(
                query + "?search=con%20%26", 200, #"{"clients":[{"id":"2","name":"Contoso"},{"id":"1","name":"Conglomo"}]}"#)
            office.synthesize.answer(query + "?search=con%20%26&previousId=1", 200, #"{"clients":[]}"#)
            let page = try await office.call(
                .get, "/partners/\(partner.id)/clients?search=con+%26&limit=1", as: .viewer
            ).json
            #expect(page.items[index: 0].name.string == "Conglomo")
            let rest = try await office.call(
                .get, "/partners/\(partner.id)/clients?search=con+%26&cursor=\(page.nextCursor.string ?? "")"
            ).json
            #expect(rest.items.array.map(\.id.string) == ["2"] && rest.nextCursor.isNull)
        }
    }

    @Test("An account is corrected in Synthesize, then told as Synthesize lists it")
    func correction() async throws {
        try await withAdminOffice { office in
            let partner = try await office.connectedPartner()
            office.synthesize.answer("PATCH /api/vendor-api/organization/accounts/a%2F1", 200, "{}")
            office.synthesize.answer(
                "GET /api/vendor-api/organization/accounts", 200, #"[{"id":"a/1","name":"Contoso Ltd","isMapped":true}]"#)
            let path = "/partners/\(partner.id)/accounts"
            let corrected = try await office.call(
                .patch, path + "/a%2F1", as: .operator, json: #"{"name":"Contoso Ltd"}"#)
            #expect(corrected.status == 200, "\(corrected.text) \(office.synthesize.requests)")
            #expect(try corrected.json.name.string == "Contoso Ltd")
            let list = try await office.call(.get, path, as: .viewer).json
            #expect(list.items[index: 0].isMapped.bool == true)
            #expect(try await office.call(.patch, path + "/a-1", json: "{}").status == 400)
            let unknown = try await office.call(.patch, path + "/a-1", json: #"{"isMapped":true}"#)
            #expect(try unknown.json.field.string == "isMapped")
        }
    }

    @Test(
        "A wrong category or subcategory is refused with the allowed words",
        arguments: [
            (#"{"category":"Security"}"#, "category", "service delivery"),
            (#"{"subcategory":"EDR"}"#, "subcategory", "endpoint detection and response (EDR)"),
        ])
    func categories(body: String, field: String, allowed: String) async throws {
        try await withAdminOffice { office in
            let answer = try await office.call(.patch, "/services/s-1", json: body)
            #expect(answer.status == 400)
            #expect(try answer.json.field.string == field)
            #expect(try answer.json.detail.string?.contains(allowed) == true)
        }
    }

    @Test("Services are listed, and changed only where a partner's key can carry the call")
    func services() async throws {
        try await withAdminOffice { office in
            let service = Service(
                id: "s-1", name: "Seats", description: "Seats", category: "security", subcategory: "email security",
                isOverridden: false, lastSeenAt: office.clock.now)
            try await office.store.saveServices([service])
            let list = try await office.call(.get, "/services", as: .viewer).json
            #expect(list.items[index: 0].category.string == "security")
            #expect(try await office.call(.patch, "/services/s-1", json: #"{"name":"Places"}"#).status == 409)
            #expect(try await office.call(.patch, "/services/s-1", json: "{}").status == 400)
        }
    }

    @Test("An alert is taken once: 202, then 200 with the stored one")
    func alerts() async throws {
        try await withAdminOffice { office in
            let partner = try await office.connectedPartner()
            let path = "/partners/\(partner.id)/alerts"
            let body = #"{"alertId":"v-1","accountId":"a-1","title":"Disk","description":"Full"}"#
            let first = try await office.call(.post, path, as: .operator, json: body)
            #expect(first.status == 202)
            #expect(try first.json.priority.int == 2 && first.json.status.int == 1)
            let id = try #require(try first.json.id.string)
            #expect(first.headerFields[.location] == "/api/v1/partners/\(partner.id)/alerts/\(id)")
            office.clock.turn(.seconds(5))
            let again = try await office.call(
                .post, path, json: #"{"alertId":"v-1","accountId":"a-1","title":"Other","description":"Words"}"#)
            #expect(again.status == 200)
            #expect(again.text == first.text)
            #expect(try await office.call(.get, path + "/\(id)", as: .viewer).text == first.text)
            let list = try await office.call(.get, path, as: .viewer).json
            #expect(list.items.array.count == 1 && list.nextCursor.isNull)
            let other = try await office.partner("msp-2")
            #expect(try await office.call(.get, "/partners/\(other.id)/alerts/\(id)").status == 404)
        }
    }

    @Test(
        "An alert that cannot be is refused by field",
        arguments: [
            (#"{"accountId":"","title":"t","description":"d"}"#, "accountId"),
            (#"{"accountId":"a","title":" ","description":"d"}"#, "title"),
            (#"{"accountId":"a","title":"t"}"#, "description"),
            (#"{"accountId":"a","title":"t","description":"d","priority":5}"#, "priority"),
            (#"{"accountId":"a","title":"t","description":"d","priority":"1"}"#, "priority"),
            (#"{"accountId":"a","title":"t","description":"d","priority":1.5}"#, "priority"),
            (#"{"accountId":"a","title":"t","description":"d","status":0}"#, "status"),
            (#"{"accountId":"a","title":"t","description":"d","alertId":""}"#, "alertId"),
            (#"{"accountId":"a","title":"t","description":"d","text":"x"}"#, "text"),
        ])
    func badAlerts(body: String, field: String) async throws {
        try await withAdminOffice { office in
            let partner = try await office.connectedPartner()
            let answer = try await office.call(.post, "/partners/\(partner.id)/alerts", json: body)
            #expect(answer.status == 400)
            #expect(try answer.json.field.string == field)
        }
    }

    @Test("A test alert needs an account, and is marked as one")
    func testAlert() async throws {
        try await withAdminOffice { office in
            let partner = try await office.connectedPartner()
            let path = "/partners/\(partner.id)/test-alert"
            #expect(try await office.call(.post, path).status == 409)
            try await office.store.replaceAccounts(
                partner.id,
                [Account(partnerID: partner.id, id: "a-1", name: "Contoso", isMapped: nil, lastSeenAt: office.clock.now)])
            let sent = try await office.call(.post, path, as: .operator)
            #expect(sent.status == 202)
            #expect(try sent.json.isTest.bool == true)
        }
    }

    @Test("The audit trail is told newest first, and for one partner")
    func audit() async throws {
        try await withAdminOffice { office in
            let first = try await office.partner("msp-1")
            let second = try await office.partner("msp-2")
            let all = try await office.call(.get, "/audit", as: .viewer).json.items.array
            #expect(all.first?.partnerId.string == second.id.rawValue)
            #expect(all.compactMap(\.sequence.int) == all.compactMap(\.sequence.int).sorted(by: >))
            let own = try await office.call(.get, "/audit?partner=\(first.id)").json.items.array
            #expect(own.map(\.partnerId.string) == [first.id.rawValue])
            #expect(own.first?.actor.string == "commandLine" && own.first?.address.isNull == true)
        }
    }
}
