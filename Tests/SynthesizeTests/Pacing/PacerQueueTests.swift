import Secrets
import Testing

@testable import Synthesize

@Suite("Whose turn it is, and when")
struct PacerQueueTests {
    private static func background(_ share: String) -> PacerLane { PacerLane(.background, share: share) }
    private static func interactive(_ share: String) -> PacerLane { PacerLane(.interactive, share: share) }

    /// Takes every turn at the instant it is due.
    private func drain(_ queue: inout PacerQueue, from start: Duration = .zero) -> [(ticket: Int, at: Duration)] {
        var turns: [(ticket: Int, at: Duration)] = []
        var now = start
        while true {
            switch queue.next(at: now) {
            case .grant(let ticket): turns.append((ticket, now))
            case .wait(let instant): now = instant
            case .idle: return turns
            }
        }
    }

    @Test("Turns are evenly spaced")
    func spacing() {
        var queue = PacerQueue(callsPerSecond: 100)
        for ticket in 1...5 { queue.enqueue(ticket, Self.background("a")) }
        let turns = drain(&queue)
        #expect(turns.map(\.ticket) == [1, 2, 3, 4, 5])
        #expect(turns.map(\.at) == (0..<5).map { .milliseconds(10) * $0 })
    }

    @Test("No burst after a quiet time")
    func afterQuiet() {
        var queue = PacerQueue(callsPerSecond: 10)
        queue.enqueue(1, Self.background("a"))
        _ = drain(&queue)
        for ticket in 2...4 { queue.enqueue(ticket, Self.background("a")) }
        let turns = drain(&queue, from: .seconds(60))
        let gaps = zip(turns.dropFirst(), turns).map { $0.at - $1.at }
        #expect(gaps == [.milliseconds(90), .milliseconds(100)])
    }

    @Test("Without a limit every turn is now")
    func unlimited() {
        for rate in [0.0, -1] {
            var queue = PacerQueue(callsPerSecond: rate)
            for ticket in 1...1_000 { queue.enqueue(ticket, Self.background("a")) }
            #expect(drain(&queue).allSatisfy { $0.at == .zero })
        }
    }

    @Test("What a person waits for goes before everything else")
    func urgency() {
        var queue = PacerQueue(callsPerSecond: 10)
        queue.enqueue(1, Self.background("a"))
        queue.enqueue(2, Self.background("b"))
        queue.enqueue(3, Self.interactive("a"))
        queue.enqueue(4, Self.interactive("b"))
        #expect(drain(&queue).map(\.ticket) == [3, 4, 1, 2])
    }

    @Test("Partners take turns, so that a small one is not stuck behind a large one")
    func fairness() {
        var queue = PacerQueue(callsPerSecond: 10)
        for ticket in 1...6 { queue.enqueue(ticket, Self.background("large")) }
        queue.enqueue(11, Self.background("small"))
        queue.enqueue(12, Self.background("small"))
        queue.enqueue(21, Self.background("other"))
        #expect(drain(&queue).map(\.ticket) == [1, 11, 21, 2, 12, 3, 4, 5, 6])
    }

    @Test("Who comes again waits behind the others, however fast it comes")
    func comingAgain() {
        var queue = PacerQueue(callsPerSecond: 0)
        queue.enqueue(1, Self.background("fast"))
        queue.enqueue(2, Self.background("slow"))
        queue.enqueue(3, Self.background("slow"))
        #expect(queue.next(at: .zero) == .grant(1))
        queue.enqueue(4, Self.background("fast"))
        #expect(drain(&queue).map(\.ticket) == [2, 4, 3])
    }

    @Test("Who left takes no turn")
    func removal() {
        var queue = PacerQueue(callsPerSecond: 10)
        queue.enqueue(1, Self.background("a"))
        queue.enqueue(2, Self.interactive("b"))
        queue.enqueue(3, Self.background("a"))
        queue.remove(1)
        queue.remove(2)
        queue.remove(99)
        let turns = drain(&queue)
        #expect(turns.map(\.ticket) == [3])
        #expect(turns.first?.at == .zero)
    }

    @Test("A pause holds every turn back, and the shorter of two does not shorten the longer")
    func pause() {
        var queue = PacerQueue(callsPerSecond: 10)
        queue.enqueue(1, Self.interactive("a"))
        queue.pause(until: .seconds(5))
        queue.pause(until: .seconds(2))
        #expect(queue.next(at: .zero) == .wait(until: .seconds(5)))
        #expect(drain(&queue).map(\.at) == [.seconds(5)])

        var unlimited = PacerQueue(callsPerSecond: 0)
        unlimited.enqueue(1, Self.background("a"))
        unlimited.pause(until: .seconds(5))
        #expect(unlimited.next(at: .seconds(4)) == .wait(until: .seconds(5)))
    }

    @Test("Waking late by less than the catch-up costs no throughput")
    func late() {
        var queue = PacerQueue(callsPerSecond: 100)
        for ticket in 0..<1_000 { queue.enqueue(ticket, Self.background("a")) }
        var now = Duration.zero
        var last = Duration.zero
        while case let step = queue.next(at: now), step != .idle {
            if case .wait(let instant) = step { now = instant + .milliseconds(8) } else { last = now }
        }
        #expect(last < .seconds(10))
    }

    @Test("Whatever comes, however late one wakes: no second holds more turns than promised, and all are taken once")
    func anySecond() {
        let seed = UInt64.random(in: .min ... .max)
        print("PacerQueueTests.anySecond seed \(seed)")
        let random = RandomSource.seeded(seed)
        // Gathered and expected once: an expectation a turn would take longer than all the rest.
        var broken: [String] = []
        for _ in 0..<15 {
            let rate = Double(1 + random.number(below: 200))
            var queue = PacerQueue(callsPerSecond: rate)
            var (now, turns, waiting, last) = (Duration.zero, [Duration](), Set<Int>(), 0)
            for _ in 0..<2_000 {
                switch random.number(below: 10) {
                case 0:
                    for _ in 0..<random.number(below: 20) {
                        last += 1
                        let urgency: PacerLane.Urgency = random.number(below: 4) == 0 ? .interactive : .background
                        queue.enqueue(last, PacerLane(urgency, share: "\(random.number(below: 5))"))
                        waiting.insert(last)
                    }
                case 1: now += .milliseconds(random.number(below: 300))
                case 2 where random.number(below: 20) == 0: queue.pause(until: now + .milliseconds(random.number(below: 2_000)))
                case 3 where !waiting.isEmpty:
                    let ticket = waiting.sorted()[random.number(below: waiting.count)]
                    queue.remove(ticket)
                    waiting.remove(ticket)
                default:
                    switch queue.next(at: now) {
                    case .grant(let ticket):
                        if waiting.remove(ticket) == nil { broken.append("ticket \(ticket) had its turn already, or left") }
                        turns.append(now)
                    case .wait(let instant):
                        if instant <= now { broken.append("a wait until now") }
                        now = instant + .microseconds(random.number(below: 30_000))
                    case .idle: if !waiting.isEmpty { broken.append("idle while \(waiting.count) wait") }
                    }
                }
            }
            let most = ((1 + PacerQueue.catchUp.seconds) * rate).rounded(.down) + 1
            var first = 0
            for (index, turn) in turns.enumerated() {
                while turn - turns[first] >= .seconds(1) { first += 1 }
                if Double(index - first + 1) > most { broken.append("\(index - first + 1) turns in a second at rate \(rate)") }
            }
        }
        #expect(broken.isEmpty)
    }
}
