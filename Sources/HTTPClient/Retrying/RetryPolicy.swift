/// How often and how long to wait before a call is repeated. A pure rule; whoever uses it does the waiting.
public struct RetryPolicy: Sendable, Hashable {
    /// The first try included.
    public var maximumAttempts: Int
    public var firstDelay: Duration
    /// Each further delay is twice the one before, up to this.
    public var maximumDelay: Duration
    /// Each delay is spread by up to this share either way, so that many callers do not return at once.
    public var spread: Double

    public init(
        maximumAttempts: Int = 5, firstDelay: Duration = .milliseconds(500), maximumDelay: Duration = .seconds(30),
        spread: Double = 0.25
    ) {
        self.maximumAttempts = maximumAttempts
        self.firstDelay = firstDelay
        self.maximumDelay = maximumDelay
        self.spread = spread
    }

    /// The wait after `attempt` failed (1 is the first), nil when it was the last.
    /// - Parameters:
    ///   - retryAfter: what the server asked for; honoured up to ten times `maximumDelay`.
    ///   - uniform: a random number in 0..<1.
    public func delay(afterAttempt attempt: Int, retryAfter: Duration?, uniform: Double) -> Duration? {
        guard attempt < maximumAttempts else { return nil }
        // 2^20 first delays is already far beyond any maximum; the bound keeps the power finite.
        let doubled = firstDelay * (1 << min(attempt - 1, 20))
        let ownDelay = min(doubled, maximumDelay) * (1 + spread * (2 * uniform - 1))
        guard let retryAfter else { return ownDelay }
        return max(ownDelay, min(retryAfter, maximumDelay * 10))
    }

    /// Reads a `Retry-After` field given in seconds (RFC 9110, 10.2.3); the date form is ignored.
    public static func retryAfter(_ field: String?) -> Duration? {
        guard let field, let seconds = Int(field.trimmingPrefix(" ")), (0...86_400).contains(seconds) else { return nil }
        return .seconds(seconds)
    }
}
