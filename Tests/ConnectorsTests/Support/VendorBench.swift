import Connectors
import Foundation
import HTTPClient
import Secrets
import Testing

/// A SaaS Alerts connector whose vendor is a script and whose clock passes by itself.
struct VendorBench {
    let sender: ScriptedSender
    let clock = VirtualClock()
    let connector: DefinedConnector

    init(
        _ sender: ScriptedSender, keyFieldName: String = "api_key", allowsPlainHTTP: Bool = false, parallelism: Int = 8
    ) throws {
        self.sender = sender
        connector = try DefinedConnector(
            try #require(try BuiltinDefinitions.definition("saas-alerts")),
            environment: VendorEnvironment(
                http: sender, time: clock.source, random: .seeded(1),
                retry: RetryPolicy(maximumAttempts: 3, firstDelay: .seconds(1), maximumDelay: .seconds(8), spread: 0),
                allowsPlainHTTP: allowsPlainHTTP, parallelism: parallelism),
            deployment: ["keyHeader": keyFieldName])
    }

    /// A vendor with these answers by path and query; anything else is 404.
    init(_ answers: [String: Reply], keyFieldName: String = "api_key") throws {
        let sender = ScriptedSender { request, _ throws(HTTPClientError) in
            let path = request.url.split(separator: "/reportApi/api/v1").last.map(String.init) ?? ""
            return try (answers[path] ?? .status(404)).perform()
        }
        try self.init(sender, keyFieldName: keyFieldName)
    }

    func credential(_ url: String = "https://vendor.example") throws -> ConnectorCredential {
        try connector.credential(from: ["apiKey": "secret-key", "apiURL": url])
    }

    func accounts() async throws -> VendorAccounts { try await connector.fetchAccounts(credential()) }
    func usage() async throws -> VendorSnapshot { try await connector.fetchUsage(credential()) }
}

/// Expects a `ConnectorError` with this code and returns it.
@discardableResult
func expectFailure(
    _ code: ConnectorError.Code, sourceLocation: SourceLocation = #_sourceLocation, _ body: () async throws -> Void
) async -> ConnectorError? {
    let error = await #expect(throws: ConnectorError.self, sourceLocation: sourceLocation) { try await body() }
    #expect(error?.code == code, "\(error?.description ?? "no error")", sourceLocation: sourceLocation)
    return error
}

/// The codes of a text's Unicode scalars: `==` on texts takes composed and decomposed letters for the same.
func scalars(_ text: String?) -> [UInt32] { (text ?? "").unicodeScalars.map(\.value) }
