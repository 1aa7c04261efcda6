import HTTPClient
import Testing

@testable import Synthesize

@Suite("Reading what servers send rather than what they promise")
struct ToleranceTests {
    // MARK: Envelopes (U-8)

    @Test(
        "An object is read in its envelope or without",
        arguments: [
            #"{"id":"v","skus":[]}"#, #"{"status":200,"data":{"id":"v","skus":[]},"message":"m"}"#,
            #"{"data":{"_id":"v","skus":[],"__v":0,"attributes":[]}}"#,
            // `data` that is no object is a field like any other.
            #"{"id":"v","skus":[],"data":null}"#, #"{"id":"v","skus":[],"data":"x"}"#, #"{"id":"v","skus":[],"data":[]}"#,
        ])
    func envelopes(_ body: String) async throws {
        #expect(try await ClientBench(.ok(body)).client.vendor().id == "v")
    }

    @Test("A list is read bare, and wrapped as well", arguments: [#"[{"id":"1"}]"#, #"{"status":200,"data":[{"id":"1"}]}"#])
    func lists(_ body: String) async throws {
        #expect(try await ClientBench(.ok(body)).client.accounts().map(\.id) == ["1"])
    }

    // MARK: Ids (U-7, U-33)

    @Test(
        "An id is text or a number, under either name",
        arguments: [
            (#"{"id":"a","_id":"b"}"#, "a"), (#"{"_id":"b"}"#, "b"), (#"{"id":null,"_id":"b"}"#, "b"), (#"{"id":42}"#, "42"),
            (#"{"id":-7}"#, "-7"), (#"{"id":1.5}"#, "1.5"), (#"{"id":12345678901234567890123}"#, "12345678901234567890123"),
            (#"{"id":"007"}"#, "007"), (#"{"id":""}"#, ""),
        ])
    func ids(_ object: String, _ id: String) async throws {
        #expect(try await ClientBench(.ok("[\(object)]")).client.accounts().map(\.id) == [id])
    }

    @Test("Entries without an id are left out; their neighbours stay")
    func unreadableEntries() async throws {
        let body = #"[{"name":"x"},null,7,"t",{"id":true},{"id":"1","name":5,"description":null,"isMapped":"yes","more":{}}]"#
        let entries = try await ClientBench(.ok(body)).client.accounts()
        #expect(entries.count == 1)
        let entry = try #require(entries.first)
        #expect((entry.id, entry.name, entry.description) == ("1", "5", ""))
        #expect(entry.isMapped == nil)
    }

    @Test("What Synthesize says of a mapping is kept, and its silence too (U-10)")
    func mapped() async throws {
        let body = #"[{"id":"1","isMapped":true},{"id":"2","isMapped":false},{"id":"3"}]"#
        #expect(try await ClientBench(.ok(body)).client.accounts().map(\.isMapped) == [true, false, nil])
    }

    // MARK: Organization (O1)

    @Test("Any status word is accepted, and missing fields do no harm (U-1)")
    func organization() async throws {
        let body = #"{"organizationId":5,"status":"Weird Word","lastSyncedAt":"1900-06-18T17:11:28.553Z","new":[1]}"#
        let organization = try await ClientBench(.ok(body)).client.organization()
        #expect(organization.organizationID == "5")
        #expect(organization.status.rawValue == "Weird Word")
        #expect(organization.name.isEmpty)
        #expect(organization.lastSyncedAt == "1900-06-18T17:11:28.553Z")
    }

    @Test(
        "An organization without id or status is no organization",
        arguments: [#"{"status":"active"}"#, #"{"organizationId":"o"}"#, "[]", "null", "", "<html>", #"{"data":{}}"#])
    func noOrganization(_ body: String) async {
        await expectFailure(.answerUnreadable) { _ = try await ClientBench(.ok(body)).client.organization() }
    }

    @Test("A status change is done whatever its answer shows", arguments: ["", "{}", "null", "OK"])
    func statusAnswer(_ body: String) async throws {
        #expect(try await ClientBench(.ok(body)).client.updateStatus(.pending) == nil)
    }

    // MARK: Counts (S4)

    @Test(
        "A count is taken whatever the answer says",
        arguments: ["", "{}", #"{"status":201,"message":"ok"}"#, "null", "[]", #"{"data":null}"#])
    func countTaken(_ body: String) async throws {
        let bench = ClientBench(.ok(body))
        #expect(try await bench.client.setUnitCount(serviceID: "s", accountID: "a", count: 1) == 200)
        #expect(bench.sender.requests.count == 1)
    }

    @Test("A page that a proxy answers with 200 is not taken for Synthesize's word", arguments: ["<html>", "Down for maintenance", "{"])
    func proxyPage(_ body: String) async {
        await expectFailure(.answerUnreadable) {
            try await ClientBench(.ok(body)).client.setUnitCount(serviceID: "s", accountID: "a", count: 1)
        }
    }

    // MARK: Vendor and services

    @Test("Services that cannot be read are left out of the vendor; wrong types count as missing")
    func vendor() async throws {
        let body = """
            {"id":"v","name":7,"skus":[{"id":1,"name":"A"},{"name":"no id"},{"id":"2"},null],
             "modules":[{"variation":"billing"},{"x":1},"alerts"],"integrationPortalUrl":null,"createdAt":5}
            """
        let vendor = try await ClientBench(.ok(body)).client.vendor()
        #expect(vendor.services.map(\.id) == ["1"])
        #expect(vendor.name == "7")
        #expect(vendor.modules == ["billing"])
        #expect(vendor.integrationPortalURL == nil)
    }

    private static let draft = ServiceDraft(name: "Seats", description: "d", category: .other, subcategory: .other)

    @Test(
        "A new service is found in each of the three shapes of the answer (U-14)",
        arguments: [
            #"{"id":"v","skus":[{"id":"x","name":"Other"},{"id":"s","name":"Seats"}]}"#,
            #"{"status":201,"data":{"id":"v","skus":[{"id":"s","name":"Seats"}]}}"#,
            #"{"id":"s","name":"Seats"}"#, #"{"data":{"_id":"s","name":"seats"}}"#,
        ])
    func createdService(_ body: String) async throws {
        #expect(try await ClientBench(.status(201, body)).client.createService(Self.draft)?.id == "s")
    }

    @Test(
        "An answer that does not show the new service gives none",
        arguments: ["", "{}", #"{"id":"v","skus":[]}"#, #"{"id":"v","name":"Acme"}"#, "[]"])
    func hiddenService(_ body: String) async throws {
        #expect(try await ClientBench(.status(201, body)).client.createService(Self.draft) == nil)
    }

    @Test(
        "One service is read from either shape (U-15)",
        arguments: [
            #"{"status":200,"data":{"id":"s","name":"Seats"}}"#,
            #"{"data":{"id":"v","name":"Acme","skus":[{"id":"x","name":"X"},{"id":"s","name":"Seats"}]}}"#,
            #"{"_id":"s","name":"Seats"}"#,
        ])
    func service(_ body: String) async throws {
        #expect(try await ClientBench(.ok(body)).client.service("s").name == "Seats")
    }

    @Test("Another service than the one asked for is not taken for it")
    func otherService() async {
        await expectFailure(.answerUnreadable) {
            _ = try await ClientBench(.ok(#"{"id":"x","name":"X"}"#)).client.service("s")
        }
    }

    // MARK: Clients (U-16)

    @Test("Clients are objects or bare text")
    func clients() async throws {
        let body = #"{"clients":["Acme",{"id":"2","name":"B"},{"_id":3},{"name":"no id"},null,"Acme"]}"#
        let clients = try await ClientBench(.ok(body), .ok(#"{"clients":[]}"#)).client.clients()
        #expect(clients.map(\.id) == ["Acme", "2", "3"])
        #expect(clients.map(\.name) == ["Acme", "B", "3"])
    }

    @Test("Pages are read from the last id on, until one brings nothing new")
    func pages() async throws {
        let bench = ClientBench(
            .ok(#"{"meta":{"total":3},"clients":[{"id":"a b"},{"id":"b"}]}"#), .ok(#"{"clients":[{"id":"b"},{"id":"c/d"}]}"#),
            .ok(#"{"clients":[{"id":"c/d"},{"id":"b"}]}"#))
        #expect(try await bench.client.clients(search: "x").map(\.id) == ["a b", "b", "c/d"])
        #expect(
            bench.sender.requests.map { $0.url.split(separator: "?").last.map(String.init) } == [
                "search=x", "search=x&previousId=b", "search=x&previousId=c%2Fd",
            ])
    }

    @Test("A server that repeats itself without end is left after 1,000 pages")
    func endless() async throws {
        let sender = ScriptedSender { _, number throws(HTTPClientError) in
            try Reply.ok(#"{"clients":["c\#(number)"]}"#).perform()
        }
        #expect(try await ClientBench(sender).client.clients().count == 1_000)
    }

    // MARK: Alerts

    @Test("A receipt's id may be a number", arguments: [#"{"messageId":"7"}"#, #"{"messageId":7,"alertId":null}"#])
    func receipt(_ body: String) async throws {
        let alert = ForbiddenCall.alert(priority: 1, status: 1)
        #expect(try await ClientBench(.status(201, body)).client.dispatchAlert(accountID: "a", alert).messageId == "7")
    }

    @Test("Every field of an alert's progress may be missing, null or of another type")
    func progress() async throws {
        let empty = try await ClientBench(.ok("{}")).client.alertProgress(messageID: "m")
        #expect((empty.ticketID, empty.status, empty.message) == (nil, nil, nil))
        #expect(empty.errors.isEmpty)

        let odd = #"{"ticketId":4711,"createdAt":1,"message":null,"status":"failed","statusCode":"x","errors":["a",null,5,"b"]}"#
        let progress = try await ClientBench(.ok(odd)).client.alertProgress(messageID: "m")
        #expect((progress.ticketID, progress.status) == ("4711", "failed"))
        #expect(progress.errors == ["a", "b"])

        let text = try await ClientBench(.ok(#"{"errors":"one"}"#)).client.alertProgress(messageID: "m")
        #expect(text.errors == ["one"])
    }
}
