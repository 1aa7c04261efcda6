import Foundation
import Store

extension MemoryStore {
    @discardableResult
    public func removeLines(endedBefore end: Date, limit: Int, at instant: Date) throws(StoreError) -> Int {
        try access { database throws(StoreError) in
            var left = limit
            for number in database.runsToPrune(end.stored) where left > 0 {
                left -= max(1, database.runs[number].removeLines(left, instant.stored))
            }
            return limit - left
        }
    }
}

extension MemoryDatabase {
    fileprivate func runsToPrune(_ end: Date) -> [Int] {
        var old: [Due<Int>] = []
        for number in runs.indices where runs[number].mayHaveLines && runs[number].run.state != .held {
            guard let finishedAt = runs[number].run.finishedAt, finishedAt < end else { continue }
            old.append(Due(at: finishedAt, id: number))
        }
        return old.sorted().map(\.id).filter { $0 != newestLedger(of: runs[$0].run.partnerID) }
    }

    private func newestLedger(of partner: PartnerID) -> Int? {
        let newestFirst = (runHistory[partner] ?? []).reversed().lazy.map(\.id)
        return newestFirst.first { number in
            let run = runs[number].run
            return run.purpose == .usage && run.finishedAt != nil && run.stage >= .usage
        }
    }
}

extension StoredRun {
    fileprivate mutating func removeLines(_ limit: Int, _ instant: Date) -> Int {
        let removed = min(limit, lines.count)
        lines.removeFirst(removed)
        mayHaveLines = removed == limit
        if removed > 0, run.linesRemovedAt == nil { run.linesRemovedAt = instant }
        return removed
    }
}
