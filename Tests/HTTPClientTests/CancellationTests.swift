import HTTPClient
import HTTPTypes
import Synchronization
import Testing

@Suite("Cancellation and shutdown", .timeLimit(.minutes(3)))
struct CancellationTests {
    private func start(_ client: CurlHTTPClient, _ request: OutgoingRequest) -> Task<HTTPClientError?, Never> {
        Task { await client.failure(of: request) }
    }

    @Test("A request that the server has read: its connection closes at once, its fate is unknown")
    func afterSending() async throws {
        let (arrived, closed) = (Gate(), Gate())
        try await withServer(script: { connection in
            _ = try connection.readRequest()
            arrived.open()
            try connection.waitForClose()
            closed.open()
        }) { server, client in
            let task = start(client, OutgoingRequest(method: .post, url: server.url(), body: [1]))
            try await arrived.wait()
            task.cancel()
            let error = await task.value
            #expect(error?.code == .cancelled)
            #expect(error?.delivery == .unknown)
            try await closed.wait()
        }
    }

    @Test("A request that is half answered")
    func afterStatus() async throws {
        let written = Gate()
        try await withServer(script: { connection in
            _ = try connection.readRequest()
            connection.write("HTTP/1.1 202 Accepted\r\nContent-Length: 60000000\r\n\r\n")
            // More than the sockets between hold (10 MB at most): the client has read the status.
            connection.write([UInt8](repeating: 1, count: 30_000_000))
            written.open()
            try connection.waitForClose()
        }) { server, client in
            let task = start(client, OutgoingRequest(method: .post, url: server.url(), body: [1]))
            try await written.wait()
            task.cancel()
            let error = await task.value
            #expect(error?.code == .cancelled)
            #expect(error?.delivery == .answered(status: 202))
        }
    }

    @Test("A request that is still connecting was never sent")
    func whileConnecting() async throws {
        let full = try FullBacklog()
        defer { full.close() }
        try await withClient { client in
            let request = OutgoingRequest(method: .post, url: "http://127.0.0.1:\(full.port)/")
            let task = start(client, request)
            task.cancel()
            let error = await task.value
            #expect(error?.code == .cancelled)
            #expect(error?.delivery == .neverSent)
        }
    }

    @Test("A task that is cancelled before it sends")
    func beforeSending() async throws {
        try await withServer(script: { connection in
            while try connection.readRequest() != nil { connection.answer() }
        }) { server, client in
            let cancelled = Gate()
            let task = Task {
                try await cancelled.wait()
                return await client.failure(of: OutgoingRequest(method: .post, url: server.url()))
            }
            task.cancel()
            cancelled.open()
            let error = try await task.value
            #expect(error?.code == .cancelled)
            #expect(error?.delivery == .neverSent)
            #expect(server.connectionCount == 0)
        }
    }

    @Test("A request that waits for a connection leaves its place")
    func inQueue() async throws {
        let (arrived, release) = (Gate(), Gate())
        let seen = Mutex<[String]>([])
        try await withServer(
            HTTPClientConfiguration(maximumConnectionsPerHost: 1),
            script: { connection in
                while let request = try connection.readRequest() {
                    seen.withLock { $0.append(request.path) }
                    if request.path == "/first" {
                        arrived.open()
                        try release.waitBlocking()
                    }
                    connection.answer()
                }
            }
        ) { server, client in
            let first = start(client, OutgoingRequest(method: .post, url: server.url("/first")))
            try await arrived.wait()
            let second = start(client, OutgoingRequest(method: .post, url: server.url("/second")))
            let third = start(client, OutgoingRequest(method: .post, url: server.url("/third")))
            second.cancel()
            let error = await second.value
            #expect(error?.code == .cancelled)
            #expect(error?.delivery == .neverSent)
            release.open()
            #expect(await first.value == nil)
            #expect(await third.value == nil)
        }
        #expect(seen.withLock { $0 } == ["/first", "/third"])
    }

    @Test("Whenever it comes, a cancellation ends its request and no other")
    func storm() async throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("seed \(seed)")
        try await withServer(
            HTTPClientConfiguration(maximumConnectionsPerHost: 4),
            script: { connection in
                while let request = try connection.readRequest() {
                    // Those that are to be cancelled are answered only by hanging up.
                    if request.path == "/never" { return try connection.waitForClose() }
                    connection.answer()
                }
            }
        ) { server, client in
            await withTaskGroup { group in
                var random = SplitMix(seed)
                for _ in 0..<200 {
                    let isCancelled = random.next() % 2 == 0
                    let yields = random.next() % 8
                    group.addTask {
                        let task = start(
                            client, OutgoingRequest(method: .post, url: server.url(isCancelled ? "/never" : "/answered")))
                        for _ in 0..<yields { await Task.yield() }
                        if isCancelled { task.cancel() }
                        let error = await task.value
                        #expect(error?.code == (isCancelled ? .cancelled : nil), "seed \(seed)")
                    }
                }
            }
        }
    }

    // MARK: Shutdown

    @Test("Ends what is under way, what waits, and what comes later")
    func shutdown() async throws {
        let (arrived, closed) = (Gate(), Gate())
        let configuration = HTTPClientConfiguration(maximumConnectionsPerHost: 1)
        try await withServer(
            configuration,
            script: { connection in
                _ = try connection.readRequest()
                arrived.open()
                try connection.waitForClose()
                closed.open()
            }
        ) { server, client in
            let underWay = start(client, OutgoingRequest(method: .post, url: server.url("/1")))
            try await arrived.wait()
            let others = (0..<20).map { _ in start(client, OutgoingRequest(method: .post, url: server.url("/2"))) }
            async let once: Void = client.shutdown()
            async let twice: Void = client.shutdown()
            _ = await (once, twice)
            try await closed.wait()

            let error = await underWay.value
            #expect(error?.code == .clientStopped)
            #expect(error?.delivery == .unknown)
            for other in others {
                let error = await other.value
                #expect(error?.code == .clientStopped)
                #expect(error?.delivery == .neverSent)
            }
            let later = await client.failure(of: OutgoingRequest(method: .get, url: server.url("/3")))
            #expect(later?.code == .clientStopped)
            #expect(later?.delivery == .neverSent)
            #expect(server.connectionCount == 1)
        }
    }

    @Test("A client that nobody holds any more closes its connections")
    func dropped() async throws {
        let closed = Gate()
        try await RawServer.with({ connection in
            _ = try connection.readRequest()
            connection.answer()
            try connection.waitForClose()
            closed.open()
        }) { server in
            do {
                let client = try CurlHTTPClient(logger: silentLogger)
                _ = try await client.get(server.url())
            }
            try await closed.wait()
        }
    }
}

/// A small generator with a seed (SplitMix64), for tests that have to be repeatable.
struct SplitMix: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
