import Connectors
import Secrets
import Testing

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
