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
        /// Set while the thread sleeps in curl_multi_poll or is about to. Whoever takes it out wakes the thread, so one wake-up is
        /// written however many orders come in while it gets up.
        var isSleeping = false
        var hasStopped = false
        var stopWaiters: [CheckedContinuation<Void, Never>] = []

        mutating func takeSleep() -> Bool {
            defer { isSleeping = false }
            return isSleeping
        }
    }

    private let state = Mutex(State())
    /// The handle to wake, until the thread frees it. Apart from the orders: a wake-up is a system call, during which the others and
    /// the thread itself would spin for the lock.
    private let bell = Mutex<MultiHandle?>(nil)

    /// `false` when the thread takes no more orders: the continuation has not been taken over.
    func submit(_ submission: TransferSubmission) -> Bool {
        let (isTaken, mustWake) = state.withLock { state in
            guard !state.orders.isStopping, !state.hasStopped else { return (false, false) }
            state.orders.submissions.append(submission)
            return (true, state.takeSleep())
        }
        if mustWake { wake() }
        return isTaken
    }

    func cancel(_ ticket: TransferTicket) {
        ticket.cancel()
        let mustWake = state.withLock { state in
            guard !state.hasStopped else { return false }
            state.orders.cancellations.append(ticket)
            return state.takeSleep()
        }
        if mustWake { wake() }
    }

    func stop() {
        let mustWake = state.withLock { state in
            state.orders.isStopping = true
            return state.takeSleep()
        }
        if mustWake { wake() }
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

    private func wake() {
        bell.withLock { multi in
            // Fails only for a handle that is none (CURLM_BAD_HANDLE) or was built without wake-ups.
            if let multi { _ = curl_multi_wakeup(multi.pointer) }
        }
    }

    // MARK: The transfer thread's side

    /// Takes all orders. From here until `prepareToSleep` nobody wakes the thread.
    func take() -> Orders {
        state.withLock { state in
            state.isSleeping = false
            let orders = state.orders
            state.orders.submissions = []
            state.orders.cancellations = []
            return orders
        }
    }

    /// From here until `unhook` the handle is woken when orders come in.
    func hook(_ multi: MultiHandle) { bell.withLock { $0 = multi } }

    /// When this has returned, nobody touches the handle any more.
    func unhook() { bell.withLock { $0 = nil } }

    /// `false` when orders have come in: the thread must not sleep.
    func prepareToSleep() -> Bool {
        state.withLock { state in
            state.isSleeping = state.orders.isEmpty
            return state.isSleeping
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
