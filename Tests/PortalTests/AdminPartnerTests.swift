import Foundation
import HTTPTypes
import Integration
import Secrets
import Store
import Testing

@testable import Portal

@Suite("Admin API: partners and connections")
struct AdminPartnerTests {
    @Test("A partner is made once, found by its address, and told with its health")
    func creation() async throws {
        try await withAdminOffice { office in
            let body = #"{"vendorReference":"msp-1","name":"Northwind IT","timeZone":"Europe/Berlin"}"#
            let made = try await office.call(.post, "/partners", as: .operator, json: body)
            #expect(made.status == 201)
            let id = try #require(try made.json.id.string)
            #expect(made.headerFields[.location] == "/api/v1/partners/\(id)")
            #expect(try made.json.standing.string == "notConnected")
            #expect(try made.json.createdAt.string == "2027-01-15T08:00:00.000Z")
            #expect(try made.json.lastRun.isNull && made.json.nextRunAt.isNull)
            #expect(try await office.call(.get, "/partners/\(id)", as: .viewer).text == made.text)
            #expect(try await office.call(.get, "/partners").json.items[index: 0].id.string == id)

            let again = try await office.call(.post, "/partners", json: body)
            #expect(again.status == 409)
            #expect(try again.json.field.string == "vendorReference")
            let entry = try await office.store.auditEntries(partner: PartnerID(id), before: nil, limit: 1).first
            #expect(entry?.action == "partner.create")
            #expect(entry?.actor == "operator:\(office.keyIDs[.operator]?.rawValue ?? "")")
        }
    }

    @Test("A partner made without a time zone gets the service's own")
    func defaultTimeZone() async throws {
        try await withAdminOffice { office in
            let made = try await office.call(.post, "/partners", json: #"{"vendorReference":"m","name":"n"}"#)
            #expect(try made.json.timeZone.string == office.environment.settings.defaultTimeZone)
        }
    }

    @Test("A launch link opens the partner once, and only its hash is kept")
    func launchLink() async throws {
        try await withAdminOffice { office in
            let partner = try await office.partner()
            let answer = try await office.call(.post, "/partners/\(partner.id)/launch-link", as: .operator)
            #expect(answer.status == 200)
            #expect(try answer.json.expiresAt.string == "2027-01-15T08:10:00.000Z")
            let url = try #require(try answer.json.url.string)
            let prefix = "http://127.0.0.1:8080/launch?link="
            #expect(url.hasPrefix(prefix))
            let token = String(url.dropFirst(prefix.count))
            #expect(token.count == 43)
            let entry = try await office.store.auditEntries(partner: partner.id, before: nil, limit: 1).first
            #expect(entry?.action == "launchLink.make" && entry?.details.contains(token) == false)
            let hash = TokenHash.sha256(token)
            let link = try #require(try await office.store.launchLink(tokenHash: hash))
            #expect(link.partnerID == partner.id && link.madeBy == office.keyIDs[.operator])
            #expect(try await office.call(.post, "/partners/par_none/launch-link").status == 404)
        }
    }

    @Test("Connecting answers with the job; the key is told by its last four characters")
    func connecting() async throws {
        try await withAdminOffice { office in
            let partner = try await office.partner()
            let path = "/partners/\(partner.id)/connection"
            let before = try await office.call(.get, path, as: .viewer).json
            #expect(before.standing.string == "notConnected" && before.organization.isNull)
            #expect(before.fields[index: 1].value.string == "https://shelf.invalid")
            #expect(before.fields[index: 0].value.isNull)

            let answer = try await office.call(
                .post, path, as: .operator,
                json: #"{"partnerKey":" partner-key-0001\n","fields":{"apiKey":"vendor-secret"}}"#)
            #expect(answer.status == 202)
            #expect(try answer.json.purpose.string == "connect")
            #expect(answer.headerFields[.location] == "/api/v1/sync-runs/\(try answer.json.id.string ?? "")")

            let after = try await office.call(.get, path, as: .viewer)
            #expect(try after.json.standing.string == "connecting")
            #expect(try after.json.organization.name.string == "Northwind IT")
            #expect(try after.json.keyLastFour.string == "0001")
            #expect(try after.json.fields[index: 0].isStored.bool == true)
            #expect(!after.text.contains("partner-key-0001") && !after.text.contains("vendor-secret"))
        }
    }

    @Test("What Synthesize refuses is told with the field, and nothing is stored")
    func refusedKey() async throws {
        try await withAdminOffice { office in
            let partner = try await office.partner()
            let path = "/partners/\(partner.id)/connection"
            let body = #"{"partnerKey":"wrong","fields":{"apiKey":"v"}}"#
            office.synthesize.answer("GET /api/vendor-api/organization", 401, #"{"message":"Unauthorized"}"#)
            let refused = try await office.call(.post, path, json: body)
            #expect(refused.status == 422)
            #expect(try refused.json.code.string == "keyRefused")
            #expect(try refused.json.field.string == "partnerKey")
            office.synthesize.answer("GET /api/vendor-api/organization", 503, "")
            #expect(try await office.call(.post, path, json: body).status == 502)
            #expect(try await office.call(.post, path, json: "{}").status == 400)
            #expect(try await office.call(.get, path).json.state.string == "notConnected")
        }
    }

    @Test("A key of another organization needs a confirmation")
    func otherOrganization() async throws {
        try await withAdminOffice { office in
            let partner = try await office.connectedPartner()
            let path = "/partners/\(partner.id)/connection"
            office.synthesize.answer(
                "GET /api/vendor-api/organization", 200,
                #"{"organizationId":"org-2","name":"Fabrikam","vendorName":"Vendor","status":"active"}"#)
            let asked = try await office.call(.post, path, json: #"{"partnerKey":"other-key-0002"}"#)
            #expect(asked.status == 409)
            #expect(try asked.json.code.string == "otherOrganization")
            let confirmed = try await office.call(
                .post, path, json: #"{"partnerKey":"other-key-0002","confirmsOtherOrganization":true}"#)
            #expect(confirmed.status == 202)
            #expect(try await office.call(.get, path).json.organization.id.string == "org-2")
        }
    }

    @Test("Disable keeps the key, Enable connects again, Forget key deletes it")
    func disabling() async throws {
        try await withAdminOffice { office in
            let partner = try await office.connectedPartner()
            let path = "/partners/\(partner.id)/connection"
            let disabled = try await office.call(.post, path + "/disable", as: .operator)
            #expect(disabled.status == 200)
            #expect(try disabled.json.connection.standing.string == "disabled")
            #expect(try disabled.json.connection.keyLastFour.string == "0001")
            // Nothing answers O2 here, so the person is told that Synthesize does not know.
            #expect(try disabled.json.remark.string?.contains("could not be told") == true)
            #expect(office.synthesize.requests.contains("PATCH /api/vendor-api/organization/status/disabled"))

            #expect(try await office.call(.post, path + "/enable", as: .operator).status == 202)
            #expect(try await office.call(.get, path).json.state.string == "connected")
            #expect(try await office.call(.delete, path + "/key", as: .operator).status == 204)
            let forgotten = try await office.call(.get, path).json
            #expect(forgotten.state.string == "notConnected" && forgotten.keyLastFour.isNull)
            #expect(try await office.call(.post, path + "/disable").status == 409)
        }
    }

    @Test("Unknown partners are 404 everywhere")
    func unknownPartner() async throws {
        try await withAdminOffice { office in
            for path in ["", "/connection", "/sync-runs", "/schedule", "/clients", "/accounts", "/alerts", "/alerts/alr_none"] {
                let answer = try await office.call(.get, "/partners/par_none\(path)")
                #expect(answer.status == 404, "\(path)")
            }
        }
    }
}
