import HTTPTypes
import Testing

@testable import Sandbox

@Suite("What simulated vendors hold")
struct HoldingsTests {
    private static let names = ["augmentt", "threatlocker", "ninjaone", "sentinelone", "datto-rmm", "usecure"]

    @Test(
        "a wrong configuration changes nothing",
        arguments: names.flatMap { name in
            [
                "[]", #"{"customer":[]}"#, #"{"customers":["c"]}"#, #"{"customers":[{"id":1,"counts":{"a":-1}}]}"#,
                #"{"customers":[{"counts":{"a":"1"}}]}"#,
                #"{"credentials":{"other":"x"}}"#, #"{"options":{"other":1}}"#, #"{"pageSize":0}"#, #"{"tokenSeconds":-1}"#,
            ].map { (name, $0) }
        })
    func wrong(name: String, json: String) throws {
        var bench = try VendorBench(name)
        let position = try #require(bench.desk.model.vendorAPIs.firstIndex { $0.name == name })
        let before = (bench.desk.model.vendorAPIs[position] as? any HoldingVendorAPI)?.holdings
        #expect(throws: SandboxError.self) { try bench.configure(json) }
        #expect((bench.desk.model.vendorAPIs[position] as? any HoldingVendorAPI)?.holdings == before)
    }

    @Test("faults strike, and an error page can come with 200")
    func faults() throws {
        var bench = try VendorBench(
            "augmentt", headers: ["AccessKeyId": "augmentt-sandbox-id", "AccessKeySecret": "augmentt-sandbox-secret"])
        let faults =
            #"[{"path":"/augmentt/v1/customers","status":200,"body":"<html>down</html>"},{"path":"/augmentt/","status":429,"retryAfter":2},{"path":"/augmentt/","half":true}]"#
        bench.desk.model.setFaults(try #require(try JSONParser.parse(Array(faults.utf8)).elements).map(Fault.init))
        #expect(bench.desk.model.faults[0].json["body"] == "<html>down</html>")
        let page = bench.get("/v1/customers")
        #expect(
            page.status == 200 && page.text == "<html>down</html>" && page.answer.headerFields[.contentType]?.hasPrefix("text/html") == true
        )
        let slow = bench.get("/v1/customers")
        #expect(slow.status == 429 && slow.answer.headerFields[.retryAfter] == "2")
        #expect(bench.get("/v1/customers").answer.delivery == .half)
        #expect(bench.get("/v1/customers").json.elements?.count == 3)
        #expect(bench.meter.byStatus == [200: 3, 429: 1])
    }

    @Test("raw text instead of any answer that is let in")
    func raw() throws {
        var bench = try VendorBench("sentinelone", headers: ["Authorization": "ApiToken sentinelone-sandbox-token"])
        try bench.configure(#"{"raw":"{\"data\":null}"}"#)
        #expect(bench.get("/web/api/v2.1/sites").text == #"{"data":null}"#)
        bench.headers = [:]
        #expect(bench.get("/web/api/v2.1/sites").status == 401)
    }

    @Test("counted records are found by their place")
    func counted() {
        let records = CountedRecords([
            VendorCustomer("a", "A", ["x": 2, "none": 0, "y": 1]), VendorCustomer("b", "B", [:]), VendorCustomer("c", "C", ["x": 3]),
        ])
        #expect(records.total == 6)
        #expect(records.records(1..<5).map { "\($0.number)\($0.customer.idText ?? "")\($0.kind)" } == ["1ax", "2ay", "3cx", "4cx"])
        #expect(records.records(6..<9).isEmpty)
    }

    @Test("the start page names every address")
    func access() {
        let model = Desk().model
        for name in Self.names {
            let access = model.vendorAPIs.first { $0.name == name }?.access(origin: "http://s") ?? []
            #expect(access.first?.value.hasPrefix("http://s/\(name)") == true)
            #expect(access.count >= 2)
        }
    }
}
