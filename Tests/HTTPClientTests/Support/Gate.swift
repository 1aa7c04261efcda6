import Dispatch
import Foundation

/// Closed until `open()`; threads and tasks wait at it. What tests wait on instead of time.
final class Gate: Sendable {
    private let group = DispatchGroup()

    init() { group.enter() }

    /// Once only.
    func open() { group.leave() }

    struct NeverOpened: Error {}

    /// For server threads. Gives up after a time that only a broken test meets.
    func waitBlocking() throws {
        guard group.wait(timeout: .now() + 30) == .success else { throw NeverOpened() }
    }

    func wait() async throws {
        try await onThread { [self] in try waitBlocking() }
    }
}

/// Runs what blocks on a thread of its own: the few that run tasks are needed for the client's answers.
func onThread<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
    try await withCheckedThrowingContinuation { continuation in
        Thread { continuation.resume(with: Swift.Result(catching: body)) }.start()
    }
}
