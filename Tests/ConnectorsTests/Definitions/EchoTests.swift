import Foundation
import HTTPClient
import HTTPTypes
import Testing

@testable import Connectors

/// Vendors repeat in their errors what they were sent.
@Suite("Secrets that come back", .timeLimit(.minutes(1)))
struct EchoTests {
    private static let key = "s3cr+t/k&y \"ü\""
    private static let token = "t0k+n/= with \u{E9}"

    private struct Way: Sendable, CustomTestStringConvertible {
        var auth: String
        /// What may not be seen, beside the key itself.
        var also: [String] = []
        var testDescription: String { auth }
    }

    private static let ways = [
        Way(auth: "query: {api_key: \"${apiKey}\"}"),
        Way(auth: "basic: {user: me, password: \"${apiKey}\"}", also: [Data("me:\(key)".utf8).base64EncodedString()]),
        Way(
            auth:
                "token: {post: \"https://vendor.example/token\", form: {p: \"${apiKey}\"}, value: $.token}\nquery: {access: \"${token}\"}",
            also: [token]),
    ]

    /// Everything that a vendor saw of a request, in each spelling that it may send back.
    private static func echo(_ request: OutgoingRequest) -> String {
        let sent = request.url + " " + (request.headerFields[.authorization] ?? "") + " " + (request.bodyText ?? "")
        let texts = [sent, sent.lowercased(), sent.removingPercentEncoding ?? "", sent.replacing("%20", with: "+"), key, token]
        return texts.joined(separator: " | ")
    }

    @Test(
        "An error that repeats the request shows no secret of it: not in the message, not in the trace", arguments: ways,
        [200, 400, 403, 409, 500])
    private func echoed(_ way: Way, _ status: Int) async throws {
        var small = SmallDefinition()
        small.auth = way.auth
        small.requests += "\nfailWhen: [{field: $.message, present: true, message: $.message}]"
        let sender = ScriptedSender { request, _ throws(HTTPClientError) in
            if request.url.contains("/token") {
                return try Reply.ok(JSONValue.object([.init(name: "token", value: .string(Self.token))]).jsonText).perform()
            }
            return try Reply.status(
                status, JSONValue.object([.init(name: "message", value: .string("Seen: " + Self.echo(request)))]).jsonText
            ).perform()
        }
        let bench = try DefinitionBench(try small.definition(), sender)
        let error = await #expect(throws: ConnectorError.self) {
            _ = try await bench.connector.fetchUsage(bench.connector.credential(from: ["apiKey": Self.key]))
        }
        let message = try #require(error?.message)
        #expect(message.contains("Seen: "))
        let shown = [message] + bench.trace.entries.flatMap { [$0.url, $0.problem ?? ""] }
        for secret in [Self.key] + way.also {
            let encoded = PercentEncoding.queryComponent(secret)
            // Without escapes, lower case is another text.
            let lower = encoded.contains("%") ? encoded.lowercased() : encoded
            for spelling in [secret, encoded, lower, encoded.replacing("%20", with: "+")] {
                #expect(!shown.contains { $0.contains(spelling) }, "\(spelling) in \(shown)")
            }
        }
    }

    @Test("A reason that is cut is cut after its secrets are hidden")
    func cut() async throws {
        for length in 180...210 {
            let bench = try DefinitionBench(
                try SmallDefinition().definition(),
                ScriptedSender([.status(409, #"{"message":"\#(String(repeating: "x", count: length)) secret-key"}"#)]))
            let error = await expectFailure(.refused) { _ = try await bench.usage() }
            #expect(error?.message.contains("secr") == false, "\(length)")
        }
    }
}
