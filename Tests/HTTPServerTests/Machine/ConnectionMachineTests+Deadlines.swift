import Testing

@testable import HTTPServer

extension ConnectionMachineTests {
    // Of a `HandDrivenMachine`: head 10 s, body 10 s and 500 bytes a second, write 30 s, idle 60 s, heartbeat 15 s.

    @Test("Idle: 60 seconds from connecting, and from one answer to the next request")
    func idle() throws {
        var line = Machine()
        #expect(line.tick(at: 59.9) == "")
        #expect(line.tick(at: 60) == "close")

        var kept = Machine()
        kept.time = 50
        _ = kept.receive(Self.get)
        _ = try kept.answer("hello")
        _ = kept.take()
        #expect(kept.tick(at: 109.9) == "")
        #expect(kept.tick(at: 110) == "close")
    }

    @Test("The head's deadline counts from its first byte, and later ones do not move it")
    func head() {
        var line = Machine()
        line.time = 55
        #expect(line.receive("G") == "")
        #expect(line.tick(at: 61) == "", "no longer idle")
        for (second, byte) in zip([57.0, 60, 63, 64.9], "ET /") {
            line.time = second
            #expect(line.receive(String(byte)) == "")
        }
        #expect(line.tick() == "")
        #expect(line.tick(at: 65) == "refuse 408")
        #expect(line.unsent.contains("\r\nConnection: close\r\n"))
        #expect(line.take() == "finish")
    }

    @Test("An empty line, whole or half, begins no request (RFC 9112 section 2.2), and moves no deadline", arguments: ["\r\n", "\r"])
    func emptyLine(text: String) throws {
        var line = Machine()
        line.time = 50
        #expect(line.receive(text) == "")
        #expect(line.tick(at: 59.9) == "")
        var stopped = line
        #expect(stopped.stop() == "close")
        #expect(line.tick(at: 60) == "close")

        var behind = Machine()
        _ = behind.receive(Self.get + text)
        _ = try behind.answer("hello")
        #expect(behind.take() == "")
        #expect(behind.tick(at: 59.9) == "")
        #expect(behind.stop() == "close")
    }

    @Test("What follows an empty line begins a request, and there is no second empty line")
    func headAfterEmptyLine() {
        var line = Machine()
        _ = line.receive("\r\n")
        var again = line
        #expect(line.receive("\r") == "")
        #expect(line.tick(at: 10) == "refuse 408")
        again.time = 5
        #expect(again.receive("G") == "")
        #expect(again.tick(at: 15) == "refuse 408")
    }

    @Test("A head that came behind an answer has its whole time from when it is looked at")
    func pipelinedHead() throws {
        var line = Machine()
        _ = line.receive(Self.get + "GET")
        line.time = 20
        _ = try line.answer("hello")
        line.time = 30
        #expect(line.take() == "")
        #expect(line.tick(at: 39.9) == "")
        #expect(line.tick(at: 40) == "refuse 408")
    }

    @Test("A handler has all the time it wants, also with a body that it does not read")
    func handlersTime() {
        var line = Machine()
        _ = line.receive(Machine.post("Content-Length: 5\r\n"))
        #expect(line.tick(at: 1_000_000) == "")
        #expect(line.machine.phase == .serving)
    }

    @Test("A body that does not come is 408 after its grace, and the connection closes")
    func bodyGrace() throws {
        var line = try Machine(.waitingForBody)
        #expect(line.tick(at: 9.9) == "")
        #expect(line.machine.isWaitingForBody)
        #expect(line.tick(at: 10) == "")
        #expect(!line.machine.isWaitingForBody, "the reader is woken")
        let error = #expect(throws: HTTPError.self) { try line.read() }
        #expect(error?.status == .requestTimeout)
        _ = try line.answer(.text("slow", status: .requestTimeout))
        #expect(line.unsent.contains("\r\nConnection: close\r\n"))
        #expect(line.take() == "finish")
    }

    @Test("Each byte of a body earns its time, and the handler's own time is not counted")
    func bodyRate() throws {
        var line = Machine()
        _ = line.receive(Machine.post("Content-Length: 100000\r\n"))
        #expect(try line.read() == "(wait)")
        line.time = 4
        _ = line.receive(String(repeating: "a", count: 500))
        #expect(try line.read().count == 500)
        // 4 of 10 + 1 seconds are used up. The handler thinks for 96 seconds.
        line.time = 100
        #expect(try line.read() == "(wait)")
        #expect(line.tick(at: 106.9) == "")
        #expect(line.machine.isWaitingForBody)
        line.time = 106.95
        _ = line.receive(String(repeating: "a", count: 1000))
        #expect(try line.read().count == 1000)
        #expect(try line.read() == "(wait)")
        #expect(line.tick(at: 108.9) == "")
        #expect(line.machine.isWaitingForBody)
        #expect(line.tick(at: 109) == "")
        #expect(throws: HTTPError.self) { try line.read() }
    }

    @Test("A body dripped a byte at a time does not gain a new grace with each")
    func bodyDrip() throws {
        var line = Machine()
        _ = line.receive(Machine.post("Content-Length: 100000\r\n"))
        while line.time < 12 {
            guard try line.read() == "(wait)" else { continue }
            line.time += 0.5
            #expect(line.tick() == "")
            guard line.machine.isWaitingForBody else { break }
            _ = line.receive("a")
        }
        #expect(line.time == 10.5, "19 bytes have earned 38 ms")
        #expect(throws: HTTPError.self) { try line.read() }
    }

    @Test("The second request's body has a grace of its own")
    func bodyGraceAnew() throws {
        var line = try Machine(.waitingForBody)
        line.time = 9
        _ = line.receive("hello")
        _ = try (line.read(), line.read())
        _ = try line.answer("one")
        _ = line.take()
        _ = line.receive(Machine.post("Content-Length: 5\r\n"))
        #expect(try line.read() == "(wait)")
        #expect(line.tick(at: 18.9) == "")
        #expect(line.machine.isWaitingForBody)
        _ = line.tick(at: 19)
        #expect(!line.machine.isWaitingForBody)
    }

    @Test("A client has 30 seconds for each 64 KiB of an answer, and less moves nothing")
    func write() throws {
        let unit = 64 * 1024
        var line = Machine()
        line.time = 100
        _ = line.receive(Self.get)
        _ = try line.answer(Response(body: .bytes([UInt8](repeating: 0x61, count: 8 * unit))))
        line.time = 129
        #expect(line.take(unit) == "")
        #expect(line.tick(at: 158) == "")
        #expect(line.take(unit - 1) == "")
        #expect(line.tick(at: 158.9) == "")
        var steady = line
        #expect(line.tick(at: 159) == "cancel drop close")
        #expect(steady.take(1) == "")
        #expect(steady.tick(at: 188) == "")
        #expect(steady.tick(at: 188.9) == "cancel drop close")
    }

    @Test("A deadline for writing begins with the first byte that waits, not with the last answer")
    func writeAnew() throws {
        var line = try Machine(.streaming)
        line.time = 500
        try line.write("hello")
        #expect(line.tick(at: 529.9) == "")
        _ = line.take()
        #expect(line.tick(at: 10_000) == "")
        try line.write("hello")
        #expect(line.tick(at: 10_029.9) == "")
        #expect(line.tick(at: 10_030) == "cancel drop close")
    }

    @Test("More bytes behind those that wait do not move the deadline for writing")
    func writeNotMoved() throws {
        var line = try Machine(.streaming)
        try line.write("one")
        line.time = 29
        try line.write("two")
        #expect(line.tick(at: 30) == "cancel drop close")
    }

    @Test("While an answer waits to be taken the connection is not idle")
    func idleBehindAnswer() throws {
        var line = Machine()
        _ = line.receive(Self.get)
        _ = try line.answer(Response(body: .bytes([UInt8](repeating: 0x61, count: 10 * 64 * 1024))))
        for turn in 1...4 {
            #expect(line.tick(at: Double(turn) * 20) == "")
            #expect(line.take(64 * 1024) == "")
        }
    }

    @Test("A quiet event stream gets a comment every 15 seconds; one that speaks gets none")
    func heartbeat() throws {
        let comment = "3\r\n:\n\n\r\n"
        var line = try Machine(.streamingEvents)
        #expect(line.tick(at: 14.9) == "")
        #expect(line.unsent == "")
        #expect(line.tick(at: 15) == "")
        #expect(line.unsent == comment)
        #expect(line.tick(at: 44) == "")
        #expect(line.unsent == comment, "one at a time: the first is not taken yet")
        _ = line.take()
        #expect(line.tick(at: 44) == "")
        #expect(line.unsent == comment)
        _ = line.take()
        line.time = 58
        try line.write("data: a\n\n")
        _ = line.take()
        #expect(line.tick(at: 72.9) == "")
        #expect(line.unsent == "")
        #expect(line.tick(at: 73) == "")
        #expect(line.unsent == comment)
    }

    @Test("Nothing but an event stream gets a heartbeat", arguments: Machine.Stage.allCases.filter { $0 != .streamingEvents })
    func noHeartbeat(stage: Machine.Stage) throws {
        var line = try Machine(stage)
        let before = line.unsent
        #expect(line.tick(at: 0.9) == "")
        // Long after a heartbeat is due, and before any deadline but the heads' and bodies'.
        let news = line.tick(at: 29)
        #expect(!line.unsent.contains(":\n\n"))
        if news == "" { #expect(line.unsent == before) }
    }

    @Test("A client that stops taking its events is cut, heartbeat or not")
    func eventsNotTaken() throws {
        var line = try Machine(.streamingEvents)
        #expect(line.tick(at: 15) == "")
        #expect(line.tick(at: 44.9) == "")
        #expect(line.tick(at: 45) == "cancel drop close")
    }
}
