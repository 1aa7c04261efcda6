import Foundation
import HTTPClient
import Secrets
import Testing

@testable import Synthesize

/// A client whose server is a script and whose clock passes by itself.
struct ClientBench {
    let sender: ScriptedSender
    let clock: VirtualClock
    let client: SynthesizeClient

    init(_ replies: Reply..., callsPerSecond: Double = 0, retry: RetryPolicy = Self.retry) {
        self.init(ScriptedSender(replies), callsPerSecond: callsPerSecond, retry: retry)
    }

    init(_ sender: ScriptedSender, callsPerSecond: Double = 0, retry: RetryPolicy = Self.retry) {
        self.sender = sender
        clock = VirtualClock()
        client = SynthesizeClient(
            environment: .init(
                baseURL: "https://synthesize.example", http: sender,
                pacer: Pacer(callsPerSecond: callsPerSecond, time: clock.source), time: clock.source,
                random: .seeded(1), retry: retry),
            token: SynthesizeToken(vendorKey: Secret("vendorkey"), partnerKey: Secret("partnerkey")),
            lane: PacerLane(.background, share: "partner"))
    }

    static let retry = RetryPolicy(maximumAttempts: 4, firstDelay: .seconds(1), maximumDelay: .seconds(8), spread: 0)
}

/// Expects a `SynthesizeError` with this code and returns it.
@discardableResult
func expectFailure(
    _ code: SynthesizeError.Code, sourceLocation: SourceLocation = #_sourceLocation, _ body: () async throws -> Void
) async -> SynthesizeError? {
    let error = await #expect(throws: SynthesizeError.self, sourceLocation: sourceLocation) { try await body() }
    #expect(error?.code == code, "\(error?.description ?? "no error")", sourceLocation: sourceLocation)
    return error
}

/// JSON text as a value that compares without regard to the order of keys.
func json(_ text: String?) throws -> NSObject {
    let value = try JSONSerialization.jsonObject(with: Data(try #require(text).utf8), options: .fragmentsAllowed)
    return try #require(value as? NSObject)
}
