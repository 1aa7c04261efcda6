import Store

/// How far a run has come, for someone who watches.
public struct RunProgress: Sendable, Hashable {
    public var runID: SyncRunID
    public var purpose: RunPurpose
    public var state: RunState
    public var stage: RunStage
    public var tally: RunTally
    /// Counts settled a second since sending began; 0 before.
    public var rate: Double
    /// Nil until it can be told.
    public var secondsLeft: Int?

    /// Lines answered so far, of `total`.
    public var settled: Int { tally.settled }
    public var total: Int { tally.toSend }

    init(_ run: SyncRun, tally: RunTally? = nil, rate: Double = 0) {
        runID = run.id
        purpose = run.purpose
        state = run.state
        stage = run.stage
        self.tally = tally ?? run.tally
        self.rate = rate
        let left = self.tally.open
        secondsLeft = rate > 0 && left > 0 ? Int((Double(left) / rate).rounded(.up)) : nil
    }
}
