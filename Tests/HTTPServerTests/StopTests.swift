import Glibc
import HTTPTypes
import Logging
import Testing

@testable import HTTPServer

@Suite("Starting and stopping")
struct StopTests {
    private static let get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    private static let quiet = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })

    @Test("A running request is finished and its connection closed, idle ones are closed at once, no new ones accepted")
    func graceful() async throws {
        let started = Signal()
        let release = Signal()
        let handler: Handler = { request in
            if request.path == "/slow" {
                started.fire()
                await release.wait()
            }
            return .text("done")
        }
        let server = Server(configuration: ServerConfiguration(), logger: Self.quiet, handler: handler)
        let address = try await server.start()
        let idle = try await RawClient(address)
        #expect(try await idle.exchange(Self.get).status == 200)
        let running = try await RawClient(address)
        try await running.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
        await started.wait()
        async let stopped: Void = server.stop(deadline: .seconds(10))
        #expect(try await idle.readToEnd() == "")
        await #expect(throws: RawClient.Failure.self) { _ = try await RawClient(address) }
        release.fire()
        let answer = try await running.answer()
        #expect(answer.text == "done")
        #expect(answer["connection"] == "close")
        await stopped
    }

    @Test("An event stream is ended properly, so that the browser connects again")
    func eventStream() async throws {
        let handler: Handler = { _ in
            .serverSentEvents { events in
                try await events.send(ServerSentEvent(data: "one"))
                try await Signal.waitForCancellation()
            }
        }
        let server = Server(configuration: ServerConfiguration(), logger: Self.quiet, handler: handler)
        let client = try await RawClient(try await server.start())
        try await client.send(Self.get)
        _ = try await client.read(until: "data: one\n\n")
        await server.stop(deadline: .seconds(10))
        #expect(try await client.readToEnd().hasSuffix("0\r\n\r\n"))
    }

    @Test("What still runs at the deadline is cut off and cancelled, and said in the log")
    func deadline() async throws {
        let started = Signal()
        let log = LogRecorder()
        let handler: Handler = { _ in
            started.fire()
            try await Signal.waitForCancellation()
            return .text("")
        }
        let server = Server(configuration: ServerConfiguration(), logger: log.logger, handler: handler)
        let client = try await RawClient(try await server.start())
        try await client.send(Self.get)
        await started.wait()
        await server.stop(deadline: .milliseconds(50))
        #expect(try await client.readToEnd() == "")
        #expect(log.lines.contains { $0.hasPrefix("warning") && $0.contains("count=1") })
    }

    @Test("A request that had arrived before the stop is answered")
    func lastRequest() async throws {
        for _ in 0..<50 {
            let server = Server(configuration: ServerConfiguration(), logger: Self.quiet, handler: hello)
            let client = try await RawClient(try await server.start())
            #expect(try await client.exchange(Self.get).status == 200)
            try await client.send(Self.get)
            await server.stop(deadline: .seconds(10))
            #expect(try await client.answer().status == 200)
        }
    }

    @Test("The port is free again after a stop; a stopped server does not start again")
    func restart() async throws {
        let first = Server(configuration: ServerConfiguration(), logger: Self.quiet, handler: hello)
        let address = try await first.start()
        _ = try await RawClient(address).exchange(Self.get)
        await first.stop(deadline: .seconds(1))
        let second = Server(configuration: ServerConfiguration(port: address.port), logger: Self.quiet, handler: hello)
        #expect(try await second.start() == address)
        await second.stop(deadline: .seconds(1))
        await #expect(throws: ServerError.self) { _ = try await first.start() }
    }

    @Test("A port in use and addresses that are none say so, and how to mend it")
    func startErrors() async throws {
        try await withServer(handler: hello) { address, _ in
            func failure(_ host: String, _ port: Int) async -> ServerError? {
                await #expect(throws: ServerError.self) {
                    let server = Server(configuration: ServerConfiguration(host: host, port: port), logger: Self.quiet, handler: hello)
                    _ = try await server.start()
                }
            }
            let taken = await failure("127.0.0.1", address.port)
            #expect(taken?.code == .portTaken)
            #expect(taken?.message.contains("127.0.0.1:\(address.port)") == true)
            #expect(await failure("example.com", 0)?.code == .badAddress)
            #expect(await failure("127.0.0.1", 70000)?.code == .badAddress)
            #expect(await failure("192.0.2.1", 0)?.code == .addressNotHere)
        }
    }

    @Test("localhost and IPv6 addresses can be listened on")
    func addresses() async throws {
        try await withServer({ $0.host = "localhost" }, handler: hello) { address, _ in
            #expect(address.host == "127.0.0.1")
            #expect(address.port > 0)
        }
        #expect(SocketAddress(host: "::1", port: 80).description == "[::1]:80")
        #expect(SocketAddress(host: "127.0.0.1", port: 80).description == "127.0.0.1:80")
    }

    @Test("Descriptors are closed on exec, and none is left behind by a thousand connections")
    func descriptors() async {
        // In a process of its own: other tests open descriptors meanwhile.
        await #expect(processExitsWith: .success) {
            func open() -> [Int32] { (0..<1024).filter { fcntl($0, F_GETFD) >= 0 } }
            try await withServer(handler: hello) { address, _ in
                let client = try await RawClient(address)
                #expect(try await client.exchange(Self.get).status == 200)
                let sockets = open().filter { descriptor in
                    let own = SocketAddress.read { getsockname(descriptor, $0, &$1) == 0 }
                    let other = SocketAddress.read { getpeername(descriptor, $0, &$1) == 0 }
                    return own?.port == address.port || other?.port == address.port
                }
                #expect(sockets.count == 3, "listener, client, and the accepted one")
                for descriptor in sockets { #expect(fcntl(descriptor, F_GETFD) & FD_CLOEXEC != 0) }
            }
            let before = open().count
            try await withServer(handler: hello) { address, _ in
                for _ in 0..<1000 {
                    let client = try await RawClient(address)
                    #expect(try await client.exchange("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").status == 200)
                }
            }
            // The last few may still be on their way; a leak would be a thousand.
            #expect(open().count < before + 10)
        }
    }

    @Test("Hundreds of connections reset and half-closed at once leave a server that serves and stops")
    func churn() async throws {
        try await withServer(handler: hello) { address, _ in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<8 {
                    group.addTask {
                        for turn in 0..<50 {
                            let client = try await RawClient(address)
                            try await client.send(Self.get)
                            if turn % 2 == 0 { client.reset() } else { client.finishSending() }
                        }
                    }
                }
                try await group.waitForAll()
            }
            let client = try await RawClient(address)
            #expect(try await client.exchange(Self.get).status == 200)
        }
    }

    @Test("A client that leaves in the middle of an answer does not end the process with SIGPIPE")
    func brokenPipe() async {
        await #expect(processExitsWith: .success) {
            signal(SIGPIPE, SIG_DFL)
            let failed = Signal()
            let handler: Handler = { _ in
                Response(
                    body: .stream { writer in
                        defer { failed.fire() }
                        while true { try await writer.write([UInt8](repeating: 0x61, count: 65536)) }
                    })
            }
            try await withServer(handler: handler) { address, _ in
                let client = try await RawClient(address)
                try await client.send(Self.get)
                _ = try await client.read()
                client.reset()
                await failed.wait()
            }
        }
    }
}
