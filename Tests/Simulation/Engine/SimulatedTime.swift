import Foundation
import HTTPClient

/// The clocks of the world: one that never jumps, and the one on the wall, which people and time servers set.
///
/// Unchecked: as `Engine`.
final class SimulatedTime: @unchecked Sendable {
    /// Days near which clocks change in one of the partners' zones, months end, or February has 29 days; in UTC.
    private static let eventfulDays = [
        "2027-02-26", "2027-03-13", "2027-03-27", "2027-04-02", "2027-04-29", "2027-09-25", "2027-10-02", "2027-10-29", "2027-11-06",
        "2028-02-27", "2028-12-30",
    ]

    /// When the history begins: mostly within two days before something happens in the calendar.
    let start: Date
    private let engine: Engine
    /// How wrong the wall clock is.
    var error = Duration.zero

    init(_ engine: Engine) {
        self.engine = engine
        let day = engine.random.number(below: Self.eventfulDays.count + 3)
        let base = day < Self.eventfulDays.count ? Self.eventfulDays[day] : "2027-0\(1 + engine.random.number(below: 9))-01"
        // A day that is no date would be a defect of the list above.
        let date = try? Date("\(base)T00:00:00Z", strategy: .iso8601)
        start = (date ?? .distantPast).addingTimeInterval(-TimeInterval(engine.random.number(below: 2 * 86_400)))
    }

    var now: Date { start.addingTimeInterval((engine.elapsed + error).seconds) }

    /// The clocks as one process sees them; its sleeps die with it.
    func source(ofProcess process: Int) -> TimeSource {
        TimeSource(
            now: { self.now }, elapsed: { self.engine.elapsed },
            sleep: { try await self.sleep($0, process) })
    }

    private func sleep(_ duration: Duration, _ process: Int) async throws {
        let sleeper = Sleeper()
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
                if Task.isCancelled { return continuation.resume(throwing: CancellationError()) }
                sleeper.continuation = continuation
                sleeper.event = engine.after(duration, .process(process)) { sleeper.continuation.take()?.resume() }
            }
        } onCancel: {
            guard let continuation = sleeper.continuation.take() else { return }
            if let event = sleeper.event { engine.cancel(event) }
            continuation.resume(throwing: CancellationError())
        }
    }

    /// Unchecked: as `Engine`.
    private final class Sleeper: @unchecked Sendable {
        var continuation: CheckedContinuation<Void, any Error>?
        var event: Engine.EventID?
    }
}
