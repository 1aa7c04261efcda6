import CLibcurl
import Foundation

/// The thread on which libcurl works: one multi handle that carries every transfer of a client.
///
/// Confined to that thread from `run` on; everybody else talks to it through the inbox.
final class TransferEngine {
    private let inbox: TransferInbox
    private let multi: MultiHandle
    private let options: EasyHandleOptions
    private let maximumSpareHandles: Int
    private var queue: AdmissionQueue<TransferSubmission>
    private var active: [ObjectIdentifier: ActiveTransfer] = [:]
    private var spareHandles: [EasyHandle] = []
    private var isClosed = false
    private var nextQueueCheck = ContinuousClock.now

    init(inbox: TransferInbox, options: EasyHandleOptions, configuration: HTTPClientConfiguration) throws(LibcurlFailure) {
        try Libcurl.initialise()
        guard let pointer = curl_multi_init() else { throw LibcurlFailure(text: "no multi handle could be made") }
        self.inbox = inbox
        self.options = options
        multi = MultiHandle(pointer: pointer)
        maximumSpareHandles = configuration.maximumConnections
        queue = AdmissionQueue(
            maximumPerOrigin: configuration.maximumConnectionsPerHost, maximumInAll: configuration.maximumConnections)
        try set(CURLMOPT_MAX_HOST_CONNECTIONS, configuration.maximumConnectionsPerHost)
        try set(CURLMOPT_MAX_TOTAL_CONNECTIONS, configuration.maximumConnections)
        try set(CURLMOPT_MAXCONNECTS, configuration.maximumConnections)
        try set(CURLMOPT_MAX_CONCURRENT_STREAMS, AdmissionQueue<TransferSubmission>.requestsPerMultiplexedConnection)
        // Made here so that an option this libcurl does not know stops the start, not the first request.
        spareHandles.append(try EasyHandle(options: options))
    }

    deinit { close() }

    /// Closes every connection. Easy handles go first: curl_multi_cleanup(3) asks for that order.
    private func close() {
        guard !isClosed else { return }
        isClosed = true
        spareHandles = []
        _ = curl_multi_cleanup(multi.pointer)
    }

    private func set(_ option: CURLMoption, _ value: Int) throws(LibcurlFailure) {
        try Libcurl.check(perch_multi_set_long(multi.pointer, option, value))
    }

    /// Works until the inbox says stop, then closes everything and tells the inbox.
    func run() {
        Self.blockBrokenPipeSignal()
        inbox.hook(multi)
        while true {
            let orders = inbox.take()
            accept(orders)
            if orders.isStopping { break }
            expireWaiting()
            admitWaiting()
            var running: Int32 = 0
            let code = curl_multi_perform(multi.pointer, &running)
            collectFinished()
            if code != CURLM_OK {
                // Out of memory, or a handle that is none: nothing a next round would mend.
                abandonAll(.setup(String(cString: curl_multi_strerror(code))))
            }
            if inbox.prepareToSleep() {
                // A failure is met again, and dealt with, in the next curl_multi_perform.
                _ = curl_multi_poll(multi.pointer, nil, 0, sleepMilliseconds, nil)
            }
        }
        abandonAll(.clientStopped)
        inbox.unhook()
        close()
        inbox.markStopped()
    }

    /// A write to a closed connection is to be an error, not the end of the process: with CURLOPT_NOSIGNAL
    /// libcurl leaves that to its user. Blocked here, on this thread alone, the signal is never delivered.
    private static func blockBrokenPipeSignal() {
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, SIGPIPE)
        pthread_sigmask(SIG_BLOCK, &signals, nil)
    }

    /// libcurl itself cuts it short for its own timers; while requests wait in the queue, their deadlines
    /// are looked at ten times a second.
    private var sleepMilliseconds: Int32 { queue.waitingCount > 0 ? 100 : 60_000 }

    // MARK: Orders

    private func accept(_ orders: TransferInbox.Orders) {
        for submission in orders.submissions {
            // Its cancellation may have been taken up before it, or be still to come; both are told here.
            if submission.ticket.isCancelled {
                submission.continuation.resume(returning: .refused(.cancelled))
            } else {
                queue.enqueue(submission, for: submission.ticket.request.url.origin)
            }
        }
        for ticket in orders.cancellations {
            if let transfer = active[ObjectIdentifier(ticket)] {
                finish(transfer, .failed(.cancelled))
            } else {
                for waiting in queue.remove(where: { $0.ticket === ticket }) {
                    waiting.continuation.resume(returning: .refused(.cancelled))
                }
            }
        }
    }

    private func expireWaiting() {
        guard queue.waitingCount > 0 else { return }
        let now = ContinuousClock.now
        guard now >= nextQueueCheck else { return }
        nextQueueCheck = now + .milliseconds(50)
        for expired in queue.remove(where: { $0.ticket.deadline <= now }) {
            expired.continuation.resume(returning: .refused(.timedOutInQueue))
        }
    }

    private func admitWaiting() {
        while let submission = queue.admitNext() { start(submission) }
    }

    private func start(_ submission: TransferSubmission) {
        let origin = submission.ticket.request.url.origin
        let now = ContinuousClock.now
        guard submission.ticket.deadline > now else {
            queue.finish(origin, isMultiplexed: nil)
            submission.continuation.resume(returning: .refused(.timedOutInQueue))
            return
        }
        do throws(LibcurlFailure) {
            let handle: EasyHandle
            if let spare = spareHandles.popLast() { handle = spare } else { handle = try EasyHandle(options: options) }
            let transfer = ActiveTransfer(submission, handle: handle)
            do throws(LibcurlFailure) {
                try transfer.start(in: multi, now: now)
            } catch {
                transfer.end()
                throw error
            }
            active[ObjectIdentifier(submission.ticket)] = transfer
        } catch {
            queue.finish(origin, isMultiplexed: nil)
            submission.continuation.resume(returning: .refused(.setup(error.text)))
        }
    }

    // MARK: Endings

    private func collectFinished() {
        var remaining: Int32 = 0
        while let message = curl_multi_info_read(multi.pointer, &remaining) {
            guard message.pointee.msg == CURLMSG_DONE, let easy = message.pointee.easy_handle else { continue }
            // Read before the handle leaves the multi handle: the message goes with it.
            let code = perch_message_result(message)
            var context: UnsafeMutableRawPointer?
            guard perch_easy_get_pointer(easy, CURLINFO_PRIVATE, &context) == CURLE_OK, let context else { continue }
            let transfer = ActiveTransfer.borrowed(context)
            finish(transfer, code == CURLE_OK ? .completed : .failed(.library(result(code, of: transfer))))
        }
    }

    private func result(_ code: CURLcode, of transfer: ActiveTransfer) -> TransferFailure.LibraryResult {
        TransferFailure.LibraryResult(
            code: code.rawValue,
            codeText: String(cString: curl_easy_strerror(code)),
            detail: transfer.handle.errorDetail,
            systemError: Int32(truncatingIfNeeded: transfer.handle.information(CURLINFO_OS_ERRNO)),
            proxyStatus: transfer.handle.information(CURLINFO_HTTP_CONNECTCODE),
            isDeadlineReached: ContinuousClock.now >= transfer.ticket.deadline,
            isSecondSendPrevented: transfer.isSecondSendPrevented
        )
    }

    private func finish(_ transfer: ActiveTransfer, _ ending: TransferOutcome.Ending) {
        let ticket = transfer.ticket
        active[ObjectIdentifier(ticket)] = nil
        // Closes the connection when the transfer is still under way (HTTP/2: resets the stream).
        _ = curl_multi_remove_handle(multi.pointer, transfer.handle.pointer)
        transfer.end()
        if spareHandles.count < maximumSpareHandles { spareHandles.append(transfer.handle) }
        queue.finish(
            ticket.request.url.origin,
            isMultiplexed: transfer.answer.finalStatus == nil ? nil : transfer.answer.isMultiplexed)
        transfer.continuation.resume(returning: transfer.outcome(ending))
    }

    private func abandonAll(_ failure: TransferFailure) {
        for transfer in Array(active.values) { finish(transfer, .failed(failure)) }
        for waiting in queue.remove(where: { _ in true }) {
            waiting.continuation.resume(returning: .refused(failure))
        }
    }
}
