import Foundation
import Testing

/// A preview against a whole sandbox, whose journal of requests proves that nothing was sent.
@Suite struct PreviewScenarios {
    struct Preview: Decodable {
        struct Line: Decodable {
            struct Basis: Decodable {
                var name: String
            }
            var accountId: String
            var serviceId: String?
            var basis: Basis?
            var lastCount: Double?
            var rawCount: Double
            var sentCount: Double?
            var change: String
        }
        var hold: FailureAnswer?
        var tally: [String: Double]
        var lines: [Line]
    }

    @Test func `Old and new stand side by side, and Synthesize hears nothing of it`() async throws {
        try await withStage { stage in
            let partner = try await stage.mappedPartner()
            let visitor = try await stage.visit(partner)
            let path = "/partners/\(partner.id)/sync-preview"
            #expect(try await stage.office.post(Preview.self, path).lines.map(\.change) == ["new", "new", "new", "new"])
            #expect(try await stage.sync(partner).tally.accepted == 4)
            let counts = try await stage.sandbox.organization(partner).counts
            try await stage.sandbox.forgetRequests()

            try await stage.sandbox.vendorHas([
                Customer("c1", "Brightwater Law", billable: 6), Customer("c2", "Lumen Optics", billable: 7),
                Customer("c4", "Cedar Architects", billable: 11), Customer("c5", "=Alder & Sons", billable: 4),
                Customer("c6", "Quill Books", billable: 0),
            ])
            let preview = try await stage.office.post(Preview.self, path)
            #expect(preview.lines.map(\.accountId) == ["c1", "c2", "c4", "c5", "c6", "c3"])
            #expect(preview.lines.map(\.lastCount) == [5, 7, 11, nil, nil, 2])
            #expect(preview.lines.map(\.rawCount) == [6, 7, 11, 4, 0, 0])
            #expect(preview.lines.map(\.change) == ["changed", "unchanged", "unchanged", "new", "excluded", "dropped"])
            #expect(preview.lines.allSatisfy { $0.basis?.name == "billable users" && $0.serviceId != nil })
            #expect((preview.tally["unitsBefore"], preview.tally["unitsNow"], preview.tally["toSend"]) == (25, 28, 4))
            #expect(preview.hold == nil)

            let page = try await visitor.submit("/preview")
            #expect(page.status == 200)
            #expect(page.has("A sync now would send 4 counts; 2 of them differ from what Synthesize last accepted."))
            #expect(page.has("5 → 6"))
            #expect(page.has("2 → 0 Dropped to zero"))
            #expect(page.html.contains("=Alder &amp; Sons"))

            // Not one request, of whatever kind, reached Synthesize; nothing was recorded.
            #expect(try await stage.sandbox.state().requests.total == 0)
            #expect(try await stage.sandbox.organization(partner).counts == counts)
            #expect(try await stage.office.runs(partner).count == 1)

            // The sync does what the preview said.
            let run = try await stage.sync(partner)
            let lines = try await stage.office.lines(run)
            #expect(lines.map(\.accountId) == preview.lines.map(\.accountId))
            #expect(lines.map(\.sentCount) == preview.lines.map(\.sentCount))
        }
    }

    @Test func `A drop that would hold the sync is told before`() async throws {
        var setup = StageSetup()
        setup.customers = Customer.many(10)
        try await withStage(setup) { stage in
            let partner = try await stage.mappedPartner()
            #expect(try await stage.sync(partner).tally.accepted == 10)
            try await stage.sandbox.vendorHas(Array(Customer.many(10).prefix(2)))
            let preview = try await stage.office.post(Preview.self, "/partners/\(partner.id)/sync-preview")
            #expect(preview.hold?.code == "run.largeDrop")
            let visitor = try await stage.visit(partner)
            #expect(try await visitor.submit("/preview").has("A sync now would be held for an operator"))
            let run = try await stage.sync(partner)
            #expect(run.state == "held")
            #expect(run.failure == preview.hold)
        }
    }

    @Test func `A vendor that fails is told as a run tells it`() async throws {
        try await withStage { stage in
            let partner = try await stage.mappedPartner()
            try await stage.sandbox.set(Weather(status: 500), for: .listCustomers)
            let answer = try await stage.office.call(.post, "/partners/\(partner.id)/sync-preview")
            #expect(answer.status == 502)
            let run = try await stage.sync(partner)
            struct Problem: Decodable { var detail: String }
            #expect(try JSONDecoder().decode(Problem.self, from: Data(answer.body)).detail == run.failure?.message)
            let visitor = try await stage.visit(partner)
            let page = try await visitor.submit("/preview")
            #expect(page.status == 502)
            #expect(page.has(run.failure?.message ?? "no failure"))
        }
    }
}
