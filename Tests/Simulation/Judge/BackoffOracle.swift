import Foundation
import Store

/// Whether a schedule may begin a sync, told from the partner's runs one after the other: after three scheduled failures in a row not
/// for two days, after four not for four, after five and more not for a week; half a day is forgiven.
struct BackoffOracle {
    private var failures = 0
    private var lastFailure = Date.distantPast

    /// Before this instant no scheduled sync begins.
    var earliest: Date {
        let days: Double =
            switch failures {
            case ...2: 0
            case 3: 2
            case 4: 4
            default: 7
            }
        return days == 0 ? .distantPast : lastFailure.addingTimeInterval((days - 0.5) * 86_400)
    }

    /// Takes in the next run.
    mutating func add(_ run: SyncRun) {
        guard run.purpose != .zeros else { return }
        if [.succeeded, .partial, .held].contains(run.state) { failures = 0 }
        guard run.state == .failed, run.trigger == .schedule else { return }
        failures += 1
        lastFailure = run.createdAt
    }
}

extension Judge {
    /// What was due next when somebody last looked, under which circumstances.
    struct Expectation: Equatable {
        var due: Date
        var process: Int
        var keyVersion: Int
        var stateSince: Date
        /// Without the next time.
        var schedule: Schedule
    }

    /// A due time that has come has begun a sync, unless one was going on or those before failed.
    func judgeDueTimes(_ index: Int, _ id: PartnerID, _ schedule: Schedule, _ process: PerchProcess, grace: TimeInterval) throws(StoreError)
    {
        guard let next = schedule.nextRunAt else { return }
        let connection = try process.store.connection(id)
        var current = Expectation(
            due: next, process: process.number, keyVersion: connection.keyVersion, stateSince: connection.stateSince, schedule: schedule)
        current.schedule.nextRunAt = nil
        let before = expectations.updateValue(current, forKey: index)
        guard let before, before.due.addingTimeInterval(grace) < world.time.now else { return }
        current.due = before.due
        guard current == before else { return }
        let runs = try process.store.runs(id, purposes: Set(RunPurpose.allCases), before: nil, limit: 200)
        let span = before.due.addingTimeInterval(-1)...before.due.addingTimeInterval(grace)
        let hasBegun = runs.contains { $0.createdAt <= span.upperBound && ($0.finishedAt ?? .distantFuture) >= span.lowerBound }
        var oracle = BackoffOracle()
        for run in runs.reversed() where run.createdAt < before.due { oracle.add(run) }
        if !hasBegun, oracle.earliest <= before.due {
            violate("partner \(index): due at \(before.due), and no sync began although those before did not fail")
        }
    }

    /// No schedule hammers.
    /// - Parameter runs: newest first.
    func judgeBackoff(_ index: Int, _ runs: [SyncRun]) {
        // A wrong clock dates runs wrongly.
        guard !hasClockJumped else { return }
        var oracle = BackoffOracle()
        for run in runs.reversed() {
            if run.trigger == .schedule, run.createdAt < oracle.earliest {
                violate(
                    "partner \(index): run \(run.id) began at \(run.createdAt), those before failed and it should wait until \(oracle.earliest)"
                )
            }
            oracle.add(run)
        }
    }
}
