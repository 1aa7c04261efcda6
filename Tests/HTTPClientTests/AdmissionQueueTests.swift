import Testing

@testable import HTTPClient

@Suite("Who may be under way")
struct AdmissionQueueTests {
    private func origin(_ number: Int) -> RequestURL.Origin {
        RequestURL.Origin(scheme: .https, host: "host\(number)", port: 443)
    }

    private func admitAll(_ queue: inout AdmissionQueue<String>) -> [String] {
        var admitted: [String] = []
        while let next = queue.admitNext() { admitted.append(next) }
        return admitted
    }

    @Test("In the order they came, as many as there are connections")
    func order() {
        var queue = AdmissionQueue<String>(maximumPerOrigin: 2, maximumInAll: 10)
        for name in ["a", "b", "c", "d"] { queue.enqueue(name, for: origin(1)) }
        #expect(admitAll(&queue) == ["a", "b"])
        #expect(queue.waitingCount == 2)
        queue.finish(origin(1), isMultiplexed: false)
        #expect(admitAll(&queue) == ["c"])
        queue.finish(origin(1), isMultiplexed: nil)
        queue.finish(origin(1), isMultiplexed: false)
        #expect(admitAll(&queue) == ["d"])
        #expect(queue.waitingCount == 0)
    }

    @Test("A busy origin does not hold up another")
    func otherOrigins() {
        var queue = AdmissionQueue<String>(maximumPerOrigin: 1, maximumInAll: 10)
        for name in ["a1", "a2", "a3"] { queue.enqueue(name, for: origin(1)) }
        queue.enqueue("b1", for: origin(2))
        #expect(admitAll(&queue) == ["a1", "b1"])
    }

    @Test("All origins together keep to the maximum")
    func inAll() {
        var queue = AdmissionQueue<String>(maximumPerOrigin: 2, maximumInAll: 3)
        for number in 1...3 {
            for name in ["x", "y"] { queue.enqueue("\(name)\(number)", for: origin(number)) }
        }
        #expect(admitAll(&queue) == ["x1", "y1", "x2"])
        queue.finish(origin(1), isMultiplexed: false)
        #expect(admitAll(&queue) == ["y2"])
    }

    @Test("Once an origin has answered over HTTP/2, a connection carries a hundred requests")
    func multiplexing() {
        var queue = AdmissionQueue<String>(maximumPerOrigin: 2, maximumInAll: 2)
        for number in 0..<300 { queue.enqueue("\(number)", for: origin(1)) }
        #expect(admitAll(&queue).count == 2)
        queue.finish(origin(1), isMultiplexed: true)
        #expect(admitAll(&queue).count == 199)
        queue.finish(origin(1), isMultiplexed: false)
        #expect(admitAll(&queue).isEmpty)
    }

    @Test("Those who leave while waiting are out, the others keep their turn")
    func leaving() {
        var queue = AdmissionQueue<String>(maximumPerOrigin: 1, maximumInAll: 10)
        for name in ["a", "b", "c", "d"] { queue.enqueue(name, for: origin(1)) }
        #expect(admitAll(&queue) == ["a"])
        #expect(queue.remove { $0 == "b" || $0 == "d" } == ["b", "d"])
        #expect(queue.remove { $0 == "a" }.isEmpty)
        #expect(queue.waitingCount == 1)
        queue.finish(origin(1), isMultiplexed: nil)
        #expect(admitAll(&queue) == ["c"])
    }

    @Test("Whatever comes and goes, the limits hold and nobody is forgotten")
    func random() {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("seed \(seed)")
        var random = SplitMix(seed)
        var queue = AdmissionQueue<Int>(maximumPerOrigin: 3, maximumInAll: 5)
        var running: [Int: Int] = [:]
        var waiting: Set<Int> = []
        for step in 0..<20_000 {
            let number = Int.random(in: 0..<4, using: &random)
            switch Int.random(in: 0..<5, using: &random) {
            case 0, 1:
                queue.enqueue(step * 4 + number, for: origin(number))
                waiting.insert(step * 4 + number)
            case 2:
                guard let one = waiting.randomElement(using: &random) else { continue }
                #expect(queue.remove { $0 == one } == [one], "seed \(seed)")
                waiting.remove(one)
            default:
                guard let count = running[number], count > 0 else { continue }
                running[number] = count - 1
                queue.finish(origin(number), isMultiplexed: false)
            }
            while let admitted = queue.admitNext() {
                #expect(waiting.remove(admitted) != nil, "seed \(seed)")
                running[admitted % 4, default: 0] += 1
            }
            let inAll = running.values.reduce(0, +)
            guard running.values.allSatisfy({ $0 <= 3 }), inAll <= 5, queue.waitingCount == waiting.count,
                // Somebody waits only where there is no room for him.
                waiting.allSatisfy({ running[$0 % 4] == 3 || inAll == 5 })
            else {
                Issue.record("seed \(seed), step \(step): \(running), waiting \(waiting.count)")
                return
            }
        }
    }
}
