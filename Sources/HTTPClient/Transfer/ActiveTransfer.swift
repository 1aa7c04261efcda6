import CLibcurl
import Glibc

/// A transfer that libcurl is working on: what its callbacks are given as context.
///
/// Lifetime: `start` makes one retained pointer of it for libcurl, `end` releases that pointer, and in
/// between stands the handle's stay in the multi handle. libcurl calls a callback only from within
/// curl_multi_perform or curl_multi_remove_handle, for a handle that is in; `end` runs after
/// curl_multi_remove_handle has answered. So a callback always finds its object alive.
///
/// Belongs to the transfer thread: it is made, called back and ended there.
final class ActiveTransfer {
    let ticket: TransferTicket
    let continuation: CheckedContinuation<TransferOutcome, Never>
    let handle: EasyHandle
    fileprivate(set) var answer: AnswerCollector
    /// How often libcurl had a connection ready and was about to send the request.
    fileprivate(set) var sendAttempts = 0
    fileprivate(set) var isSecondSendPrevented = false
    /// An address that the request's `destinations` do not allow and that was therefore not used.
    fileprivate(set) var refusedAddress: IPAddress?
    /// Whether addresses are the proxy's, which the request's `destinations` say nothing about.
    private let isProxied: Bool
    private var retainedSelf: Unmanaged<ActiveTransfer>?

    init(_ submission: TransferSubmission, handle: EasyHandle) {
        ticket = submission.ticket
        isProxied = ticket.request.destinations != nil && handle.proxies.proxy(for: ticket.request.url.origin) != nil
        continuation = submission.continuation
        self.handle = handle
        answer = AnswerCollector(
            maximumBodyBytes: submission.ticket.request.limits.maximumAnswerBytes, sink: submission.ticket.request.bodySink)
    }

    func start(in multi: MultiHandle, now: ContinuousClock.Instant) throws(LibcurlFailure) {
        let retained = Unmanaged.passRetained(self)
        retainedSelf = retained
        try handle.prepare(ticket.request, remaining: ticket.deadline - now, context: retained.toOpaque())
        try Libcurl.check(curl_multi_add_handle(multi.pointer, handle.pointer))
    }

    /// Only once the handle is out of the multi handle, or when `start` failed.
    func end() {
        handle.clear()
        retainedSelf?.release()
        retainedSelf = nil
    }

    func outcome(_ ending: TransferOutcome.Ending) -> TransferOutcome {
        TransferOutcome(
            ending: ending, isRequestStarted: sendAttempts > 0, answer: answer, refusedAddress: refusedAddress)
    }

    /// Notes a refusal.
    fileprivate func allows(_ address: IPAddress?) -> Bool {
        guard let rule = ticket.request.destinations, !isProxied else { return true }
        // No family but IPv4 and IPv6 leads anywhere that a rule could allow.
        guard let address, rule.allows(address) else {
            refusedAddress = address
            return false
        }
        return true
    }

    /// The transfer that `context`, made by `start`, stands for.
    static func borrowed(_ context: UnsafeMutableRawPointer) -> ActiveTransfer {
        Unmanaged<ActiveTransfer>.fromOpaque(context).takeUnretainedValue()
    }
}

/// CURLOPT_HEADERFUNCTION: one complete line, of any head or of the trailers. Answering less than the
/// line's length ends the transfer.
func takeHeadLine(
    _ data: UnsafeMutablePointer<CChar>?, _ size: Int, _ count: Int, _ context: UnsafeMutableRawPointer?
) -> Int {
    guard let context else { return 0 }
    let line = UnsafeRawBufferPointer(start: data, count: size * count)
    return ActiveTransfer.borrowed(context).answer.take(headLine: line) ? line.count : 0
}

/// CURLOPT_WRITEFUNCTION: a piece of the body. No piece is empty, so 0 always ends the transfer.
func takeBody(
    _ data: UnsafeMutablePointer<CChar>?, _ size: Int, _ count: Int, _ context: UnsafeMutableRawPointer?
) -> Int {
    guard let context else { return 0 }
    let piece = UnsafeRawBufferPointer(start: data, count: size * count)
    return ActiveTransfer.borrowed(context).answer.take(body: piece) ? piece.count : 0
}

/// CURLOPT_OPENSOCKETFUNCTION: the name has been resolved, nothing has been sent to the address yet.
///
/// The socket is for no child process: it would keep the connection open, and readable, in every program started meanwhile.
func openSocket(
    _ context: UnsafeMutableRawPointer?, _ purpose: curlsocktype, _ address: UnsafeMutablePointer<curl_sockaddr>?
) -> curl_socket_t {
    guard let context, let address, let offset = MemoryLayout<curl_sockaddr>.offset(of: \.addr) else { return CURL_SOCKET_BAD }
    // Through a raw pointer: an IPv6 address is longer than the `sockaddr` that the type names.
    let resolved = IPAddress(socketAddress: UnsafeRawPointer(address) + offset)
    guard ActiveTransfer.borrowed(context).allows(resolved) else { return CURL_SOCKET_BAD }
    // SOCK_CLOEXEC in the same call: between a socket() and an fcntl() another thread may fork.
    return socket(
        address.pointee.family, address.pointee.socktype | Int32(SOCK_CLOEXEC.rawValue), address.pointee.protocol)
}

/// CURLOPT_PREREQFUNCTION: a connection stands (TLS included), and the request is about to be sent on it.
///
/// When a kept connection turns out dead before any answer, libcurl sends the same request again on a new
/// one, whatever the method. The first may have been acted upon, so only an idempotent one may go twice.
func beforeRequest(
    _ context: UnsafeMutableRawPointer?, _ remoteAddress: UnsafeMutablePointer<CChar>?,
    _ localAddress: UnsafeMutablePointer<CChar>?, _ remotePort: Int32, _ localPort: Int32
) -> Int32 {
    guard let context else { return CURL_PREREQFUNC_ABORT }
    let transfer = ActiveTransfer.borrowed(context)
    // A kept connection was opened for another request, which may have had another rule.
    guard transfer.allows(remoteAddress.flatMap { IPAddress(String(cString: $0)) }) else { return CURL_PREREQFUNC_ABORT }
    transfer.refusedAddress = nil
    if transfer.sendAttempts > 0 && !transfer.ticket.request.isIdempotent {
        transfer.isSecondSendPrevented = true
        return CURL_PREREQFUNC_ABORT
    }
    transfer.sendAttempts += 1
    return CURL_PREREQFUNC_OK
}
