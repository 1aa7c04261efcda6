import Foundation
import HTTPClient
import HTTPTypes
import Synchronization
import Testing

@Suite("Connections", .timeLimit(.minutes(3)))
struct ConnectionTests {
    private static func answerAll(_ connection: RawConnection) throws {
        while try connection.readRequest() != nil { connection.answer(body: "ok") }
    }

    @Test("One connection serves requests one after the other")
    func reuse() async throws {
        try await withServer(script: Self.answerAll) { server, client in
            for count in 0..<100 { _ = try await client.post(server.url("/\(count)")) }
            #expect(server.connectionCount == 1)
        }
    }

    @Test("A connection that the server closes after each answer is replaced")
    func connectionClose() async throws {
        try await withServer(script: { connection in
            _ = try connection.readRequest()
            connection.answer("200 OK", ["Connection: close"])
        }) { server, client in
            for _ in 0..<5 { _ = try await client.post(server.url()) }
            #expect(server.connectionCount == 5)
        }
    }

    @Test("A connection whose answer was refused as too large is not used again")
    func afterRefusedAnswer() async throws {
        try await withServer(script: { connection in
            guard let request = try connection.readRequest() else { return }
            connection.answer(body: request.path == "/large" ? String(repeating: "a", count: 5000) : "ok")
            if try connection.readRequest() != nil { connection.answer(body: "from the same connection") }
        }) { server, client in
            let error = await client.failure(
                of: OutgoingRequest(
                    method: .get, url: server.url("/large"), limits: RequestLimits(maximumAnswerBytes: 10)))
            #expect(error?.code == .answerTooLarge)
            let response = try await client.get(server.url("/small"))
            #expect(response.text == "ok")
            #expect(server.connectionCount == 2)
        }
    }

    @Test("No more connections than allowed, and the requests beyond them are answered in turn")
    func maximumPerHost() async throws {
        try await withServer(HTTPClientConfiguration(maximumConnectionsPerHost: 3), script: Self.answerAll) { server, client in
            try await withThrowingTaskGroup { group in
                for count in 0..<60 { group.addTask { try await client.post(server.url("/\(count)")).text } }
                for try await text in group { #expect(text == "ok") }
            }
            #expect((1...3).contains(server.connectionCount))
        }
    }

    @Test("The maximum over all hosts holds, and idle connections give way")
    func maximumInAll() async throws {
        let inService = Mutex((now: 0, most: 0))
        let script: @Sendable (RawConnection) throws -> Void = { connection in
            while try connection.readRequest() != nil {
                inService.withLock { $0 = ($0.now + 1, max($0.most, $0.now + 1)) }
                try connection.pause(milliseconds: 1)
                inService.withLock { $0.now -= 1 }
                connection.answer(body: "ok")
            }
        }
        let servers = try (0..<4).map { _ in try RawServer(script) }
        let configuration = HTTPClientConfiguration(maximumConnectionsPerHost: 4, maximumConnections: 2)
        try await withClient(configuration) { client in
            for _ in 0..<3 {
                try await withThrowingTaskGroup { group in
                    for server in servers {
                        for _ in 0..<5 { group.addTask { try await client.post(server.url()).text } }
                    }
                    for try await text in group { #expect(text == "ok") }
                }
            }
        }
        for server in servers { await server.stop() }
        #expect((1...2).contains(inService.withLock { $0.most }))
    }

    @Test("Waiting for a free connection is not connecting: only the total time-out ends it")
    func queueTimeout() async throws {
        let (arrived, release) = (Gate(), Gate())
        let limits = RequestLimits(connectTimeout: .milliseconds(50), totalTimeout: .milliseconds(400))
        try await withServer(
            HTTPClientConfiguration(maximumConnectionsPerHost: 1),
            script: { connection in
                while let request = try connection.readRequest() {
                    if request.path == "/first" {
                        arrived.open()
                        try release.waitBlocking()
                    }
                    connection.answer()
                }
            }
        ) { server, client in
            async let first = client.post(server.url("/first"))
            try await arrived.wait()
            let error = await client.failure(
                of: OutgoingRequest(method: .post, url: server.url("/second"), limits: limits))
            #expect(error?.code == .timedOut)
            #expect(error?.delivery == .neverSent)
            #expect(error?.message.contains("connections") == true)
            release.open()
            let response = try await first
            #expect(response.status == .ok)
        }
    }

    @Test("A program started meanwhile does not inherit the connection")
    func childProcess() async throws {
        let (arrived, closed) = (Gate(), Gate())
        try await withServer(script: { connection in
            _ = try connection.readRequest()
            arrived.open()
            try connection.waitForClose()
            closed.open()
        }) { server, client in
            async let error = client.failure(of: OutgoingRequest(method: .post, url: server.url()))
            try await arrived.wait()
            // Not by Foundation's Process, which closes what it finds open before it starts a program.
            var program = pid_t()
            let arguments: [UnsafeMutablePointer<CChar>?] = [strdup("sleep"), strdup("60"), nil]
            defer { for argument in arguments { free(argument) } }
            try #require(posix_spawn(&program, "/bin/sleep", nil, nil, arguments, environ) == 0)
            defer {
                kill(program, SIGKILL)
                waitpid(program, nil, 0)
            }
            await client.shutdown()
            // The program still runs: were the socket open in it, no close would ever arrive.
            try await closed.wait()
            #expect(waitpid(program, nil, WNOHANG) == 0)
            #expect(await error?.code == .clientStopped)
        }
    }

    @Test("Many requests at once are all answered, each with its own answer")
    func many() async throws {
        try await withServer(script: { connection in
            while let request = try connection.readRequest() {
                connection.answer(body: request.path + String(decoding: request.body, as: UTF8.self))
            }
        }) { server, client in
            try await withThrowingTaskGroup { group in
                for count in 0..<1000 {
                    group.addTask {
                        let response = try await client.post(server.url("/\(count)"), "body \(count)")
                        #expect(response.text == "/\(count)body \(count)")
                    }
                }
                try await group.waitForAll()
            }
            #expect(server.connectionCount <= 64)
        }
    }
}
