import Glibc
import HTTPTypes
import Testing

@testable import HTTPServer

@Suite("Deadlines and limits of connections")
struct DeadlineTests {
    private static let get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

    @Test("A head that does not end gets 408 and the connection is gone")
    func slowHead() async throws {
        try await withServer({ $0.timeouts.header = .milliseconds(300) }, handler: hello) { address, _ in
            let client = try await RawClient(address)
            try await client.send("GET / HTTP/1.1\r\nHo")
            let answer = try await client.answer()
            #expect(answer.status == 408)
            #expect(answer["connection"] == "close")
            #expect(try await client.readToEnd() == "")
        }
    }

    @Test("Dripping bytes do not move the head's deadline")
    func drip() async throws {
        try await withServer(
            {
                $0.timeouts.header = .milliseconds(300)
                $0.limits.headerLine = 1 << 24
                $0.limits.headerBytes = 1 << 24
            }, handler: hello
        ) { address, _ in
            let client = try await RawClient(address)
            let dripping = Task {
                try await client.send("GET / HTTP/1.1\r\nHost: a\r\nX: ")
                // An exchange on another connection between two bytes is the pace.
                let pace = try await RawClient(address)
                while !Task.isCancelled {
                    try await client.send("y")
                    _ = try await pace.exchange(Self.get)
                }
            }
            #expect(try await client.answer().status == 408)
            dripping.cancel()
            _ = await dripping.result
        }
    }

    @Test("A connection that says nothing is closed without a word, before and between requests")
    func idle() async throws {
        try await withServer({ $0.timeouts.idle = .milliseconds(200) }, handler: hello) { address, _ in
            let silent = try await RawClient(address)
            #expect(try await silent.readToEnd() == "")
        }
        try await withServer({ $0.timeouts.idle = .seconds(1) }, handler: hello) { address, _ in
            let kept = try await RawClient(address)
            #expect(try await kept.exchange(Self.get).status == 200)
            #expect(try await kept.readToEnd() == "")
        }
    }

    @Test("A body slower than the least rate gets 408 when its grace is used up")
    func slowBody() async throws {
        let handler: Handler = { request in
            .text("\(try await request.body.collect(upTo: 100).count)")
        }
        try await withServer({ $0.timeouts.body = .milliseconds(200) }, handler: handler) { address, _ in
            let client = try await RawClient(address)
            let answer = try await client.exchange("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello")
            #expect(answer.status == 408)
            #expect(answer["connection"] == "close")
        }
    }

    @Test("A client that does not read is cut off, and the producer learns of it")
    func slowReader() async throws {
        let failed = Signal()
        let handler: Handler = { _ in
            Response(
                body: .stream { writer in
                    do {
                        while true { try await writer.write([UInt8](repeating: 0x61, count: 1 << 20)) }
                    } catch {
                        failed.fire()
                        throw error
                    }
                })
        }
        try await withServer({ $0.timeouts.write = .milliseconds(200) }, handler: handler) { address, _ in
            let client = try await RawClient(address, receiveBuffer: 4096)
            try await client.send(Self.get)
            await failed.wait()
        }
    }

    @Test("A large answer reaches a client that reads in small steps")
    func slowButSteady() async throws {
        let size = 4 << 20
        let handler: Handler = { _ in Response(body: .bytes([UInt8](repeating: 0x61, count: size))) }
        try await withServer(handler: handler) { address, _ in
            let client = try await RawClient(address, receiveBuffer: 4096)
            #expect(try await client.exchange(Self.get).body.count == size)
        }
    }

    @Test("The last request a connection may make is answered with close")
    func requestsPerConnection() async throws {
        try await withServer({ $0.limits.requestsPerConnection = 3 }, handler: hello) { address, _ in
            let client = try await RawClient(address)
            for turn in 1...3 {
                #expect(try await client.exchange(Self.get)["connection"] == (turn == 3 ? "close" : nil))
            }
            #expect(try await client.readToEnd() == "")
        }
    }

    @Test("Above the cap newcomers get 503, and health checks their answer; a connection that is only kept makes room")
    func connectionCap() async throws {
        let (inside, entered) = AsyncStream.makeStream(of: Void.self)
        let release = Signal()
        let handler: Handler = { request in
            if request.path == "/healthz" { return .text("alive") }
            entered.yield()
            await release.wait()
            return .text("done")
        }
        let configure: (inout ServerConfiguration) -> Void = {
            $0.limits.connections = 2
            $0.limits.reservedConnections = 2
            $0.alwaysServed = ["/healthz"]
        }
        let health = "GET /healthz?from=balancer HTTP/1.1\r\nHost: a\r\n\r\n"
        try await withServer(configure, handler: handler) { address, _ in
            // Connected first, so that the server is full before either has asked for anything.
            let clients = [try await RawClient(address), try await RawClient(address)]
            for client in clients { try await client.send(Self.get) }
            var iterator = inside.makeAsyncIterator()
            await iterator.next()
            await iterator.next()

            let refused = try await RawClient(address).exchange(Self.get)
            #expect(refused.status == 503)
            #expect(refused["retry-after"] == "1")
            #expect(refused["connection"] == "close")
            // Also when somebody sits on the reserved places without a word.
            let silent = [try await RawClient(address), try await RawClient(address)]
            #expect(try await RawClient(address).exchange(health).text == "alive")
            #expect(try await silent[0].readToEnd() == "")

            release.fire()
            for client in clients { #expect(try await client.answer().text == "done") }
            #expect(try await RawClient(address).exchange(Self.get).text == "done")
        }
    }

    @Test("A kept connection makes room, not one on a reserved place that has waited longer")
    func reservedPlaceIsNoRoom() async throws {
        let (entered, release) = (Signal(), Signal())
        let handler: Handler = { _ in
            entered.fire()
            await release.wait()
            return .text("done")
        }
        let configure: (inout ServerConfiguration) -> Void = {
            $0.limits.connections = 1
            $0.limits.reservedConnections = 2
        }
        try await withServer(configure, handler: handler) { address, _ in
            let client = try await RawClient(address)
            try await client.send(Self.get)
            await entered.wait()
            let silent = try await RawClient(address)
            #expect(try await RawClient(address).exchange(Self.get).status == 503)
            // Younger than a second, it would be spared anyhow.
            try await Task.sleep(for: .milliseconds(1100))
            release.fire()
            #expect(try await client.answer().text == "done")
            #expect(try await RawClient(address).exchange(Self.get).text == "done")
            withExtendedLifetime(silent) {}
        }
    }

    @Test("Without reserved places, a kept connection makes room for a newcomer as well")
    func noReservedPlaces() async throws {
        let configure: (inout ServerConfiguration) -> Void = {
            $0.limits.connections = 1
            $0.limits.reservedConnections = 0
        }
        try await withServer(configure, handler: hello) { address, _ in
            let kept = try await RawClient(address)
            #expect(try await kept.exchange(Self.get).status == 200)
            #expect(try await RawClient(address, patience: 5000).exchange(Self.get).status == 200)
            #expect(try await kept.readToEnd() == "")
        }
    }

    @Test("A health check whose head is on its way outlives the silent, however old it is, and those who linger go first")
    func orderOfEviction() async throws {
        let (entered, release) = (Signal(), Signal())
        let handler: Handler = { request in
            if request.path == "/healthz" { return .text("alive") }
            entered.fire()
            await release.wait()
            return .text("done")
        }
        let configure: (inout ServerConfiguration) -> Void = {
            $0.limits.connections = 1
            $0.limits.reservedConnections = 3
            $0.alwaysServed = ["/healthz"]
        }
        try await withServer(configure, handler: handler) { address, _ in
            let client = try await RawClient(address)
            try await client.send(Self.get)
            await entered.wait()
            let check = try await RawClient(address)
            try await check.send("GET /healthz HT")
            let silent = try await RawClient(address)
            let refused = try await RawClient(address)
            try await refused.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n")
            #expect(try await refused.answer().status == 503)
            // Each newcomer takes a place: that of the one who lingers, then that of the silent one.
            let newcomer = try await RawClient(address)
            #expect(try await newcomer.exchange(Self.get).status == 503)
            let (second, third) = (try await RawClient(address), try await RawClient(address))
            #expect(try await silent.readToEnd() == "")
            try await check.send("TP/1.1\r\nHost: a\r\n\r\n")
            #expect(try await check.answer().text == "alive")
            withExtendedLifetime((second, third)) { release.fire() }
        }
    }

    @Test("Who came when the server was full, and asks when it no longer is, is served like anyone else")
    func placeBecomesFree() async throws {
        let (entered, release) = (Signal(), Signal())
        let handler: Handler = { request in
            if request.path == "/slow" {
                entered.fire()
                await release.wait()
            }
            return .text("done")
        }
        let configure: (inout ServerConfiguration) -> Void = {
            $0.limits.connections = 1
            $0.limits.reservedConnections = 1
        }
        try await withServer(configure, handler: handler) { address, _ in
            let first = try await RawClient(address)
            try await first.send("GET /slow HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            await entered.wait()
            let second = try await RawClient(address)
            try await second.send("GET")
            release.fire()
            #expect(try await first.readToEnd().hasSuffix("done"))
            try await second.send(Self.get.dropFirst(3).description)
            let answer = try await second.answer()
            #expect(answer.status == 200)
            #expect(answer["connection"] == nil)
            // It has left the reserved place, which is free for the next one; and being kept it makes room.
            #expect(try await RawClient(address).exchange(Self.get).status == 200)
            #expect(try await RawClient(address).exchange(Self.get).status == 200)
        }
    }

    @Test("A full server closes nobody while nobody waits")
    func fullButQuiet() async throws {
        try await withServer({ $0.limits.connections = 2 }, handler: hello) { address, _ in
            let clients = [try await RawClient(address), try await RawClient(address)]
            for _ in 0..<100 {
                for client in clients { #expect(try await client.exchange(Self.get).status == 200) }
            }
        }
    }

    @Test("With the cap all but filled by drips, a normal client is answered, and the drips are gone by their deadline")
    func dripsDoNotStarve() async throws {
        try await withServer(
            {
                $0.limits.connections = 20
                $0.timeouts.header = .seconds(2)
            }, handler: hello
        ) { address, _ in
            var drips: [RawClient] = []
            for _ in 0..<19 {
                drips.append(try await RawClient(address))
                try await drips.last?.send("G")
            }
            let client = try await RawClient(address)
            #expect(try await client.exchange(Self.get).status == 200)
            for drip in drips { #expect(try await drip.readToEnd().hasPrefix("HTTP/1.1 408")) }
        }
    }

    @Test("Out of descriptors, idle connections make room, and all is well once there are some")
    func outOfDescriptors() async {
        // In a process of its own, as the limit is the process's.
        await #expect(processExitsWith: .success) {
            let noticed = Signal()
            let log = LogRecorder { if $0.contains("Cannot accept") { noticed.fire() } }
            try await withServer(logger: log.logger, handler: hello) { address, _ in
                let before = try await RawClient(address)
                #expect(try await before.exchange(Self.get).status == 200)
                let newcomer = try RawClient()
                var limit = rlimit(rlim_cur: 256, rlim_max: 256)
                setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
                var taken: [Int32] = []
                while case let descriptor = open("/dev/null", O_RDONLY), descriptor >= 0 { taken.append(descriptor) }
                try await newcomer.connect(to: address)
                try await newcomer.send(Self.get)
                await noticed.wait()
                // The one that is only kept has made room.
                #expect(try await newcomer.answer().status == 200)
                #expect(try await before.readToEnd() == "")
                for descriptor in taken { close(descriptor) }
                #expect(try await RawClient(address).exchange(Self.get).status == 200)
            }
        }
    }
}
