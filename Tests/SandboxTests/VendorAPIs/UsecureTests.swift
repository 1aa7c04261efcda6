import Testing

@testable import Sandbox

@Suite("Simulated usecure")
struct UsecureTests {
    private func bench() throws -> VendorBench {
        try VendorBench(
            "usecure", headers: ["x-api-key": "k"],
            configuration:
                #"{"credentials":{"apiKey":"k"},"customers":[{"id":"c\"1","name":"A","counts":{"premium":42}},{"id":"2","name":null,"counts":{"freeTrial":0}},{"id":3,"name":"None"}]}"#
        )
    }

    private func ask(_ bench: inout VendorBench, _ query: String, variables: JSONValue = .null) -> Desk.Reply {
        bench.post(
            "/graphql", String(decoding: JSONValue.object(present: ["query": .string(query), "variables": variables]).bytes, as: UTF8.self))
    }

    @Test("clients of the company, the plan of one of them")
    func records() throws {
        var bench = try bench()
        #expect(
            ask(&bench, "query { company { id, externalId, clients { name, id } } }").json == [
                "data": [
                    "company": [
                        "id": "uc-msp", "externalId": .null,
                        "clients": [["name": "A", "id": "c\"1"], ["name": .null, "id": "2"], ["name": "None", "id": 3]],
                    ]
                ]
            ])
        #expect(
            ask(&bench, #"{ company(companyId: "c\"1") { plan { name, learnerCount, learnerLimit } } }"#).json == [
                "data": ["company": ["plan": ["name": "premium", "learnerCount": 42, "learnerLimit": .null]]]
            ])
        let byVariable = ask(
            &bench, "query Plan($id: ID!) { it: company(companyId: $id) { p: plan { learnerCount } } }", variables: ["id": "2"])
        #expect(byVariable.json == ["data": ["it": ["p": ["learnerCount": 0]]]])
        #expect(
            ask(&bench, "{ company(companyId: 3) { name plan { name } } }").json == ["data": ["company": ["name": "None", "plan": .null]]])
        #expect(ask(&bench, "{ company { clients { plan { name } } } }").json["data"]?["company"]?["clients"]?.elements?.count == 3)
    }

    @Test(
        "errors come with 200",
        arguments: [
            "", "{", "{}", "{ company }", "{ company { } }", "{ company { nothing } }", "{ nothing { id } }", "{ company(id: 1) { id } }",
            #"{ company(companyId: "x") { id } }"#,
            "{ company { id } } x", "mutation { company { id } }", "{ company { plan(x: 1 { name } } }",
            #"{ company(companyId: "x) { id } }"#, "{ a { a { a { a { a { a { a { a { a { a { a { a }}}}}}}}}}}}",
        ])
    func errors(query: String) throws {
        var bench = try bench()
        let reply = ask(&bench, query)
        #expect(reply.status == 200, "\(reply.text)")
        #expect(reply.json["data"] == .null && reply.json["errors"]?.each("message").first??.string != nil, "\(reply.text)")
    }

    @Test("401 without the key, 400 without a query")
    func refused() throws {
        var bench = try bench()
        #expect(bench.post("/graphql", "{}").status == 400)
        bench.headers = [:]
        #expect(ask(&bench, "{ company { id } }").status == 401)
    }
}
