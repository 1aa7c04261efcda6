/// Services in Synthesize belong to the vendor, not to one partner: a run that would add to them or change them waits until no other
/// does, or two partners who connect at the same moment make each service twice.
actor ServiceTurn {
    private var isTaken = false
    private var waiting: [CheckedContinuation<Void, Never>] = []

    /// Returns when it is the caller's turn. First come, first served; whoever has it makes a handful of calls, each with its time-out.
    func take() async {
        guard isTaken else {
            isTaken = true
            return
        }
        await withCheckedContinuation { waiting.append($0) }
    }

    func give() {
        if waiting.isEmpty {
            isTaken = false
        } else {
            waiting.removeFirst().resume()
        }
    }
}
