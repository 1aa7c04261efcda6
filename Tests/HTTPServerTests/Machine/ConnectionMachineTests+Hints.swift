import Testing

@testable import HTTPServer

extension ConnectionMachineTests {
    @Test("The time after which to come back is digits and nothing else, or browsers ignore it (WHATWG HTML section 9.2.6)")
    func retryHint() throws {
        var line = try Machine(.streamingEvents)
        #expect(line.stop() == "cancel")
        #expect(line.unsent == "d\r\nretry: 2000\n\n\r\n" + "0\r\n\r\n")
    }

    @Test("Idle counts from when the answer was taken: a slow reader has its 60 seconds, too")
    func idleAfterSlowReader() throws {
        var line = try Machine(.keptWithUnsent)
        line.time = 20
        _ = line.take()
        #expect(line.tick(at: 79.9) == "")
        #expect(line.tick(at: 80) == "close")
    }
}
