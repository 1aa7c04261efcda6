import HTTPClient
import Secrets
import Testing

@testable import Synthesize

/// The pacer against a model of a server that counts any sliding second, on virtual time. The server counts a call when it arrives,
/// and answers 429 when that is one too many; what it does afterwards takes its own time.
@Suite("Never too many in a second, and close to the limit")
struct SlidingSecondTests {
    /// How long things take, in microseconds.
    struct Weather {
        /// From leaving to being counted, and from the answer to its arrival.
        var road = 5_000
        var roadJitter = 0
        /// What the server does after it has counted.
        var workLeast = 15_000
        var workMost = 395_000
        /// Standstills a minute of everything between the pacer and the counting, and the longest of them.
        var standstills = 0
        var longestStandstill = 0
        /// How late the pacer's timer wakes.
        var latestWaking = 3_000
        /// One answer in so many never comes; the caller gives up after 30 s.
        var lostOneIn = 0
        /// Calls a second that someone else makes with the key, in the first half of the time.
        var others = 0.0
    }

    struct Result {
        var arrived = 0
        var refused = 0
        var mostInASecond = 0
        var mostUnderWay = 0
        var longestInteractiveWait = 0
        /// Arrivals in the last third.
        var arrivedAtLast = 0
    }

    private enum Happening {
        /// Something can be decided.
        case look
        case arrival(Int)
        case others
        case answer(Int, refused: Bool)
        case loss(Int)
        case interactive
    }

    /// Plays `seconds` of a run that always has calls waiting.
    static func play(_ weather: Weather, limit: Int, seconds: Int, random: RandomSource) -> Result {
        var queue = PacerQueue(callsPerSecond: Double(limit), maximumUnderWay: 1_000)
        var result = Result()
        var agenda = Agenda<Happening>()
        var turns: [PacerTurn] = []
        var counted: [Int] = []
        var first = 0
        var waitingSince: [Int: Int] = [:]
        var (ticket, now, lastArrival) = (0, 0, 0)
        let end = seconds * 1_000_000
        let stops = (0..<(weather.standstills * seconds / 60)).map { _ -> (from: Int, to: Int) in
            let from = random.number(below: end)
            return (from, from + random.number(below: max(1, weather.longestStandstill)))
        }
        func afterStandstills(_ instant: Int) -> Int {
            stops.filter { $0.from <= instant && instant < $0.to }.map(\.to).max().map(afterStandstills) ?? instant
        }
        func below(_ bound: Int) -> Int { bound > 0 ? random.number(below: bound) : 0 }
        func count() -> Bool {
            while first < counted.count, counted[first] + 1_000_000 <= now { first += 1 }
            guard counted.count - first < limit else { return false }
            counted.append(now)
            result.mostInASecond = max(result.mostInASecond, counted.count - first)
            return true
        }
        func enqueue(_ urgency: PacerLane.Urgency) {
            ticket += 1
            if urgency == .interactive { waitingSince[ticket] = now }
            queue.enqueue(ticket, PacerLane(urgency, share: "\(ticket % 3)"), at: .microseconds(now))
        }
        for _ in 0..<20 { enqueue(.background) }
        agenda.add(.look, at: 0)
        if weather.others > 0 { agenda.add(.others, at: 0) }
        for instant in stride(from: 5_000_000, to: end, by: 777_000) { agenda.add(.interactive, at: instant) }

        while let (instant, happening) = agenda.takeNext(), instant < end {
            now = instant
            switch happening {
            case .look: break
            case .interactive: enqueue(.interactive)
            case .others:
                _ = count()
                if now < end / 2 { agenda.add(.others, at: now + Int(1_000_000 / weather.others)) }
            case .arrival(let number):
                let isCounted = count()
                result.arrived += isCounted ? 1 : 0
                result.refused += isCounted ? 0 : 1
                if isCounted, now > end * 2 / 3 { result.arrivedAtLast += 1 }
                let work = isCounted ? weather.workLeast + below(weather.workMost - weather.workLeast) : 0
                if isCounted, weather.lostOneIn > 0, below(weather.lostOneIn) == 0 {
                    agenda.add(.loss(number), at: now + 30_000_000)
                } else {
                    agenda.add(.answer(number, refused: !isCounted), at: now + work + weather.road)
                }
                continue
            case .answer(let number, let refused):
                queue.end(turns[number], refused ? .refused(pause: .seconds(1)) : .answered, at: .microseconds(now))
            case .loss(let number):
                queue.end(turns[number], .unanswered, at: .microseconds(now))
            }
            decide: while true {
                switch queue.next(at: .microseconds(now)) {
                case .grant(let ticket, let turn):
                    if let since = waitingSince.removeValue(forKey: ticket) {
                        result.longestInteractiveWait = max(result.longestInteractiveWait, now - since)
                    } else {
                        enqueue(.background)
                    }
                    turns.append(turn)
                    result.mostUnderWay = max(result.mostUnderWay, queue.underWay)
                    let road = weather.road + below(weather.roadJitter)
                    // One road: who leaves later does not overtake in a standstill.
                    let arrival = afterStandstills(now + road)
                    lastArrival = weather.standstills > 0 ? max(lastArrival, arrival) : arrival
                    agenda.add(.arrival(turns.count - 1), at: lastArrival)
                case .wait(let instant):
                    agenda.addLook(.look, at: Int(instant.seconds * 1_000_000) + 1 + below(weather.latestWaking))
                    break decide
                case .idle, .waitForAnswer:
                    break decide
                }
            }
        }
        return result
    }

    private func seeded(_ name: String) -> RandomSource {
        let seed = UInt64.random(in: .min ... .max)
        print("SlidingSecondTests.\(name) seed \(seed)")
        return RandomSource.seeded(seed)
    }

    @Test("Steady latencies from 20 to 400 ms", arguments: [20, 60, 150, 400], [100, 10])
    func steady(_ milliseconds: Int, _ limit: Int) {
        let random = seeded("steady \(milliseconds) ms, limit \(limit)")
        let work = milliseconds * 1_000 - 10_000
        let weather = Weather(roadJitter: 4_000, workLeast: work, workMost: work + 2_000)
        let result = Self.play(weather, limit: limit, seconds: 60, random: random)
        #expect(result.refused == 0)
        #expect(result.arrived >= limit * 60 * 98 / 100)
        #expect(result.longestInteractiveWait < max(100_000, 2_100_000 / limit))
        // As many as the limit times the latency, and a few.
        #expect(result.mostUnderWay <= limit * (milliseconds + 60) / 1_000 + 6)
    }

    @Test("Each latency anywhere between 20 and 400 ms", arguments: 0..<5)
    func scattered(_ round: Int) {
        let result = Self.play(Weather(roadJitter: 6_000), limit: 100, seconds: 60, random: seeded("scattered"))
        #expect(result.refused == 0)
        #expect(result.arrived >= 5_880)
        #expect(result.longestInteractiveWait < 100_000)
    }

    @Test("A latency that changes for good within the minute is no reason to stay below the limit")
    func risen() {
        let random = seeded("risen")
        var queue = ArrivalWindow(length: .seconds(1), places: 100)
        // Ten seconds at 20 ms, then 400 ms: five seconds later all places are kept no longer than a second and a little.
        var ends: [(at: Int, number: Int)] = []
        var next = 0
        for step in 0..<2_000 {
            let now = step * 10_000 + random.number(below: 1_000)
            for end in ends.prefix(while: { $0.at <= now }) { queue.answer(end.number, at: .microseconds(end.at)) }
            ends.removeAll { $0.at <= now }
            queue.advance(to: .microseconds(now))
            let latency = now < 10_000_000 ? 20_000 : 400_000
            ends.append((now + latency, queue.leave(at: .microseconds(now))))
            next += 1
            if now > 16_000_000 { #expect(queue.count <= 104) }
        }
    }

    @Test("Standstills of machine and network, up to two seconds long", arguments: 0..<10)
    func standstills(_ round: Int) {
        let random = seeded("standstills")
        let work = 10_000 + random.number(below: 380_000)
        let weather = Weather(
            roadJitter: 3_000, workLeast: work, workMost: work + 3_000, standstills: round < 5 ? 20 : 6,
            longestStandstill: round < 5 ? 200_000 : 2_000_000)
        let result = Self.play(weather, limit: 100, seconds: 60, random: random)
        #expect(result.refused == 0)
    }

    @Test("One answer in fifty never comes: no turn is lost for it")
    func lost() {
        let result = Self.play(Weather(roadJitter: 3_000, lostOneIn: 50), limit: 100, seconds: 60, random: seeded("lost"))
        #expect(result.refused == 0)
        #expect(result.arrived >= 5_880)
    }

    @Test("Someone else takes half of the limit for a while: few refusals, and all of the limit afterwards")
    func others() {
        let result = Self.play(Weather(others: 50), limit: 100, seconds: 90, random: seeded("others"))
        #expect(result.refused > 0)
        #expect(result.refused < result.arrived / 50)
        #expect(result.arrivedAtLast >= 30 * 98)
    }
}

/// What happens when, the earliest first; among equals the first that was added.
private struct Agenda<Happening> {
    private var heap: [(at: Int, order: Int, what: Happening)] = []
    private var order = 0
    private var nextLook = Int.max

    mutating func add(_ what: Happening, at instant: Int) {
        order += 1
        heap.append((instant, order, what))
        var child = heap.count - 1
        while child > 0, isBefore(child, (child - 1) / 2) {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    /// As `add`, but one that comes no earlier than another already there is left out.
    mutating func addLook(_ what: Happening, at instant: Int) {
        guard instant < nextLook else { return }
        nextLook = instant
        add(what, at: instant)
    }

    mutating func takeNext() -> (Int, Happening)? {
        guard let first = heap.first else { return nil }
        heap.swapAt(0, heap.count - 1)
        heap.removeLast()
        var parent = 0
        while true {
            let children = [parent * 2 + 1, parent * 2 + 2].filter { $0 < heap.count }
            guard let least = children.min(by: { isBefore($0, $1) }), isBefore(least, parent) else { break }
            heap.swapAt(least, parent)
            parent = least
        }
        if first.at >= nextLook { nextLook = .max }
        return (first.at, first.what)
    }

    private func isBefore(_ one: Int, _ other: Int) -> Bool {
        (heap[one].at, heap[one].order) < (heap[other].at, heap[other].order)
    }
}
