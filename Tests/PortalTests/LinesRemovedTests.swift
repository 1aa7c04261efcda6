import Foundation
import HTTPServer
import Store
import Testing

@testable import Integration
@testable import Portal

@Suite("A run whose lines were removed for their age says so")
struct LinesRemovedTests {
    /// Two ended runs with lines, the first of them old enough to lose its lines.
    private func runs(_ office: AdminOffice, lines: Int = 3) async throws -> (old: SyncRun, newest: SyncRun) {
        let partner = try await office.connectedPartner()
        var ended: [SyncRun] = []
        for _ in 0..<2 {
            let run = try await office.environment.desk.startSync(partner.id, by: .commandLine).run
            try await office.store.planLines(
                run.id,
                (0..<lines).map {
                    UsageLine(
                        runID: run.id, position: $0, accountID: "a-\($0)", accountName: "Account \($0)", serviceID: "s-1",
                        serviceName: "Seats", rawCount: 2, sentCount: 2, state: .planned)
                })
            ended.append(
                try await office.store.finishRun(
                    run.id, state: .partial, failure: nil, findings: RunFindings(), at: office.clock.now))
            office.clock.turn(.seconds(3600))
        }
        return (ended[0], ended[1])
    }

    private func removeLines(_ office: AdminOffice) async throws {
        try await office.store.removeLines(endedBefore: office.clock.now, limit: 10_000, at: office.clock.now)
    }

    @Test("in the admin API: 410 for the lines, and the run with its counts and the day")
    func api() async throws {
        try await withAdminOffice { office in
            let (old, newest) = try await runs(office)
            #expect(try await office.call(.get, "/sync-runs/\(old.id)").json.linesRemovedAt.isNull)
            try await removeLines(office)
            for path in ["lines", "lines?state=accepted", "lines.csv", "lines.json"] {
                let answer = try await office.call(.get, "/sync-runs/\(old.id)/\(path)", as: .viewer)
                #expect(answer.status == 410, "\(path)")
                #expect(try answer.json.code.string == "gone", "\(path)")
                #expect(try answer.json.detail.string?.contains("removed") == true, "\(path)")
                #expect(try await office.call(.get, "/sync-runs/\(newest.id)/\(path)").status == 200, "\(path)")
            }
            let run = try await office.call(.get, "/sync-runs/\(old.id)").json
            #expect(run.linesRemovedAt.string?.isEmpty == false)
            #expect(run.tally.notSent.int == 3)
        }
    }

    @Test("on the partner's page and in the console: the day, the counts by result, and no file to download")
    func pages() async throws {
        try await withPageDesk { desk in
            let (old, newest) = try await runs(desk.office)
            try await removeLines(desk.office)
            let partner = try #require(try await desk.office.store.partner(old.partnerID))
            let browser = try await desk.browser(of: partner)
            let console = try await ConsoleBrowser(desk.office, as: .viewer)
            for (removed, kept, path) in [
                (try await browser.get("/runs/\(old.id)").text, try await browser.get("/runs/\(newest.id)").text, "/runs/"),
                (
                    try await console.get("/console/runs/\(old.id)").text, try await console.get("/console/runs/\(newest.id)").text,
                    "/console/runs/"
                ),
            ] {
                #expect(removed.contains("The single counts of this sync were removed on 15 Jan 2027 for their age."), "\(path)")
                #expect(removed.contains("Not sent <span class=\"small\">3</span>"), "\(path)")
                #expect(!removed.contains("lines.csv"), "\(path)")
                #expect(!removed.contains("No count"), "\(path)")
                #expect(kept.contains("\(path)\(newest.id)/lines.csv"), "\(path)")
                #expect(!kept.contains("removed"), "\(path)")
            }
            let file = try await browser.get("/runs/\(old.id)/lines.csv")
            #expect(file.status == 410)
            #expect(file.text.contains("No longer kept"))
        }
    }

    @Test("to who is downloading just then: the file is cut off, not ended as if it were whole", arguments: LedgerExport.Format.allCases)
    func duringDownload(_ format: LedgerExport.Format) async throws {
        try await withAdminOffice { office in
            let (old, _) = try await runs(office, lines: 1100)
            let response = try LedgerExport(desk: office.environment.desk).response(old, format)
            guard case .stream(let produce) = response.body else {
                Issue.record("the ledger is in memory as a whole")
                return
            }
            let written = PiecesOfBody()
            let error = await #expect(throws: IntegrationError.self) {
                try await produce(
                    BodyWriter { piece in
                        await written.append(piece)
                        // The first page is out.
                        if await written.pieces.count == 2 { try await removeLines(office) }
                    })
            }
            #expect(error?.code == .gone)
            #expect(await written.pieces.count == 2)
        }
    }
}
