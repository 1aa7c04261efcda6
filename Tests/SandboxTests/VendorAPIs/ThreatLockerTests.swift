import HTTPTypes
import Testing

@testable import Sandbox

@Suite("Simulated ThreatLocker")
struct ThreatLockerTests {
    private static let organizations = "/portalapi/Organization/OrganizationGetChildOrganizationsByParameters"
    private static let computers = "/portalapi/Computer/ComputerGetByAllParameters"

    private func bench(_ customers: String = "", options: String = "{}", pageSize: Int = 1000) throws -> VendorBench {
        try VendorBench(
            "threatlocker", headers: ["Authorization": "k"],
            configuration: #"{"credentials":{"apiKey":"k"},"options":\#(options),"pageSize":\#(pageSize),"customers":[\#(customers)]}"#)
    }

    private func ask(_ page: Int, _ size: Int, _ more: String = #","childOrganizations":true,"includeAllChildren":true,"orderBy":"name""#)
        -> String
    {
        #"{"pageNumber":\#(page),"pageSize":\#(size)\#(more)}"#
    }

    private func pagination(_ reply: Desk.Reply) throws -> JSONValue {
        try JSONParser.parse(Array((reply.answer.headerFields[HTTPField.Name("pagination")!] ?? "").utf8))
    }

    @Test("organizations by page, totals as JSON in a header")
    func organizations() throws {
        var bench = try bench(
            #"{"id":"g1","name":"Acme","counts":{"Secure":3,"Learning":1}},{"id":"g2","name":null},{"id":null,"name":"X","fields":{"displayName":"Y"}}"#
        )
        let first = bench.post(Self.organizations, ask(1, 2))
        #expect(first.json.each("organizationId") == ["g1", "g2"])
        #expect(first.json.each("computerCount") == [4, 0])
        #expect(first.json.each("displayName") == ["Acme", .null])
        #expect(
            try pagination(first) == ["currentPage": 1, "itemsPerPage": 2, "totalItems": 3, "totalPages": 2, "firstItem": 1, "lastItem": 2])
        let second = bench.post(Self.organizations, ask(2, 2))
        #expect(second.json.each("organizationId") == [.null])
        #expect(second.json.each("displayName") == ["Y"])
        #expect(bench.post(Self.organizations, ask(3, 2)).json == [])
        #expect(try pagination(bench.post(Self.organizations, ask(3, 2)))["lastItem"] == 0)
        // One client reports an empty list without it.
        #expect(bench.post(Self.organizations, ask(1, 2, "")).json == [])
    }

    @Test("computers of everyone by page, with nulls")
    func computers() throws {
        var bench = try bench(#"{"id":"g1","name":"A","counts":{"Secure":3,"Learning":2}},{"id":"g2","name":"B","counts":{"Secure":2}}"#)
        var seen: [JSONValue] = []
        for page in 1...3 { seen += bench.post(Self.computers, ask(page, 3)).json.elements ?? [] }
        #expect(seen.map { $0["organizationId"] } == ["g1", "g1", "g1", "g1", "g1", "g2", "g2"])
        #expect(seen.map { $0["action"] } == ["Secure", "Secure", "Secure", "Learning", "Learning", "Secure", "Secure"])
        #expect(Set(seen.compactMap { $0["computerId"]?.string }).count == 7)
        #expect(seen.contains { $0["lastCheckin"] == .null } && seen.contains { $0["lastCheckin"]?.string != nil })
        #expect(bench.post(Self.computers, ask(1, 3, #","childOrganizations":true"#)).status == 500)
    }

    @Test("the totals' three forms, and a page that is capped")
    func totals() throws {
        let customers = #"{"id":"1","name":"A"},{"id":"2","name":"B"},{"id":"3","name":"C"}"#
        var bench = try bench(customers, options: #"{"totals":"separate"}"#)
        let fields = bench.post(Self.organizations, ask(1, 2)).answer.headerFields
        #expect(
            fields[HTTPField.Name("totalItems")!] == "3" && fields[HTTPField.Name("totalPages")!] == "2"
                && fields[HTTPField.Name("pagination")!] == nil)
        bench = try self.bench(customers, options: #"{"totals":"none"}"#, pageSize: 2)
        let reply = bench.post(Self.organizations, ask(1, 100))
        #expect(reply.json.elements?.count == 2 && reply.answer.headerFields[HTTPField.Name("totalItems")!] == nil)
    }

    @Test("the key stands alone; a wrong question is 417", arguments: [("Bearer k", 401), ("K", 401), ("k", 417)])
    func refusals(key: String, status: Int) throws {
        var bench = try bench()
        bench.headers["Authorization"] = key
        for body in ["", "[]", "{}", #"{"pageNumber":0,"pageSize":1}"#, #"{"pageNumber":1}"#, #"{"pageNumber":"1","pageSize":"1"}"#] {
            let reply = bench.post(Self.organizations, body)
            #expect(reply.status == status, "\(body)")
            #expect(reply.json.members?.map(\.name) == ["LoggerId", "StatusCode", "Message"])
        }
        #expect(bench.get(Self.organizations).status == 404)
    }

    @Test("page numbers without end are an empty page")
    func farPage() throws {
        var bench = try bench(#"{"id":"1","name":"A"}"#)
        #expect(bench.post(Self.organizations, ask(9_000_000_000_000_000, 9_000_000_000_000_000)).json == [])
    }
}
