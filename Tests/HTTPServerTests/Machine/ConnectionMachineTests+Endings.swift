import HTTPTypes
import Testing

@testable import HTTPServer

extension ConnectionMachineTests {
    /// What each ending does in a stage, at once.
    struct Ending: Sendable, CustomStringConvertible {
        let stage: Machine.Stage
        let wantsBytes: Bool
        let stop: String
        let end: String
        let announcedEnd: String
        var description: String { stage.rawValue }

        init(_ stage: Machine.Stage, wantsBytes: Bool, stop: String = "", end: String = "", announcedEnd: String = "") {
            (self.stage, self.wantsBytes, self.stop, self.end, self.announcedEnd) = (stage, wantsBytes, stop, end, announcedEnd)
        }
    }

    @Test(
        "What a connection does at once when stopped, at the peer's end, announced or come, and when lost",
        arguments: [
            Ending(.waiting, wantsBytes: true, stop: "close", end: "close"),
            Ending(.keptWithUnsent, wantsBytes: false),
            Ending(.readingHead, wantsBytes: true, end: "close"),
            Ending(.serving, wantsBytes: false),
            Ending(.waitingForBody, wantsBytes: true),
            Ending(.streaming, wantsBytes: false),
            Ending(.streamingEvents, wantsBytes: false, stop: "cancel", end: "cancel close", announcedEnd: "cancel close"),
            Ending(.flushing, wantsBytes: true),
            Ending(.lingering, wantsBytes: true, end: "close"),
            Ending(.closed, wantsBytes: false),
        ])
    func ending(_ ending: Ending) throws {
        let line = try Machine(ending.stage)
        #expect(line.machine.wantsBytes == ending.wantsBytes)
        var stopped = line
        #expect(stopped.stop() == ending.stop)
        #expect(stopped.stop() == "", "a second time")
        var ended = line
        #expect(ended.receiveEnd() == ending.end)
        #expect(!ended.machine.wantsBytes)
        var announced = line
        #expect(announced.announceEnd() == ending.announcedEnd)
        for machine in [line, stopped, ended, announced] {
            var lost = machine
            let isOpen = machine.machine.phase != .closed
            #expect(lost.lose() == (!isOpen ? "" : machine.machine.hasUnsent ? "cancel drop close" : "cancel close"))
            #expect(lost.unsent == "")
            #expect(!lost.machine.wantsBytes)
            let after = [
                lost.lose(), lost.receive(Self.get), lost.receiveEnd(), lost.announceEnd(), lost.stop(), lost.tick(at: 1e6),
                try lost.answer("late"), lost.endStream(), lost.take(),
            ]
            #expect(after.joined() == "")
            #expect(lost.unsent == "")
        }
    }

    @Test("Losing a client wakes a handler that waits for its body")
    func lossWhileReading() throws {
        var line = try Machine(.waitingForBody)
        #expect(line.lose() == "cancel close")
        #expect(!line.machine.isWaitingForBody)
        #expect(throws: HTTPError.self) { try line.read() }
    }

    // MARK: Stopping

    @Test("A stopped server answers what is being served, with close, and nothing after it")
    func stopServing() throws {
        var line = Machine()
        _ = line.receive(Self.get + Machine.get("/2"))
        #expect(line.stop() == "")
        _ = try line.answer("hello")
        #expect(line.unsent.contains("\r\nConnection: close\r\n"))
        #expect(line.take() == "finish")
        #expect(line.machine.served == 1)
    }

    @Test("A stopped server answers a head that has begun, or refuses it at its deadline", arguments: [true, false])
    func stopHead(isFinished: Bool) throws {
        var line = try Machine(.readingHead)
        #expect(line.stop() == "")
        if isFinished {
            #expect(line.receive(" / HTTP/1.1\r\nHost: a\r\n\r\n") == "serve /")
            _ = try line.answer("hello")
            #expect(line.unsent.contains("\r\nConnection: close\r\n"))
            #expect(line.take() == "close")
        } else {
            #expect(line.tick(at: 10) == "refuse 408")
            #expect(line.take() == "finish")
        }
    }

    @Test("A stopped server still takes a body that has begun")
    func stopBody() throws {
        var line = try Machine(.waitingForBody)
        _ = line.stop()
        #expect(line.receive("hello") == "")
        #expect(try line.read() == "hello")
        _ = try line.answer("hello")
        #expect(line.take() == "close")
    }

    @Test("A stopped server closes when its answer is taken, and not before")
    func stopUnsent() throws {
        var line = try Machine(.keptWithUnsent)
        #expect(line.stop() == "")
        #expect(line.take(10) == "")
        #expect(line.take() == "close")
        #expect(line.sent.hasSuffix("hello"))
    }

    @Test("An ordinary stream goes on to its own end after a stop")
    func stopStream() throws {
        var line = try Machine(.streaming)
        #expect(line.stop() == "")
        try line.write("hello")
        _ = line.take()
        #expect(line.endStream() == "")
        #expect(line.take() == "close")
        #expect(line.sent.hasSuffix("5\r\nhello\r\n0\r\n\r\n"))
    }

    @Test("An event stream ends whole at a stop, with the time after which to come back")
    func stopEvents() throws {
        var line = try Machine(.streamingEvents)
        try line.write("data: a\n\n")
        #expect(line.stop() == "cancel")
        #expect(line.unsent.hasPrefix("9\r\ndata: a\n\n\r\n"))
        #expect(line.unsent.contains("\r\nretry: 2000"))
        #expect(line.unsent.hasSuffix("\n\n\r\n0\r\n\r\n"))
        #expect(throws: HTTPError.self) { try line.write("data: late\n\n") }
        #expect(line.endStream(isWhole: false) == "", "the cancelled producer ends with an error")
        #expect(line.take() == "close")
    }

    @Test("To HTTP/1.0 the hint is sent without chunks")
    func stopOldEvents() throws {
        var line = Machine()
        _ = line.receive("GET / HTTP/1.0\r\n\r\n")
        _ = try line.streamEvents()
        _ = line.take()
        #expect(line.stop() == "cancel")
        #expect(line.unsent.hasPrefix("retry: 2000"))
        #expect(line.unsent.hasSuffix("\n\n"))
        #expect(line.take() == "close")
    }

    @Test("An event stream that begins after the stop is ended at once")
    func stopBeforeEvents() throws {
        var line = try Machine(.serving)
        #expect(line.stop() == "")
        #expect(try line.streamEvents() == "cancel")
        #expect(line.unsent.contains("\r\nretry: 2000"))
        #expect(line.unsent.hasSuffix("\n\n\r\n0\r\n\r\n"))
        #expect(line.take() == "close")
    }

    // MARK: The peer's end

    @Test("A client that ended its side still gets every answer it asked for")
    func endAfterRequests() throws {
        var line = Machine()
        _ = line.receive(Machine.get("/1") + Machine.get("/2") + "GET")
        #expect(line.receiveEnd() == "")
        _ = try line.answer("one")
        #expect(line.take() == "serve /2")
        _ = try line.answer("two")
        #expect(line.take() == "close")
        #expect(line.sent.hasSuffix("two"))
    }

    @Test("The end in the middle of a body is 400, whether the handler waits for it already or asks later", arguments: [true, false])
    func endInBody(waits: Bool) throws {
        var line = Machine()
        _ = line.receive(Machine.post("Content-Length: 5\r\n", "he"))
        #expect(try line.read() == "he")
        if waits { #expect(try line.read() == "(wait)") }
        #expect(line.receiveEnd() == "")
        #expect(!line.machine.isWaitingForBody)
        for _ in 0..<2 {
            let error = #expect(throws: HTTPError.self) { try line.read() }
            #expect(error?.code == "incomplete-body")
        }
        _ = try line.answer(.text("half", status: .badRequest))
        #expect(line.take() == "close", "there is nobody to linger for")
    }

    @Test("A body that came whole before the end is read whole")
    func endAfterBody() throws {
        var line = try Machine(.waitingForBody)
        _ = line.receive("hello")
        _ = line.receiveEnd()
        #expect(try line.read() == "hello")
        #expect(try line.read() == "(end)")
    }

    @Test("An event stream to a client that has ended is not begun; another stream is")
    func endBeforeStream() throws {
        var events = try Machine(.serving)
        #expect(events.receiveEnd() == "")
        #expect(try events.streamEvents() == "cancel drop close")
        var download = try Machine(.serving)
        _ = download.receiveEnd()
        #expect(try download.stream() == "")
        _ = download.take()
        #expect(download.endStream() == "")
        #expect(download.take() == "close")
    }

    @Test("Nobody lingers for a client that has ended")
    func endThenRefusal() throws {
        var line = try Machine(.flushing)
        #expect(line.receiveEnd() == "")
        #expect(line.take() == "close")
    }

    // MARK: Refusing and lingering

    @Test("A refusal is the last answer: what comes is discarded, while it is sent and after")
    func refusal() throws {
        var line = Machine()
        #expect(line.receive("GET / HTTP/1.1\n" + Self.get) == "refuse 400")
        #expect(line.unsent.hasPrefix("HTTP/1.1 400 Bad Request\r\n"))
        #expect(line.unsent.contains("\r\nConnection: close\r\n"))
        let refusal = line.unsent
        #expect(line.receive(Self.get) == "")
        #expect(line.take(5) == "")
        #expect(line.take() == "finish")
        #expect(line.receive(Self.get) == "")
        #expect(line.sent == refusal)
        #expect(line.unsent == "")
        #expect(line.machine.served == 0)
    }

    @Test("Lingering ends after a second of silence, and after five seconds at the latest")
    func lingerTime() throws {
        var line = try Machine(.flushing)
        line.time = 20
        #expect(line.take() == "finish")
        #expect(line.tick(at: 20.9) == "")
        var silent = line
        #expect(silent.tick(at: 21) == "close")
        for tenths in stride(from: 209, through: 245, by: 9) {
            line.time = Double(tenths) / 10
            #expect(line.receive("more") == "")
        }
        #expect(line.tick(at: 24.9) == "")
        #expect(line.receive("more") == "")
        #expect(line.tick(at: 25) == "close")
    }

    @Test("A stopped server lingers for a second and no longer, however much is sent", arguments: [true, false])
    func lingerAtStop(isLingering: Bool) throws {
        var line = try Machine(isLingering ? .lingering : .flushing)
        #expect(line.stop() == "")
        if !isLingering { #expect(line.take() == "finish") }
        line.time = 0.9
        #expect(line.receive("more") == "")
        #expect(line.tick() == "")
        #expect(line.tick(at: 1) == "close")
    }

    @Test(
        "Lingering ends after as many bytes as a body may have, or a mebibyte behind a bad head; every byte counts",
        arguments: [true, false])
    func lingerBytes(isBody: Bool) throws {
        var line = Machine { $0.body = isBody ? 1 << 20 : 1 << 30 }
        #expect(line.receive(isBody ? Machine.post("Content-Length: 1048577\r\n") : "\n") == "refuse \(isBody ? 413 : 400)")
        _ = line.take()
        let block = [UInt8](repeating: 0x61, count: 64 * 1024)
        for _ in 0..<15 { #expect(line.receive(block) == "") }
        #expect(line.receive(Array(block.dropLast())) == "")
        var end = line
        #expect(end.receiveEnd() == "close")
        #expect(line.receive([0x61]) == "close")
    }

    @Test("A refusal that is not taken is cut at its deadline, whatever the client sends meanwhile")
    func refusalNotTaken() throws {
        var line = try Machine(.flushing)
        for second in stride(from: 1.0, to: 30, by: 1) {
            #expect(line.tick(at: second) == "")
            #expect(line.receive([UInt8](repeating: 0x61, count: 64 * 1024)) == "")
        }
        #expect(line.tick(at: 30) == "cancel drop close")
    }

    @Test("Bytes that come behind the last request keep the connection open for its answer")
    func bytesBehindLastRequest() throws {
        var line = Machine()
        _ = line.receive(Machine.get("/", "Connection: close\r\n"))
        _ = try line.answer("hello")
        #expect(line.receive("more") == "")
        #expect(line.take() == "finish")
    }
}
