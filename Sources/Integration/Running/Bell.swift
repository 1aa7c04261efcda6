import HTTPClient

/// Wakes one loop that waits: for work, for time, or for both. Rung while nobody waits, it wakes the next wait at once.
actor Bell {
    private var isRung = false
    private var waiter: CheckedContinuation<Void, Never>?

    func ring() {
        if let waiter {
            self.waiter = nil
            waiter.resume()
        } else {
            isRung = true
        }
    }

    /// Returns when rung, when `duration` has passed, or when the task is cancelled. May return early.
    func wait(atMost duration: Duration, _ time: TimeSource) async {
        if isRung {
            isRung = false
            return
        }
        let timer = Task {
            do {
                try await time.sleep(duration)
                ring()
            } catch {
                // Cancelled because the bell rang first.
            }
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { waiter = $0 }
        } onCancel: {
            Task { await self.ring() }
        }
        timer.cancel()
    }
}
