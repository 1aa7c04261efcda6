import Foundation
import Testing

/// A vendor that refuses, hangs or answers nonsense: the run fails at fetch, and nothing in Synthesize is touched.
@Suite struct VendorWeatherScenarios {
    enum Trouble: String, Sendable, CaseIterable {
        case refused, forbidden, serverError, emptyList, brokenJSON, otherForm, hangs, closes, closesInTheMiddle, unreachable
        case usersOfOneRefused, usersOfOneBroken, usersOfOneOfOtherForm, usersOfOneHang

        var words: String {
            switch self {
            case .refused, .forbidden: "SaaS Alerts did not accept the credentials"
            case .serverError: "SaaS Alerts answered 500 to the read customers"
            case .usersOfOneRefused: "SaaS Alerts answered 500 to the read users of "
            case .emptyList: "SaaS Alerts returned no customers. Nothing was changed"
            case .brokenJSON, .otherForm, .usersOfOneBroken, .usersOfOneOfOtherForm:
                "SaaS Alerts answered in a form that Perch does not know. Nothing was changed"
            case .hangs, .closes, .closesInTheMiddle, .unreachable, .usersOfOneHang: "SaaS Alerts could not be reached"
            }
        }
    }

    @Test(arguments: Trouble.allCases) func `A run fails at fetch and touches nothing`(trouble: Trouble) async throws {
        try await withStage([.hangs, .usersOfOneHang].contains(trouble) ? .impatient : StageSetup()) { stage in
            let partner = try await stage.mappedPartner()
            #expect(try await stage.sync(partner).state == "succeeded")
            let visitor = try await stage.visit(partner)
            let before = try await stage.sandbox.state()
            let countsBefore = try await stage.sandbox.organization(partner).counts

            try await brew(trouble, stage)
            let run = try await stage.sync(partner)
            stage.wire.mend()

            #expect(run.state == "failed")
            #expect(run.stage == "fetch")
            #expect(run.failure?.message.contains(trouble.words) == true, "\(run.failure?.message ?? "none")")
            #expect(try await stage.office.lines(run).isEmpty)
            #expect(try await stage.sandbox.state().requests.writes == before.requests.writes)
            #expect(try await stage.sandbox.organization(partner).counts == countsBefore)
            let page = try await visitor.open("/")
            #expect(page.status == 200)
            #expect(page.has(trouble.words))

            try await stage.sandbox.clearSky()
            try await stage.sandbox.vendorHas(Customer.few)
            #expect(try await stage.sync(partner).state == "succeeded")
        }
    }

    private func brew(_ trouble: Trouble, _ stage: Stage) async throws {
        let sandbox = stage.sandbox
        let second = Customer.few[1]
        func breakUsers(_ raw: String) async throws {
            let broken = Customer(second.id, second.name, raw: raw)
            try await sandbox.vendorHas(Customer.few.map { $0.id == second.id ? broken : $0 })
        }
        switch trouble {
        case .refused: try await sandbox.set(Weather(status: 401), for: .listCustomers)
        case .forbidden: try await sandbox.set(Weather(status: 403), for: .listUsers)
        case .serverError: try await sandbox.set(Weather(status: 500), for: .listCustomers)
        case .emptyList: try await sandbox.vendorHas([])
        case .brokenJSON: try await sandbox.set(Weather(malformed: true), for: .listCustomers)
        case .otherForm: try await sandbox.vendorHas(Customer.few, raw: #"{"message":"We are doing maintenance"}"#)
        case .hangs: try await sandbox.set(Weather(delayMs: 60_000), for: .listCustomers)
        case .closes: try await sandbox.set(Weather(drop: true), for: .listCustomers)
        case .closesInTheMiddle: try await sandbox.set(Weather(half: true), for: .listCustomers)
        case .unreachable: stage.wire.before(1, .listCustomers) { stage.wire.cut() }
        // Three tries of one customer's users among those of the others.
        case .usersOfOneRefused: try await sandbox.set(Weather(status: 500), for: .listUsers, times: 12)
        case .usersOfOneBroken: try await breakUsers(#"[{"isBillable":tr"#)
        case .usersOfOneOfOtherForm: try await breakUsers(#"[{"billable":"yes"}]"#)
        case .usersOfOneHang: try await sandbox.set(Weather(delayMs: 60_000), for: .listUsers)
        }
    }

    @Test func `A passing failure of the vendor is read again, and the run succeeds`() async throws {
        try await withStage { stage in
            let partner = try await stage.mappedPartner()
            for weather in [Weather(status: 500), Weather(status: 429), Weather(drop: true), Weather(half: true), Weather(malformed: true)]
            {
                for call in [Call.listCustomers, .listUsers] {
                    try await stage.sandbox.set(weather, for: call, times: 1)
                    let run = try await stage.sync(partner)
                    #expect(run.state == "succeeded", "\(call.key): \(run.failure?.message ?? "")")
                }
            }
            let counts = try await stage.sandbox.organization(partner).countByAccount
            #expect(counts == ["c1": 5, "c2": 7, "c3": 2, "c4": 11])
        }
    }

    @Test func `A vendor that suddenly has far less holds the run for an operator`() async throws {
        var setup = StageSetup()
        setup.customers = Customer.many(8)
        try await withStage(setup) { stage in
            let partner = try await stage.mappedPartner()
            #expect(try await stage.sync(partner).state == "succeeded")
            let before = try await stage.sandbox.organization(partner).counts

            try await stage.sandbox.vendorHas(Array(setup.customers.prefix(2)))
            let held = try await stage.sync(partner)
            #expect(held.state == "held")
            #expect(held.failure?.message.contains("fewer units than Synthesize last accepted. No count was sent.") == true)
            #expect(try await stage.sandbox.organization(partner).counts == before)

            let released = try await stage.finished(
                try await stage.office.post(RunAnswer.self, "/sync-runs/\(held.id)/release"))
            #expect(released.state == "succeeded")
            #expect(released.tally.accepted == 2)
            // Gone is not zero: that is the partner's to say.
            #expect(released.tally.droppedToZero == 6)
        }
    }

    @Test func `Dropped counts are listed, and sent as zero once when the partner says so`() async throws {
        try await withStage { stage in
            let partner = try await stage.mappedPartner()
            #expect(try await stage.sync(partner).state == "succeeded")
            try await stage.sandbox.vendorHas(
                Array(Customer.few.prefix(3)) + [Customer("c4", "Cedar Architects", billable: 0)])
            let run = try await stage.sync(partner)
            #expect(run.state == "succeeded")
            #expect(run.tally.droppedToZero == 1)
            #expect(try await stage.sandbox.organization(partner).countByAccount["c4"] == 11)

            let visitor = try await stage.visit(partner)
            #expect(try await visitor.open("/").has("Dropped to zero"))
            // A page of before, or none: the list is another, and nobody has seen it.
            #expect(try await visitor.submit("/send-zeros", ["run": "run_before"]).text.contains("has changed since you opened the page"))
            #expect(try await visitor.submit("/send-zeros").status == 409)
            let page = try await visitor.submit("/send-zeros", ["run": run.id])
            #expect(page.status == 200)
            let runs = try await stage.office.runs(partner)
            let zeros = try await stage.finished(runs[0])
            #expect(zeros.state == "succeeded")
            #expect(zeros.tally.accepted == 1)
            #expect(try await stage.sandbox.organization(partner).countByAccount["c4"] == 0)

            // Once.
            #expect(try await visitor.submit("/send-zeros", ["run": run.id]).status == 409)
        }
    }
}
