import Foundation

/// What the sandbox takes from outside: time, waiting, randomness.
public struct SandboxDependencies: Sendable {
    /// The instant at which a request counts as received.
    public var now: @Sendable () -> Date
    /// Waits before a delayed answer; throws when the client is gone.
    public var sleep: @Sendable (Duration) async throws -> Void
    /// Where ids and keys come from.
    public var randomSeed: UInt64

    public init(
        now: @escaping @Sendable () -> Date, sleep: @escaping @Sendable (Duration) async throws -> Void, randomSeed: UInt64
    ) {
        self.now = now
        self.sleep = sleep
        self.randomSeed = randomSeed
    }

    /// The system's clock and randomness.
    public static func live() -> SandboxDependencies {
        SandboxDependencies(
            now: { Date() }, sleep: { try await Task.sleep(for: $0) }, randomSeed: UInt64.random(in: .min ... .max))
    }
}
