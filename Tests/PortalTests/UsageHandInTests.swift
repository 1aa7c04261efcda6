import Connectors
import Foundation
import HTTPClient
import HTTPServer
import HTTPTypes
import Store
import Testing

@testable import Integration
@testable import Portal

/// Usage handed in by programs and by operators in the console.
@Suite("Usage handed in")
struct UsageHandInTests {
    private func withOffice(limit: Int = 4096, _ body: (AdminOffice, Partner) async throws -> Void) async throws {
        let intake = UsageIntake(
            source: UsageSource(id: "shelf", name: "Shelf", services: ShelfConnector().services), limit: limit)
        try await withAdminOffice(UsageConnector(intake, time: TimeSource.live)) { office in
            try await body(office, try await office.partner())
        }
    }

    private func put(
        _ office: AdminOffice, _ path: String, _ body: String, key: String? = "k-1", as role: OperatorRole = .operator,
        type: String = "application/json"
    ) async throws -> Answer {
        var fields: HTTPFields = [.authorization: "Bearer " + (office.keys[role]?.reveal() ?? ""), .contentType: type]
        if let key { fields[.idempotencyKey] = key }
        return try await office.send(Request(.put, "/api/v1" + path, headerFields: fields, body: Array(body.utf8)))
    }

    private static let snapshot = #"{"accounts": [{"id": "c1", "name": "A", "usage": [{"service": "Seats", "count": 1}]}]}"#
    private static let csv = "account_id,account_name,service,count\nc1,A,Seats,1\nc2,B,Seats,2.5\n"

    @Test("is answered as described, the same under its key, and audited once")
    func push() async throws {
        try await withOffice { office, partner in
            let path = "/partners/\(partner.id)/usage"
            #expect(try await office.call(.get, path, as: .viewer).status == 404)
            let answer = try await put(office, path, Self.snapshot)
            #expect(answer.status == 202, "\(answer.text)")
            #expect(try answer.json.startedRunId.isNull == true)
            office.clock.turn(.seconds(60))
            #expect(try await put(office, path, Self.snapshot).text == answer.text)
            #expect(try await put(office, path, Self.snapshot + " ").status == 422)
            // A key of one way in is no key of the other.
            #expect(try await put(office, path + "/file", Self.snapshot).status == 422)
            #expect(try await office.call(.get, path, as: .viewer).text == answer.text)
            #expect(try await put(office, path, Self.snapshot, as: .viewer).status == 403)
            #expect(try await put(office, "/partners/par_none/usage", Self.snapshot).status == 404)
            let trail = try await office.call(.get, "/audit?partner=\(partner.id)").json.items.array
            #expect(trail.count { $0.action.string == "usage.push" } == 1)
            #expect(trail.first { $0.action.string == "usage.push" }?.details.string?.contains("1 accounts, 1 counts") == true)
        }
    }

    @Test("is refused when a name or an id of it would turn or hide text, with the character")
    func unshowable() async throws {
        try await withOffice { office, partner in
            let path = "/partners/\(partner.id)/usage"
            for (before, after) in [(#""name": "A""#, #""name": "a\u202eb""#), (#""id": "c1""#, #""id": "c\u200b1""#)] {
                let answer = try await put(office, path, Self.snapshot.replacing(before, with: after))
                #expect(answer.status == 400 && answer.text.contains("holds the character U+20"), "\(answer.text)")
            }
            #expect(try await put(office, path + "/file", "account_id,account_name,service,count\nc1,A\u{FEFF}B,Seats,1\n").status == 400)
            #expect(try await office.call(.get, path, as: .viewer).status == 404)
        }
    }

    @Test("at once under one key is one delivery")
    func together() async throws {
        try await withOffice { office, partner in
            let texts = try await withThrowingTaskGroup { group in
                for _ in 0..<8 {
                    group.addTask { try await put(office, "/partners/\(partner.id)/usage", Self.snapshot).text }
                }
                return try await group.reduce(into: Set<String>()) { $0.insert($1) }
            }
            #expect(texts.count == 1)
            #expect(
                try await office.call(.get, "/audit?partner=\(partner.id)").json.items.array.count { $0.action.string == "usage.push" } == 1
            )
        }
    }

    @Test("is not taken where the vendor is asked, and the body is not even read")
    func otherConnector() async throws {
        try await withAdminOffice { office in
            let partner = try await office.partner()
            for path in ["usage", "usage/file"] {
                let answer = try await put(office, "/partners/\(partner.id)/\(path)", String(repeating: "x", count: 100_000))
                #expect(answer.status == 409)
                #expect(answer.text.contains("Usage comes from Shelf's API here"))
            }
            #expect(try await office.call(.get, "/partners/\(partner.id)/usage").status == 409)
            let browser = try await ConsoleBrowser(office, as: .operator)
            #expect(!(try await browser.get("/console/partners/\(partner.id)").text.contains("usage-file")))
        }
    }

    // MARK: The console

    private func upload(
        _ browser: ConsoleBrowser, _ partner: Partner, _ file: String, name: String = "acme.csv", csrf: String? = nil,
        key: String = "form-1"
    ) async throws -> Answer {
        var body = ""
        for (field, value) in [("csrf", csrf ?? browser.csrf), ("key", key)] {
            body += "--BB\r\nContent-Disposition: form-data; name=\"\(field)\"\r\n\r\n\(value)\r\n"
        }
        body +=
            "--BB\r\nContent-Disposition: form-data; name=\"file\"; filename=\"\(name)\"\r\nContent-Type: text/csv\r\n\r\n\(file)\r\n--BB--\r\n"
        return try await Answer(
            try await browser.handler(
                Request(
                    .post, "/console/partners/\(partner.id)/usage",
                    headerFields: [
                        .cookie: browser.cookie, .contentType: "multipart/form-data; boundary=BB", .origin: "http://127.0.0.1:8080",
                    ], body: Array(body.utf8))))
    }

    @Test("by a form of the console is taken whole, or refused with its line beside the form")
    func console() async throws {
        try await withOffice { office, partner in
            let browser = try await ConsoleBrowser(office, as: .operator)
            let page = "/console/partners/\(partner.id)"
            #expect(try await browser.get(page).text.contains("nothing yet"))
            let before = try await office.store.dump()
            let bad = try await upload(browser, partner, Self.csv + "c3,<b>,Seats\n")
            #expect(bad.status == 422)
            #expect(bad.text.contains(#"role="alert">Line 4 has 3 fields"#), "\(bad.text)")
            #expect(try await upload(browser, partner, Self.csv + "c3,<b>,<i>,1\n").text.contains("&lt;i&gt;"))
            for (file, name) in [("", "acme.csv"), (Self.csv, "")] {
                #expect(try await upload(browser, partner, file, name: name).text.contains("Choose a file that is not empty."))
            }
            #expect(try await browser.post(page + "/usage").text.contains("Choose a file."))
            #expect(try await upload(browser, partner, String(repeating: "x", count: 4096 + 70_000)).status == 413)
            #expect(try await upload(browser, partner, String(repeating: "x", count: 5000)).status == 422)
            for csrf in ["", "x", browser.csrf + "x"] {
                #expect(try await upload(browser, partner, Self.csv, csrf: csrf).status == 403)
            }
            #expect(try await office.store.dump() == before)

            let taken = try await upload(browser, partner, Self.csv)
            #expect(taken.status == 303 && taken.headerFields[.location] == page, "\(taken.text)")
            #expect(try await upload(browser, partner, Self.csv).status == 303)
            // Sent again by going back, the form has its old key.
            let again = try await upload(browser, partner, Self.csv + "c3,C,Seats,1\n")
            #expect(again.status == 422 && again.text.contains("This form was sent before, with another file."), "\(again.text)")
            for key in ["", "a b"] {
                #expect(try await upload(browser, partner, Self.csv, key: key).text.contains("This form was sent before"))
            }
            #expect(!again.text.contains("Idempotency-Key"))
            let shown = try await browser.get(page).text
            #expect(
                shown.contains("what was uploaded last") && shown.contains("Last uploaded") && shown.contains("2 accounts, 2 counts")
                    && shown.contains("by The operator"))
            let trail = try await office.call(.get, "/audit?partner=\(partner.id)").json.items.array
            #expect(trail.count { $0.action.string == "usage.upload" } == 1)
            #expect(!(try await ConsoleBrowser(office, as: .viewer).get(page).text.contains("usage-file")))

            office.clock.turn(.seconds(49 * 3600))
            #expect(
                try await ConsoleBrowser(office, as: .viewer).get(page).text.contains(
                    "A sync would fail now: The usage that was handed in last is 49 hours old"))
        }
    }

    @Test("starts its sync at once for a connected partner")
    func connected() async throws {
        try await withOffice { office, partner in
            _ = try await put(office, "/partners/\(partner.id)/usage", Self.snapshot)
            let browser = try await ConsoleBrowser(office, as: .operator)
            let job = try await office.environment.desk.connect(
                partner.id, ConnectRequest(partnerKey: "partner-key-0001", fields: [:]), by: .commandLine)
            try await office.store.finishRun(job.id, state: .succeeded, failure: nil, findings: RunFindings(), at: office.clock.now)
            let taken = try await upload(browser, partner, Self.csv)
            let run = try #require(try await office.store.activeRun(partner.id))
            #expect(taken.headerFields[.location] == "/console/runs/\(run.id)")
            #expect(run.startedBy == "The operator" && run.trigger == .operator)
            #expect(try await browser.get("/console/partners/\(partner.id)").text.contains("Upload and sync</button>"))
            let second = try await put(office, "/partners/\(partner.id)/usage", Self.snapshot, key: "k-2")
            #expect(try second.json.startedRunId.isNull == true)
            #expect(try await office.store.newestDelivery(partner.id)?.key == "k-2")
        }
    }
}
