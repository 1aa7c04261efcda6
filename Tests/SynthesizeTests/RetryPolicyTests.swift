import HTTPClient
import Secrets
import Testing

@Suite("How long to wait before the next try")
struct RetryPolicyTests {
    private let policy = RetryPolicy(maximumAttempts: 6, firstDelay: .seconds(1), maximumDelay: .seconds(10), spread: 0.25)

    @Test("Delays double up to the longest, and the last try has none")
    func doubling() {
        let delays = (1...6).map { policy.delay(afterAttempt: $0, retryAfter: nil, uniform: 0.5) }
        #expect(delays == [.seconds(1), .seconds(2), .seconds(4), .seconds(8), .seconds(10), nil])
    }

    @Test("However many tries, no delay leaves its bounds")
    func bounds() {
        let seed = UInt64.random(in: .min ... .max)
        print("RetryPolicyTests.bounds seed \(seed)")
        let random = RandomSource.seeded(seed)
        let patient = RetryPolicy(maximumAttempts: .max, firstDelay: .seconds(1), maximumDelay: .seconds(10), spread: 0.25)
        for _ in 0..<2_000 {
            let attempt = 1 + random.number(below: 1_000_000)
            guard let delay = patient.delay(afterAttempt: attempt, retryAfter: nil, uniform: random.uniform()) else {
                Issue.record("no delay after attempt \(attempt)")
                return
            }
            let whole = Duration.seconds(attempt < 5 ? 1 << (attempt - 1) : 10)
            #expect(delay >= whole * 0.75 && delay <= whole * 1.25)
        }
    }

    @Test("What the server asks for is honoured when it is longer, up to ten times the longest delay")
    func retryAfter() {
        func delay(_ seconds: Int) -> Duration? {
            policy.delay(afterAttempt: 1, retryAfter: .seconds(seconds), uniform: 0.5)
        }
        #expect(delay(0) == .seconds(1))
        #expect(delay(60) == .seconds(60))
        #expect(delay(5_000) == .seconds(100))
    }

    @Test("A single try has no wait")
    func once() {
        #expect(RetryPolicy(maximumAttempts: 1).delay(afterAttempt: 1, retryAfter: .seconds(1), uniform: 0) == nil)
    }

    @Test(
        "Retry-After is read in seconds",
        arguments: [
            ("0", Duration.seconds(0)), ("120", .seconds(120)), (" 5", .seconds(5)), ("86400", .seconds(86_400)),
            ("86401", nil), ("-1", nil), ("1.5", nil), ("", nil), ("soon", nil), ("Wed, 21 Oct 2026 07:28:00 GMT", nil), (nil, nil),
            ("99999999999999999999", nil),
        ] as [(String?, Duration?)])
    func header(_ field: String?, _ duration: Duration?) {
        #expect(RetryPolicy.retryAfter(field) == duration)
    }
}
