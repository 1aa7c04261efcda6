import HTTPClient
import Synchronization

/// The turn of one call.
public struct PacerTurn: Sendable, Hashable {
    /// What became of the call.
    public enum Ending: Sendable, Hashable {
        case answered
        /// Synthesize said that there were too many calls, or that they look wrong to it (429, 403): nobody calls for so long, and
        /// everybody calls less for a while.
        case refused(pause: Duration)
        /// It failed, or was given up.
        case unanswered
    }

    /// Its place in the order in which calls left; nil where calls are not limited.
    let number: Int?

    static let unlimited = PacerTurn(number: nil)
}

/// Spaces all calls made with one vendor key: Gradient allows 100 requests a second and answers 429 beyond
/// (contract section 2). One pacer is shared by every client of that key. `PacerQueue` says how it decides.
///
/// A lock and no actor: every call passes here twice, and what is done under it takes a microsecond.
public final class Pacer: Sendable {
    private typealias Waiter = CheckedContinuation<PacerTurn?, Never>

    private struct State {
        var queue: PacerQueue
        var waiting: [Int: Waiter] = [:]
        var lastTicket = 0
        var isDriven = false

        /// The common case with nothing in the way: a turn without suspending.
        mutating func takeTurnAtOnce(_ ticket: Int, _ lane: PacerLane, at now: Duration) -> PacerTurn? {
            guard waiting.isEmpty else { return nil }
            queue.enqueue(ticket, lane, at: now)
            if case .grant(ticket, let turn) = queue.next(at: now) { return turn }
            queue.remove(ticket, lane)
            return nil
        }
    }

    private let time: TimeSource
    private let state: Mutex<State>

    /// - Parameters:
    ///   - callsPerSecond: 0 lifts the limit.
    ///   - maximumUnderWay: calls under way at once, over all runs, while there is a limit; no more than the client has connections
    ///     for, since a call must leave when it has its turn.
    public init(callsPerSecond: Double, maximumUnderWay: Int = .max, time: TimeSource) {
        self.time = time
        state = Mutex(State(queue: PacerQueue(callsPerSecond: callsPerSecond, maximumUnderWay: maximumUnderWay)))
    }

    /// Returns when it is this call's turn. Whoever gets a turn says with `end` what became of it.
    public func waitTurn(_ lane: PacerLane) async throws(CancellationError) -> PacerTurn {
        if Task.isCancelled { throw CancellationError() }
        let now = time.elapsed()
        let (ticket, turn) = state.withLock { state -> (Int, PacerTurn?) in
            state.lastTicket += 1
            return (state.lastTicket, state.takeTurnAtOnce(state.lastTicket, lane, at: now))
        }
        if let turn { return turn }
        let granted = await withTaskCancellationHandler {
            await withCheckedContinuation { waiter in
                let isTaken = state.withLock { state in
                    guard !Task.isCancelled else { return false }
                    state.queue.enqueue(ticket, lane, at: time.elapsed())
                    state.waiting[ticket] = waiter
                    return true
                }
                if isTaken { drive() } else { waiter.resume(returning: nil) }
            }
        } onCancel: {
            withdraw(ticket, lane)
        }
        guard let granted else { throw CancellationError() }
        return granted
    }

    /// Says what became of a call that had its turn; once for each.
    public func end(_ turn: PacerTurn, _ ending: PacerTurn.Ending) {
        // Without a limit an answer changes nothing.
        if turn == .unlimited, ending == .answered || ending == .unanswered { return }
        let now = time.elapsed()
        let someoneWaits = state.withLock { state in
            state.queue.end(turn, ending, at: now)
            return !state.waiting.isEmpty
        }
        if someoneWaits { drive() }
    }

    private func withdraw(_ ticket: Int, _ lane: PacerLane) {
        let waiter = state.withLock { state in
            let waiter = state.waiting.removeValue(forKey: ticket)
            if waiter != nil { state.queue.remove(ticket, lane) }
            return waiter
        }
        waiter?.resume(returning: nil)
    }

    private func drive() {
        let isFirst = state.withLock { state in
            defer { state.isDriven = true }
            return !state.isDriven
        }
        if isFirst { Task { await grantTurns() } }
    }

    /// Hands out turns until nobody waits, or until only an answer can bring the next.
    private func grantTurns() async {
        while true {
            let now = time.elapsed()
            let (waiter, turn, instant) = state.withLock { state -> (Waiter?, PacerTurn?, Duration?) in
                switch state.queue.next(at: now) {
                case .grant(let ticket, let turn):
                    return (state.waiting.removeValue(forKey: ticket), turn, nil)
                case .wait(let instant):
                    return (nil, nil, instant)
                case .idle, .waitForAnswer:
                    state.isDriven = false
                    return (nil, nil, nil)
                }
            }
            if let turn {
                waiter?.resume(returning: turn)
            } else if let instant {
                // This task is never cancelled; and if it were, the loop would only look again.
                do { try await time.sleep(instant - now) } catch { await Task.yield() }
            } else {
                return
            }
        }
    }
}
