import Store

/// What a run does next: a pure decision from what it is and what just happened. A driver performs the steps.
struct RunMachine: Sendable, Hashable {
    enum Step: Sendable, Hashable {
        /// O1: does the key still open this partner's integration?
        case verify
        /// The vendor's customers (and counts), whole.
        case fetch
        case accounts
        case services
        /// O2 `pending`, where the status asks for it.
        case setPending
        /// The ledger's lines from the snapshot.
        case planUsage
        /// The ledger's lines from the last "dropped to zero" list.
        case planZeros
        case sendUsage
        /// O1 again: did the integration become active?
        case confirm

        var stage: RunStage {
            switch self {
            case .verify: .verify
            case .fetch: .fetch
            case .accounts: .accounts
            case .services: .services
            case .planUsage, .planZeros, .sendUsage: .usage
            case .setPending, .confirm: .finish
            }
        }
    }

    enum Event: Sendable, Hashable {
        case begun
        case done
        case failed(RunFailure)
        case held(RunFailure)
        case cancelled
        /// The process stops: another one goes on later.
        case shutDown
    }

    enum Effect: Sendable, Hashable {
        case perform(Step)
        /// Every step is done; the ledger's tally decides between succeeded and partial.
        case concludeByTally
        case conclude(RunState, RunFailure?)
        case release
    }

    private var remaining: [Step]

    /// - Parameter hasLedger: an earlier process had planned the lines; they are sent as planned.
    init(purpose: RunPurpose, hasLedger: Bool) {
        remaining =
            switch (purpose, hasLedger) {
            // Accounts and services first, then pending, so that the partner never meets an empty mapping page (U-4).
            case (.connect, _): [.verify, .fetch, .services, .accounts, .setPending]
            case (.usage, false): [.verify, .fetch, .accounts, .services, .planUsage, .sendUsage, .confirm]
            case (.zeros, false): [.verify, .planZeros, .sendUsage, .confirm]
            case (.usage, true), (.zeros, true): [.verify, .sendUsage, .confirm]
            }
    }

    mutating func handle(_ event: Event) -> Effect {
        switch event {
        case .begun, .done:
            guard !remaining.isEmpty else { return .concludeByTally }
            return .perform(remaining.removeFirst())
        case .failed(let failure): return .conclude(.failed, failure)
        case .held(let failure): return .conclude(.held, failure)
        case .cancelled: return .conclude(.cancelled, nil)
        case .shutDown: return .release
        }
    }

    /// The end of a run whose steps are all done.
    /// - Parameter refused: accounts that Synthesize would not take, so that their counts cannot arrive.
    static func conclusion(_ tally: RunTally, refused: [RefusedAccount] = []) -> (state: RunState, failure: RunFailure?) {
        let bad = tally.rejected + tally.failed
        if bad > 0 {
            let failure = RunFailure(
                code: "run.linesFailed",
                message: "\(bad) of \(tally.toSend) counts did not arrive. The lines below say why; the next sync sends them again.")
            return (tally.accepted + tally.notMapped > 0 ? .partial : .failed, failure)
        }
        guard let first = refused.first else { return (.succeeded, nil) }
        let others = refused.count > 1 ? " and \(refused.count - 1) more" : ""
        return (
            .partial,
            RunFailure(
                code: "run.accountsRefused",
                message:
                    "Synthesize would not take the account \"\(first.name)\"\(others): \(first.message.asSentence) Everything else was "
                    + "sent. Correct the customer at the vendor; the next sync tries again.")
        )
    }

    /// A run whose process died twice in the same place waits for an operator instead of dying a third time.
    static func parking(interruptions: Int, at place: String?) -> RunFailure? {
        guard interruptions >= 2 else { return nil }
        return RunFailure(
            code: "run.parked",
            message: "Perch was stopped twice in the same place of this run (\(place ?? "unknown")), so it waits. Counts "
                + "accepted so far are kept. An operator can release it.")
    }
}
