import Foundation
import Testing

/// What a sync makes of what the vendor has and of what the partner has mapped.
@Suite struct SyncScenarios {
    @Test func `Counts follow a service that an operator renamed`() async throws {
        try await withStage { stage in
            let partner = try await stage.mappedPartner()
            #expect(try await stage.sync(partner).state == "succeeded")
            struct Listed: Decodable {
                var id: String
                var name: String
            }
            let service = try #require(try await stage.office.get(PageAnswer<Listed>.self, "/services").items.first)
            for name in ["Users watched", "Users watched closely"] {
                let answer = try await stage.office.call(.patch, "/services/\(service.id)", ["name": name])
                #expect(answer.status == 200, "\(answer.text)")
                let run = try await stage.sync(partner)
                #expect(run.state == "succeeded", "\(run.failure?.message ?? "")")
                #expect(run.tally.accepted > 0)
            }
            let services = try await stage.office.get(PageAnswer<Listed>.self, "/services").items
            #expect(services.map(\.name) == ["Users watched closely"])
        }
    }

    @Test func `Sync Now pressed twenty times at once is one run`() async throws {
        try await withStage { stage in
            let partner = try await stage.mappedPartner()
            let visitors = [try await stage.visit(partner), try await stage.visit(partner)]
            let gate = stage.wire.hold(.setCount)
            let statuses = try await withThrowingTaskGroup { group in
                for press in 0..<20 {
                    let visitor = visitors[press % 2]
                    group.addTask { try await visitor.submitWithoutFollowing("/sync").status }
                }
                // An operator and a second browser press as well.
                for _ in 0..<5 {
                    group.addTask { try await stage.office.call(.post, "/partners/\(partner.id)/sync-runs").status }
                }
                return try await group.reduce(into: [Int: Int]()) { $0[$1, default: 0] += 1 }
            }
            #expect(statuses[303] == 20)
            #expect((statuses[200] ?? 0) + (statuses[201] ?? 0) == 5)
            gate.open()

            let runs = try await stage.office.runs(partner)
            #expect(runs.count == 1)
            #expect(try await stage.finished(runs[0]).tally.accepted == 4)
            let organization = try await stage.sandbox.organization(partner)
            #expect(organization.counts.allSatisfy { $0.times == 1 })
        }
    }

    @Test func `What is not mapped is a to-do, not an error`() async throws {
        try await withStage { stage in
            let partner = try await stage.connectedPartner()
            let visitor = try await stage.visit(partner)
            let nothing = try await stage.sync(partner)
            #expect(nothing.state == "succeeded")
            #expect(nothing.tally.notMapped == 4)
            #expect(try await stage.sandbox.organization(partner).status == "pending")

            let service = try #require(try await stage.sandbox.state().vendor.services.first?.id)
            try await stage.sandbox.map(partner, accounts: ["c1", "c3"], services: [service])
            let run = try await stage.sync(partner)
            #expect(run.state == "succeeded")
            #expect(run.failure == nil)
            #expect((run.tally.accepted, run.tally.notMapped, run.tally.failed) == (2, 2, 0))
            #expect(try await stage.sandbox.organization(partner).countByAccount == ["c1": 5, "c3": 2])
            let page = try await visitor.open("/")
            #expect(page.html.contains(#"aria-label="Not mapped yet""#))
            #expect(page.html.contains("<li>Lumen Optics</li>"))
            #expect(page.html.contains("<li>Cedar Architects</li>"))
            #expect(!page.html.contains("<li>Brightwater Law</li>"))
            #expect(page.html.contains("/organizations/\(partner.organizationID)/mapping/accounts"))
            #expect(run.findings.statusBefore == "pending")
            #expect(run.findings.statusAfter == "active")
        }
    }

    @Test func `Counts below 1 are left out and told`() async throws {
        var setup = StageSetup()
        setup.customers = [Customer("c1", "One", billable: 1), Customer("c0", "None", billable: 0)]
        try await withStage(setup) { stage in
            let partner = try await stage.mappedPartner()
            let run = try await stage.sync(partner)
            #expect(run.state == "succeeded")
            #expect((run.tally.accepted, run.tally.excluded) == (1, 1))
            #expect(try await stage.sandbox.organization(partner).countByAccount == ["c1": 1])
            let excluded = try await stage.office.lines(run).first { $0.accountId == "c0" }
            #expect(excluded?.state == "excluded")
            #expect(excluded?.sentCount == nil)
            #expect(excluded?.attempts == 0)
            let visitor = try await stage.visit(partner)
            #expect(try await visitor.open("/").has("1 accepted, 1 left out (below 1)"))
        }
    }

    @Test func `Records without id or name are dropped and counted`() async throws {
        var setup = StageSetup()
        setup.customers = [
            Customer("c1", "One", billable: 1), Customer(nil, "No id"), Customer("c3", nil), Customer(nil, nil),
            Customer("", "Empty id"), Customer("  ", "Blank id"), Customer("c7", " "), Customer("c8", "Eight", billable: 8),
        ]
        try await withStage(setup) { stage in
            let partner = try await stage.mappedPartner()
            let run = try await stage.sync(partner)
            #expect(run.state == "succeeded")
            #expect(run.findings.recordsDropped == 6)
            #expect(try await stage.sandbox.organization(partner).accounts.map(\.id) == ["c1", "c8"])
            #expect(try await stage.sandbox.organization(partner).countByAccount == ["c1": 1, "c8": 8])
            let visitor = try await stage.visit(partner)
            #expect(try await visitor.open("/").has("6 records of the vendor lacked an id, a name or a count and were left out"))
        }
    }

    @Test func `A later run creates new customers, renames renamed ones and sends new counts`() async throws {
        try await withStage { stage in
            let partner = try await stage.mappedPartner()
            #expect(try await stage.sync(partner).tally.accepted == 4)
            try await stage.sandbox.forgetRequests()

            try await stage.sandbox.vendorHas([
                Customer("c1", "Brightwater & Partners", billable: 6), Customer("c2", "Lumen Optics", billable: 7),
                Customer("c3", "Harbor Dental Group", billable: 2), Customer("c4", "Cedar Architects", billable: 11),
                Customer("c5", "Alder Bakery", billable: 4), Customer("c6", "Quill Books", billable: 9),
            ])
            let run = try await stage.sync(partner)
            #expect(run.state == "succeeded")
            #expect((run.findings.accountsCreated, run.findings.accountsUpdated) == (2, 2))
            #expect((run.tally.accepted, run.tally.notMapped) == (4, 2))
            let requests = try await stage.sandbox.state().requests
            #expect((requests.byCall["A2"], requests.byCall["A3"], requests.byCall["S1"]) == (1, 2, nil))
            let organization = try await stage.sandbox.organization(partner)
            #expect(
                organization.accounts.map(\.name) == [
                    "Brightwater & Partners", "Lumen Optics", "Harbor Dental Group", "Cedar Architects", "Alder Bakery", "Quill Books",
                ])
            #expect(organization.countByAccount == ["c1": 6, "c2": 7, "c3": 2, "c4": 11])

            // Nothing new: nothing but the counts.
            try await stage.sandbox.mapEverything(partner)
            try await stage.sandbox.forgetRequests()
            #expect(try await stage.sync(partner).tally.accepted == 6)
            #expect(try await stage.sandbox.state().requests.writes == ["S4": 6])
        }
    }

    @Test func `A run is ended by an operator, and the next one sends everything`() async throws {
        try await withStage { stage in
            let partner = try await stage.mappedPartner()
            let gate = stage.wire.hold(.setCount)
            let run = try await stage.startSync(partner)
            await gate.reached()
            let cancelling = Task { try await stage.office.post(RunAnswer.self, "/sync-runs/\(run.id)/cancel") }
            _ = try await eventually("the run is asked to stop") { () async throws -> Bool? in
                try await stage.application.store.run(.init(run.id))?.cancelRequested == true ? true : nil
            }
            gate.open()
            #expect(try await cancelling.value.state == "cancelled")
            #expect(try await stage.sync(partner).tally.accepted == 4)
        }
    }
}
