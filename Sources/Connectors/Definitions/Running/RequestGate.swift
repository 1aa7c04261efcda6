import HTTPClient

/// Lets no more requests of a fetch begin in any second than the definition allows.
actor RequestGate {
    private let time: TimeSource
    private let count: Int
    private let window: Duration
    /// When the last `count` requests began, the oldest first.
    private var starts: [Duration] = []

    /// - Parameter perSecond: fractions allow one request in more than a second.
    init(perSecond: Double, time: TimeSource) {
        self.time = time
        count = max(1, Int(perSecond))
        // A twentieth more than a second: requests do not take equally long to arrive, and what counts is the vendor's second.
        window = .seconds(Double(count) / perSecond * 1.05)
    }

    func turn() async throws(CancellationError) {
        while true {
            let now = time.elapsed()
            if starts.count < count {
                starts.append(now)
                return
            }
            if now - starts[0] >= window {
                starts.removeFirst()
                starts.append(now)
                return
            }
            try await time.sleep(window - (now - starts[0]))
        }
    }
}
