@preconcurrency import Dispatch  // sources are thread-safe, but not marked so
import Glibc
import Synchronization

/// Watches the sockets of one server and calls their handlers, one at a time, on `queue`.
///
/// All sockets sit in one epoll set, and Dispatch watches that one descriptor. A Dispatch source for each socket would
/// be the plain way, but on Linux a hang-up, as a reset causes it, lets libdispatch take a source off its lists on a
/// thread that does not own them (swift-corelibs-libdispatch issue 949 reports crashes). It also costs a fifth more
/// processor time and twice the context switches a request, as each event re-arms its source on a third thread.
final class EventLoop: Sendable {
    typealias Events = LinuxCalls.Events
    typealias Handler = @Sendable (Events) -> Void

    let queue = DispatchQueue(label: "HTTPServer.events")
    private let set: Int32
    private let source: any DispatchSourceRead
    private let timer = Mutex<(any DispatchSourceTimer)?>(nil)
    private let handlers = Mutex((next: UInt64(0), byToken: [UInt64: Handler]()))

    /// Nil with `errno` set when the system gives no epoll set.
    init?() {
        set = LinuxCalls.makeEpollSet()
        guard set >= 0 else { return nil }
        source = DispatchSource.makeReadSource(fileDescriptor: set, queue: queue)
        source.setEventHandler { [weak self] in self?.deliver() }
        source.setCancelHandler { [set] in _ = close(set) }
        source.activate()
    }

    deinit { source.cancel() }

    /// Calls `onTick` on `queue` at each `interval`, until `stopTicking`.
    func startTicking(every interval: Duration, _ onTick: @escaping @Sendable () -> Void) {
        let timer = DispatchSource.makeTimerSource(queue: queue)
        timer.schedule(deadline: .now() + interval.dispatched, repeating: interval.dispatched, leeway: .milliseconds(5))
        timer.setEventHandler(handler: onTick)
        timer.activate()
        self.timer.withLock { $0 = timer }
    }

    /// Must follow every `startTicking`: a running timer keeps the loop alive.
    func stopTicking() { timer.withLock { $0.take() }?.cancel() }

    /// Calls `handler` with each news of `descriptor` until `remove`. News come once: what a handler leaves unread is
    /// not reported again.
    /// - Returns: the token for `remove`; nil with `errno` set when the system refuses.
    func add(_ descriptor: Int32, _ handler: @escaping Handler) -> UInt64? {
        let token = handlers.withLock { handlers in
            handlers.next += 1
            handlers.byToken[handlers.next] = handler
            return handlers.next
        }
        guard LinuxCalls.add(descriptor, token: token, [.readable, .writable, .ended, .onlyNews], to: set) == 0 else {
            handlers.withLock { $0.byToken[token] = nil }
            return nil
        }
        return token
    }

    /// To be called before `descriptor` is closed. News already on their way are dropped: tokens are not used again.
    func remove(_ descriptor: Int32, token: UInt64) {
        LinuxCalls.remove(descriptor, from: set)
        handlers.withLock { $0.byToken[token] = nil }
    }

    private func deliver() {
        while true {
            let pending = LinuxCalls.pending(in: set, limit: 256)
            for (token, events) in pending {
                handlers.withLock { $0.byToken[token] }?(events)
            }
            if pending.count < 256 { return }
        }
    }
}

extension Duration {
    /// For Dispatch, which counts in nanoseconds; more than a century is cut to that.
    var dispatched: DispatchTimeInterval {
        let (seconds, attoseconds) = min(self, .seconds(4_000_000_000)).components
        return .nanoseconds(Int(seconds) * 1_000_000_000 + Int(attoseconds / 1_000_000_000))
    }
}
