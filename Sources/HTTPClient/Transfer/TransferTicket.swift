import Synchronization

/// One request handed to the transfer thread, and the way to call it back.
final class TransferTicket: Sendable {
    let request: PreparedRequest
    let deadline: ContinuousClock.Instant

    /// Set before the thread is told, so that a cancellation is not lost when it overtakes the request.
    private let cancellation = Atomic<Bool>(false)

    init(request: PreparedRequest, deadline: ContinuousClock.Instant) {
        self.request = request
        self.deadline = deadline
    }

    var isCancelled: Bool { cancellation.load(ordering: .acquiring) }

    func cancel() { cancellation.store(true, ordering: .releasing) }
}

/// How a transfer ended and what had been seen of it by then.
struct TransferOutcome: Sendable {
    enum Ending: Sendable {
        case completed
        case failed(TransferFailure)
    }

    var ending: Ending
    /// Whether libcurl had a usable connection and went on to send. Until then not one byte of the request
    /// has left.
    var isRequestStarted: Bool
    var answer: AnswerCollector
    /// Where a name led that may not be asked.
    var refusedAddress: IPAddress?

    /// For a request that never reached libcurl.
    static func refused(_ failure: TransferFailure) -> TransferOutcome {
        TransferOutcome(ending: .failed(failure), isRequestStarted: false, answer: AnswerCollector(maximumBodyBytes: 0))
    }
}

/// What ended a transfer early.
enum TransferFailure: Sendable, Equatable {
    case cancelled
    case clientStopped
    /// The deadline came while it waited for one of the client's connections.
    case timedOutInQueue
    /// The connection ended within the head: libcurl takes that for an answer without a body.
    case headIncomplete
    /// libcurl's result.
    case library(LibraryResult)
    /// libcurl did not take an option or the handle.
    case setup(String)

    struct LibraryResult: Sendable, Equatable {
        /// `CURLcode`.
        var code: UInt32
        /// `CURLcode` in libcurl's fixed words.
        var codeText: String
        /// What libcurl noted of this transfer. May quote an answer: shown only where it cannot.
        var detail: String
        /// `errno` of the last failed system call, 0 without one.
        var systemError: Int32
        /// The proxy's answer to CONNECT, 0 without one.
        var proxyStatus: Int
        var isDeadlineReached: Bool
        /// libcurl wanted to send a request again that is not idempotent, and was not let.
        var isSecondSendPrevented: Bool
    }
}
