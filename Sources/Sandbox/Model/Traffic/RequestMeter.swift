import Foundation

/// What arrived at a simulated API: for tests that assert how often and how fast a client called.
public struct RequestMeter: Sendable {
    /// Every request, refused and dropped ones included.
    public private(set) var total = 0
    /// Answers by HTTP status; a request whose connection was closed without an answer stands under 0.
    public private(set) var byStatus: [Int: Int] = [:]
    /// Requests by contract key (`S4`) or, for a vendor's own API, by method and path pattern;
    /// `other` for what matched no call.
    public private(set) var byCall: [String: Int] = [:]
    /// The most requests in any sliding second.
    public private(set) var maxPerSecond = 0
    private var window = SlidingWindow()

    /// What `byStatus` calls a connection closed without an answer.
    public static let unanswered = 0

    mutating func record(call: String, status: Int, at now: Date) {
        total += 1
        byStatus[status, default: 0] += 1
        byCall[call, default: 0] += 1
        window.advance(to: now.microseconds)
        window.record(at: now.microseconds)
        maxPerSecond = max(maxPerSecond, window.count)
    }

    var json: JSONValue {
        let statuses = byStatus.sorted { $0.key < $1.key }.map {
            JSONValue.Member(name: $0.key == Self.unanswered ? "dropped" : String($0.key), value: .number(Double($0.value)))
        }
        let calls = byCall.sorted { $0.key < $1.key }.map {
            JSONValue.Member(name: $0.key, value: .number(Double($0.value)))
        }
        return [
            "total": .number(Double(total)), "byStatus": .object(statuses), "byCall": .object(calls),
            "maxPerSecond": .number(Double(maxPerSecond)),
        ]
    }
}
