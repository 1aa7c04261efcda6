import HTTPClient

/// Places for runs at something that only so many may do at once. First come, first served.
actor RunPlaces {
    private let time: TimeSource
    private var free: Int
    private var waiting: [RunControl] = []

    init(_ count: Int, _ time: TimeSource) {
        free = count
        self.time = time
    }

    /// Returns when the run has a place, which it gives back. False when it was told to stop meanwhile, and has none.
    func take(_ run: RunControl) async -> Bool {
        if free > 0 {
            free -= 1
            return true
        }
        waiting.append(run)
        while run.stop == nil, !Task.isCancelled, waiting.contains(where: { $0 === run }) {
            await run.placeBell.wait(atMost: .seconds(3600), time)
        }
        guard let place = waiting.firstIndex(where: { $0 === run }) else { return true }
        waiting.remove(at: place)
        return false
    }

    func give() async {
        if waiting.isEmpty {
            free += 1
        } else {
            await waiting.removeFirst().placeBell.ring()
        }
    }
}
