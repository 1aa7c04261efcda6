import HTTPClient

/// Spaces all calls made with one vendor key: Gradient allows 100 requests a second and answers 429 beyond
/// (contract section 2). One pacer is shared by every client of that key.
public actor Pacer {
    private let time: TimeSource
    private var queue: PacerQueue
    private var waiting: [Int: CheckedContinuation<Bool, Never>] = [:]
    private var lastTicket = 0
    private var driver: Task<Void, Never>?

    /// - Parameter callsPerSecond: 0 lifts the limit.
    public init(callsPerSecond: Double, time: TimeSource) {
        self.time = time
        queue = PacerQueue(callsPerSecond: callsPerSecond)
    }

    /// Returns when it is this call's turn.
    public func waitTurn(_ lane: PacerLane) async throws(CancellationError) {
        if Task.isCancelled { throw CancellationError() }
        lastTicket += 1
        let ticket = lastTicket
        queue.enqueue(ticket, lane)
        // The common case with no limit in the way: take the turn without suspending.
        if waiting.isEmpty, case .grant(ticket) = queue.next(at: time.elapsed()) { return }
        let granted = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                if Task.isCancelled {
                    queue.remove(ticket)
                    continuation.resume(returning: false)
                } else {
                    waiting[ticket] = continuation
                    drive()
                }
            }
        } onCancel: {
            Task { await self.withdraw(ticket) }
        }
        if !granted { throw CancellationError() }
    }

    /// Holds every call back: someone else uses the key too, or the server asked for a pause.
    public func pause(for duration: Duration) {
        queue.pause(until: time.elapsed() + duration)
    }

    private func withdraw(_ ticket: Int) {
        guard let continuation = waiting.removeValue(forKey: ticket) else { return }
        queue.remove(ticket)
        continuation.resume(returning: false)
    }

    private func drive() {
        guard driver == nil else { return }
        driver = Task { await self.grantTurns() }
    }

    private func grantTurns() async {
        defer { driver = nil }
        while true {
            switch queue.next(at: time.elapsed()) {
            case .grant(let ticket):
                waiting.removeValue(forKey: ticket)?.resume(returning: true)
            case .wait(let instant):
                do {
                    try await time.sleep(instant - time.elapsed())
                } catch {
                    return
                }
            case .idle:
                return
            }
        }
    }
}
