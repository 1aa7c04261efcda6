import Foundation
import HTTPTypes
import Integration
import Store
import Testing

@testable import Portal

@Suite("Admin API: sync runs and schedules")
struct AdminSyncTests {
    @Test("Starting twice gives one run: 201, then 200 with the same")
    func starting() async throws {
        try await withAdminOffice { office in
            let partner = try await office.connectedPartner()
            let path = "/partners/\(partner.id)/sync-runs"
            let first = try await office.call(.post, path, as: .operator)
            #expect(first.status == 201)
            let id = try #require(try first.json.id.string)
            #expect(first.headerFields[.location] == "/api/v1/sync-runs/\(id)")
            #expect(try first.json.startedBy.string == "The operator")
            let second = try await office.call(.post, path, as: .operator)
            #expect(second.status == 200)
            #expect(second.headerFields[.location] == "/api/v1/sync-runs/\(id)")
            #expect(try await office.call(.get, path, as: .viewer).json.items.array.count == 1)
            #expect(try await office.call(.get, "/sync-runs/\(id)", as: .viewer).text == second.text)
        }
    }

    @Test("A partner that is not connected is told what to do first")
    func notConnected() async throws {
        try await withAdminOffice { office in
            let partner = try await office.partner()
            let answer = try await office.call(.post, "/partners/\(partner.id)/sync-runs")
            #expect(answer.status == 409)
            #expect(try answer.json.detail.string?.contains("Connect first") == true)
        }
    }

    @Test("Twenty starts at once make one run")
    func manyStarts() async throws {
        try await withAdminOffice { office in
            let partner = try await office.connectedPartner()
            let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<20 {
                    group.addTask { try await office.call(.post, "/partners/\(partner.id)/sync-runs").status }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(statuses.sorted() == Array(repeating: 200, count: 19) + [201])
        }
    }

    @Test("An active run is cancelled; one that has ended is not")
    func cancelling() async throws {
        try await withAdminOffice { office in
            let partner = try await office.connectedPartner()
            let run = try await office.environment.desk.startSync(partner.id, by: .commandLine).run
            let cancelled = try await office.call(.post, "/sync-runs/\(run.id)/cancel", as: .operator)
            #expect(cancelled.status == 200)
            #expect(try cancelled.json.state.string == "cancelled")
            #expect(try await office.call(.post, "/sync-runs/\(run.id)/cancel").status == 409)
            #expect(try await office.call(.post, "/sync-runs/\(run.id)/release").status == 409)
            #expect(try await office.call(.post, "/sync-runs/run_none/cancel").status == 404)
        }
    }

    @Test("A held run is released as a new run that a drop does not hold")
    func releasing() async throws {
        try await withAdminOffice { office in
            let partner = try await office.connectedPartner()
            let run = try await office.environment.desk.startSync(partner.id, by: .commandLine).run
            try await office.store.finishRun(
                run.id, state: .held, failure: RunFailure(code: "run.drop", message: "A large drop."), findings: RunFindings(),
                at: office.clock.now)
            let held = try await office.call(.get, "/sync-runs/\(run.id)").json
            #expect(held.failure.code.string == "run.drop")
            let released = try await office.call(.post, "/sync-runs/\(run.id)/release", as: .operator)
            #expect(released.status == 201)
            #expect(try released.json.id.string != run.id.rawValue)
            #expect(try released.json.findings.dropAllowed.bool == true)
        }
    }

    @Test("The ledger is paged and filtered by state; counts are exact numbers")
    func ledger() async throws {
        try await withAdminOffice { office in
            let partner = try await office.connectedPartner()
            let run = try await office.environment.desk.startSync(partner.id, by: .commandLine).run
            let counts = ["0.1", "3", "12345678901234.5", "-2", "7.25"]
            let lines = try counts.enumerated().map { index, text in
                let count = try #require(Decimal(string: text))
                return UsageLine(
                    runID: run.id, position: index, accountID: "a-\(index)", accountName: "Account \(index)",
                    serviceID: "s-1", serviceName: "Seats",
                    basis: index == 0 ? nil : LineBasis(connectorID: "shelf", name: "protected seats", version: 2),
                    rawCount: count, sentCount: count < 1 ? nil : count, state: count < 1 ? .excluded : .planned)
            }
            try await office.store.planLines(run.id, lines)
            let path = "/sync-runs/\(run.id)/lines"
            let all = try await office.call(.get, path, as: .viewer)
            #expect(try all.json.items.array.count == 5)
            #expect(try all.json.items[index: 0].basis.isNull)
            #expect(all.text.contains(#""basis":{"connector":"shelf","name":"protected seats","version":2}"#))
            for text in counts { #expect(all.text.contains("\"rawCount\":\(text),"), "\(text)") }
            let planned = try await office.call(.get, path + "?state=planned&limit=2").json
            #expect(planned.items.array.map(\.position.int) == [1, 2])
            let rest = try await office.call(.get, path + "?state=planned&cursor=\(planned.nextCursor.string ?? "")").json
            #expect(rest.items.array.map(\.position.int) == [4] && rest.nextCursor.isNull)
            #expect(try await office.call(.get, path + "?state=planned&state=excluded").json.items.array.count == 5)
            let refused = try await office.call(.get, path + "?state=sent")
            #expect(refused.status == 400)
            #expect(try refused.json.field.string == "state")
            #expect(try refused.json.detail.string?.contains("notMapped") == true)
            #expect(try await office.call(.get, "/sync-runs/run_none/lines").status == 404)
        }
    }

    @Test("A schedule is set and read in the partner's time zone")
    func schedule() async throws {
        try await withAdminOffice { office in
            let partner = try await office.partner()
            let path = "/partners/\(partner.id)/schedule"
            #expect(try await office.call(.get, path).status == 404)
            let set = try await office.call(
                .put, path, as: .operator, json: #"{"cadence":"weekly","weekday":5,"time":"07:05"}"#)
            #expect(set.status == 200)
            #expect(try set.json.time.string == "07:05")
            #expect(try set.json.timeZone.string == "Europe/Berlin")
            #expect(try set.json.isActive.bool == false && set.json.nextRunAt.isNull)
            #expect(try await office.call(.get, path, as: .viewer).text == set.text)
            let moved = try await office.call(
                .put, path, json: #"{"cadence":"monthly","dayOfMonth":31,"time":"23:59","timeZone":"America/New_York"}"#)
            #expect(try moved.json.timeZone.string == "America/New_York")
            #expect(try await office.call(.get, "/partners/\(partner.id)").json.timeZone.string == "America/New_York")
        }
    }

    @Test(
        "A schedule that cannot be is refused by field",
        arguments: [
            (#"{"cadence":"hourly","time":"07:05"}"#, "cadence"),
            (#"{"cadence":"daily","time":"24:00"}"#, "time"),
            (#"{"cadence":"daily","time":"7:05"}"#, "time"),
            (#"{"cadence":"daily"}"#, "time"),
            (#"{"cadence":"weekly","weekday":8,"time":"07:05"}"#, "weekday"),
            (#"{"cadence":"monthly","dayOfMonth":0,"time":"07:05"}"#, "dayOfMonth"),
            (#"{"cadence":"daily","time":"07:05","timeZone":"Nowhere"}"#, "timeZone"),
            (#"{"cadence":"daily","time":"07:05","minuteOfDay":5}"#, "minuteOfDay"),
        ])
    func badSchedules(body: String, field: String) async throws {
        try await withAdminOffice { office in
            let partner = try await office.partner()
            let answer = try await office.call(.put, "/partners/\(partner.id)/schedule", json: body)
            #expect(answer.status == 400)
            #expect(try answer.json.field.string == field)
            #expect(try await office.call(.get, "/partners/\(partner.id)/schedule").status == 404)
        }
    }

    @Test("Times of day are HH:MM and nothing else")
    func timesOfDay() {
        for minute in 0..<1440 { #expect(TimeOfDay.minute(TimeOfDay.text(minute: minute)) == minute) }
        for text in ["", "0000", "00:60", "24:00", "-1:00", "+1:00", "1:000", "aa:bb", "00:00:00", "٠٠:٠٠"] {
            #expect(TimeOfDay.minute(text) == nil, "\(text)")
        }
    }
}
