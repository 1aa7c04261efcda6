import Testing

@testable import Sandbox

@Suite("Section 5: L1, L2")
struct AlertTests {
    @Test("L1: queued; L2: pending, then a ticket; the integration turns active") func ticket() throws {
        var desk = Desk()
        _ = try desk.mapOne()
        let reply = desk.alert("a-1", title: "Impossible travel")
        #expect(reply.json["alertId"] == "a-1")
        #expect(try desk.organization.status == .active)
        let message = try #require(reply.json["messageId"]?.string)
        desk.wait(seconds: 1.999)
        let pending = desk.call(.get, "/alerting/debug/\(message)").json
        #expect(pending["status"] == "pending")
        #expect(pending["ticketId"] == nil)
        #expect(try desk.organization.alerts.tickets(at: desk.now).isEmpty)
        desk.wait(seconds: 0.001)
        let done = desk.call(.get, "/alerting/debug/\(message)").json
        #expect(done["status"] == "success")
        #expect(done["ticketId"] == "10401")
        #expect(done["messageId"] == .string(message))
        #expect(done["createdAt"] == "2025-06-15T15:06:40.250Z")
        let ticket = try #require(try desk.organization.alerts.tickets(at: desk.now).first)
        #expect(ticket.number == 10401)
        #expect(ticket.alert.title == "Impossible travel")
        #expect(ticket.alert.priority == 2)
    }

    static let valid: [(String, JSONValue?)] = [
        ("title", "T"), ("description", ""), ("alertId", "a"), ("priority", 4), ("status", 6), ("dueDateTime", "2025-07-01T09:30:00Z"),
        ("serviceId", "s"),
    ]

    static func body(_ field: String, _ value: JSONValue?) -> String {
        let members = valid.compactMap { name, valid -> JSONValue.Member? in
            (name == field ? value : valid).map { .init(name: name, value: $0) }
        }
        return String(decoding: JSONValue.object(members).bytes, as: UTF8.self)
    }

    @Test(
        "L1: 400 names the field",
        arguments: [
            ("title", JSONValue?.none), ("title", .null), ("title", 5), ("description", nil), ("description", .null), ("alertId", nil),
            ("alertId", .null), ("alertId", true), ("priority", 0), ("priority", 5), ("priority", "2"), ("priority", .number("1.5")),
            ("status", 0),
            ("status", 7), ("status", "new"), ("dueDateTime", "tomorrow"), ("dueDateTime", 5), ("serviceId", .array([])),
        ])
    func invalid(field: String, value: JSONValue?) throws {
        var desk = Desk()
        _ = try desk.mapOne()
        let reply = desk.call(.post, "/alerting/1", Self.body(field, value))
        #expect(reply.status == 400)
        #expect(reply.message?.hasPrefix(field) == true)
        #expect(try desk.organization.alerts.alerts.isEmpty)
        #expect(try desk.organization.status == .inactive)
    }

    @Test(
        "L1: accepted forms",
        arguments: [
            ("title", ""), ("dueDateTime", JSONValue?.none), ("dueDateTime", .null), ("dueDateTime", "2025-07-01"),
            ("dueDateTime", "2025-07-01T09:30:00.123Z"), ("dueDateTime", "2025-07-01T09:30:00+02:00"),
            ("dueDateTime", "2025-07-01T09:30:00"),
            ("priority", nil), ("priority", 1), ("status", nil), ("status", .null), ("serviceId", nil), ("alertId", 5),
            ("priority", .number("2.0")),
        ])
    func accepted(field: String, value: JSONValue?) throws {
        var desk = Desk()
        _ = try desk.mapOne()
        #expect(desk.call(.post, "/alerting/1", Self.body(field, value)).status == 201)
    }

    @Test("U-20: priority and status default to 1; strict: 400") func defaults() throws {
        let body = #"{"title":"t","description":"d","alertId":"a"}"#
        var desk = Desk()
        _ = try desk.mapOne()
        #expect(desk.call(.post, "/alerting/1", body).status == 201)
        #expect(try desk.organization.alerts.alerts.map { [$0.priority, $0.status] } == [[1, 1]])
        desk.model.settings.strictAlertFields = true
        let reply = desk.call(.post, "/alerting/1", body)
        #expect(reply.status == 400)
        #expect(reply.message == "priority must be an integer from 1 to 4; status must be an integer from 1 to 6")
    }

    @Test("section 14: JSON broken by a quote in the title is 400") func brokenJSON() throws {
        var desk = Desk()
        _ = try desk.mapOne()
        let reply = desk.alert(title: #"User "admin" signed in"#)
        #expect(reply.status == 400)
        #expect(reply.message?.hasPrefix("Malformed JSON") == true)
    }

    @Test("U-21: each alert opens a ticket, a repeated one is marked") func repeated() throws {
        var desk = Desk()
        _ = try desk.mapOne()
        desk.alert("same", title: "first")
        desk.alert("other")
        desk.alert("same", title: "second")
        desk.wait(seconds: 5)
        let tickets = try desk.organization.alerts.tickets(at: desk.now)
        #expect(tickets.map(\.number) == [10401, 10402, 10403])
        #expect(tickets.map(\.alert.repeatOf) == [nil, nil, 10401])
    }

    @Test("U-21: behind the switch a repeated alert rewrites its ticket") func updatedInPlace() throws {
        var desk = Desk { $0.updateRepeatedAlerts = true }
        _ = try desk.mapOne()
        desk.alert("same", title: "first")
        desk.wait(seconds: 5)
        let second = desk.alert("same", title: "second")
        #expect(try desk.organization.alerts.tickets(at: desk.now).map(\.alert.title) == ["first"])
        desk.wait(seconds: 5)
        let tickets = try desk.organization.alerts.tickets(at: desk.now)
        #expect(tickets.map(\.alert.title) == ["second"])
        #expect(tickets.map(\.updates) == [1])
        let message = try #require(second.json["messageId"]?.string)
        #expect(desk.call(.get, "/alerting/debug/\(message)").json["ticketId"] == "10401")
    }

    @Test("U-22: 404 at once for an account that is unmapped, excluded or unknown", arguments: ["1", "2", "9"]) func unmapped(id: String)
        throws
    {
        var desk = Desk()
        _ = try desk.mapOne()
        desk.createAccount("2", "Globex")
        try desk.model.map(organization: desk.keys.organizationID, accounts: [("1", .excluded)])
        let reply = desk.alert(account: id)
        #expect(reply.json == ["statusCode": 404, "message": .string("No account map found with id: \(id)")])
        #expect(try desk.organization.status == .inactive)
    }

    @Test("U-22: behind the switch accepted, then failed with 404") func queuedUnmapped() throws {
        var desk = Desk { $0.queueUnmappedAlerts = true }
        let reply = desk.alert(account: "9")
        #expect(reply.status == 201)
        let message = try #require(reply.json["messageId"]?.string)
        #expect(desk.call(.get, "/alerting/debug/\(message)").json["status"] == "pending")
        desk.wait(seconds: 2)
        let failed = desk.call(.get, "/alerting/debug/\(message)").json
        #expect(failed["status"] == "failed")
        #expect(failed["statusCode"] == 404)
        #expect(failed["errors"] == ["No account map found with id: 9"])
        #expect(failed["ticketId"] == nil)
    }

    @Test("L2: failed when the PSA refuses") func refusedByPSA() throws {
        var desk = Desk { $0.failTickets = true }
        _ = try desk.mapOne()
        let message = try #require(desk.alert().json["messageId"]?.string)
        desk.wait(seconds: 2)
        let failed = desk.call(.get, "/alerting/debug/\(message)").json
        #expect(failed["status"] == "failed")
        #expect(failed["statusCode"] == 422)
        #expect(try desk.organization.alerts.tickets(at: desk.now).isEmpty)
    }

    @Test("U-23: 404 for an unknown message and for another partner's") func unknownMessage() throws {
        var desk = Desk()
        _ = try desk.mapOne()
        let message = try #require(desk.alert().json["messageId"]?.string)
        #expect(desk.call(.get, "/alerting/debug/nope").status == 404)
        desk.keys = desk.model.createOrganization(.init(name: "Other"), at: desk.now)
        #expect(desk.call(.get, "/alerting/debug/\(message)").status == 404)
    }

    @Test("U-23: the delay is a setting, zero included") func ticketDelay() throws {
        var desk = Desk { $0.ticketDelayMilliseconds = 0 }
        _ = try desk.mapOne()
        let message = try #require(desk.alert().json["messageId"]?.string)
        #expect(desk.call(.get, "/alerting/debug/\(message)").json["status"] == "success")
    }
}
