/// Who of those that wait is next: the share that has had the fewest turns, so that a run of 100 counts that begins beside one of
/// 100,000 ends in about the time that it would need alone. Every eighth turn goes to the share that has waited longest for one,
/// so that nobody stands still while others come and go.
///
/// A turn costs a look at every share that waits, which are as many as runs are under way (8 by default).
struct TurnOrder {
    /// One turn in so many goes round.
    static let roundEvery = 8
    /// A share that asked for nothing so long begins anew.
    static let memory = Duration.seconds(10)

    private struct Share {
        var tickets: [Int] = []
        /// Index of the first ticket that waits; what stands before it has had its turn.
        var first = 0
        var turns = 0
        /// Number of its last turn among all.
        var lastTurn = 0
        var lastSeen = Duration.zero
        /// Number of its coming among all shares; breaks ties.
        var joined = 0

        var isEmpty: Bool { first == tickets.count }

        mutating func popFirst() -> Int {
            defer {
                first += 1
                if first == tickets.count {
                    tickets.removeAll(keepingCapacity: true)
                    first = 0
                }
            }
            return tickets[first]
        }
    }

    private var shares: [String: Share] = [:]
    private var turns = 0
    private var joined = 0
    /// Tickets that wait.
    private(set) var count = 0

    mutating func append(_ ticket: Int, share name: String, at now: Duration) {
        count += 1
        if shares[name] == nil {
            shares = shares.filter { !$0.value.isEmpty || now - $0.value.lastSeen < Self.memory }
            joined += 1
            shares[name] = Share(lastTurn: turns, joined: joined)
        }
        shares[name]?.tickets.append(ticket)
        shares[name]?.lastSeen = now
    }

    mutating func popFirst() -> Int? {
        guard count > 0 else { return nil }
        count -= 1
        turns += 1
        let goesRound = turns.isMultiple(of: Self.roundEvery)
        let waiting = shares.lazy.filter { !$0.value.isEmpty }
        let next = waiting.min { one, other in
            let (a, b) = (one.value, other.value)
            return goesRound
                ? (a.lastTurn, a.joined) < (b.lastTurn, b.joined)
                : (a.turns, a.lastTurn, a.joined) < (b.turns, b.lastTurn, b.joined)
        }
        guard let name = next?.key else { return nil }
        shares[name]?.turns += 1
        shares[name]?.lastTurn = turns
        return shares[name]?.popFirst()
    }

    mutating func remove(_ ticket: Int, share name: String) {
        guard let share = shares[name], let index = share.tickets[share.first...].firstIndex(of: ticket) else { return }
        shares[name]?.tickets.remove(at: index)
        count -= 1
    }
}
