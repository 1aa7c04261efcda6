import Foundation
import HTTPClient
import HTTPTypes
import Synchronization
import Testing

@testable import Connectors

@Suite("A definition that asks for each account", .timeLimit(.minutes(3)))
struct FanOutTests {
    @Test("Once for each account and constant, everything encoded for its place")
    func fan() async throws {
        let bench = try DefinitionBench(
            SmallDefinition.fanned,
            [
                "/customers": .ok(#"[{"id":"a/b?","name":"A","site":{"key":"ü&"}},{"id":2,"name":"B","site":{"key":"k"}}]"#),
                "/customers/a%2Fb%3F/seats?filter%5Bkind%5D=x&site=%C3%BC%26": .ok("[{},{}]"),
                "/customers/a%2Fb%3F/seats?filter%5Bkind%5D=y%20z&site=%C3%BC%26": .ok("[{}]"),
                "/customers/2/seats?filter%5Bkind%5D=x&site=k": .ok("[]"), "/customers/2/seats?filter%5Bkind%5D=y%20z&site=k": .ok("[]"),
            ])
        #expect(try await bench.lines() == ["2 Seats 0", "a/b? Seats 2"])
        #expect(bench.asked.count == 5)
    }

    @Test("An account's id that would lead elsewhere is not followed", arguments: ["..", "."])
    func dots(_ id: String) async throws {
        let bench = try DefinitionBench(
            try SmallDefinition.fanned.definition(),
            ScriptedSender { request, _ throws(HTTPClientError) in
                if request.url.hasSuffix("/customers") {
                    return try Reply.ok(#"[{"id":"\#(id)","name":"A","site":{"key":"k"}}]"#).perform()
                }
                // As the client refuses such a path (RequestURL).
                throw HTTPClientError(code: .invalidRequest, delivery: .neverSent, message: "m")
            })
        await expectFailure(.unreachable) { _ = try await bench.usage() }
    }

    @Test("One account that fails makes the whole fetch fail")
    func oneFails() async throws {
        let customers = (1...30).map { #"{"id":\#($0),"name":"C","site":{"key":"k"}}"# }.joined(separator: ",")
        let sender = ScriptedSender { request, _ throws(HTTPClientError) in
            if request.url.hasSuffix("/customers") { return try Reply.ok("[\(customers)]").perform() }
            return try (request.url.contains("/17/seats?filter%5Bkind%5D=y") ? Reply.status(404) : .ok("[]")).perform()
        }
        let bench = try DefinitionBench(try SmallDefinition.fanned.definition(), sender)
        await expectFailure(.refused) { _ = try await bench.usage() }
    }

    @Test("Never more at once than allowed, and as many", arguments: [1, 3, 8])
    func parallel(_ limit: Int) async throws {
        let customers = (1...20).map { #"{"id":\#($0),"name":"C","site":{"key":"k"}}"# }.joined(separator: ",")
        let crowd = Crowd()
        let sender = ScriptedSender { request, _ throws(HTTPClientError) in
            if request.url.hasSuffix("/customers") { return try Reply.ok("[\(customers)]").perform() }
            await crowd.enter(waitingFor: limit)
            crowd.leave()
            return try Reply.ok("[{}]").perform()
        }
        var small = SmallDefinition.fanned
        small.requests += "\nparallel: \(limit)"
        let snapshot = try await DefinitionBench(try small.definition(), sender).usage()
        #expect(crowd.most == limit)
        #expect(snapshot.usage.map(\.accountID) == (1...20).map(String.init))
    }

    // MARK: Requests a second

    @Test("Never more requests in any second than the definition says", arguments: [0.5, 1, 5, 20])
    func perSecond(_ rate: Double) async throws {
        let customers = (1...50).map { #"{"id":\#($0),"name":"C","site":{"key":"k"}}"# }.joined(separator: ",")
        let clock = VirtualClock()
        let times = Mutex<[Duration]>([])
        let sender = ScriptedSender { request, _ throws(HTTPClientError) in
            times.withLock { $0.append(clock.elapsed) }
            if request.url.hasSuffix("/customers") { return try Reply.ok("[\(customers)]").perform() }
            return try Reply.ok("[]").perform()
        }
        var small = SmallDefinition.fanned
        // One after the other: a task that has its turn would else be overtaken by one that turns the clock before it has sent.
        small.requests += "\nparallel: 1\nperSecond: \(rate)"
        let connector = try DefinedConnector(
            try small.definition(),
            environment: VendorEnvironment(http: sender, time: clock.source, random: .seeded(1), retry: RetryPolicy()))
        _ = try await connector.fetchUsage(connector.credential(from: ["apiKey": "k"]))
        let starts = times.withLock { $0.sorted() }
        #expect(starts.count == 101)
        let window = Duration.seconds(max(1, 1 / rate))
        for start in starts {
            let within = starts.count { $0 >= start && $0 - start < window }
            #expect(Double(within) <= max(1, rate), "at \(start)")
        }
        // And not much slower than allowed.
        #expect((starts.last ?? .zero).seconds < 101 / rate * 1.1 + 2)
    }
}
