import Foundation

/// Counts events in the second that ends now. Amortised constant time an event.
struct SlidingWindow: Sendable {
    static let lengthMicroseconds: Int64 = 1_000_000

    private var times: [Int64] = []
    /// Index of the oldest event still inside; what stands before it is dropped in bulk.
    private var first = 0

    /// Events inside the window that ends at the last `advance`.
    var count: Int { times.count - first }

    /// Lets go of events a full second old: the window is half open, so 100 events at one instant and
    /// 100 more exactly one second later never stand in it together.
    mutating func advance(to now: Int64) {
        while first < times.count, times[first] + Self.lengthMicroseconds <= now { first += 1 }
        if first > 1024, first * 2 > times.count {
            times.removeFirst(first)
            first = 0
        }
    }

    mutating func record(at now: Int64) { times.append(now) }
}

extension Date {
    /// Whole microseconds since 1970, exact for a double until far beyond this century.
    var microseconds: Int64 { Int64((timeIntervalSince1970 * 1_000_000).rounded()) }

    /// ISO 8601 with milliseconds and `Z`, the wire's form of a time (contract section 3.3).
    var wireText: String { formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true)) }
}
