import Foundation
import HTTPTypes
import Logging
import Synchronization
import Testing

@testable import HTTPServer

/// One thread serves all connections: what one of them, or a handler, does must not be felt by the others.
@Suite("The server's thread")
struct ServerThreadTests {
    private static let quiet = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })

    private static func get(_ path: String, _ fields: String = "") -> String { "GET \(path) HTTP/1.1\r\nHost: a\r\n\(fields)\r\n" }

    /// As `withServer`, with an immediate handler.
    private func withServer(
        _ configure: (inout ServerConfiguration) -> Void = { _ in }, immediate: @escaping ImmediateHandler,
        handler: @escaping Handler = hello, _ body: (SocketAddress) async throws -> Void
    ) async throws {
        var configuration = ServerConfiguration()
        configure(&configuration)
        let server = Server(configuration: configuration, logger: Self.quiet, immediate: immediate, handler: handler)
        let address = try await server.start()
        do {
            try await body(address)
        } catch {
            await server.stop(deadline: .zero)
            throw error
        }
        await server.stop(deadline: .zero)
    }

    @Test("Handlers that block every thread of the pool hold up neither immediate answers nor deadlines")
    func blockedPool() async {
        // In a process of its own: the pool is the process's.
        await #expect(processExitsWith: .success) {
            let gate = DispatchSemaphore(value: 0)
            let entered = DispatchSemaphore(value: 0)
            @Sendable func block() {
                entered.signal()
                gate.wait()
            }
            let immediate: ImmediateHandler = { $0.path == "/now" ? .text("now") : nil }
            let handler: Handler = { _ in
                block()
                return .text("late")
            }
            var configuration = ServerConfiguration()
            (configuration.timeouts.idle, configuration.timeouts.header) = (.milliseconds(400), .milliseconds(400))
            let server = Server(configuration: configuration, logger: Self.quiet, immediate: immediate, handler: handler)
            let address = try await server.start()
            let threads = ProcessInfo.processInfo.activeProcessorCount
            try await onOwnThread {
                let blocked = try (0..<threads * 2).map { _ in
                    let client = Unique(try BlockingClient(address))
                    try client.value.send(Self.get("/block"))
                    return client
                }
                for _ in 0..<threads { entered.wait() }
                let silent = try BlockingClient(address)
                let slow = try BlockingClient(address)
                try slow.send("GET")
                let client = try BlockingClient(address)
                for _ in 0..<20 {
                    #expect(try client.exchange(Self.get("/now"), until: "\r\n\r\nnow").hasPrefix("HTTP/1.1 200"))
                }
                #expect(try silent.read() == "", "closed when idle")
                #expect(try slow.read().hasPrefix("HTTP/1.1 408"))
                for _ in blocked { gate.signal() }
                for client in blocked { #expect(try client.value.read(until: "late").hasPrefix("HTTP/1.1 200")) }
            }
            await server.stop(deadline: .seconds(10))
        }
    }

    /// A client in an array.
    private final class Unique: Sendable {
        let value: BlockingClient
        init(_ value: consuming BlockingClient) { self.value = value }
    }

    @Test("Immediate and ordinary handlers each answer their own, in the order of the requests")
    func immediateOrOrdinary() async throws {
        let immediate: ImmediateHandler = { $0.path.hasPrefix("/now") ? .text("\($0.path);") : nil }
        try await withServer(immediate: immediate, handler: { .text("\($0.path);") }) { address in
            let paths = (0..<200).map { $0.isMultiple(of: 3) ? "/later\($0)" : "/now\($0)" }
            let client = try await RawClient(address)
            try await client.send(paths.map { Self.get($0) }.joined() + Self.get("/last", "Connection: close\r\n"))
            #expect(try await bodies(client) == paths + ["/last"])
        }
    }

    @Test("A thousand pipelined requests are answered in order (RFC 9112 section 9.3.2)", arguments: [true, false])
    func pipelined(isImmediate: Bool) async throws {
        let immediate: ImmediateHandler = { isImmediate ? .text("\($0.path);") : nil }
        try await withServer(immediate: immediate, handler: { .text("\($0.path);") }) { address in
            let paths = (0..<1000).map { "/\($0)" }
            let client = try await RawClient(address)
            try await client.send(paths.map { Self.get($0) }.joined() + Self.get("/last", "Connection: close\r\n"))
            #expect(try await bodies(client) == paths + ["/last"])
        }
    }

    /// All bodies up to the end of the connection; each ends with `;`.
    private func bodies(_ client: RawClient) async throws -> [String] {
        try await client.readToEnd().split(separator: "\r\n\r\n").dropFirst().map { String($0.prefix { $0 != ";" }) }
    }

    @Test("A client that sends requests and reads nothing gets no further than its answers do", arguments: [true, false])
    func pipelinedUnread(isImmediate: Bool) async throws {
        let answered = Mutex(0)
        let large = Response(body: .bytes([UInt8](repeating: 0x61, count: 256 * 1024)))
        let answer: @Sendable (Request) -> Response = { request in
            if request.path == "/small" { return .text("small") }
            answered.withLock { $0 += 1 }
            return large
        }
        let immediate: ImmediateHandler = { isImmediate ? answer($0) : nil }
        try await withServer(immediate: immediate, handler: { answer($0) }) { address in
            let greedy = try await RawClient(address, receiveBuffer: 4096)
            let other = try await RawClient(address)
            try await greedy.send(String(repeating: Self.get("/large"), count: 1000))
            // By the time that another client was answered so often, nothing is left to do for this one.
            for _ in 0..<200 { #expect(try await other.exchange(Self.get("/small")).text == "small") }
            let count = answered.withLock { $0 }
            #expect(count > 0)
            // The systems' buffers hold a few megabytes; 1000 answers would be 250.
            #expect(count < 100, "\(count) answers of 256 KiB are held")
            greedy.reset()
        }
    }

    @Test("A client that sends without end and reads all its answers is served a few at a time")
    func fairness() async throws {
        let bursts = Bursts()
        let enough = Signal()
        let immediate: ImmediateHandler = { request in
            guard request.path == "/" else { return .text("other") }
            if bursts.count() == 10_000 { enough.fire() }
            return .text("greedy")
        }
        try await withServer(immediate: immediate) { address in
            // Somebody who has a little to do on the same thread, again and again.
            @Sendable func takeTurns() {
                Task { @ServerLoop in
                    if bursts.end() { takeTurns() }
                }
            }
            takeTurns()
            let greedy = Unique(try BlockingClient(address))
            let requests = String(repeating: Self.get("/"), count: 2000)
            async let sending: Void = onOwnThread { greedy.value.sendWithoutEnd(requests) }
            async let reading: Void = onOwnThread { greedy.value.readWithoutEnd() }
            await enough.wait()
            let other = try await RawClient(address)
            for _ in 0..<10 { #expect(try await other.exchange(Self.get("/other")).text == "other") }
            greedy.value.end()
            _ = try await (sending, reading)
            // One read brings some two thousand.
            #expect(bursts.finish() < 200, "so many were served while everybody else waited")
        }
    }

    /// Counts what happens without a break.
    private final class Bursts: Sendable {
        private let state = Mutex((current: 0, longest: 0, all: 0, isOver: false))

        /// How many there were altogether.
        func count() -> Int {
            state.withLock { state in
                state = (state.current + 1, max(state.longest, state.current + 1), state.all + 1, state.isOver)
                return state.all
            }
        }

        /// Ends a burst. False when nobody counts any more.
        func end() -> Bool {
            state.withLock { state in
                state.current = 0
                return !state.isOver
            }
        }

        /// The longest burst; counting is over.
        func finish() -> Int {
            state.withLock { state in
                state.isOver = true
                return state.longest
            }
        }
    }

    @Test("Above the cap health checks are answered immediately too, one a connection; the rest is 503")
    func healthAboveCap() async throws {
        let entered = Signal()
        let release = Signal()
        let handler: Handler = { _ in
            entered.fire()
            await release.wait()
            return .text("done")
        }
        try await withServer(
            {
                $0.limits.connections = 1
                $0.limits.reservedConnections = 1
                $0.alwaysServed = ["/healthz"]
            }, immediate: { $0.path == "/healthz" ? .text("alive") : nil }, handler: handler
        ) { address in
            let inside = try await RawClient(address)
            try await inside.send(Self.get("/"))
            await entered.wait()
            for _ in 0..<20 {
                let health = try await RawClient(address)
                let answer = try await health.exchange(Self.get("/healthz"))
                #expect(answer.text == "alive")
                #expect(answer["connection"] == "close")
                #expect(try await health.readToEnd() == "")
                let refused = try await RawClient(address).exchange(Self.get("/healthz/more"))
                #expect(refused.status == 503)
                #expect(refused["retry-after"] == "1")
            }
            release.fire()
            #expect(try await inside.answer().text == "done")
        }
    }

    @Test("A server that was never started stops at once")
    func neverStarted() async {
        await Server(configuration: ServerConfiguration(), logger: Self.quiet, handler: hello).stop(deadline: .seconds(60))
    }
}
