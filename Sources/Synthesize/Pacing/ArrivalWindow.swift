/// The calls that a server which counts any sliding second may still be counting. Pure: instants are durations since an arbitrary
/// start.
///
/// The server counts arrivals, of which only this is known: a call arrives after it left and before its answer came back. When a
/// machine or a network stands still for 60 ms, what left in that time arrives at once, and calls that left evenly spaced are 6
/// too many in the second after. So a call keeps its place until
///
///     max(left, arrivedBy - road - usual) + 1 s + guardTime
///
/// and no call may leave while as many places are taken as the server allows in a second.
///
/// - `arrivedBy` is the first answer to this call *or to one that left later*: on one road the later call does not overtake by
///   more than the guard time. So one slow answer keeps no place, but a server of which nothing is heard gets no more than it
///   allows, however long that lasts.
/// - `road` is the shortest round trip of the last 10 to 20 seconds: of every round trip so much was not spent waiting to be counted.
/// - `usual` is how much later than that calls are heard of nine times in ten. What varies all the time is the server's work after
///   it has counted (the contract's calls read and write a database); charged in full, latencies of 20 to 400 ms would cost a
///   sixth of the limit. What is rare is a standstill, and is charged in full. After an answer it moves by at most 18 % of the time
///   passed, and that time is taken for one turn at most, so a standstill does not become usual.
///
/// Why no window overflows, as long as a call that is no later than usual arrives within the guard time (`usual` is below the guard
/// time when latencies are steady; then this is a proof without assumption). Say that N + 1 calls arrive within one second, and
/// that j is the last of them to leave. When j left, each other call i of them had left, and had arrived less than 1 s before j's
/// arrival, so not more than 1 s before j left plus the road that both travel. Its latest possible arrival, and so its release, was
/// still ahead: N places were taken, and j could not leave.
struct ArrivalWindow {
    /// By how much the way to the server may differ between two calls. It costs as much of each second: 1 % of the limit.
    static let guardTime = Duration.milliseconds(10)
    /// The shortest round trip is that of the last one to two of these.
    static let roadMemory = Duration.seconds(10)

    private struct Call {
        var leftAt: Duration
        var arrivedBy: Duration?
    }

    private let length: Duration
    private let longestStep: Duration
    private var calls: [Call] = []
    /// Index of the oldest call that keeps a place; what stands before it is dropped in bulk.
    private var first = 0
    /// The number of the call at index 0.
    private var offset = 0
    /// All calls before this one have a known latest arrival.
    private var vouched = 0
    /// Calls that left and have not ended.
    private(set) var underWay = 0
    private var shortest: Duration?
    private var shortestBefore: Duration?
    private var roadSince = Duration.zero
    private(set) var usual = Duration.zero
    private var usualAt = Duration.zero

    /// - Parameters:
    ///   - length: of the server's window.
    ///   - places: calls that it allows in that time.
    init(length: Duration, places: Int) {
        self.length = length
        longestStep = length / max(1, places)
    }

    /// Calls that keep a place.
    var count: Int { calls.count - first }
    /// The number that the next call gets.
    var nextNumber: Int { offset + calls.count }
    /// When the oldest call gives up its place; nil while that is not known.
    var nextRelease: Duration? { first < calls.count ? release(calls[first]) : nil }

    mutating func advance(to now: Duration) {
        while first < calls.count, let released = release(calls[first]), released <= now { first += 1 }
        if first > 256, first * 2 > calls.count {
            calls.removeFirst(first)
            offset += first
            first = 0
        }
    }

    /// A call leaves; returns its number.
    mutating func leave(at now: Duration) -> Int {
        underWay += 1
        calls.append(Call(leftAt: now, arrivedBy: nil))
        return nextNumber - 1
    }

    /// The call was answered: it has arrived, and so have those that left before.
    /// - Parameter wasRefused: a refusal takes none of the server's work, so its round trip is shorter than any other's.
    mutating func answer(_ number: Int, at now: Duration, wasRefused: Bool = false) {
        underWay -= 1
        // A call that gave up its place before it was answered was slow: it says nothing of the road.
        guard number >= offset else { return }
        if !wasRefused { noteRoundTrip(now - calls[number - offset].leftAt, at: now) }
        guard number >= vouched else { return }
        let oldest = max(vouched, offset)
        if !wasRefused { noteLateness(now - calls[oldest - offset].leftAt - road, at: now) }
        for index in (oldest - offset)...(number - offset) where calls[index].arrivedBy == nil { calls[index].arrivedBy = now }
        vouched = number + 1
    }

    /// The call ended without an answer: it does not arrive any more, and says nothing of the others.
    mutating func end(_ number: Int, at now: Duration) {
        underWay -= 1
        guard number >= offset, calls[number - offset].arrivedBy == nil else { return }
        calls[number - offset].arrivedBy = now
    }

    private var road: Duration { min(shortest ?? .zero, shortestBefore ?? shortest ?? .zero) }

    private func release(_ call: Call) -> Duration? {
        guard let arrivedBy = call.arrivedBy else { return nil }
        return max(call.leftAt, arrivedBy - road - usual) + length + Self.guardTime
    }

    private mutating func noteRoundTrip(_ duration: Duration, at now: Duration) {
        if now - roadSince >= Self.roadMemory {
            shortestBefore = shortest
            shortest = nil
            roadSince = now
        }
        shortest = min(shortest ?? duration, duration)
    }

    /// Follows the ninth decile: nine steps up for one down.
    private mutating func noteLateness(_ lateness: Duration, at now: Duration) {
        let step = min(now - usualAt, longestStep) / 50
        usualAt = now
        usual = lateness > usual ? min(lateness, usual + step * 9) : max(.zero, max(lateness, usual - step))
    }
}
