import Testing

@testable import Sandbox

@Suite("Simulated Augmentt")
struct AugmenttTests {
    private func bench(_ configuration: String? = nil, id: String? = "i", secret: String? = "s") throws -> VendorBench {
        var bench = try VendorBench(
            "augmentt",
            configuration: #"{"credentials":{"accessKeyId":"i","accessKeySecret":"s"},"customers":["# + (configuration ?? "") + "]}")
        bench.headers["AccessKeyId"] = id
        bench.headers["AccessKeySecret"] = secret
        return bench
    }

    @Test("customers and licences, root arrays with whole numbers as ids")
    func records() throws {
        var bench = try bench(
            #"{"id":1001,"name":"Acme","counts":{"secure":42,"engage":40}},{"id":1002,"name":null},{"id":1003,"name":"Gone","fields":{"deactivated":true}}"#
        )
        let customers = bench.get("/v1/customers").json
        #expect(customers.each("id") == [1001, 1002, 1003])
        #expect(customers.each("customer_name") == ["Acme", .null, "Gone"])
        #expect(customers.each("deactivated") == [.null, .null, true])
        #expect(customers.each("parent_id") == [.null, .null, .null])
        #expect(
            bench.get("/v1/customers/licenses").json == [
                ["customerId": 1001, "licenses": [["type": "secure", "count": 42], ["type": "engage", "count": 40]]],
                ["customerId": 1002, "licenses": []], ["customerId": 1003, "licenses": []],
            ])
        #expect(bench.get("/v1/customers/1001").json["customer_name"] == "Acme")
        #expect(bench.get("/v1/customers/1001/licenses").json.each("customerId") == [1001])
        #expect(bench.get("/v1/customers/9").status == 404)
        #expect(bench.get("/v1/customers/9").json["error"] == "NOT_FOUND")
        #expect(bench.meter.byCall["GET /v1/customers/licenses"] == 1)
    }

    @Test("both keys are needed", arguments: [(nil, "s"), ("i", nil), ("I", "s"), ("i", "x"), (nil, nil)] as [(String?, String?)])
    func keys(id: String?, secret: String?) throws {
        var bench = try bench(id: id, secret: secret)
        let reply = bench.get("/v1/customers")
        #expect(reply.status == 401)
        #expect(reply.json["error"] == "UNAUTHORIZED" && reply.json["message"]?.string != nil)
    }

    @Test("403 where the API is off; licences may be null or missing; only GET")
    func options() throws {
        var bench = try bench()
        try bench.configure(#"{"options":{"without":"null"},"customers":[{"id":1,"name":"A"}]}"#)
        #expect(bench.get("/v1/customers/licenses").json == [["customerId": 1, "licenses": .null]])
        try bench.configure(#"{"options":{"without":"absent"},"customers":[{"id":1,"name":"A"}]}"#)
        #expect(bench.get("/v1/customers/licenses").json == [])
        #expect(bench.post("/v1/customers", "").status == 404)
        try bench.configure(#"{"options":{"enabled":false}}"#)
        #expect(bench.get("/v1/customers").status == 403)
        #expect(bench.get("/v1/customers").json["error"] == "FORBIDDEN")
    }
}
