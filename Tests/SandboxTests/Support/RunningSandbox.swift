import Foundation
import HTTPServer
import Logging
import Synchronization

@testable import Sandbox

/// A sandbox on a real port, whose clock the test moves and whose delays take no time.
struct RunningSandbox: Sendable {
    final class Time: Sendable {
        let now = Mutex(Date(timeIntervalSince1970: 1_750_000_000.25))
        let delays = Mutex<[Duration]>([])
        /// Whether a wait ends as it does when the client goes away.
        let waitsAreCancelled = Mutex(false)
    }

    let server: SandboxServer
    let client: RawClient
    let time: Time

    /// Runs a test against a sandbox and stops it afterwards.
    static func with(seed: SandboxSeed = .empty, _ test: (RunningSandbox) async throws -> Void) async throws {
        let time = Time()
        let dependencies = SandboxDependencies(
            now: { time.now.withLock { $0 } },
            sleep: { delay in
                time.delays.withLock { $0.append(delay) }
                if time.waitsAreCancelled.withLock({ $0 }) { throw CancellationError() }
            }, randomSeed: 11)
        let server = SandboxServer(
            configuration: SandboxConfiguration(seed: seed), dependencies: dependencies,
            logger: Logger(label: "sandbox") { _ in SwiftLogNoOpLogHandler() })
        let address = try await server.start()
        do {
            try await test(RunningSandbox(server: server, client: RawClient(address: address), time: time))
        } catch {
            await server.stop()
            throw error
        }
        await server.stop()
    }

    func wait(seconds: Double) { time.now.withLock { $0 += seconds } }

    /// Calls the control API and answers its JSON.
    @discardableResult
    func control(_ method: String, _ path: String, _ body: String? = nil, expecting status: Int = 200) async throws -> JSONValue {
        let reply = try await client.send(method, "/control" + path, body)
        guard reply.status == status else { throw Unexpected(status: reply.status, body: reply.body) }
        return try JSONParser.parse(Array(reply.body.utf8))
    }

    struct Unexpected: Error {
        var status: Int?
        var body: String
    }

    func vendor(_ method: String, _ path: String, _ body: String? = nil, token: String) async throws -> RawClient.Reply {
        try await client.send(method, "/api/vendor-api" + path, body, headers: ["GRADIENT-TOKEN": token])
    }

    /// Creates a partner with one account and one service; answers ids and keys.
    func partner(name: String = "Example MSP") async throws -> (id: String, token: String, service: String) {
        let keys = try await control(
            "POST", "/organizations", #"{"name":"\#(name)","clients":["Acme"],"products":["Seats"]}"#, expecting: 201)
        let token = keys["token"]?.string ?? ""
        _ = try await vendor("POST", "/organization/accounts", #"[{"id":"1","name":"Acme"}]"#, token: token)
        let reply = try await vendor(
            "POST", "/service", #"{"name":"Seats","description":"","category":"other","subcategory":"other"}"#, token: token)
        let service = try JSONParser.parse(Array(reply.body.utf8))["skus"]?.elements?.first?["id"]?.string
        return (keys["id"]?.string ?? "", token, service ?? "")
    }
}
