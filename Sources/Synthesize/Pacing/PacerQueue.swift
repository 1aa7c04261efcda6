import HTTPClient

/// The pure part of pacing: who waits, who is next, and when. Instants are durations since an arbitrary start.
///
/// Turns are evenly spaced, so that nobody waits behind a burst, a little wider than the limit demands, so that `ArrivalWindow`
/// has a place free for each as long as nothing stands still. As many calls are under way as the limit times the latency, up to a
/// bound.
///
/// When Synthesize refuses a call although all this holds, someone else uses the key. Then the rate falls to seven tenths, once for
/// all the calls that had left by then, and comes back by a twentieth of the limit a second (additive increase, multiplicative
/// decrease, as in TCP: RFC 5681 section 3.1).
struct PacerQueue {
    enum Step: Equatable {
        case grant(Int, PacerTurn)
        case wait(until: Duration)
        /// Only when a call that is under way ends can there be a next turn.
        case waitForAnswer
        case idle
    }

    /// A turn that is late by at most this much does not delay the turns after it, so that waking late costs no throughput.
    static let catchUp = Duration.milliseconds(50)
    static let cut = 0.7
    /// Regained a second, as a share of the limit.
    static let recovery = 0.05
    static let leastShare = 0.02

    /// What holds when calls are limited.
    private struct Limit {
        /// Calls that the server allows within `length`.
        var places: Int
        /// The time between two turns at the full rate.
        var interval: Duration
        var maximumUnderWay: Int
        var window: ArrivalWindow
    }

    private var limit: Limit?
    private var nextTurn = Duration.zero
    private var interactive = TurnOrder()
    private var background = TurnOrder()
    private var cutShare = 1.0
    private var recoversFrom = Duration.zero
    /// Calls before this one had left when the rate was last cut.
    private var cutBefore = 0

    /// - Parameters:
    ///   - callsPerSecond: as the server counts them, in any second; of a fraction below 1, one call in so much longer a time.
    ///     0 or less lifts the limit.
    ///   - maximumUnderWay: calls under way at once, while there is a limit.
    init(callsPerSecond: Double, maximumUnderWay: Int = .max) {
        guard callsPerSecond > 0 else { return }
        let places = max(1, Int(callsPerSecond))
        let length = Duration.seconds(callsPerSecond < 1 ? 1 / callsPerSecond : 1)
        limit = Limit(
            places: places, interval: (length + ArrivalWindow.guardTime) / places, maximumUnderWay: max(1, maximumUnderWay),
            window: ArrivalWindow(length: length, places: places))
    }

    /// Calls that left and have not ended; 0 without a limit.
    var underWay: Int { limit?.window.underWay ?? 0 }

    mutating func enqueue(_ ticket: Int, _ lane: PacerLane, at now: Duration) {
        switch lane.urgency {
        case .interactive: interactive.append(ticket, share: lane.share, at: now)
        case .background: background.append(ticket, share: lane.share, at: now)
        }
    }

    mutating func remove(_ ticket: Int, _ lane: PacerLane) {
        switch lane.urgency {
        case .interactive: interactive.remove(ticket, share: lane.share)
        case .background: background.remove(ticket, share: lane.share)
        }
    }

    mutating func next(at now: Duration) -> Step {
        guard interactive.count + background.count > 0 else { return .idle }
        guard now >= nextTurn else { return .wait(until: nextTurn) }
        let share = self.share(at: now)
        limit?.window.advance(to: now)
        if let limit {
            guard limit.window.underWay < limit.maximumUnderWay else { return .waitForAnswer }
            guard limit.window.count < max(1, Int(Double(limit.places) * share)) else {
                return limit.window.nextRelease.map { .wait(until: $0) } ?? .waitForAnswer
            }
        }
        guard let ticket = interactive.popFirst() ?? background.popFirst() else { return .idle }
        guard let interval = limit?.interval else { return .grant(ticket, .unlimited) }
        nextTurn = max(nextTurn, now - Self.catchUp) + interval / share
        let number = limit?.window.leave(at: now)
        return .grant(ticket, PacerTurn(number: number))
    }

    /// What became of a call that had its turn; to be told once of each.
    mutating func end(_ turn: PacerTurn, _ ending: PacerTurn.Ending, at now: Duration) {
        if let number = turn.number {
            switch ending {
            case .answered: limit?.window.answer(number, at: now)
            case .refused: limit?.window.answer(number, at: now, wasRefused: true)
            case .unanswered: limit?.window.end(number, at: now)
            }
        }
        if case .refused(let pause) = ending {
            nextTurn = max(nextTurn, now + pause)
            guard let limit, let number = turn.number, number >= cutBefore else { return }
            cutShare = max(share(at: now) * Self.cut, Self.leastShare)
            recoversFrom = now + pause
            cutBefore = limit.window.nextNumber
        }
    }

    /// How much of the limit is ours at present, 0 to 1.
    func share(at now: Duration) -> Double {
        min(1, cutShare + Self.recovery * max(0, (now - recoversFrom).seconds))
    }
}
