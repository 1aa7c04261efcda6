import Foundation
import HTTPClient
import Store
import Synthesize

/// Sends the planned lines of one run: intents are written a batch ahead, several counts are under way at once, and outcomes are
/// written in groups, because each write waits for the disk.
struct LineSender {
    enum Ending: Sendable, Hashable {
        case done
        /// Synthesize said something that ends the run.
        case stopped(RunFailure, needsNewKey: Bool)
        /// The run was told to stop; lines not sent are planned again.
        case interrupted
    }

    private struct Sent: Sendable {
        var line: UsageLine
        var verdict: LineVerdict
    }

    /// Intents written at once. A crash makes at most this many lines be sent again, which is harmless.
    private static let intentBatch = 64
    /// Outcomes written at once, and the longest that one waits to be written.
    private static let outcomeBatch = 32
    private static let outcomeDelay = Duration.milliseconds(250)
    private static let postInterval = Duration.milliseconds(50)

    private let run: SyncRun
    private let client: SynthesizeClient
    private let control: RunControl
    private let environment: IntegrationEnvironment
    private let board: ProgressBoard

    private var tally = RunTally()
    private var ready: ArraySlice<UsageLine> = []
    private var outcomes: [LineOutcome] = []
    private var ending: Ending?
    private var failuresInARow = 0
    private var sentHere = 0
    private var began = Duration.zero
    private var lastWrite = Duration.zero
    private var lastPost = Duration.zero

    init(
        run: SyncRun, client: SynthesizeClient, control: RunControl, environment: IntegrationEnvironment,
        board: ProgressBoard
    ) {
        self.run = run
        self.client = client
        self.control = control
        self.environment = environment
        self.board = board
    }

    /// Sends until nothing is planned any more or the run must stop.
    mutating func send() async throws(StoreError) -> Ending {
        tally = try await environment.store.tally(run.id)
        began = environment.time.elapsed()
        lastWrite = began
        let result = await withTaskGroup { group -> Result<Void, StoreError> in
            do throws(StoreError) {
                try await feed(&group)
                while let sent = await group.next() {
                    settle(sent)
                    try await writeOutcomes(force: false)
                    try await feed(&group)
                }
                giveBackReadyLines()
                try await writeOutcomes(force: true)
                return .success(())
            } catch {
                // Without a ledger nothing more may be sent.
                group.cancelAll()
                return .failure(error)
            }
        }
        try result.get()
        return ending ?? .done
    }

    /// Starts lines until enough are under way.
    private mutating func feed(_ group: inout TaskGroup<Sent>) async throws(StoreError) {
        while underWay < environment.policy.parallelCounts {
            if ending == nil, control.stop != nil { ending = .interrupted }
            guard ending == nil else { return }
            if ready.isEmpty {
                ready = try await environment.store.beginSending(
                    run.id, limit: Self.intentBatch, at: environment.time.now())[...]
            }
            guard let line = ready.popFirst() else { return }
            underWay += 1
            group.addTask { [client] in
                do throws(SynthesizeError) {
                    let status = try await client.setUnitCount(
                        serviceID: line.serviceID, accountID: line.accountID, count: line.sentCount ?? 0)
                    return Sent(line: line, verdict: .settled(.accepted, status: status, message: nil))
                } catch {
                    return Sent(line: line, verdict: LineVerdict(error))
                }
            }
        }
    }

    private var underWay = 0

    private mutating func settle(_ sent: Sent) {
        underWay -= 1
        switch sent.verdict {
        case .settled(let state, let status, let message):
            failuresInARow = state == .failed ? failuresInARow + 1 : 0
            sentHere += 1
            count(state)
            add(sent.line, state, status, message)
            if failuresInARow >= environment.policy.failuresInARow, ending == nil {
                let failure = RunFailure(
                    code: "synthesize.keepsFailing",
                    message: "\(failuresInARow) counts in a row failed, so the rest was not sent. \(message ?? "")")
                ending = .stopped(failure, needsNewKey: false)
            }
        case .stop(let failure, let needsNewKey):
            if ending == nil || ending == .interrupted { ending = .stopped(failure, needsNewKey: needsNewKey) }
            add(sent.line, .planned, nil, nil)
        case .givenBack:
            add(sent.line, .planned, nil, nil)
        }
    }

    private mutating func count(_ state: UsageLineState) {
        tally.open -= 1
        switch state {
        case .accepted: tally.accepted += 1
        case .notMapped: tally.notMapped += 1
        case .rejected: tally.rejected += 1
        default: tally.failed += 1
        }
    }

    private mutating func add(_ line: UsageLine, _ state: UsageLineState, _ status: Int?, _ message: String?) {
        outcomes.append(
            LineOutcome(
                position: line.position, state: state, attempts: line.attempts, httpStatus: status, message: message,
                at: environment.time.now()))
    }

    /// Lines whose intent is written but that were never sent are planned again, with that try taken back.
    private mutating func giveBackReadyLines() {
        for var line in ready {
            line.attempts -= 1
            add(line, .planned, nil, nil)
        }
        ready = []
    }

    private mutating func writeOutcomes(force: Bool) async throws(StoreError) {
        let now = environment.time.elapsed()
        let isDue = outcomes.count >= Self.outcomeBatch || now - lastWrite >= Self.outcomeDelay
        if !outcomes.isEmpty, force || isDue {
            try await environment.store.recordOutcomes(run.id, outcomes)
            outcomes = []
            lastWrite = now
        }
        if force || now - lastPost >= Self.postInterval {
            lastPost = now
            let seconds = (now - began).seconds
            await board.post(
                RunProgress(run, tally: tally, rate: seconds > 0 ? Double(sentHere) / seconds : 0))
        }
    }
}
