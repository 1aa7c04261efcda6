import HTTPClient
import Testing

@testable import Synthesize

@Suite("Waiting for one's turn", .timeLimit(.minutes(3)))
struct PacerTests {
    private let lane = PacerLane(.background, share: "a")

    @Test("Calls that come together leave one after the other, never more than the limit in a second")
    func crowd() async throws {
        let clock = VirtualClock()
        let pacer = Pacer(callsPerSecond: 100, time: clock.source)
        try await withThrowingTaskGroup { group in
            for number in 0..<300 {
                group.addTask {
                    pacer.end(try await pacer.waitTurn(PacerLane(.background, share: "\(number % 3)")), .answered)
                }
            }
            try await group.waitForAll()
        }
        // 300 turns, 10.1 ms apart but for the catch-up. It may take longer: a turn whose task has not run yet counts as under way.
        #expect(clock.elapsed >= .milliseconds(2_960))
    }

    @Test("The clock goes on by the gaps between turns and by nothing else")
    func oneByOne() async throws {
        let clock = VirtualClock()
        let pacer = Pacer(callsPerSecond: 100, time: clock.source)
        for _ in 0..<300 { pacer.end(try await pacer.waitTurn(lane), .answered) }
        #expect(clock.elapsed >= .milliseconds(2_960) && clock.elapsed <= .milliseconds(3_021))
    }

    @Test("Without a limit nobody waits")
    func unlimited() async throws {
        let clock = VirtualClock(passesAlone: .zero)
        let pacer = Pacer(callsPerSecond: 0, time: clock.source)
        for _ in 0..<1_000 { _ = try await pacer.waitTurn(lane) }
        #expect(clock.sleeps.isEmpty)
    }

    @Test("Who is cancelled while waiting gives the turn to the next")
    func cancellation() async throws {
        let clock = VirtualClock(passesAlone: .zero)
        let pacer = Pacer(callsPerSecond: 1, time: clock.source)
        pacer.end(try await pacer.waitTurn(lane), .answered)
        let waiting = Task { try await pacer.waitTurn(lane) }
        await clock.untilSleeping()
        waiting.cancel()
        await #expect(throws: CancellationError.self) { try await waiting.value }
        clock.advance(by: .milliseconds(1_010))
        // Had the cancelled call used up the turn at 1.01 s, this one would sleep until 2.02 s, and nobody moves the clock.
        _ = try await pacer.waitTurn(lane)
    }

    @Test("Who is cancelled already takes no turn")
    func cancelledBefore() async throws {
        let clock = VirtualClock(passesAlone: .zero)
        let pacer = Pacer(callsPerSecond: 1, time: clock.source)
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return try await pacer.waitTurn(lane)
        }
        await #expect(throws: CancellationError.self) { try await task.value }
        _ = try await pacer.waitTurn(lane)
        #expect(clock.sleeps.isEmpty)
    }

    @Test("A refusal holds back who comes, and who waits already")
    func pause() async throws {
        let clock = VirtualClock(passesAlone: .zero)
        let pacer = Pacer(callsPerSecond: 1, time: clock.source)
        let first = try await pacer.waitTurn(lane)
        let waiting = Task { try await pacer.waitTurn(lane) }
        await clock.untilSleeping()
        pacer.end(first, .refused(pause: .seconds(10)))
        clock.advance(by: .milliseconds(1_010))
        await clock.untilSleeping()
        #expect(clock.sleeps == [.milliseconds(1_010), .milliseconds(8_990)])
        clock.advance(by: .milliseconds(8_990))
        _ = try await waiting.value
    }

    @Test("An answer lets the next one go that waited for it")
    func answerMakesRoom() async throws {
        let clock = VirtualClock(passesAlone: .seconds(1))
        let pacer = Pacer(callsPerSecond: 100, maximumUnderWay: 1, time: clock.source)
        let first = try await pacer.waitTurn(lane)
        let waiting = Task { try await pacer.waitTurn(lane) }
        pacer.end(first, .unanswered)
        _ = try await waiting.value
    }
}
