/// Whose call waits, and how urgently.
public struct PacerLane: Sendable, Hashable {
    public enum Urgency: Sendable, Hashable {
        /// A person waits for it: goes before everything else.
        case interactive
        case background
    }

    public var urgency: Urgency
    /// Lanes of one urgency take turns; a share is one partner's.
    public var share: String

    public init(_ urgency: Urgency, share: String) {
        self.urgency = urgency
        self.share = share
    }
}

/// The pure part of pacing: who waits, who is next, and when. Instants are durations since an arbitrary start.
struct PacerQueue {
    enum Step: Equatable {
        case grant(Int)
        case wait(until: Duration)
        case idle
    }

    /// The time between two turns; nil when calls are not limited.
    let interval: Duration?
    /// A turn that is late by at most this much does not delay the turns after it, so that waking late costs no
    /// throughput; any second then holds at most (1 s + this) / interval turns.
    static let catchUp = Duration.milliseconds(10)

    private var nextTurn = Duration.zero
    private var interactive = Rotation()
    private var background = Rotation()

    init(callsPerSecond: Double) {
        interval = callsPerSecond > 0 ? .seconds(1 / callsPerSecond) : nil
    }

    mutating func enqueue(_ ticket: Int, _ lane: PacerLane) {
        switch lane.urgency {
        case .interactive: interactive.append(ticket, share: lane.share)
        case .background: background.append(ticket, share: lane.share)
        }
    }

    mutating func remove(_ ticket: Int) {
        interactive.remove(ticket)
        background.remove(ticket)
    }

    mutating func next(at now: Duration) -> Step {
        guard !interactive.isEmpty || !background.isEmpty else { return .idle }
        guard now >= nextTurn else { return .wait(until: nextTurn) }
        guard let ticket = interactive.popFirst() ?? background.popFirst() else { return .idle }
        if let interval {
            nextTurn = max(nextTurn, now - Self.catchUp) + interval
        }
        return .grant(ticket)
    }

    /// No turn before `instant`: what a 429 asks for.
    mutating func pause(until instant: Duration) {
        nextTurn = max(nextTurn, instant)
    }
}

/// Shares that take turns, each a queue of its own.
private struct Rotation {
    private var order: [String] = []
    private var queues: [String: [Int]] = [:]

    var isEmpty: Bool { order.isEmpty }

    mutating func append(_ ticket: Int, share: String) {
        if queues[share] == nil { order.append(share) }
        queues[share, default: []].append(ticket)
    }

    mutating func popFirst() -> Int? {
        guard !order.isEmpty else { return nil }
        let share = order.removeFirst()
        guard var queue = queues.removeValue(forKey: share), !queue.isEmpty else { return nil }
        let ticket = queue.removeFirst()
        if !queue.isEmpty {
            queues[share] = queue
            order.append(share)
        }
        return ticket
    }

    mutating func remove(_ ticket: Int) {
        for (share, queue) in queues where queue.contains(ticket) {
            let rest = queue.filter { $0 != ticket }
            queues[share] = rest.isEmpty ? nil : rest
            if rest.isEmpty { order.removeAll { $0 == share } }
        }
    }
}
