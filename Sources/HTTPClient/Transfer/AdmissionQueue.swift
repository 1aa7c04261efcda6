/// Which requests may be under way at once, by how many connections they need; the others wait in the
/// order they came, a line for each origin.
///
/// libcurl has its own line for the same limits, but counts the wait there as connecting: a burst behind a
/// slow server would look as if the server could not be reached.
struct AdmissionQueue<Element> {
    /// Requests that one HTTP/2 connection carries at once: libcurl's own default
    /// (CURLMOPT_MAX_CONCURRENT_STREAMS), and what RFC 9113 section 6.5.2 asks servers to allow at least.
    static var requestsPerMultiplexedConnection: Int { 100 }

    private struct Line {
        var running = 0
        var isMultiplexed = false
        var waiting: [(turn: Int, element: Element)] = []

        var connections: Int { connections(for: running) }

        func connections(for requests: Int) -> Int {
            guard isMultiplexed else { return requests }
            let each = requestsPerMultiplexedConnection
            return (requests + each - 1) / each
        }
    }

    private let maximumPerOrigin: Int
    private let maximumInAll: Int
    private var lines: [RequestURL.Origin: Line] = [:]
    private var nextTurn = 0
    private(set) var waitingCount = 0

    init(maximumPerOrigin: Int, maximumInAll: Int) {
        self.maximumPerOrigin = maximumPerOrigin
        self.maximumInAll = maximumInAll
    }

    mutating func enqueue(_ element: Element, for origin: RequestURL.Origin) {
        lines[origin, default: Line()].waiting.append((nextTurn, element))
        nextTurn += 1
        waitingCount += 1
    }

    /// The longest waiting element whose origin has room, counted as running from now on.
    mutating func admitNext() -> Element? {
        guard waitingCount > 0 else { return nil }
        let connections = lines.values.reduce(0) { $0 + $1.connections }
        var best: (origin: RequestURL.Origin, turn: Int)?
        for (origin, line) in lines {
            guard let first = line.waiting.first, first.turn < best?.turn ?? .max else { continue }
            let needed = line.connections(for: line.running + 1)
            guard needed <= maximumPerOrigin, connections - line.connections + needed <= maximumInAll else { continue }
            best = (origin, first.turn)
        }
        guard let origin = best?.origin else { return nil }
        waitingCount -= 1
        lines[origin]?.running += 1
        return lines[origin]?.waiting.removeFirst().element
    }

    /// - Parameter isMultiplexed: whether the answer came over HTTP/2; `nil` when there was none.
    mutating func finish(_ origin: RequestURL.Origin, isMultiplexed: Bool?) {
        guard var line = lines[origin] else { return }
        line.running -= 1
        if let isMultiplexed { line.isMultiplexed = isMultiplexed }
        lines[origin] = line.running == 0 && line.waiting.isEmpty ? nil : line
    }

    /// Takes out every waiting element that matches.
    mutating func remove(where matches: (Element) -> Bool) -> [Element] {
        guard waitingCount > 0 else { return [] }
        var removed: [Element] = []
        for (origin, var line) in lines {
            let leaving = line.waiting.filter { matches($0.element) }
            guard !leaving.isEmpty else { continue }
            removed += leaving.map(\.element)
            line.waiting.removeAll { matches($0.element) }
            lines[origin] = line.running == 0 && line.waiting.isEmpty ? nil : line
        }
        waitingCount -= removed.count
        return removed
    }
}
