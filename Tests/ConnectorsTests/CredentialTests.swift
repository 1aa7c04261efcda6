import Foundation
import HTTPClient
import Secrets
import Testing

@testable import Connectors

@Suite("What a partner enters for SaaS Alerts")
struct CredentialTests {
    private func read(_ entered: [String: String], allowsPlainHTTP: Bool = false) throws -> ConnectorCredential {
        try VendorBench(ScriptedSender([.status(500)]), allowsPlainHTTP: allowsPlainHTTP).connector.credential(from: entered)
    }

    private func refusal(_ entered: [String: String]) -> ConnectorError? {
        #expect(throws: ConnectorError.self) { try read(entered) }
    }

    @Test("Two fields: the key is secret, the address is offered")
    func fields() throws {
        let bench = try VendorBench([:])
        #expect(bench.connector.fields.map(\.label) == ["API Key", "API URL"])
        #expect(bench.connector.fields.map(\.isSecret) == [true, false])
        #expect(bench.connector.fields[0].defaultValue == nil)
        #expect(bench.connector.fields[1].defaultValue == "https://us-central1-the-byway-248217.cloudfunctions.net")
    }

    @Test("Pasted text loses what surrounds it", arguments: [" key ", "\tkey\n", "\u{FEFF}key\u{200B}", "\u{A0}key\r\n"])
    func trimmed(_ key: String) throws {
        let credential = try read(["apiKey": key, "apiURL": " https://a.example \n"])
        #expect(credential.secretFields == ["apiKey": Secret("key")])
        #expect(credential.openFields == ["apiURL": "https://a.example"])
    }

    @Test("An empty address becomes the public one", arguments: [nil, "", "   "])
    func defaultAddress(_ url: String?) throws {
        let credential = try read(["apiKey": "k"].merging(url.map { ["apiURL": $0] } ?? [:]) { $1 })
        #expect(credential.openFields["apiURL"] == "https://us-central1-the-byway-248217.cloudfunctions.net")
    }

    @Test("A missing key is named", arguments: [[:], ["apiKey": ""], ["apiKey": " \u{200B}"]])
    func missingKey(_ entered: [String: String]) {
        let error = refusal(entered)
        #expect(error?.code == .invalidInput)
        #expect(error?.field == "apiKey")
        #expect(error?.message.contains("API Key") == true)
    }

    @Test("A key with white space or special characters in it is refused without being shown", arguments: ["a b", "schlüssel", "a\nb"])
    func brokenKey(_ key: String) {
        let error = refusal(["apiKey": key])
        #expect(error?.code == .invalidInput)
        #expect(error?.field == "apiKey")
        #expect(error?.message.contains(key) == false)
    }

    @Test(
        "An address is kept without what partners paste along with it",
        arguments: [
            ("https://a.example", "https://a.example"), ("https://a.example/", "https://a.example"),
            ("https://a.example///", "https://a.example"), ("https://a.example/reportApi/api/v1", "https://a.example"),
            ("https://a.example/reportApi/api/v1/", "https://a.example"), ("https://a.example//reportApi/api/v1", "https://a.example"),
            ("https://a.example:8443/base", "https://a.example:8443/base"),
            ("https://a.example/base/reportApi/api/v1", "https://a.example/base"), ("HTTPS://A.example", "https://A.example"),
            ("Https://a.example/", "https://a.example"),
            ("https://[::1]:1", "https://[::1]:1"),
        ])
    func normalised(_ entered: String, _ kept: String) throws {
        #expect(try read(["apiKey": "k", "apiURL": entered]).openFields["apiURL"] == kept)
    }

    @Test(
        "What is no web address is refused, naming the field",
        arguments: [
            "a.example", "https://", "https:///", "https:", "/", "///", "ftp://a.example", "javascript:alert(1)", "file:///etc/passwd",
            "http://a.example", "https://user@a.example", "https://user:pw@a.example", "https://:pw@a.example", "https://@a.example",
            "https://a.example?x=1", "https://a.example/#f", "https://a.example#f", "https://a b", "https://a.example:port",
            "https://münchen.example",
        ])
    func refusedAddress(_ url: String) {
        let error = refusal(["apiKey": "k", "apiURL": url])
        #expect(error?.code == .invalidInput)
        #expect(error?.field == "apiURL")
    }

    @Test("Plain http passes only where it is allowed")
    func plainHTTP() throws {
        let entered = ["apiKey": "k", "apiURL": "http://127.0.0.1:8080/"]
        #expect(throws: ConnectorError.self) { try read(entered) }
        #expect(try read(entered, allowsPlainHTTP: true).openFields["apiURL"] == "http://127.0.0.1:8080")
    }

    @Test("Reading a credential again changes nothing")
    func stable() throws {
        let first = try read(["apiKey": "k", "apiURL": "https://a.example/x/reportApi/api/v1/"])
        let again = try read(["apiKey": "k", "apiURL": first.openFields["apiURL"] ?? ""])
        #expect(first == again)
    }

    @Test("A name that no header can have is refused", arguments: ["a b", "a:b", "é"])
    func headerName(_ name: String) {
        #expect(throws: ConnectorError.self) { try VendorBench([:], keyFieldName: name) }
    }
}

@Suite("Passwords as people have them", .timeLimit(.minutes(1)))
struct PasswordTests {
    private static func small(_ auth: String) -> SmallDefinition {
        var small = SmallDefinition()
        small.settings = """
              partner:
                user: {label: User, help: Anywhere., environment: VENDOR_USER}
                apiKey: {kind: secret, label: Password, help: Anywhere.}
            """
        small.auth = auth
        return small
    }

    private static let password = "pass wörd 🔑\"\\&=+:/%"

    private func request(_ auth: String, user: String = "jörg d") async throws -> [OutgoingRequest] {
        let sender = ScriptedSender { request, _ throws(HTTPClientError) in
            try Reply.ok(request.url.hasSuffix("/token") ? #"{"access_token":"t"}"# : #"[{"id":1,"name":"A"}]"#).perform()
        }
        let bench = try DefinitionBench(try Self.small(auth).definition(), sender)
        let credential = try bench.connector.credential(from: ["user": user, "apiKey": "  \(Self.password)\n"])
        _ = try await bench.connector.fetchAccounts(credential)
        return sender.requests
    }

    @Test("Basic carries any text as UTF-8 (RFC 7617)")
    func basic() async throws {
        let field = try #require(
            try await request("basic: {user: \"${user}\", password: \"${apiKey}\"}").first?.headerFields[.authorization])
        let decoded = try #require(Data(base64Encoded: String(field.dropFirst(6))))
        #expect(String(decoding: decoded, as: UTF8.self) == "jörg d:\(Self.password)")
    }

    @Test("So do a form, JSON, and a query")
    func bodies() async throws {
        let form = try await request(
            "oauth2: {grant: password, url: \"https://vendor.example/token\", user: \"${user}\", password: \"${apiKey}\"}")
        #expect(
            form[0].bodyText?.contains("username=j%C3%B6rg%20d&password=pass%20w%C3%B6rd%20%F0%9F%94%91%22%5C%26%3D%2B%3A%2F%25") == true)
        let json = try await request(
            "token: {post: \"https://vendor.example/token\", json: {p: \"${apiKey}\"}, value: $.access_token}\nbearer: ${token}")
        #expect(try JSONValue(parsing: json[0].body ?? [])["p"]?.string == Self.password)
        let query = try await request("query: {key: \"${apiKey}\"}")
        #expect(query[0].url.hasSuffix("?key=pass%20w%C3%B6rd%20%F0%9F%94%91%22%5C%26%3D%2B%3A%2F%25"))
    }

    @Test(
        "A header carries no such text, and says so when it is entered",
        arguments: ["headers: {X-Key: \"${apiKey}\"}", "bearer: ${apiKey}", "headers: {X-Key: \"${apiKey}\"}\nquery: {key: \"${apiKey}\"}"])
    func headers(_ auth: String) throws {
        let bench = try DefinitionBench(try Self.small(auth).definition(), ScriptedSender([]))
        let error = #expect(throws: ConnectorError.self) {
            try bench.connector.credential(from: ["user": "me", "apiKey": Self.password])
        }
        #expect(error?.field == "apiKey" && error?.code == .invalidInput)
        #expect(error?.message.contains(Self.password) == false)
    }

    @Test("A line end, a control character, or a colon in the user's name of Basic is refused")
    func refused() throws {
        let bench = try DefinitionBench(
            try Self.small("basic: {user: \"${user}\", password: \"${apiKey}\"}").definition(), ScriptedSender([]))
        for (user, password, field) in [
            ("me", "a\nb", "apiKey"), ("me", "a\u{1B}b", "apiKey"), ("me", "a\u{0}", "apiKey"), ("a:b", "x", "user"),
        ] {
            let error = #expect(throws: ConnectorError.self) {
                try bench.connector.credential(from: ["user": user, "apiKey": password])
            }
            #expect(error?.field == field, "\(user)")
        }
    }
}
