import CLibcurl
import Synchronization

/// A request with the one who waits for it.
struct TransferSubmission: Sendable {
    let ticket: TransferTicket
    let continuation: CheckedContinuation<TransferOutcome, Never>
}

/// A libcurl multi handle.
///
/// @unchecked: the pointer itself may travel. Everything but curl_multi_wakeup is called on the transfer
/// thread only; that one may be called from any thread (curl_multi_wakeup(3)) as long as the handle lives,
/// which `TransferInbox` sees to.
struct MultiHandle: @unchecked Sendable {
    let pointer: UnsafeMutableRawPointer
}

/// Where any thread leaves orders for the transfer thread.
final class TransferInbox: Sendable {
    struct Orders: Sendable {
        var submissions: [TransferSubmission] = []
        var cancellations: [TransferTicket] = []
        var isStopping = false

        var isEmpty: Bool { submissions.isEmpty && cancellations.isEmpty && !isStopping }
    }

    private struct State {
        var orders = Orders()
        /// Set while the thread sleeps in curl_multi_poll or is about to. Waking takes it out, so one wake-up
        /// is written however many orders come in while the thread gets up; and the thread cannot free the
        /// handle while it is here, since it passes through `take` first.
        var sleeping: MultiHandle?
        var hasStopped = false
        var stopWaiters: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())

    /// `false` when the thread takes no more orders: the continuation has not been taken over.
    func submit(_ submission: TransferSubmission) -> Bool {
        state.withLock { state in
            guard !state.orders.isStopping, !state.hasStopped else { return false }
            state.orders.submissions.append(submission)
            Self.wake(&state)
            return true
        }
    }

    func cancel(_ ticket: TransferTicket) {
        ticket.cancel()
        state.withLock { state in
            guard !state.hasStopped else { return }
            state.orders.cancellations.append(ticket)
            Self.wake(&state)
        }
    }

    func stop() {
        state.withLock { state in
            state.orders.isStopping = true
            Self.wake(&state)
        }
    }

    /// Returns once the thread has ended all transfers and closed all connections.
    func waitUntilStopped() async {
        await withCheckedContinuation { continuation in
            let hasStopped = state.withLock { state in
                if !state.hasStopped { state.stopWaiters.append(continuation) }
                return state.hasStopped
            }
            if hasStopped { continuation.resume() }
        }
    }

    private static func wake(_ state: inout State) {
        guard let multi = state.sleeping else { return }
        state.sleeping = nil
        // Fails only for a handle that is none (CURLM_BAD_HANDLE) or was built without wake-ups.
        _ = curl_multi_wakeup(multi.pointer)
    }

    // MARK: The transfer thread's side

    /// Takes all orders. From here until `prepareToSleep` nobody wakes the thread.
    func take() -> Orders {
        state.withLock { state in
            state.sleeping = nil
            let orders = state.orders
            state.orders.submissions = []
            state.orders.cancellations = []
            return orders
        }
    }

    /// `false` when orders have come in: the thread must not sleep.
    func prepareToSleep(_ multi: MultiHandle) -> Bool {
        state.withLock { state in
            guard state.orders.isEmpty else { return false }
            state.sleeping = multi
            return true
        }
    }

    /// The last thing the thread does here.
    func markStopped() {
        let waiters = state.withLock { state in
            state.hasStopped = true
            defer { state.stopWaiters = [] }
            return state.stopWaiters
        }
        for waiter in waiters { waiter.resume() }
    }
}
