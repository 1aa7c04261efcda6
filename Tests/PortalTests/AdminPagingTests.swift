import HTTPServer
import HTTPTypes
import Integration
import Secrets
import Store
import Testing

@testable import Portal

@Suite("Admin API: paging")
struct AdminPagingTests {
    @Test(
        "Limits are whole numbers from 1 to 200",
        arguments: [
            ("", nil), ("0", nil), ("-1", nil), ("201", nil), ("1.5", nil), ("ten", nil), (" 5", nil), ("99999999999999999999", nil),
            ("1", 1), ("50", 50), ("200", 200),
        ] as [(String, Int?)])
    func limits(text: String, expected: Int?) {
        let page = try? PageRequest(FormFields([("limit", text)]))
        #expect(page?.limit == expected)
    }

    @Test("Without a limit a page has 50 items")
    func defaultLimit() throws {
        #expect(try PageRequest(FormFields([])) == PageRequest(after: nil, limit: 50))
    }

    @Test("A cursor gives back the key it was made of", arguments: 1...20)
    func cursors(seed: Int) throws {
        let random = RandomSource.seeded(UInt64(seed))
        let key = String(decoding: random.bytes(random.number(below: 40) + 1), as: UTF8.self)
        let cursor = Cursor.text(for: key)
        #expect(Cursor.key(of: cursor) == key, "seed \(seed)")
        #expect(try PageRequest(FormFields([("cursor", cursor)])).after == key)
        #expect(cursor.utf8.allSatisfy { $0 == 0x2D || $0 == 0x5F || (0x30...0x7A).contains($0) }, "seed \(seed)")
    }

    @Test(
        "Made-up cursors are refused on every list",
        arguments: [
            "", "a", "a===", "YQ==", "+/", "%00", "gICA", "not a cursor",
        ])
    func madeUpCursors(cursor: String) async throws {
        #expect(throws: IntegrationError.self) { try PageRequest(FormFields([("cursor", cursor)])) }
    }

    @Test("A cursor of another list is refused where keys are numbers or runs")
    func foreignCursors() async throws {
        try await withAdminOffice { office in
            let partner = try await office.connectedPartner()
            let other = try await office.connectedPartner("msp-2")
            let run = try await office.environment.desk.startSync(other.id, by: .commandLine).run
            let alert = try await office.environment.desk.submitAlert(
                other.id, AlertSubmission(alertID: "x", accountID: "a-1", title: "T", text: "x", priority: 2, statusCode: 1),
                by: .commandLine)
            // The text does not tell whether there is such an alert.
            let text = try await office.call(.get, "/partners/\(partner.id)/alerts/\(alert.id)").text
            #expect(try await text == office.call(.get, "/partners/\(partner.id)/alerts/alr_none").text)
            #expect(text.contains("There is no such alert."))
            let words = Cursor.text(for: "words")
            let foreign = Cursor.text(for: run.id.rawValue)
            for path in [
                "/audit?cursor=\(words)", "/sync-runs/\(run.id)/lines?cursor=\(words)",
                "/partners/\(partner.id)/sync-runs?cursor=\(words)", "/partners/\(partner.id)/sync-runs?cursor=\(foreign)",
                "/partners/\(partner.id)/alerts?cursor=\(words)",
                "/partners/\(partner.id)/alerts?cursor=\(Cursor.text(for: alert.id.rawValue))",
            ] {
                let answer = try await office.call(.get, path)
                #expect(answer.status == 400, "\(path)")
                #expect(try answer.json.field.string == "cursor")
            }
        }
    }

    @Test("Walking a list by pages of any size gives every item once, in order", arguments: [1, 2, 3, 7, 8, 9, 200])
    func walks(limit: Int) async throws {
        try await withAdminOffice { office in
            for number in 1...7 { _ = try await office.partner("msp-\(number)") }
            for path in ["/partners", "/audit", "/operators"] {
                let whole = try await office.call(.get, "\(path)?limit=200").json.items.array
                #expect(try await walk(office, path, limit: limit) == whole.map(Self.key), "\(path) by \(limit)")
                #expect(!whole.isEmpty)
            }
        }
    }

    private func walk(_ office: AdminOffice, _ path: String, limit: Int) async throws -> [String] {
        var keys: [String] = []
        var cursor = ""
        while true {
            let page = try await office.call(.get, "\(path)?limit=\(limit)\(cursor)").json
            let items = page.items.array
            #expect(items.count <= limit)
            keys += items.map(Self.key)
            guard let next = page.nextCursor.string else { break }
            cursor = "&cursor=\(next)"
            #expect(!items.isEmpty)
            if items.isEmpty { break }
        }
        return keys
    }

    private static func key(_ item: JSON) -> String {
        item.id.string ?? String(item.sequence.int ?? -1)
    }

    @Test("A list that comes whole is paged by its keys, even when an item vanishes between pages")
    func wholeLists() {
        let first = Page(ofAll: ["c", "a", "b", "d"], PageRequest(limit: 2), key: { $0 }, item: { $0 })
        #expect(first.items == ["a", "b"])
        let next = PageRequest(after: first.nextCursor.flatMap(Cursor.key), limit: 2)
        let second = Page(ofAll: ["d", "c", "a"], next, key: { $0 }, item: { $0 })
        #expect(second.items == ["c", "d"] && second.nextCursor == nil)
    }
}
