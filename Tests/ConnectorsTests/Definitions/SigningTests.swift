import Foundation
import HTTPClient
import HTTPTypes
import Synchronization
import Testing

@testable import Connectors

@Suite("Requests that prove who asks", .timeLimit(.minutes(3)))
struct SigningTests {
    private static let two = Reply.ok(#"[{"id":1,"name":"Acme"},{"id":"b","name":"Globex"}]"#)

    private static func signed(_ auth: String, settings: String? = nil) -> SmallDefinition {
        var small = SmallDefinition()
        small.auth = auth
        if let settings { small.settings = settings }
        return small
    }

    @Test("Basic, bearer, raw header, query")
    func signing() async throws {
        func request(_ auth: String) async throws -> OutgoingRequest {
            let bench = try DefinitionBench(try Self.signed(auth).definition(), ScriptedSender([Self.two]))
            _ = try await bench.accounts()
            return try #require(bench.sender.requests.first)
        }
        #expect(
            try await request("basic: {user: me@x, password: \"${apiKey}\"}").headerFields[.authorization] == "Basic bWVAeDpzZWNyZXQta2V5")
        #expect(try await request("bearer: ${apiKey}").headerFields[.authorization] == "Bearer secret-key")
        #expect(try await request("headers: {Authorization: \"ApiToken ${apiKey}\"}").headerFields[.authorization] == "ApiToken secret-key")
        #expect(
            try await request("query: {client_secret: \"${apiKey}\"}").url == "https://vendor.example/v1/customers?client_secret=secret-key"
        )
    }

    @Test("Secrets in addresses are hidden in the trace and in log lines")
    func hidden() async throws {
        var small = Self.signed("query: {client_secret: \"${apiKey}\"}")
        small.requests = "base: https://vendor.example/v1/${apiKey}"
        let bench = try DefinitionBench(try small.definition(), ScriptedSender([Self.two]))
        _ = try await bench.accounts()
        #expect(bench.trace.entries.map(\.url) == ["https://vendor.example/v1/***/customers?client_secret=***"])
        #expect(bench.sender.requests.first?.pathForLog == "/v1/***/customers")
        #expect(bench.trace.entries.first?.status == 200)
    }

    private static let oauth = """
        oauth2:
          grant: clientCredentials
          url: https://vendor.example/token
          clientId: me
          clientSecret: ${apiKey}
          scope: monitoring
        """

    /// A vendor that gives out `t1`, `t2` and so on, and takes only those in `valid`.
    private static func tokenVendor(valid: @escaping @Sendable (String) -> Bool, lifetime: String = #""expires_in":3600"#) -> ScriptedSender
    {
        let given = Mutex(0)
        return ScriptedSender { request, _ throws(HTTPClientError) in
            if request.url.hasSuffix("/token") {
                let number = given.withLock { given in
                    given += 1
                    return given
                }
                return try Reply.ok(#"{"access_token":"t\#(number)",\#(lifetime)}"#).perform()
            }
            let token = request.headerFields[.authorization]?.split(separator: " ").last.map(String.init) ?? ""
            guard valid(token) else { return try Reply.status(401).perform() }
            return try (request.url.hasSuffix("/customers") ? Self.two : .ok("[]")).perform()
        }
    }

    @Test("A token is fetched once and kept for the fetch")
    func tokenOnce() async throws {
        let bench = try DefinitionBench(try Self.signed(Self.oauth).definition(), Self.tokenVendor(valid: { $0 == "t1" }))
        _ = try await bench.usage()
        #expect(bench.sender.requests.map(\.url.lastPart) == ["token", "customers", "seats"])
        #expect(bench.sender.requests[0].bodyText == "grant_type=client_credentials&client_id=me&client_secret=secret-key&scope=monitoring")
        #expect(bench.trace.entries.map(\.purpose) == ["token", "customers", "seats"])
    }

    @Test("A token that is refused is renewed once; the next refusal is the credential's")
    func tokenRenewed() async throws {
        let renewed = try DefinitionBench(try Self.signed(Self.oauth).definition(), Self.tokenVendor(valid: { $0 == "t2" }))
        _ = try await renewed.usage()
        #expect(renewed.sender.requests.map(\.url.lastPart) == ["token", "customers", "token", "customers", "seats"])
        let refused = try DefinitionBench(try Self.signed(Self.oauth).definition(), Self.tokenVendor(valid: { _ in false }))
        let error = await expectFailure(.credentialRefused) { _ = try await refused.usage() }
        #expect(error?.field == "apiKey")
        #expect(refused.sender.requests.map(\.url.lastPart) == ["token", "customers", "token", "customers"])
    }

    @Test("A token near its end is fetched anew")
    func tokenExpires() async throws {
        var small = Self.signed(Self.oauth)
        // 1 request in 100 s: the second read comes after the token's end.
        small.requests += "\nperSecond: 0.1"
        let bench = try DefinitionBench(try small.definition(), Self.tokenVendor(valid: { _ in true }, lifetime: #""expires_in":"12""#))
        _ = try await bench.usage()
        #expect(bench.sender.requests.map(\.url.lastPart).filter { $0 == "token" }.count > 1)
    }

    @Test("Many who need a token make one request for it")
    func tokenShared() async throws {
        var small = SmallDefinition.fanned
        small.auth = Self.oauth
        let customers = (1...20).map { #"{"id":\#($0),"name":"C","site":{"key":"k"}}"# }.joined(separator: ",")
        let given = Mutex(0)
        let sender = ScriptedSender { request, _ throws(HTTPClientError) in
            if request.url.hasSuffix("/token") {
                let number = given.withLock { given in
                    given += 1
                    return given
                }
                return try Reply.ok(#"{"access_token":"t\#(number)"}"#).perform()
            }
            if request.url.hasSuffix("/customers") { return try Reply.ok("[\(customers)]").perform() }
            // The first token ends in the middle of the fan-out.
            return try (request.headerFields[.authorization] == "Bearer t2" ? Reply.ok("[]") : .status(401)).perform()
        }
        let bench = try DefinitionBench(try small.definition(), sender)
        _ = try await bench.usage()
        #expect(given.withLock { $0 } == 2)
    }

    @Test("A wrong client is refused, not unreachable", arguments: [400, 401, 403])
    func tokenRefused(_ status: Int) async throws {
        let bench = try DefinitionBench(
            try Self.signed(Self.oauth).definition(), ScriptedSender([.status(status, #"{"error":"invalid_client"}"#)]))
        let error = await expectFailure(.credentialRefused) { _ = try await bench.usage() }
        #expect(error?.field == "apiKey")
        #expect(bench.sender.requests.count == 1)
    }

    @Test("Password grant with the client in Basic, and a token step of its own kind")
    func otherTokens() async throws {
        let password = """
            oauth2:
              grant: password
              url: https://vendor.example/token
              clientId: ${public}
              clientSecret: ${public}
              clientIn: basic
              user: me
              password: ${apiKey}
            """
        var small = Self.signed(password)
        small.more = "constants: {public: public}"
        let bench = try DefinitionBench(try small.definition(), Self.tokenVendor(valid: { $0 == "t1" }))
        _ = try await bench.accounts()
        #expect(bench.sender.requests[0].bodyText == "grant_type=password&username=me&password=secret-key")
        #expect(bench.sender.requests[0].headerFields[.authorization] == "Basic cHVibGljOnB1YmxpYw==")

        let login = """
            token: {post: "https://vendor.example/login", json: {user: me, pass: "${apiKey}"}, value: $.Result.ApiToken}
            headers: {X-Session: "${token}"}
            """
        let sender = ScriptedSender { request, _ throws(HTTPClientError) in
            if request.url.hasSuffix("/login") { return try Reply.ok(#"{"Result":{"ApiToken":12345678901234567890}}"#).perform() }
            return try Self.two.perform()
        }
        let other = try DefinitionBench(try Self.signed(login).definition(), sender)
        _ = try await other.accounts()
        #expect(sender.requests[0].bodyText == #"{"user":"me","pass":"secret-key"}"#)
        #expect(sender.requests[1].headerFields[HTTPField.Name("X-Session")!] == "12345678901234567890")
    }
}

extension String {
    fileprivate var lastPart: String { String(split(separator: "/").last ?? "") }
}
