import Foundation
import Testing

extension Stage {
    /// The alert when it has come to its end. The outbox polls, a second after it was taken at first, and tells nobody.
    func delivered(_ alert: AlertAnswer, _ partner: StagePartner) async throws -> AlertAnswer {
        try await eventually("the end of alert \(alert.id)") {
            let now = try await office.get(AlertAnswer.self, "/partners/\(partner.id)/alerts/\(alert.id)")
            return ["queued", "sending", "accepted"].contains(now.state) ? nil : now
        }
    }
}

/// The test alert on its way to a ticket.
@Suite struct AlertScenarios {
    @Test func `A test alert becomes a ticket whose number the page shows`() async throws {
        try await withStage { stage in
            let partner = try await stage.mappedPartner()
            let visitor = try await stage.visit(partner)
            #expect(try await visitor.submit("/test-alert").has("The test alert is on its way."))
            let alert = try await stage.delivered(try await stage.office.alerts(partner)[0], partner)
            #expect(alert.state == "delivered")
            let tickets = try await stage.sandbox.organization(partner).tickets
            #expect(tickets.count == 1)
            #expect(tickets[0].id == alert.ticketId)
            #expect(tickets[0].title == "Test alert from SaaS Alerts")
            #expect(try await visitor.open("/").has("Ticket created in your PSA: \(tickets[0].id)."))
        }
    }

    @Test func `A test alert that the PSA refuses shows the errors`() async throws {
        try await withStage { stage in
            let partner = try await stage.mappedPartner()
            let visitor = try await stage.visit(partner)
            try await stage.sandbox.settings(#"{"failTickets":true}"#)
            try await visitor.submit("/test-alert")
            let alert = try await stage.delivered(try await stage.office.alerts(partner)[0], partner)
            #expect(alert.state == "failed")
            #expect(!alert.errors.isEmpty)
            let page = try await visitor.open("/")
            #expect(page.has("No ticket was created."))
            for error in alert.errors { #expect(page.has(error)) }
        }
    }

    @Test func `A test alert for an account that is not mapped says what to do`() async throws {
        try await withStage { stage in
            let partner = try await stage.connectedPartner()
            let visitor = try await stage.visit(partner)
            try await visitor.submit("/test-alert")
            let alert = try await stage.delivered(try await stage.office.alerts(partner)[0], partner)
            #expect(alert.state == "notMapped")
            #expect(try await visitor.open("/").has("Map the account there, then send another."))
        }
    }

    @Test func `An alert whose answer was lost is not sent again by itself`() async throws {
        try await withStage { stage in
            let partner = try await stage.mappedPartner()
            let visitor = try await stage.visit(partner)
            let dispatch = Call(key: "L1", method: .post, pathEnd: "/alerting/c1")
            try await stage.sandbox.set(Weather(acceptAndDrop: true), for: dispatch, times: 1)
            try await visitor.submit("/test-alert")
            let alert = try await stage.delivered(try await stage.office.alerts(partner)[0], partner)
            #expect(alert.state == "unknown")
            #expect(try await stage.sandbox.state().requests.count(dispatch) == 1)
            #expect(try await visitor.open("/").has("It is not sent again by itself."))
        }
    }

    @Test func `The same alert handed in twice is one alert and one ticket`() async throws {
        try await withStage { stage in
            let partner = try await stage.mappedPartner()
            let body = ["alertId": "sa-42", "accountId": "c2", "title": "Impossible travel", "description": "Two countries"]
            let first = try await stage.office.post(AlertAnswer.self, "/partners/\(partner.id)/alerts", body)
            let second = try await stage.office.post(AlertAnswer.self, "/partners/\(partner.id)/alerts", body)
            #expect(first.id == second.id)
            #expect(try await stage.delivered(first, partner).state == "delivered")
            #expect(try await stage.sandbox.organization(partner).tickets.count == 1)
        }
    }

    @Test func `An alert with a key that was regenerated asks for a new one`() async throws {
        try await withStage { stage in
            let partner = try await stage.mappedPartner()
            _ = try await stage.sandbox.regenerateKey(partner)
            let visitor = try await stage.visit(partner)
            try await visitor.submit("/test-alert")
            let alert = try await stage.delivered(try await stage.office.alerts(partner)[0], partner)
            #expect(alert.state == "failed")
            #expect(try await stage.office.connection(partner).standing == "needsNewKey")
        }
    }
}
