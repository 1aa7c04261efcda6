import Secrets
import Testing

@testable import Synthesize

@Suite("Whose turn it is, and when")
struct PacerQueueTests {
    private static func background(_ share: String) -> PacerLane { PacerLane(.background, share: share) }
    private static func interactive(_ share: String) -> PacerLane { PacerLane(.interactive, share: share) }

    /// Takes every turn at the instant it is due; each call is answered at once.
    private func drain(_ queue: inout PacerQueue, from start: Duration = .zero) -> [(ticket: Int, at: Duration)] {
        var turns: [(ticket: Int, at: Duration)] = []
        var now = start
        while true {
            switch queue.next(at: now) {
            case .grant(let ticket, let turn):
                turns.append((ticket, now))
                queue.end(turn, .answered, at: now)
            case .wait(let instant): now = instant
            case .idle, .waitForAnswer: return turns
            }
        }
    }

    @Test("Turns are evenly spaced, wider than the limit by the guard time's share")
    func spacing() {
        var queue = PacerQueue(callsPerSecond: 100)
        for ticket in 1...5 { queue.enqueue(ticket, Self.background("a"), at: .zero) }
        let turns = drain(&queue)
        #expect(turns.map(\.ticket) == [1, 2, 3, 4, 5])
        #expect(turns.map(\.at) == (0..<5).map { .microseconds(10_100) * $0 })
    }

    @Test("After a quiet time no more come at once than a late turn may catch up")
    func afterQuiet() {
        var queue = PacerQueue(callsPerSecond: 100)
        queue.enqueue(1, Self.background("a"), at: .zero)
        _ = drain(&queue)
        for ticket in 2...20 { queue.enqueue(ticket, Self.background("a"), at: .seconds(60)) }
        let turns = drain(&queue, from: .seconds(60))
        #expect(turns.filter { $0.at == .seconds(60) }.count == 5)
    }

    @Test("Without a limit every turn is now")
    func unlimited() {
        for rate in [0.0, -1] {
            var queue = PacerQueue(callsPerSecond: rate)
            for ticket in 1...1_000 { queue.enqueue(ticket, Self.background("a"), at: .zero) }
            #expect(drain(&queue).allSatisfy { $0.at == .zero })
        }
    }

    @Test("What a person waits for goes before everything else")
    func urgency() {
        var queue = PacerQueue(callsPerSecond: 10)
        queue.enqueue(1, Self.background("a"), at: .zero)
        queue.enqueue(2, Self.background("b"), at: .zero)
        queue.enqueue(3, Self.interactive("a"), at: .zero)
        queue.enqueue(4, Self.interactive("b"), at: .zero)
        #expect(drain(&queue).map(\.ticket) == [3, 4, 1, 2])
    }

    @Test("Partners take turns, so that a small one is not stuck behind a large one")
    func fairness() {
        var queue = PacerQueue(callsPerSecond: 10)
        for ticket in 1...6 { queue.enqueue(ticket, Self.background("large"), at: .zero) }
        queue.enqueue(11, Self.background("small"), at: .zero)
        queue.enqueue(12, Self.background("small"), at: .zero)
        queue.enqueue(21, Self.background("other"), at: .zero)
        #expect(drain(&queue).map(\.ticket) == [1, 11, 21, 2, 12, 3, 4, 5, 6])
    }

    @Test("Who comes again waits behind the others, however fast it comes")
    func comingAgain() {
        var queue = PacerQueue(callsPerSecond: 0)
        queue.enqueue(1, Self.background("fast"), at: .zero)
        queue.enqueue(2, Self.background("slow"), at: .zero)
        queue.enqueue(3, Self.background("slow"), at: .zero)
        #expect(queue.next(at: .zero) == .grant(1, .unlimited))
        queue.enqueue(4, Self.background("fast"), at: .zero)
        #expect(drain(&queue).map(\.ticket) == [2, 4, 3])
    }

    @Test("Who left takes no turn")
    func removal() {
        var queue = PacerQueue(callsPerSecond: 10)
        queue.enqueue(1, Self.background("a"), at: .zero)
        queue.enqueue(2, Self.interactive("b"), at: .zero)
        queue.enqueue(3, Self.background("a"), at: .zero)
        queue.remove(1, Self.background("a"))
        queue.remove(2, Self.interactive("b"))
        queue.remove(99, Self.background("a"))
        let turns = drain(&queue)
        #expect(turns.map(\.ticket) == [3])
        #expect(turns.first?.at == .zero)
    }

    @Test("A refusal holds every turn back, and the shorter pause of two does not shorten the longer")
    func pause() {
        var queue = PacerQueue(callsPerSecond: 0)
        queue.enqueue(1, Self.interactive("a"), at: .zero)
        queue.end(.unlimited, .refused(pause: .seconds(5)), at: .zero)
        queue.end(.unlimited, .refused(pause: .seconds(2)), at: .zero)
        #expect(queue.next(at: .zero) == .wait(until: .seconds(5)))
        #expect(drain(&queue).map(\.at) == [.seconds(5)])
    }

    @Test("A refusal cuts the rate once for all the calls that had left, and it comes back")
    func cut() throws {
        var queue = PacerQueue(callsPerSecond: 100)
        var turns: [PacerTurn] = []
        var now = Duration.zero
        func leave(_ ticket: Int) throws {
            queue.enqueue(ticket, Self.background("a"), at: now)
            var step = queue.next(at: now)
            if case .wait(let instant) = step {
                now = instant
                step = queue.next(at: now)
            }
            guard case .grant(_, let turn) = step else { throw CancellationError() }
            turns.append(turn)
        }
        for ticket in 0..<3 { try leave(ticket) }
        for turn in turns { queue.end(turn, .refused(pause: .seconds(1)), at: now) }
        let resumed = now + .seconds(1)
        #expect(queue.share(at: resumed) == PacerQueue.cut)
        #expect(abs(queue.share(at: resumed + .seconds(2)) - 0.8) < 1e-9)
        #expect(queue.share(at: resumed + .seconds(6)) == 1)
        try leave(4)
        #expect(now == resumed)
        queue.end(turns[3], .refused(pause: .zero), at: now)
        #expect(abs(queue.share(at: now) - 0.49) < 1e-9)
    }

    @Test("A small run beside a large one gets seven turns of eight until it has had as many")
    func smallBesideLarge() {
        var queue = PacerQueue(callsPerSecond: 0)
        for ticket in 0..<1_000 { queue.enqueue(ticket, Self.background("large"), at: .zero) }
        for _ in 0..<500 { _ = queue.next(at: .zero) }
        for ticket in 1_000..<1_100 { queue.enqueue(ticket, Self.background("small"), at: .zero) }
        let order = drain(&queue).map(\.ticket)
        let last = order.lastIndex { $0 >= 1_000 } ?? 0
        #expect(last < 115)
        #expect(order.prefix(last).contains { $0 < 1_000 }, "the large one never stands still")
        #expect(order.count == 600)
    }

    @Test("No more are under way than the bound")
    func bound() {
        var queue = PacerQueue(callsPerSecond: 100, maximumUnderWay: 3)
        for ticket in 0..<5 { queue.enqueue(ticket, Self.background("a"), at: .zero) }
        var (turns, now) = ([PacerTurn](), Duration.zero)
        while turns.count < 3 {
            switch queue.next(at: now) {
            case .grant(_, let turn): turns.append(turn)
            case .wait(let instant): now = instant
            case .idle, .waitForAnswer: break
            }
        }
        #expect(queue.next(at: now + .seconds(60)) == .waitForAnswer)
        queue.end(turns[1], .unanswered, at: now + .seconds(60))
        guard case .grant = queue.next(at: now + .seconds(60)) else {
            Issue.record("an ended call makes room")
            return
        }
    }
}
