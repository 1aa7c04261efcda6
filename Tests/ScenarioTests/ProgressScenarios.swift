import Foundation
import Testing

/// What a partner sees of a sync: live, and afterwards.
@Suite struct ProgressScenarios {
    struct Progress: Decodable {
        var state: String
        var stage: String
        var settled: Int
        var total: Int
        var text: String
    }

    @Test func `Progress comes as events, and ends with the run`() async throws {
        var setup = StageSetup()
        setup.customers = Customer.many(40)
        setup.parallelCounts = 4
        try await withStage(setup) { stage in
            let partner = try await stage.mappedPartner()
            let visitor = try await stage.visit(partner)
            let gate = stage.wire.hold(.setCount, from: 21)
            let run = try await stage.startSync(partner)
            await gate.reached()
            let page = try await visitor.open("/")
            #expect(page.html.contains(#"role="progressbar" aria-label="Sync progress""#))
            #expect(page.html.contains("data-run=\"\(run.id)\""))

            async let watching = visitor.open("/runs/\(run.id)/events")
            gate.open()
            let answer = try await watching
            #expect(answer.status == 200)
            #expect(answer.fields[.contentType]?.hasPrefix("text/event-stream") == true)
            let events = answer.html.components(separatedBy: "\n\n").filter { !$0.isEmpty }
            #expect(events.last?.contains("event: end") == true)
            let progress = try events.filter { $0.contains("event: progress") }.map { event in
                let data = event.split(separator: "\n").first { $0.hasPrefix("data: ") }.map { $0.dropFirst(6) } ?? ""
                return try JSONDecoder().decode(Progress.self, from: Data(data.utf8))
            }
            let settled = progress.map(\.settled)
            #expect(settled == settled.sorted())
            #expect(progress.last?.state == "succeeded")
            #expect(progress.last?.settled == 40)

            // A run that has ended says so at once.
            let late = try await visitor.open("/runs/\(run.id)/events")
            #expect(late.html.contains("\"succeeded\""))
            #expect(late.html.contains("event: end"))
        }
    }

    @Test func `The ledger is there as CSV and JSON, every line of it`() async throws {
        var setup = StageSetup()
        // More than the download reads at once.
        setup.customers = Customer.many(520) + [Customer("zero", "Nobody", billable: 0)]
        try await withStage(setup) { stage in
            let partner = try await stage.mappedPartner()
            let run = try await stage.sync(partner)
            #expect(run.tally.accepted == 520)
            let visitor = try await stage.visit(partner)
            let answer = try await visitor.open("/runs/\(run.id)/lines.csv")
            #expect(answer.fields[.contentType]?.hasPrefix("text/csv") == true)
            #expect(answer.fields[.contentDisposition]?.contains("-\(run.id).csv\"") == true)
            let rows = answer.html.components(separatedBy: "\r\n")
            #expect(rows.first?.hasPrefix("position,account_id,account_name,") == true)
            #expect(rows.last == "")
            let cells = rows.dropFirst().dropLast().map { $0.components(separatedBy: ",") }
            #expect(cells.count == 521)
            #expect(cells.map { $0[0] } == (0...520).map(String.init))
            #expect(cells.allSatisfy { $0.count == 15 })
            #expect(cells.allSatisfy { $0[5] == "billable users" && $0[6] == "1" })
            let accepted = cells.filter { $0[9] == "accepted" }
            #expect(accepted.count == 520)
            #expect(accepted.allSatisfy { $0[11] == "201" && $0[7] == $0[8] && !$0[13].isEmpty && !$0[14].isEmpty })
            #expect(cells.filter { $0[9] == "excluded" }.map { $0[1] } == ["zero"])
            let organization = try await stage.sandbox.organization(partner)
            #expect(organization.counts.count == 520)
            for row in accepted { #expect(organization.countByAccount[row[1]] == Double(row[8])) }

            struct Ledger: Decodable {
                struct Line: Decodable {
                    struct Basis: Decodable, Equatable {
                        var connector: String
                        var name: String
                        var version: Int
                    }
                    var position: Int
                    var basis: Basis?
                    var sentCount: Double?
                }
                var run: RunAnswer
                var lines: [Line]
            }
            let json = try await visitor.open("/runs/\(run.id)/lines.json")
            let ledger = try JSONDecoder().decode(Ledger.self, from: Data(json.body))
            #expect(ledger.run.id == run.id)
            #expect(ledger.lines.map(\.position) == Array(0...520))
            #expect(ledger.lines.allSatisfy { $0.basis == .init(connector: "saas-alerts", name: "billable users", version: 1) })
            #expect(ledger.lines.compactMap(\.sentCount) == cells.compactMap { Double($0[8]) })
        }
    }
}
