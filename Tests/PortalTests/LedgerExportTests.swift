import Foundation
import HTTPServer
import HTTPTypes
import Store
import Testing

@testable import Integration
@testable import Portal

@Suite("A run's ledger as a file")
struct LedgerExportTests {
    static let names = [
        "plain", "a,b", "say \"hi\"", "two\r\nlines", "lone\nfeed", "lone\rreturn", "=1+2", "+1", "-cmd|' /C calc'!A0", "@SUM(A1)", "\tx",
        "\r=x", "Bäckerei 🥨 👩🏽‍💻 Zoë\u{308}", "=\u{301}x", "'quoted", "semi;colon", "＝1", "", "\"", "\",\"", "</script>", "\u{2028}line",
    ]

    /// A run whose lines have awkward names.
    private func run(_ office: AdminOffice, lines: Int = names.count) async throws -> SyncRun {
        let partner = try await office.connectedPartner()
        let run = try await office.environment.desk.startSync(partner.id, by: .commandLine).run
        try await office.store.planLines(
            run.id,
            (0..<lines).map { position in
                UsageLine(
                    runID: run.id, position: position, accountID: "a-\(position)", accountName: Self.names[position % Self.names.count],
                    serviceID: "s-1", serviceName: "Seats", basis: LineBasis(connectorID: "shelf", name: "seats, all", version: 2),
                    rawCount: Decimal(position) - 3, sentCount: position < 4 ? nil : Decimal(position) - 3,
                    state: position < 4 ? .excluded : .planned)
            })
        return run
    }

    /// CSV as RFC 4180 section 2 has it, read by another hand than the one that writes it.
    private func records(_ text: String) -> [[String]] {
        var records: [[String]] = []
        var (record, cell, isQuoted): ([String], String.UnicodeScalarView, Bool) = ([], .init(), false)
        let scalars = Array(text.unicodeScalars)
        var index = 0
        while index < scalars.count {
            let scalar = scalars[index]
            index += 1
            if isQuoted {
                if scalar != "\"" {
                    cell.append(scalar)
                } else if index < scalars.count, scalars[index] == "\"" {
                    cell.append(scalar)
                    index += 1
                } else {
                    isQuoted = false
                }
            } else if scalar == "\"", cell.isEmpty {
                isQuoted = true
            } else if scalar == "," || (scalar == "\r" && index < scalars.count && scalars[index] == "\n") {
                record.append(String(cell))
                cell = .init()
                if scalar == "\r" {
                    index += 1
                    records.append(record)
                    record = []
                }
            } else {
                cell.append(scalar)
            }
        }
        #expect(record.isEmpty && cell.isEmpty && !isQuoted, "the last record has no end")
        return records
    }

    @Test("As CSV every awkward name comes back as it was, and none begins a formula")
    func awkwardCSV() async throws {
        try await withAdminOffice { office in
            let run = try await run(office)
            let answer = try await office.call(.get, "/sync-runs/\(run.id)/lines.csv", as: .viewer)
            #expect(answer.status == 200)
            #expect(answer.headerFields[.contentType] == "text/csv; charset=utf-8; header=present")
            #expect(answer.headerFields[.contentDisposition] == "attachment; filename=\"sync-2027-01-15-\(run.id).csv\"")
            let records = records(answer.text)
            #expect(records.count == Self.names.count + 1)
            #expect(records.allSatisfy { $0.count == records[0].count })
            let signs: Set<Unicode.Scalar> = ["=", "+", "-", "@", "\t", "\r", "\n", "＝"]
            for (name, record) in zip(Self.names, records.dropFirst()) {
                let cell = record[2].unicodeScalars
                #expect(cell.first.map(signs.contains) != true, "\(name.debugDescription)")
                let isGuarded = name.unicodeScalars.first.map(signs.contains) == true
                #expect(cell.elementsEqual(((isGuarded ? "'" : "") + name).unicodeScalars), "\(name.debugDescription)")
            }
            #expect(records.dropFirst().prefix(5).map { $0[7] } == ["-3", "-2", "-1", "0", "1"], "numbers stay numbers")
            #expect(records[1][5...6] == ["seats, all", "2"])
        }
    }

    @Test("As JSON it holds the run and every line, exact")
    func json() async throws {
        try await withAdminOffice { office in
            let run = try await run(office, lines: 1203)
            let answer = try await office.call(.get, "/sync-runs/\(run.id)/lines.json", as: .viewer)
            let ledger = try answer.json
            #expect(ledger.run.id.string == run.id.rawValue)
            #expect(ledger.lines.array.map(\.position.int) == Array(0..<1203))
            for (index, line) in ledger.lines.array.prefix(Self.names.count).enumerated() {
                #expect(line.accountName.string.map { Array($0.unicodeScalars) } == Array(Self.names[index].unicodeScalars))
            }
            #expect(ledger.lines[index: 0].rawCount.int == -3 && ledger.lines[index: 0].sentCount.isNull)
            #expect(answer.headerFields[.contentDisposition]?.hasSuffix(".json\"") == true)
        }
    }

    @Test("A run without lines is a header, or an empty list")
    func empty() async throws {
        try await withAdminOffice { office in
            let run = try await run(office, lines: 0)
            #expect(try await office.call(.get, "/sync-runs/\(run.id)/lines.csv").text == LedgerCSV.header)
            #expect(try await office.call(.get, "/sync-runs/\(run.id)/lines.json").json.lines.array.isEmpty)
            #expect(try await office.call(.get, "/sync-runs/none/lines.csv").status == 404)
        }
    }

    @Test("Nothing is read ahead of the reader: a page is read when the one before was taken", arguments: LedgerExport.Format.allCases)
    func backPressure(_ format: LedgerExport.Format) async throws {
        try await withAdminOffice { office in
            let run = try await run(office, lines: 1100)
            let response = try LedgerExport(desk: office.environment.desk).response(run, format)
            guard case .stream(let produce) = response.body else {
                Issue.record("the ledger is in memory as a whole")
                return
            }
            let written = PiecesOfBody()
            // The reader takes the first page and goes away.
            await #expect(throws: HTTPError.self) {
                try await produce(
                    BodyWriter { piece in
                        await written.append(piece)
                        if await written.pieces.count == 2 { throw HTTPError(.badRequest, code: "gone", message: "The reader is gone.") }
                    })
            }
            let pieces = await written.pieces
            #expect(pieces.count == 2)
            #expect(pieces[1].count { $0 == UInt8(ascii: "\n") } < 600 + 500, "one page, in which names have line ends")
        }
    }

    @Test("The console has the same files, and links to them")
    func console() async throws {
        try await withAdminOffice { office in
            let run = try await run(office)
            let browser = try await ConsoleBrowser(office, as: .viewer)
            let page = try await browser.get("/console/runs/\(run.id)").text
            #expect(page.contains("Counts seats, all (version 2)"))
            for format in ["csv", "json"] {
                let path = "/console/runs/\(run.id)/lines.\(format)"
                #expect(page.contains("href=\"\(path)\""))
                let file = try await browser.get(path)
                #expect(file.text == (try await office.call(.get, "/sync-runs/\(run.id)/lines.\(format)").text))
                #expect(file.headerFields[.contentDisposition]?.hasPrefix("attachment; filename=\"sync-") == true)
            }
        }
    }
}
