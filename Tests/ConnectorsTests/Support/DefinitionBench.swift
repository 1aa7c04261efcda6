import Foundation
import HTTPClient
import HTTPTypes
import Secrets
import Synchronization

@testable import Connectors

/// A small definition whose parts a test replaces.
struct SmallDefinition {
    var settings = """
          partner:
            apiKey: {kind: secret, label: Key, help: Anywhere.}
        """
    var hosts = "[vendor.example]"
    var requests = "base: https://vendor.example/v1"
    var auth = "headers: {X-Key: \"${apiKey}\"}"
    /// Further keys at the top.
    var more = ""
    var reads = """
          customers: {get: /customers, records: $, paging: none}
          seats: {get: /seats, records: $, paging: none}
        """
    var accounts = "{from: customers, id: $.id, name: $.name}"
    var services = """
          - {name: Seats, description: Seats, category: other, subcategory: other, basis: seats}
        """
    var counts = """
          - {from: seats, service: Seats, account: $.customer}
        """

    var text: String {
        """
        format: 1
        id: small
        name: Small
        about: {sources: [made up], unverified: []}
        settings:
        \(settings)
        hosts: \(hosts)
        requests:
          \(requests.replacing("\n", with: "\n  "))
        auth:
          \(auth.replacing("\n", with: "\n  "))
        bases:
          seats: {version: 1, counts: Seats.}
        reads:
        \(reads)
        accounts: \(accounts)
        services:
        \(services)
        counts:
        \(counts)
        \(more)
        """
    }

    func definition() throws -> ConnectorDefinition { try ConnectorDefinition(parsing: Array(text.utf8), file: "small.yaml") }
}

/// A defined connector whose vendor is a script and whose clock passes by itself.
struct DefinitionBench {
    let sender: ScriptedSender
    let clock: VirtualClock
    let trace = RequestTrace()
    /// What a person was told meanwhile.
    let told = Told()
    let connector: DefinedConnector

    init(
        _ definition: ConnectorDefinition, _ sender: ScriptedSender, deployment: [String: String] = [:], allowsPlainHTTP: Bool = false,
        parallelism: Int = 8, attempts: Int = 3, start: Date = Date(timeIntervalSince1970: 1_800_000_000)
    ) throws {
        self.sender = sender
        clock = VirtualClock(start: start)
        connector = try DefinedConnector(
            definition,
            environment: VendorEnvironment(
                http: sender, time: clock.source, random: .seeded(1),
                retry: RetryPolicy(maximumAttempts: attempts, firstDelay: .seconds(1), maximumDelay: .seconds(8), spread: 0),
                allowsPlainHTTP: allowsPlainHTTP, parallelism: parallelism, tell: { [told] in told.add($0) }),
            deployment: deployment, trace: trace)
    }

    /// A vendor that answers by what follows `https://vendor.example/v1`; anything else is 404.
    init(_ small: SmallDefinition, _ answers: [String: Reply], parallelism: Int = 8) throws {
        let sender = ScriptedSender { request, _ throws(HTTPClientError) in
            let path = request.url.hasPrefix("https://vendor.example/v1") ? String(request.url.dropFirst(25)) : request.url
            return try (answers[path] ?? .status(404)).perform()
        }
        try self.init(try small.definition(), sender, parallelism: parallelism)
    }

    init(_ answers: [String: Reply]) throws { try self.init(SmallDefinition(), answers) }

    var entered: [String: String] { ["apiKey": "secret-key"] }

    func accounts() async throws -> VendorAccounts { try await connector.fetchAccounts(connector.credential(from: entered)) }
    func usage() async throws -> VendorSnapshot { try await connector.fetchUsage(connector.credential(from: entered)) }

    /// Counts as `account service count`, sorted.
    func lines() async throws -> [String] { try await usage().lines }

    /// What follows the base address, in the order asked.
    var asked: [String] { sender.requests.map { $0.url.replacing("https://vendor.example/v1", with: "") } }
}

/// Lines in the order they came.
final class Told: Sendable {
    private let stored = Mutex<[String]>([])
    var lines: [String] { stored.withLock { $0 } }
    func add(_ line: String) { stored.withLock { $0.append(line) } }
}

extension VendorSnapshot {
    var lines: [String] { usage.map { "\($0.accountID) \($0.serviceName) \($0.count)" }.sorted() }
}

extension SmallDefinition {
    /// Asks for each account, and each of two constants.
    static var fanned: SmallDefinition {
        var small = SmallDefinition()
        small.reads = """
              customers: {get: /customers, records: $, paging: none}
              seats:
                for: accounts
                each: {kind: [x, "y z"]}
                get: /customers/${account.id}/seats
                query: {"filter[kind]": "${each.kind}", site: "${account.$.site.key}"}
                records: $
                paging: none
            """
        small.counts = "  - {from: seats, service: Seats, where: [{field: \"${each.kind}\", is: x}]}"
        return small
    }
}
