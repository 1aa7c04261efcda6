import Foundation
import Testing

@testable import Sandbox

@Suite("Section 14: quirks seen in real clients")
struct QuirkTests {
    static let form = "application/x-www-form-urlencoded"

    @Test(
        "PATCH status with no body, or {} as JSON, or an empty form",
        arguments: [
            (String?.none, nil), ("{}", "application/json"), ("", "application/json"), ("", form),
        ])
    func statusBody(body: String?, type: String?) {
        var desk = Desk()
        #expect(desk.call(.patch, "/organization/status/pending", body, type: type).json["data"]?["status"] == "pending")
        #expect(desk.call(.patch, "/organization/status/active", body, type: type).status == 200)
    }

    @Test("PATCH status with broken JSON is 400") func statusBrokenBody() {
        var desk = Desk()
        #expect(desk.call(.patch, "/organization/status/pending", "{").status == 400)
    }

    @Test("PATCH account form-encoded", arguments: [form, form + "; charset=UTF-8", "Application/X-WWW-Form-URLEncoded"])
    func accountForm(type: String) {
        var desk = Desk()
        desk.createAccount()
        let reply = desk.call(.patch, "/organization/accounts/1", "id=1&name=Smith+%26+Sons&description=a%2Bb", type: type)
        #expect(reply.json["name"] == "Smith & Sons")
        #expect(reply.json["description"] == "a+b")
    }

    @Test("PATCH service form-encoded, with all its fields (U-13)") func serviceForm() {
        var desk = Desk()
        let id = desk.createService()
        let body =
            "id=\(id)&name=Seats&description=new&supportArticle=https%3A%2F%2Fa.example&supportContact=&category=service+delivery&subcategory=DNS+filtering"
        let reply = desk.call(.patch, "/service/\(id)", body, type: Self.form)
        #expect(reply.status == 200)
        #expect(reply.json["data"]?["category"] == "service delivery")
        #expect(reply.json["data"]?["supportArticle"] == "https://a.example")
    }

    @Test("a broken form is 400") func brokenForm() {
        var desk = Desk()
        desk.createAccount()
        #expect(desk.call(.patch, "/organization/accounts/1", "name=%zz", type: Self.form).status == 400)
    }

    @Test("GET with an empty form body", arguments: ["", "/organization", "/organization/accounts", "/organization/services"])
    func getWithForm(path: String) {
        var desk = Desk()
        #expect(desk.call(.get, path, "", type: Self.form).status == 200)
    }

    @Test("A2 with a bare object answers an array (U-5)") func bareObject() {
        var desk = Desk()
        let reply = desk.call(.post, "/organization/accounts", #"{"id":"only","name":"One"}"#)
        #expect(reply.status == 201)
        #expect(reply.json == [["id": "only", "name": "One", "description": "", "isMapped": false]])
    }

    @Test("null name and null id in an account") func nulls() {
        var desk = Desk()
        let reply = desk.call(.post, "/organization/accounts", #"{"id":null,"name":null,"description":""}"#)
        #expect(reply.status == 400)
        #expect(reply.message == "accounts[0].id must be a string; accounts[0].name must be a string")
    }

    @Test("hex escapes in lower case, space as +") func formRulesInPath() {
        var desk = Desk()
        desk.createAccount("caf\u{E9} west", "A")
        #expect(desk.call(.patch, "/organization/accounts/caf%c3%a9%20west", #"{"name":"B"}"#).status == 200)
        #expect(desk.call(.patch, "/organization/accounts/caf%c3%a9+west", #"{"name":"C"}"#).status == 404)
        desk.model.settings.plusAsSpace = true
        #expect(desk.call(.patch, "/organization/accounts/caf%c3%a9+west", #"{"name":"C"}"#).status == 200, "U-32")
        desk.createAccount("a+b", "P")
        #expect(desk.call(.patch, "/organization/accounts/a%2Bb", #"{"name":"Q"}"#).status == 200)
    }

    @Test("clientOId null or absent alongside accountId") func nullClient() throws {
        var desk = Desk()
        let service = try desk.mapOne()
        #expect(desk.call(.post, "/service/\(service)/count", #"{"accountId":"1","clientOId":null,"unitCount":1}"#).status == 201)
        #expect(desk.count(service: service).status == 201)
    }

    @Test("undefined service id: /service//count") func emptyServiceID() throws {
        var desk = Desk()
        _ = try desk.mapOne()
        let reply = desk.count(service: "")
        #expect(reply.status == 404)
        #expect(desk.model.requests.byCall["S4"] == 1)
    }

    @Test("status straight to active, and pending although active") func statusOrder() throws {
        var desk = Desk()
        let service = try desk.mapOne()
        #expect(desk.call(.patch, "/organization/status/active").status == 200)
        #expect(desk.call(.patch, "/organization/status/pending").json["data"]?["status"] == "pending")
        desk.count(service: service)
        #expect(desk.call(.get, "/organization").json["status"] == "active")
    }

    @Test("V1 called over and over, one POST per account") func manySmallCalls() {
        var desk = Desk()
        desk.model.settings.rateLimit = nil
        for number in 1...150 {
            #expect(desk.call(.get).status == 200)
            #expect(desk.createAccount("\(number)", "N\(number)").status == 201)
        }
        #expect(desk.call(.get, "/organization/accounts").json.elements?.count == 150)
    }

    @Test("a body without a content type is read as JSON") func noContentType() {
        var desk = Desk()
        #expect(desk.call(.post, "/organization/accounts", #"[{"id":"1","name":"A"}]"#, type: nil).status == 201)
    }

    @Test(
        "malformed JSON is 400 for every call with a body",
        arguments: [
            ("PATCH", ""), ("POST", "/service"), ("POST", "/organization/accounts"), ("POST", "/organization/services"),
            ("POST", "/alerting/1"),
        ])
    func malformed(method: String, path: String) {
        var desk = Desk()
        let reply = desk.call(.init(method)!, path, #"{"title":"say "hi"","#)
        #expect(reply.status == 400)
        #expect(reply.message?.hasPrefix("Malformed JSON at byte ") == true)
    }
}
