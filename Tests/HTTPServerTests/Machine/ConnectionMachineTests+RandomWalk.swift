import Testing

@testable import HTTPServer

extension ConnectionMachineTests {
    @Test("Thousands of random histories keep every promise", arguments: [20_261_122 as UInt64])
    func randomHistories(seed: UInt64) {
        for number in 0..<3000 {
            // Each history has a seed of its own, so that one can be repeated alone.
            var history = RandomHistory(seed: seed &+ UInt64(number))
            for _ in 0..<60 where history.broken == nil { history.step() }
            history.finish()
            guard let broken = history.broken else { continue }
            Issue.record("seed \(seed) + \(number): \(broken)\n\(history.story)")
            return
        }
    }

    @Test("The histories go far enough to mean something", arguments: [20_261_122 as UInt64])
    func historiesReach(seed: UInt64) {
        var answered = 0
        for number in 0..<300 {
            var history = RandomHistory(seed: seed &+ UInt64(number))
            for _ in 0..<60 { history.step() }
            let answers = history.answersSent
            #expect(answers == Array(answers.indices.map { $0 + 1 }), "in order, each once")
            answered += answers.count
        }
        #expect(answered > 300, "\(answered) answers in 300 histories")
    }
}
