import Foundation
import Testing

@testable import Sandbox

@Suite("Section 5: A1, A2, A3 and D1, D2, D3")
struct AccountTests {
    /// Paths of the accounts calls and of their twins for organisation-level services.
    static let lists = ["accounts", "services"]

    @Test("A1, D1: empty at first, then whole and in order (U-39)", arguments: lists) func wholeList(list: String) {
        var desk = Desk()
        #expect(desk.call(.get, "/organization/\(list)").json == [])
        let many = (1...300).map { #"{"id":"\#($0)","name":"N\#($0)"}"# }.joined(separator: ",")
        #expect(desk.call(.post, "/organization/\(list)", "[\(many)]").status == 201)
        let ids = desk.call(.get, "/organization/\(list)").json.elements?.compactMap { $0["id"]?.string }
        #expect(ids == (1...300).map(String.init))
    }

    @Test("A2, D2: answers the created objects in order; description falls back to empty", arguments: lists) func create(list: String) {
        var desk = Desk()
        let reply = desk.call(
            .post, "/organization/\(list)",
            #"[{"id":"b","name":"B","description":"x"},{"id":"a","name":"A","extra":1},{"id":"c","name":"","description":null}]"#)
        #expect(reply.status == 201)
        #expect(
            reply.json == [
                ["id": "b", "name": "B", "description": "x", "isMapped": false],
                ["id": "a", "name": "A", "description": "", "isMapped": false],
                ["id": "c", "name": "", "description": "", "isMapped": false],
            ])
        #expect(desk.call(.get, "/organization/\(list)").json == reply.json)
        #expect(desk.call(.post, "/organization/\(list)", "[]").json == [])
    }

    @Test("A2, D2: 409 for an existing id, nothing of the request is stored (U-6)", arguments: lists) func existing(list: String) {
        var desk = Desk()
        desk.call(.post, "/organization/\(list)", #"[{"id":"1","name":"Acme"}]"#)
        let reply = desk.call(.post, "/organization/\(list)", #"[{"id":"2","name":"New"},{"id":"1","name":"Other"}]"#)
        #expect(reply.status == 409)
        #expect(reply.json == ["statusCode": 409, "message": "A resource with this Id already exists."])
        let twice = desk.call(.post, "/organization/\(list)", #"[{"id":"3","name":"New"},{"id":"3","name":"Again"}]"#)
        #expect(twice.status == 409)
        #expect(desk.call(.get, "/organization/\(list)").json.elements?.count == 1)
    }

    @Test(
        "A2, D2: 400 names each offending field and stores nothing",
        arguments: [
            (#"[{"id":"1"}]"#, "accounts[0].name must be a string"),
            (#"[{"id":"1","name":"n"},{"id":null,"name":null}]"#, "accounts[1].id must be a string; accounts[1].name must be a string"),
            (
                #"[{"id":true,"name":5,"description":[]}]"#,
                "accounts[0].id must be a string; accounts[0].name must be a string; accounts[0].description must be a string"
            ),
            (#"["x"]"#, "accounts[0] must be an object; accounts[0].id must be a string; accounts[0].name must be a string"),
            (#""text""#, "body must be an array"), ("", "body must be an array"),
        ])
    func invalid(body: String, message: String) {
        var desk = Desk()
        let reply = desk.call(.post, "/organization/accounts", body)
        #expect(reply.status == 400)
        #expect(reply.message == message)
        #expect(desk.call(.get, "/organization/accounts").json == [])
    }

    @Test("D2: a bare object is 400; the same id may stand in another organization") func servicesAreSeparate() throws {
        var desk = Desk()
        #expect(desk.call(.post, "/organization/services", #"{"id":"1","name":"n"}"#).status == 400)
        desk.call(.post, "/organization/services", #"[{"id":"1","name":"n"}]"#)
        desk.keys = desk.model.createOrganization(.init(name: "Other"), at: desk.now)
        #expect(desk.call(.get, "/organization/services").json == [])
        #expect(desk.call(.post, "/organization/services", #"[{"id":"1","name":"n"}]"#).status == 201)
    }

    @Test(
        "A3, D3: one bare object, one or more fields", arguments: lists,
        [
            (#"{"name":"New name"}"#, "New name", "d"), (#"{"description":""}"#, "Old", ""), (#"{"name":"X","description":"Y"}"#, "X", "Y"),
            (#"{"id":"1","name":"X"}"#, "X", "d"),
        ])
    func update(list: String, change: (body: String, name: String, description: String)) {
        var desk = Desk()
        desk.call(.post, "/organization/\(list)", #"[{"id":"1","name":"Old","description":"d"}]"#)
        let reply = desk.call(.patch, "/organization/\(list)/1", change.body)
        let expected: JSONValue = [
            "id": "1", "name": .string(change.name), "description": .string(change.description), "isMapped": false,
        ]
        #expect(reply.json == expected)
        #expect(desk.call(.get, "/organization/\(list)").json == [expected])
    }

    @Test("A3, D3: 404 for an unknown id, 400 for nothing to change", arguments: lists) func updateErrors(list: String) {
        var desk = Desk()
        desk.call(.post, "/organization/\(list)", #"[{"id":"1","name":"Old"}]"#)
        #expect(desk.call(.patch, "/organization/\(list)/2", #"{"name":"x"}"#).status == 404)
        for body in ["", "{}", #"{"other":1}"#, #"{"name":null}"#] {
            #expect(desk.call(.patch, "/organization/\(list)/1", body).status == 400, "\(body)")
        }
        #expect(desk.call(.patch, "/organization/\(list)/1", #"{"name":1}"#).status == 400)
        #expect(desk.call(.patch, "/organization/\(list)/1", "{").status == 400)
    }

    @Test("U-38: A3 moves an account to a free id and keeps mapping and counts; 409 for a taken one") func changeID() throws {
        var desk = Desk()
        let service = try desk.mapOne()
        desk.createAccount("2", "Globex")
        desk.count("7", service: service)
        #expect(desk.call(.patch, "/organization/accounts/1", #"{"id":"2"}"#).status == 409)
        let reply = desk.call(.patch, "/organization/accounts/1", #"{"id":"one"}"#)
        #expect(reply.json == ["id": "one", "name": "Acme", "description": "", "isMapped": true])
        #expect(desk.count(account: "1", service: service).status == 404)
        #expect(desk.count("8", account: "one", service: service).status == 201)
        #expect(try desk.organization.counts.values.map(\.times) == [2])
        #expect(desk.createAccount("1", "Again").status == 201, "the old id is free")
    }

    @Test(
        "U-10: accountIds and serviceIds fetch only these",
        arguments: [
            ("accounts", "accountIds"), ("services", "serviceIds"),
        ])
    func filterByID(list: String, field: String) {
        var desk = Desk()
        desk.call(.post, "/organization/\(list)", #"[{"id":"a","name":"A"},{"id":"b b","name":"B"},{"id":"c","name":"C"}]"#)
        for query in [
            "\(field)=a&\(field)=b%20b", "\(field)[]=a&\(field)[]=b+b", "\(field)%5B%5D=a&\(field)%5B%5D=b%20b",
            "\(field)[0]=a&\(field)[1]=b+b",
        ] {
            let ids = desk.call(.get, "/organization/\(list)?\(query)").json.elements?.compactMap { $0["id"] }
            #expect(ids == ["a", "b b"], "\(query)")
        }
        #expect(desk.call(.get, "/organization/\(list)?\(field)=nope").json == [])
        #expect(desk.call(.get, "/organization/\(list)?\(field)=").json.elements?.count == 3)
    }

    @Test("U-10: returnUnmapped false keeps the mapped ones; isMapped tells", arguments: lists) func returnUnmapped(list: String) throws {
        var desk = Desk()
        desk.call(.post, "/organization/\(list)", #"[{"id":"a","name":"A"},{"id":"b","name":"B"},{"id":"c","name":"C"}]"#)
        let product = try desk.organization.products[0].id
        let client = try desk.organization.clients[0].id
        if list == "accounts" {
            try desk.model.map(organization: desk.keys.organizationID, accounts: [("b", .client(client)), ("c", .excluded)])
        } else {
            try desk.model.map(organization: desk.keys.organizationID, services: [("b", .products([product])), ("c", .excluded)])
        }
        for value in ["false", "False", "0"] {
            let items = desk.call(.get, "/organization/\(list)?returnUnmapped=\(value)").json
            #expect(items == [["id": "b", "name": "B", "description": "", "isMapped": true]], "\(value)")
        }
        for query in ["", "?returnUnmapped=true"] {
            let mapped = desk.call(.get, "/organization/\(list)\(query)").json.elements?.compactMap { $0["isMapped"] }
            #expect(mapped == [false, true, false])
        }
    }

    @Test("U-10: an older server knows nothing of mappings", arguments: lists) func hiddenMappings(list: String) {
        var desk = Desk { $0.hideMappings = true }
        let created = desk.call(.post, "/organization/\(list)", #"[{"id":"a","name":"A"},{"id":"b","name":"B"}]"#).json
        #expect(created.elements?.first?.members?.map(\.name) == ["id", "name", "description"])
        #expect(desk.call(.get, "/organization/\(list)?returnUnmapped=false&accountIds=a&serviceIds=a").json == created)
    }

    static let peculiarIDs = [
        "a/b", "a b", "a+b", "100%", "naïve", "👩‍👩‍👧", "contoso.onmicrosoft.com", "user@example.com",
        "73786976294838206464.5", "?&=#", "..", #"q"uote"#, "a%2Fb", String(repeating: "x", count: 255), "e\u{301}",
    ]

    @Test("U-32, section 14: ids of any characters, escaped in the path", arguments: peculiarIDs) func peculiarID(id: String) throws {
        var desk = Desk()
        let service = try desk.mapOne()
        let body: JSONValue = [["id": .string(id), "name": "P"]]
        #expect(desk.call(.post, "/organization/accounts", String(decoding: body.bytes, as: UTF8.self)).status == 201)
        let encoded = try #require(id.addingPercentEncoding(withAllowedCharacters: .alphanumerics))
        for path in [encoded, encoded.lowercased()] where path == encoded || !encoded.contains(/[A-Z](?![0-9A-F])/) {
            let reply = desk.call(.patch, "/organization/accounts/\(path)", #"{"description":"changed"}"#)
            #expect(reply.json["id"] == .string(id))
        }
        try desk.model.mapEverything(organization: desk.keys.organizationID, at: desk.now)
        let count: JSONValue = ["accountId": .string(id), "unitCount": 2]
        #expect(desk.call(.post, "/service/\(service)/count", String(decoding: count.bytes, as: UTF8.self)).status == 201)
        #expect(desk.alert(account: encoded).status == 201)
    }

    @Test("ids are compared byte by byte") func composedAndDecomposed() {
        var desk = Desk()
        #expect(desk.createAccount("\u{E9}", "A").status == 201)
        #expect(desk.createAccount("e\u{301}", "B").status == 201)
        #expect(desk.call(.patch, "/organization/accounts/e%CC%81", #"{"description":"x"}"#).json["name"] == "B")
    }
}
