import Foundation

/// Who has guessed wrong how often: the more often, the longer the wait.
struct GuessLedger: Sendable {
    /// Wrong tries that cost no wait: people paste the wrong line.
    static let free = 5
    /// The wait after the first try beyond; it doubles with each.
    static let firstWait: TimeInterval = 1
    static let longestWait: TimeInterval = 60
    /// After so long without a wrong try all is forgotten.
    static let memory: TimeInterval = 15 * 60
    /// Guessers remembered; beyond, the one that was quiet longest is forgotten.
    static let capacity = 10_000

    private struct Record: Sendable {
        var failures: Int
        var lastAt: Date
    }

    private var records: [String: Record] = [:]

    /// How long the guesser has to wait; 0 when it may try now. Any of several names that it goes by makes it wait.
    func wait(_ names: [String], at now: Date) -> TimeInterval {
        names.map { name in
            let failures = failures(name, at: now)
            guard let record = records[name], failures >= Self.free else { return 0 }
            let wait = min(Self.longestWait, Self.firstWait * pow(2, Double(failures - Self.free)))
            // A clock set back must not make anyone wait for longer than that.
            return min(wait, max(0, record.lastAt.addingTimeInterval(wait).timeIntervalSince(now)))
        }.max() ?? 0
    }

    mutating func failed(_ names: [String], at now: Date) {
        for name in names {
            if let record = records[name], now.timeIntervalSince(record.lastAt) < Self.memory {
                records[name] = Record(failures: record.failures + 1, lastAt: now)
            } else {
                if records.count >= Self.capacity { forgetSome(at: now) }
                records[name] = Record(failures: 1, lastAt: now)
            }
        }
    }

    /// Wrong tries that are remembered.
    func failures(_ name: String, at now: Date) -> Int {
        records[name].map { now.timeIntervalSince($0.lastAt) < Self.memory ? $0.failures : 0 } ?? 0
    }

    /// The old ones, or the tenth that was quiet longest: so that a flood of addresses does not sort the table for each of them.
    private mutating func forgetSome(at now: Date) {
        records = records.filter { now.timeIntervalSince($0.value.lastAt) < Self.memory }
        guard records.count >= Self.capacity else { return }
        for (name, _) in records.sorted(by: { $0.value.lastAt < $1.value.lastAt }).prefix(Self.capacity / 10) {
            records[name] = nil
        }
    }
}
