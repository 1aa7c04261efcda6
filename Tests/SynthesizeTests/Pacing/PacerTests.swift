import HTTPClient
import Testing

@testable import Synthesize

@Suite("Waiting for one's turn", .timeLimit(.minutes(1)))
struct PacerTests {
    private let lane = PacerLane(.background, share: "a")

    @Test("Calls that come together leave one after the other, never more than the limit in a second")
    func crowd() async throws {
        let clock = VirtualClock()
        let pacer = Pacer(callsPerSecond: 100, time: clock.source)
        try await withThrowingTaskGroup { group in
            for number in 0..<300 {
                group.addTask { try await pacer.waitTurn(PacerLane(.background, share: "\(number % 3)")) }
            }
            try await group.waitForAll()
        }
        // 300 turns, 10 ms apart: the clock went on by the 299 gaps and by nothing else, but for the catch-up.
        #expect(clock.elapsed >= .milliseconds(2_980) && clock.elapsed <= .milliseconds(2_991))
    }

    @Test("Without a limit nobody waits")
    func unlimited() async throws {
        let clock = VirtualClock(passesAlone: .zero)
        let pacer = Pacer(callsPerSecond: 0, time: clock.source)
        for _ in 0..<1_000 { try await pacer.waitTurn(lane) }
        #expect(clock.sleeps.isEmpty)
    }

    @Test("Who is cancelled while waiting gives the turn to the next")
    func cancellation() async throws {
        let clock = VirtualClock(passesAlone: .zero)
        let pacer = Pacer(callsPerSecond: 1, time: clock.source)
        try await pacer.waitTurn(lane)
        let waiting = Task { try await pacer.waitTurn(lane) }
        await clock.untilSleeping()
        waiting.cancel()
        await #expect(throws: CancellationError.self) { try await waiting.value }
        clock.advance(by: .seconds(1))
        // Had the cancelled call used up the turn at 1 s, this one would sleep until 2 s, and nobody moves the clock.
        try await pacer.waitTurn(lane)
    }

    @Test("Who is cancelled already takes no turn")
    func cancelledBefore() async throws {
        let clock = VirtualClock(passesAlone: .zero)
        let pacer = Pacer(callsPerSecond: 1, time: clock.source)
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            try await pacer.waitTurn(lane)
        }
        await #expect(throws: CancellationError.self) { try await task.value }
        try await pacer.waitTurn(lane)
        #expect(clock.sleeps.isEmpty)
    }

    @Test("A pause holds back who comes, and who waits already")
    func pause() async throws {
        let clock = VirtualClock()
        let pacer = Pacer(callsPerSecond: 100, time: clock.source)
        await pacer.pause(for: .seconds(5))
        try await pacer.waitTurn(lane)
        #expect(clock.elapsed == .seconds(5))

        let manual = VirtualClock(passesAlone: .zero)
        let held = Pacer(callsPerSecond: 1, time: manual.source)
        try await held.waitTurn(lane)
        let waiting = Task { try await held.waitTurn(lane) }
        await manual.untilSleeping()
        await held.pause(for: .seconds(10))
        manual.advance(by: .seconds(1))
        await manual.untilSleeping()
        #expect(manual.sleeps == [.seconds(1), .seconds(9)])
        manual.advance(by: .seconds(9))
        try await waiting.value
    }
}
