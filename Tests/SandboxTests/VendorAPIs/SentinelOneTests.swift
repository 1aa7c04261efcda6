import HTTPServer
import Testing

@testable import Sandbox

@Suite("Simulated SentinelOne")
struct SentinelOneTests {
    private func bench(_ customers: String = "") throws -> VendorBench {
        try VendorBench(
            "sentinelone", headers: ["Authorization": "ApiToken k"],
            configuration: #"{"credentials":{"apiToken":"k"},"customers":[\#(customers)]}"#)
    }

    private static let path = "/web/api/v2.1/sites"

    @Test("sites by cursor, which has to be encoded")
    func pages() throws {
        var bench = try bench(
            #"{"id":"1","name":"A","counts":{"complete":5}},{"id":"2","name":"B","fields":{"state":"expired"}},{"id":"3","name":null,"counts":{"core":2}},{"id":null,"name":"D"}"#
        )
        let first = bench.get(Self.path + "?state=active&limit=2").json
        #expect(first["data"]?["sites"]?.each("id") == ["1", "3"])
        #expect(first["data"]?["sites"]?.each("activeLicenses") == [5, 2] && first["data"]?["sites"]?.each("sku") == ["complete", "core"])
        #expect(first["pagination"]?["totalItems"] == 3)
        let cursor = try #require(first["pagination"]?["nextCursor"]?.string)
        #expect(cursor.contains("+") && cursor.contains("/"))
        let encoded = cursor.replacing("+", with: "%2B").replacing("/", with: "%2F").replacing("=", with: "%3D")
        let second = bench.get(Self.path + "?state=active&limit=2&cursor=\(encoded)").json
        #expect(second["data"]?["sites"]?.each("name") == ["D"] && second["data"]?["sites"]?.each("sku") == [.null])
        #expect(second["pagination"]?["nextCursor"] == .null)
        // A `+` that is not encoded is a space.
        #expect(bench.get(Self.path + "?cursor=\(cursor)").status == 400)
        #expect(bench.get(Self.path).json["data"]?["sites"]?.elements?.count == 4)
        #expect(bench.get(Self.path + "?state=active,expired").json["data"]?["sites"]?.elements?.count == 4)
    }

    @Test("the scheme word is ApiToken", arguments: ["Bearer k", "k", "ApiToken x", "apitoken k"])
    func refused(field: String) throws {
        var bench = try bench()
        bench.headers["Authorization"] = field
        let reply = bench.get(Self.path)
        #expect(reply.status == 401 && reply.json["errors"]?.each("title") == ["Authentication Failed"])
    }

    @Test("wrong limits and cursors", arguments: ["limit=0", "limit=1001", "limit=x", "cursor=", "cursor=abc", "cursor=c2l0ZXM6MSM%3D"])
    func wrong(query: String) throws {
        var bench = try bench()
        #expect(bench.get(Self.path + "?" + query).status == 400)
    }
}
