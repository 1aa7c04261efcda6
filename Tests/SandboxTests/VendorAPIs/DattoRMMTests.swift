import Testing

@testable import Sandbox

@Suite("Simulated Datto RMM")
struct DattoRMMTests {
    private static let basic = "Basic cHVibGljLWNsaWVudDpwdWJsaWM="
    private static let form = "grant_type=password&username=k&password=s"

    private func bench(_ customers: String = "", more: String = "") throws -> VendorBench {
        var bench = try VendorBench(
            "datto-rmm", headers: ["Authorization": Self.basic],
            configuration: #"{"credentials":{"apiKey":"k","apiSecret":"s"},"customers":[\#(customers)]\#(more)}"#)
        let reply = bench.signIn("/auth/oauth/token", Self.form)
        #expect(reply.status == 200, "\(reply.text)")
        return bench
    }

    @Test("the next page's whole URL stands in the body")
    func pages() throws {
        var bench = try bench(#"{"id":"u1","name":"A","counts":{"Desktop":2,"null":1}},{"id":"u2","name":null},{"id":"u3","name":"C"}"#)
        let first = bench.get("/api/v2/account/sites?max=2").json
        #expect(first["sites"]?.each("uid") == ["u1", "u2"] && first["sites"]?.each("name") == ["A", .null])
        #expect(first["pageDetails"]?["count"] == 2 && first["pageDetails"]?["prevPageUrl"] == .null)
        let next = try #require(first["pageDetails"]?["nextPageUrl"]?.string)
        #expect(next == "http://desk/datto-rmm/api/v2/account/sites?page=1&max=2")
        let second = bench.get(String(next.dropFirst("http://desk/datto-rmm".count))).json
        #expect(second["sites"]?.each("uid") == ["u3"] && second["pageDetails"]?["nextPageUrl"] == .null)
        let devices = bench.get("/api/v2/site/u1/devices").json
        #expect(devices["devices"]?.elements?.map { $0["deviceType"]?["category"] } == ["Desktop", "Desktop", nil])
        #expect(devices["devices"]?.each("deviceType").last == .null)
        #expect(bench.get("/api/v2/site/u2/devices").json["devices"] == [])
        #expect(bench.get("/api/v2/site/u9/devices").status == 404)
        #expect(bench.meter.byCall["GET /api/v2/site/{id}/devices"] == 3)
    }

    @Test("the next page may be said to be elsewhere")
    func elsewhere() throws {
        var bench = try bench(
            #"{"id":"u1","name":"A"},{"id":"u2","name":"B"}"#, more: #","options":{"nextOrigin":"https://elsewhere.example"}"#)
        let next = bench.get("/api/v2/account/sites?max=1").json["pageDetails"]?["nextPageUrl"]?.string
        #expect(next?.hasPrefix("https://elsewhere.example/datto-rmm/") == true)
    }

    @Test("the account says whose it is, to those who are let in")
    func account() throws {
        var bench = try bench()
        #expect(bench.get("/api/v2/account").json["name"] == "Sandbox MSP")
        bench.headers = [:]
        #expect(bench.get("/api/v2/account").status == 401)
    }

    @Test("token: public client, password grant")
    func tokens() throws {
        var bench = try bench()
        bench.headers = [:]
        #expect(bench.get("/api/v2/account/sites").status == 401)
        #expect(bench.signIn("/auth/oauth/token", Self.form).status == 401)
        bench.headers["Authorization"] = Self.basic
        for form in ["grant_type=password&username=k&password=x", "grant_type=client_credentials&username=k&password=s", ""] {
            #expect(bench.signIn("/auth/oauth/token", form).status == 400)
        }
        #expect(bench.signIn("/auth/oauth/token", Self.form).status == 200)
        #expect(bench.get("/api/v2/account/sites?page=-1").status == 400)
        #expect(bench.get("/api/v2/account/sites?max=x").status == 400)
    }
}
