import Foundation
import HTTPClient
import Store
import Synchronization
import Synthesize

/// Sends the planned lines of one run. Several counts are under way at once, and while they are, the outcomes of those before and
/// the intents of those to come are written together, in one transaction at a time: sending never waits for the disk unless the disk
/// is slower than Synthesize.
///
/// How many counts are on the wire follows from the pacer, which lets out as many as the speed limit times the latency; here it is
/// only bounded.
struct LineSender {
    enum Ending: Sendable, Hashable {
        case done
        /// Synthesize said something that ends the run.
        case stopped(RunFailure, needsNewKey: Bool)
        /// The run was told to stop; lines not sent are planned again.
        case interrupted
    }

    private struct Sent: Sendable {
        var line: LineIntent
        var verdict: LineVerdict
    }

    private enum Event: Sendable {
        case sent(Sent)
        /// What stood in the ledger before these lines is on disk, and so are their intents.
        case written(Result<[LineIntent], StoreError>)
    }

    /// Outcomes that are written together: few at a speed limit of hundreds a second, so that little is lost in a crash; more where they
    /// come faster than they are usefully written. A transaction for every 32 of 10,000 a second takes a fifth more of the processor.
    private static let batches = 32...256
    /// Writes that follow each other faster are made larger, slower ones smaller.
    private static let writeInterval = Duration.milliseconds(20)...(.milliseconds(80))
    /// Outcomes do not wait longer for others.
    private static let outcomeDelay = Duration.milliseconds(250)
    /// Between two posts: live to a person, and cheap for as many viewers as like.
    private static let postInterval = Duration.milliseconds(500)

    private let run: SyncRun
    private let client: SynthesizeClient
    private let control: RunControl
    private let environment: IntegrationEnvironment
    private let board: ProgressBoard
    private let halt = Halt()

    private var tally = RunTally()
    private var underWay = 0
    private var ready: ArraySlice<LineIntent> = []
    private var hasAllLines = false
    private var outcomes: [LineOutcome] = []
    private var batch = Self.batches.lowerBound
    private var isWriting = false
    private var linesAsked = 0
    private var ending: Ending? { didSet { if ending != nil { halt.request() } } }
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
        self.client = client.halting { [halt] in halt.isRequested || control.stop != nil }
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
            write(&group)
            while let event = await group.next() {
                switch event {
                case .sent(let sent):
                    settle(sent)
                case .written(.success(let lines)):
                    isWriting = false
                    hasAllLines = hasAllLines || lines.count < linesAsked
                    ready += lines
                case .written(.failure(let error)):
                    // Without a ledger nothing more may be sent.
                    group.cancelAll()
                    return .failure(error)
                }
                feed(&group)
                write(&group)
                await post()
            }
            return .success(())
        }
        try result.get()
        await post(force: true)
        return ending ?? .done
    }

    /// Starts lines until enough are under way.
    private mutating func feed(_ group: inout TaskGroup<Event>) {
        if ending == nil, control.stop != nil { ending = .interrupted }
        if ending != nil { return giveBackReadyLines() }
        while underWay < environment.policy.parallelCounts, let line = ready.popFirst() {
            underWay += 1
            group.addTask { [client] in
                do throws(SynthesizeError) {
                    let status = try await client.setUnitCount(
                        serviceID: line.serviceID, accountID: line.accountID, count: line.count)
                    return .sent(Sent(line: line, verdict: .settled(.accepted, status: status, message: nil)))
                } catch {
                    return .sent(Sent(line: line, verdict: LineVerdict(error)))
                }
            }
        }
    }

    /// Lines whose intents are on disk ahead of their sending; filled up with every write, and one is begun when half are left. A crash
    /// makes at most these and those under way be sent again, which is harmless.
    private var intentsAhead: Int { 4 * batch }

    /// Begins a write when lines run short or outcomes are due, unless one is under way: what comes meanwhile goes into the next.
    private mutating func write(_ group: inout TaskGroup<Event>) {
        guard !isWriting else { return }
        let now = environment.time.elapsed()
        let wantsLines = ending == nil && !hasAllLines
        let isShort = wantsLines && ready.count <= intentsAhead / 2
        let isDue = outcomes.count >= batch || underWay == 0 || now - lastWrite >= Self.outcomeDelay
        guard isShort || (isDue && !outcomes.isEmpty) else { return }
        if outcomes.count >= batch, now - lastWrite < Self.writeInterval.lowerBound { batch = min(batch * 2, Self.batches.upperBound) }
        if now - lastWrite > Self.writeInterval.upperBound { batch = max(batch / 2, Self.batches.lowerBound) }
        let (store, run, time) = (environment.store, run.id, environment.time)
        let (outcomes, limit) = (outcomes, wantsLines ? max(0, intentsAhead - ready.count) : 0)
        self.outcomes = []
        isWriting = true
        linesAsked = limit
        lastWrite = now
        group.addTask {
            do throws(StoreError) {
                return .written(.success(try await store.recordOutcomes(run, outcomes, beginning: limit, at: time.now())))
            } catch {
                return .written(.failure(error))
            }
        }
    }

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

    private mutating func add(_ line: LineIntent, _ state: UsageLineState, _ status: Int?, _ message: String?) {
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

    private mutating func post(force: Bool = false) async {
        let now = environment.time.elapsed()
        guard force || now - lastPost >= Self.postInterval else { return }
        lastPost = now
        let seconds = (now - began).seconds
        await board.post(RunProgress(run, tally: tally, rate: seconds > 0 ? Double(sentHere) / seconds : 0))
    }
}

/// Set once by the one who sees that nothing more may be sent, read by the counts that wait for their turn.
private final class Halt: Sendable {
    private let flag = Atomic<Bool>(false)

    var isRequested: Bool { flag.load(ordering: .acquiring) }

    func request() { flag.store(true, ordering: .releasing) }
}
