import Store

/// Where the process died while a run was going on.
struct Deaths {
    private struct Place: Hashable {
        var run: SyncRunID
        /// The stage, and how much of it was done.
        var words: String
        /// The deaths here one after the other.
        var count: Int
        var leaseOwner: String?
    }

    private var places: [SyncRunID: Place] = [:]
    private(set) var ofRun: [SyncRunID: Int] = [:]

    /// - Parameter run: as it stood in the store at the death.
    mutating func add(_ run: SyncRun) {
        // One that nobody has taken up since the last death has not died again.
        guard run.state == .running, places[run.id]?.leaseOwner != run.leaseOwner else { return }
        let done = run.stage == .accounts ? run.findings.accountsCreated + run.findings.accountsUpdated : run.tally.settled
        let words = "\(run.stage):\(done)"
        let before = places[run.id].map { $0.words == words ? $0.count : 0 } ?? 0
        places[run.id] = Place(run: run.id, words: words, count: before + 1, leaseOwner: run.leaseOwner)
        ofRun[run.id, default: 0] += 1
    }

    /// Whether Perch died twice in the same place of the run, so that it waits for an operator.
    func mustRest(_ run: SyncRunID) -> Bool { places[run].map { $0.count >= 2 } ?? false }
}
