import Testing

@testable import Sandbox

@Suite("Simulated NinjaOne")
struct NinjaOneTests {
    private static let form = "grant_type=client_credentials&client_id=i&client_secret=s&scope=monitoring"

    private func bench(_ customers: String = "", more: String = "") throws -> VendorBench {
        try VendorBench(
            "ninjaone", configuration: #"{"credentials":{"clientId":"i","clientSecret":"s"},"customers":[\#(customers)]\#(more)}"#)
    }

    @Test("a token by client credentials, then organizations and devices by the last id seen")
    func records() throws {
        var bench = try bench(
            #"{"id":7,"name":"Acme","counts":{"WINDOWS_SERVER":2,"MAC:offline":1}},{"id":3,"name":"Zero"},{"id":9,"name":null,"counts":{"null":2}}"#
        )
        let token = bench.signIn("/ws/oauth/token", Self.form)
        #expect(token.json["token_type"] == "Bearer" && token.json["expires_in"] == 3600)
        #expect(bench.get("/v2/organizations?pageSize=2").json.each("id") == [3, 7])
        #expect(bench.get("/v2/organizations?pageSize=2&after=7").json.each("id") == [9])
        #expect(bench.get("/v2/organizations?pageSize=2&after=9").json == [])
        let first = bench.get("/v2/devices?pageSize=3&after=0").json
        #expect(first.each("id") == [1, 2, 3] && first.each("organizationId") == [7, 7, 7])
        #expect(first.each("nodeClass") == ["WINDOWS_SERVER", "WINDOWS_SERVER", "MAC"] && first.each("offline") == [false, false, true])
        let second = bench.get("/v2/devices?pageSize=3&after=3").json
        #expect(second.each("id") == [4, 5] && second.each("nodeClass") == [.null, .null])
        #expect(bench.get("/v2/devices?pageSize=3&after=5").json == [])
        #expect(bench.get("/v2/devices?pageSize=0").status == 400 && bench.get("/v2/devices?after=x").status == 400)
    }

    @Test("a token ends by time and by a new configuration")
    func expiry() throws {
        var bench = try bench(more: #","tokenSeconds":60"#)
        #expect(bench.get("/v2/devices").status == 401)
        _ = bench.signIn("/ws/oauth/token", Self.form)
        bench.desk.wait(seconds: 59)
        #expect(bench.get("/v2/devices").status == 200)
        bench.desk.wait(seconds: 1)
        #expect(bench.get("/v2/devices").status == 401)
        _ = bench.signIn("/ws/oauth/token", Self.form)
        #expect(bench.get("/v2/devices").status == 200)
        try bench.configure("{}")
        #expect(bench.get("/v2/devices").status == 401)
    }

    @Test(
        "what the token step refuses",
        arguments: [
            ("", 400), ("grant_type=password", 400), ("grant_type=client_credentials&client_id=i&client_secret=x&scope=monitoring", 401),
            ("grant_type=client_credentials&client_id=i&client_secret=s", 400),
            ("grant_type=client_credentials&client_id=i&client_secret=s&scope=control", 400),
        ])
    func refused(form: String, status: Int) throws {
        var bench = try bench()
        #expect(bench.signIn("/ws/oauth/token", form).status == status)
        #expect(bench.post("/ws/oauth/token", #"{"grant_type":"client_credentials"}"#).status == 400)
    }

    @Test("a page is capped, whatever is asked for")
    func capped() throws {
        var bench = try bench(#"{"id":1,"name":"A","counts":{"MAC":5}}"#, more: #","pageSize":2"#)
        _ = bench.signIn("/ws/oauth/token", Self.form)
        #expect(bench.get("/v2/devices?pageSize=100").json.each("id") == [1, 2])
    }
}
