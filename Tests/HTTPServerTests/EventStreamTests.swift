import HTTPTypes
import Testing

@testable import HTTPServer

@Suite("Server-sent events")
struct EventStreamTests {
    private static let get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

    @Test(
        "An event's fields, each line of its data on a line of its own",
        arguments: [
            (ServerSentEvent(data: "a"), "data: a\n\n"),
            (ServerSentEvent(data: "a\nb\r\nc\rd"), "data: a\ndata: b\ndata: c\ndata: d\n\n"),
            (ServerSentEvent(data: ""), "data: \n\n"),
            (ServerSentEvent(event: "e", data: "d", id: "7", retryMilliseconds: 500), "event: e\nid: 7\nretry: 500\ndata: d\n\n"),
        ])
    func encoding(event: ServerSentEvent, text: String) throws {
        #expect(String(decoding: try event.encoded(), as: UTF8.self) == text)
    }

    @Test("A name or id with a line break is refused", arguments: ["a\nb", "a\rb", "a\r\nb", "a\0b"])
    func injection(text: String) {
        #expect(throws: HTTPError.self) { try ServerSentEvent(event: text, data: "").encoded() }
        #expect(throws: HTTPError.self) { try ServerSentEvent(data: "", id: text).encoded() }
    }

    @Test("Events reach the client one by one, and the stream ends when the handler is done")
    func delivery() async throws {
        let next = Signal()
        let handler: Handler = { _ in
            .serverSentEvents { events in
                try await events.send(ServerSentEvent(data: "one"))
                await next.wait()
                try await events.send(ServerSentEvent(data: "two"))
            }
        }
        try await withServer(handler: handler) { address, _ in
            let client = try await RawClient(address)
            try await client.send(Self.get)
            let start = try await client.read(until: "data: one\n\n")
            #expect(start.contains("Content-Type: text/event-stream\r\n"))
            #expect(start.contains("Cache-Control: no-store\r\n"))
            next.fire()
            #expect(try await client.read(until: "0\r\n\r\n").contains("data: two\n\n"))
            #expect(try await client.exchange("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", toHead: true).status == 200)
        }
    }

    @Test("Only a stream that is written event by event gets comments in between, not one that is named so and written in pieces")
    func piecesOfAnEvent() {
        #expect(Response.serverSentEvents { _ in }.isEventStream)
        #expect(!Response(headerFields: [.contentType: "text/event-stream"], body: .stream { _ in }).isEventStream)
    }

    @Test("The producer is cancelled when its client goes away, orderly or not", arguments: [true, false])
    func clientGone(orderly: Bool) async throws {
        let cancelled = Signal()
        let handler: Handler = { _ in
            .serverSentEvents { events in
                try await events.send(ServerSentEvent(data: "one"))
                defer { cancelled.fire() }
                try await Signal.waitForCancellation()
            }
        }
        try await withServer(handler: handler) { address, _ in
            let client = try await RawClient(address)
            try await client.send(Self.get)
            _ = try await client.read(until: "data: one\n\n")
            if orderly { client.finishSending() } else { client.reset() }
            await cancelled.wait()
        }
    }

    @Test("A running handler is cancelled when its connection is reset")
    func handlerCancelled() async throws {
        let started = Signal()
        let cancelled = Signal()
        let handler: Handler = { _ in
            started.fire()
            defer { cancelled.fire() }
            try await Signal.waitForCancellation()
            return .text("")
        }
        try await withServer(handler: handler) { address, _ in
            let client = try await RawClient(address)
            try await client.send(Self.get)
            await started.wait()
            client.reset()
            await cancelled.wait()
        }
    }

    @Test("Writing after the end, and two writes at once, are refused")
    func misuse() async throws {
        let kept = AsyncStream.makeStream(of: BodyWriter.self)
        let handler: Handler = { _ in
            Response(
                body: .stream { writer in
                    try await writer.write("x")
                    kept.continuation.yield(writer)
                })
        }
        try await withServer(handler: handler) { address, _ in
            let client = try await RawClient(address)
            #expect(try await client.exchange(Self.get).text == "x")
            for await writer in kept.stream {
                await #expect(throws: HTTPError.self) { try await writer.write("late") }
                break
            }
            // The connection is not disturbed.
            #expect(try await client.exchange(Self.get).text == "x")
        }
    }
}
