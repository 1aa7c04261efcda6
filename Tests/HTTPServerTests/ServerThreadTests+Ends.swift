import Glibc
import HTTPTypes
import Logging
import Testing

@testable import HTTPServer

@Suite("Deadlines, streams and stops on the server's thread")
struct ServerThreadEndTests {
    private static let quiet = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
    private static let get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

    @Test("Deadlines are kept while tasks keep the thread busy and no socket has news")
    func deadlinesUnderTasks() async {
        // In a process of its own: other tests' sockets would bring news.
        await #expect(processExitsWith: .success) {
            try await withServer({ $0.timeouts.idle = .milliseconds(300) }, handler: hello) { address, _ in
                let silent = try await RawClient(address, patience: 20_000)
                let busy = Task {
                    while !Task.isCancelled { await Task { @ServerLoop in }.value }
                }
                defer { busy.cancel() }
                #expect(try await silent.readToEnd() == "")
            }
        }
    }

    @Test("An immediate answer may be a stream: its head is not all that is sent")
    func immediateStream() async throws {
        let server = Server(
            configuration: ServerConfiguration(), logger: Self.quiet,
            immediate: { _ in Response(body: .stream { try await $0.write("hello") }) }, handler: hello)
        let address = try await server.start()
        let client = try await RawClient(address, patience: 10_000)
        do {
            #expect(try await client.exchange(Self.get).text == "hello")
        } catch {
            Issue.record(error)
        }
        await server.stop(deadline: .zero)
    }

    @Test("Two who stop a server at once both get it back")
    func twoStops() async {
        // In a process of its own: a stop that never returns cannot be given up.
        await #expect(processExitsWith: .success) {
            let started = Signal()
            let handler: Handler = { _ in
                started.fire()
                try await Signal.waitForCancellation()
                return .text("")
            }
            let server = Server(configuration: ServerConfiguration(), logger: Self.quiet, handler: handler)
            let client = try await RawClient(try await server.start())
            try await client.send(Self.get)
            await started.wait()
            alarm(20)  // ends a process whose stop never returns
            async let first: Void = server.stop(deadline: .milliseconds(100))
            async let second: Void = server.stop(deadline: .milliseconds(100))
            _ = await (first, second)
        }
    }
}
