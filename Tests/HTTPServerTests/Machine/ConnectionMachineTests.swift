import HTTPTypes
import Testing

@testable import HTTPServer

/// Requests, bodies and answers; `+Deadlines`, `+Endings` and `+RandomWalk` hold the rest.
@Suite("Connection machine")
struct ConnectionMachineTests {
    typealias Machine = HandDrivenMachine
    static let get = Machine.get

    // MARK: Requests

    @Test("A request is served when its last byte is there, and the connection is kept for the next")
    func ordinary() throws {
        var line = Machine()
        for byte in Self.get.utf8.dropLast() { #expect(line.receive([byte]) == "") }
        #expect(line.receive("\n") == "serve /")
        #expect(try line.answer("hello") == "")
        #expect(
            line.unsent == "HTTP/1.1 200 OK\r\nDate: today\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 5\r\n\r\nhello")
        #expect(line.take() == "")
        #expect(!line.machine.hasUnsent)
        #expect(line.rank == 1)
        #expect(line.receive(Machine.get("/2")) == "serve /2")
        #expect(line.machine.served == 2)
    }

    @Test("A pipelined request is not looked at before the system has taken the last answer whole")
    func pipelining() throws {
        var line = Machine()
        // The third would be refused, but nobody has looked at it yet.
        #expect(line.receive(Machine.get("/1") + Machine.get("/2") + "X\n") == "serve /1")
        #expect(try line.answer("one") == "")
        #expect(!line.machine.wantsBytes)
        #expect(line.take(20) == "")
        #expect(line.machine.served == 1)
        #expect(line.take() == "serve /2")
        #expect(try line.answer("two") == "")
        #expect(line.take() == "refuse 400")
        #expect(line.sent.hasSuffix("two"))
    }

    @Test("Bytes that come while an answer is unsent wait for their turn")
    func bytesBehindAnswer() throws {
        var line = try Machine(.keptWithUnsent)
        #expect(line.receive(Machine.get("/2")) == "")
        #expect(line.take() == "serve /2")
    }

    @Test("A second answer, and one that nobody asked for, send nothing")
    func answerWithoutRequest() throws {
        var line = try Machine(.keptWithUnsent)
        let before = line.unsent
        #expect(try line.answer("again") == "")
        #expect(line.unsent == before)
    }

    @Test(
        "The client's wish to close is met (RFC 9112 section 9.3)",
        arguments: [
            (Machine.get("/", "Connection: close\r\n"), "close"), ("GET / HTTP/1.0\r\n\r\n", "close"),
            ("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "keep-alive"), (Machine.get("/"), nil),
        ] as [(String, String?)])
    func persistence(request: String, option: String?) throws {
        var line = Machine()
        #expect(line.receive(request) == "serve /")
        #expect(try line.answer("hello") == "")
        #expect(line.unsent.contains("Connection:") == (option != nil))
        if let option { #expect(line.unsent.contains("\r\nConnection: \(option)\r\n")) }
        #expect(line.take() == (option == "close" ? "close" : ""))
    }

    @Test("The last request that a connection may make is answered with close, and the next one not looked at")
    func requestsPerConnection() throws {
        var line = Machine { $0.requestsPerConnection = 2 }
        #expect(line.receive(Machine.get("/1") + Machine.get("/2") + Machine.get("/3")) == "serve /1")
        _ = try line.answer("one")
        #expect(line.take() == "serve /2")
        _ = try line.answer("two")
        #expect(line.unsent.contains("\r\nConnection: close\r\n"))
        // The third is there and will not be read: closing at once could take the second answer with it.
        #expect(line.take() == "finish")
        #expect(line.machine.served == 2)
    }

    @Test("A connection on a reserved place is served once, unless it gets a place like any other")
    func reserved() throws {
        var health = Machine(isReserved: true)
        _ = health.receive(Machine.get("/1") + Machine.get("/2"))
        var promoted = health
        _ = try health.answer("alive")
        #expect(health.unsent.contains("\r\nConnection: close\r\n"))
        #expect(health.take() == "finish")
        #expect(health.machine.served == 1)

        promoted.promote()
        _ = try promoted.answer("alive")
        #expect(!promoted.unsent.contains("Connection:"))
        #expect(promoted.take() == "serve /2")
    }

    @Test("Who lingers makes room first, then who is silent, the oldest first, and on reserved places who is at his head")
    func makingRoom() throws {
        for isReserved in [false, true] {
            var line = Machine(isReserved: isReserved)
            #expect(line.rank == (isReserved ? 1 : nil), "it has only just come")
            line.time = 1.1
            #expect(line.rank == 1)
            var later = Machine(isReserved: isReserved)
            later.time = 1.1
            _ = later.receive(Self.get)
            #expect(later.rank == nil)
            _ = try later.answer("hello")
            #expect(later.rank == nil, "its answer is not taken yet")
            if !isReserved {
                _ = later.take()
                #expect(try #require(line.dispensability) < #require(later.dispensability))
            }
            #expect(line.receive("GET") == "")
            #expect(line.rank == (isReserved ? 2 : nil))
            #expect(line.receive("\n") == "refuse 400")
            #expect(line.rank == nil)
            _ = line.take()
            #expect(line.rank == 0)
        }
    }

    // MARK: Bodies

    @Test(
        "A body is handed out as it comes, and the bytes behind it belong to the next request",
        arguments: [
            (Machine.post("Content-Length: 5\r\n"), "he", "llo"),
            (Machine.post("Transfer-Encoding: chunked\r\n"), "2\r\nhe\r\n", "3;a=b\r\nllo\r\n0\r\nX: y\r\n\r\n"),
        ])
    func body(head: String, first: String, second: String) throws {
        var line = Machine()
        #expect(line.receive(head) == "serve /")
        #expect(!line.machine.wantsBytes, "nobody has asked for the body")
        #expect(try line.read() == "(wait)")
        #expect(line.machine.wantsBytes)
        #expect(line.receive(first) == "")
        #expect(!line.machine.isWaitingForBody)
        #expect(try line.read() == "he")
        #expect(try line.read() == "(wait)")
        #expect(line.receive(second + Machine.get("/next")) == "")
        #expect(try line.read() == "llo")
        #expect(try line.read() == "(end)")
        #expect(try line.read() == "(end)")
        _ = try line.answer("thanks")
        #expect(!line.unsent.contains("Connection:"))
        #expect(line.take() == "serve /next")
    }

    @Test(
        "An unread body that is here is dropped and the connection kept; one that is not, or is broken, closes it",
        arguments: [
            (Machine.post("Content-Length: 5\r\n", "hello"), true), (Machine.post("Content-Length: 5\r\n", "hell"), false),
            (Machine.post("Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\n\r\n"), true),
            (Machine.post("Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\n"), false),
            (Machine.post("Transfer-Encoding: chunked\r\n", "z\r\n"), false),
        ])
    func unreadBody(request: String, isKept: Bool) throws {
        var line = Machine()
        #expect(line.receive(request) == "serve /")
        _ = try line.answer("no, thanks")
        #expect(line.unsent.contains("\r\nConnection: close\r\n") == !isKept)
        #expect(line.take() == (isKept ? "" : "finish"))
        #expect(line.receive(Machine.get("/next")) == (isKept ? "serve /next" : ""))
    }

    @Test("A broken body is refused again and again, and closes the connection")
    func brokenBody() throws {
        var line = Machine()
        _ = line.receive(Machine.post("Transfer-Encoding: chunked\r\n", "1\r\na\r\nz\r\n" + Self.get))
        #expect(try line.read() == "a")
        for _ in 0..<2 {
            let error = #expect(throws: HTTPError.self) { try line.read() }
            #expect(error?.status == .badRequest)
        }
        _ = try line.answer("a")
        #expect(line.unsent.contains("\r\nConnection: close\r\n"))
        #expect(line.take() == "finish")
        #expect(line.receive(Self.get) == "")
    }

    @Test("100 Continue is sent once, when the handler first waits for the body (RFC 9110 section 10.1.1)")
    func continueOwed() throws {
        var line = Machine()
        _ = line.receive(Machine.post("Content-Length: 2\r\nExpect: 100-continue\r\n"))
        #expect(line.unsent == "", "the handler may yet refuse")
        for turn in 0..<2 {
            #expect(try line.read() == "(wait)")
            #expect(line.unsent == (turn == 0 ? "HTTP/1.1 100 Continue\r\n\r\n" : ""))
            _ = line.take()
            #expect(line.receive("x") == "")
            #expect(try line.read() == "x")
        }
        #expect(try line.read() == "(end)")
        _ = try line.answer("thanks")
        #expect(line.unsent.hasPrefix("HTTP/1.1 200"))
        #expect(line.take() == "")
    }

    @Test(
        "100 Continue is not sent when nobody expects it, when the body is here, after the answer or without a body",
        arguments: [
            ("no expectation", Machine.post("Content-Length: 2\r\n"), false),
            ("the body is here", Machine.post("Content-Length: 2\r\nExpect: 100-continue\r\n", "xy"), false),
            ("the answer has begun", Machine.post("Content-Length: 2\r\nExpect: 100-continue\r\n"), true),
            ("HTTP/1.0", "POST / HTTP/1.0\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n", false),
            ("no body", Machine.get("/", "Expect: 100-continue\r\n"), false),
        ])
    func continueNotOwed(reason: String, request: String, answersFirst: Bool) throws {
        var line = Machine()
        #expect(line.receive(request) == "serve /")
        if answersFirst { _ = try line.stream() }
        _ = try line.read()
        #expect(!line.unsent.contains("100 Continue"))
    }

    @Test("A request that is refused before its body came is told to close, so that the body is never waited for")
    func continueRefused() throws {
        var line = Machine()
        _ = line.receive(Machine.post("Content-Length: 2\r\nExpect: 100-continue\r\n"))
        _ = try line.answer(.text("no", status: .forbidden))
        #expect(line.unsent.hasPrefix("HTTP/1.1 403"))
        #expect(line.unsent.contains("\r\nConnection: close\r\n"))
        #expect(line.take() == "finish")
    }

    @Test("A body kept beyond its request reads nothing of the next one's")
    func bodyKept() throws {
        var line = Machine()
        _ = line.receive(Machine.post("Content-Length: 2\r\n", "ab"))
        _ = try line.answer("one")
        #expect(throws: HTTPError.self) { try line.read(of: 1) }
        _ = line.take()
        _ = line.receive(Machine.post("Content-Length: 2\r\n", "cd"))
        #expect(throws: HTTPError.self) { try line.read(of: 1) }
        #expect(try line.read(of: 2) == "cd")
        _ = line.lose()
        #expect(throws: HTTPError.self) { try line.read(of: 2) }
    }

    // MARK: Streamed answers

    @Test("A stream is chunked to HTTP/1.1, and the connection lives on; to HTTP/1.0 closing is its end", arguments: [true, false])
    func stream(isOld: Bool) throws {
        var line = Machine()
        _ = line.receive(isOld ? "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" : Self.get)
        #expect(try line.stream() == "")
        #expect(line.unsent.contains("\r\nTransfer-Encoding: chunked\r\n") == !isOld)
        #expect(line.unsent.contains("\r\nConnection: close\r\n") == isOld)
        _ = line.take()
        try line.write("hello")
        #expect(line.unsent == (isOld ? "hello" : "5\r\nhello\r\n"))
        _ = line.take()
        #expect(line.endStream() == (isOld ? "close" : ""))
        #expect(line.unsent == (isOld ? "" : "0\r\n\r\n"))
        guard !isOld else { return }
        #expect(line.take() == "")
        #expect(line.receive(Machine.get("/2")) == "serve /2")
    }

    @Test("A stream that fails is cut without its end (RFC 9112 section 8)")
    func failedStream() throws {
        var line = try Machine(.streaming)
        try line.write("half")
        _ = line.take()
        #expect(line.endStream(isWhole: false) == "cancel close")
        #expect(line.sent.hasSuffix("4\r\nhalf\r\n"))
    }

    @Test("A stream may read the request's body while it writes; what it leaves unread closes the connection", arguments: [true, false])
    func duplex(readsAll: Bool) throws {
        var line = Machine()
        _ = line.receive(Machine.post("Content-Length: 2\r\n", "a"))
        _ = try line.stream()
        #expect(!line.unsent.contains("Connection:"))
        #expect(try line.read() == "a")
        try line.write("a")
        #expect(try line.read() == "(wait)")
        if readsAll {
            _ = line.receive("b")
            #expect(try line.read() == "b")
        }
        #expect(line.endStream() == "")
        #expect(!line.machine.isWaitingForBody)
        #expect(line.take() == (readsAll ? "" : "finish"))
    }

    @Test("Nothing is written after an answer's end, before its start, or into another request's answer")
    func lateWrites() throws {
        var line = try Machine(.streaming)
        _ = line.endStream()
        #expect(throws: HTTPError.self) { try line.write("late") }
        #expect(line.endStream() == "")
        #expect(line.take() == "")
        #expect(line.receive(Self.get) == "serve /")
        #expect(throws: HTTPError.self) { try line.write("early", of: 2) }
        #expect(line.endStream(of: 2) == "")
        _ = try line.stream()
        _ = line.take()
        #expect(throws: HTTPError.self) { try line.write("another's", of: 1) }
        #expect(line.endStream(of: 1) == "")
        #expect(line.unsent == "")
        _ = line.lose()
        let error = #expect(throws: HTTPError.self) { try line.write("gone", of: 2) }
        #expect(error?.code == "client-gone")
        #expect(line.endStream(of: 2) == "")
    }
}
