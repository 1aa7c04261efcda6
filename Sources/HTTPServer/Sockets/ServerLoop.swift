import CEpoll
import Foundation

/// The one thread on which every server of the process waits, reads, decides and writes.
///
/// Connections are isolated to this global actor, so their state needs no locks, and a request that can be answered at
/// once costs no switch between threads. Nothing on this thread may wait for anything but `epoll_wait`: handlers run
/// elsewhere.
@globalActor
public actor ServerLoop {
    public static let shared = ServerLoop()
    private let thread = LoopThread()
    public nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

    /// What the system tells of a descriptor. News come once: what is left unread is not reported again.
    struct News: OptionSet, Sendable {
        let rawValue: UInt32
        static let readable = News(rawValue: EPOLLIN.rawValue)
        static let writable = News(rawValue: EPOLLOUT.rawValue)
        /// The peer will send no more; it may still read.
        static let ended = News(rawValue: EPOLLRDHUP.rawValue)
        static let broken = News(rawValue: EPOLLERR.rawValue | EPOLLHUP.rawValue)
    }

    typealias Token = UInt64

    @ServerLoop private static var watchers: [Token: @ServerLoop (News) -> Void] = [:]
    @ServerLoop private static var nextToken: Token = 1
    @ServerLoop private static var tickers: [ObjectIdentifier: (interval: Duration, action: @ServerLoop () -> Void)] = [:] {
        didSet { shared.thread.tick(every: tickers.values.map(\.interval).min()) }
    }

    /// Calls `action` with each news of `descriptor` until `ignore`.
    /// - Returns: nil with `errno` set when the system refuses.
    @ServerLoop static func watch(_ descriptor: Int32, _ action: @escaping @ServerLoop (News) -> Void) -> Token? {
        defer { nextToken += 1 }
        guard shared.thread.add(descriptor, token: nextToken) else { return nil }
        watchers[nextToken] = action
        return nextToken
    }

    /// To be called before `descriptor` is closed. News already on their way are dropped: tokens are not used again.
    @ServerLoop static func ignore(_ descriptor: Int32, _ token: Token) {
        shared.thread.remove(descriptor)
        watchers[token] = nil
    }

    /// Calls `action` about every `interval` until `stopTicking`.
    @ServerLoop static func startTicking(_ owner: AnyObject, every interval: Duration, _ action: @escaping @ServerLoop () -> Void) {
        tickers[ObjectIdentifier(owner)] = (interval, action)
    }

    @ServerLoop static func stopTicking(_ owner: AnyObject) { tickers[ObjectIdentifier(owner)] = nil }

    @ServerLoop fileprivate static func turn(_ news: [(token: Token, news: News)], isTick: Bool) {
        for (token, news) in news { watchers[token]?(news) }
        if isTick { for ticker in tickers.values { ticker.action() } }
    }
}

/// Runs the jobs of `ServerLoop`, and waits in `epoll_wait` when there are none. Lives as long as the process.
private final class LoopThread: SerialExecutor {
    private let set = epoll_create1(Int32(EPOLL_CLOEXEC))
    /// Written to when a job comes from another thread while this one waits.
    private let bell = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
    private static let bellToken: ServerLoop.Token = 0
    private let lock = NSLock()
    // Touched only with `lock` held. A Mutex would do, but the thread sanitizer does not see it and reports races.
    private nonisolated(unsafe) var jobs: [UnownedJob] = []
    private nonisolated(unsafe) var isWaiting = false
    private nonisolated(unsafe) var tickInterval: Duration?

    init() {
        precondition(set >= 0 && bell >= 0, "the system gives no epoll set or eventfd: \(String(cString: strerror(errno)))")
        _ = add(bell, token: Self.bellToken)
        let thread = Thread { [self] in run() }
        thread.name = "HTTPServer"
        thread.start()
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let mustRing = lock.withLock {
            jobs.append(job)
            defer { isWaiting = false }
            return isWaiting
        }
        if mustRing { _ = eventfd_write(bell, 1) }
    }

    func add(_ descriptor: Int32, token: UInt64) -> Bool {
        let interest = EPOLLIN.rawValue | EPOLLOUT.rawValue | EPOLLRDHUP.rawValue | EPOLLET.rawValue
        var event = epoll_event(events: interest, data: epoll_data_t(u64: token))
        return epoll_ctl(set, EPOLL_CTL_ADD, descriptor, &event) == 0
    }

    func remove(_ descriptor: Int32) { _ = epoll_ctl(set, EPOLL_CTL_DEL, descriptor, nil) }

    func tick(every interval: Duration?) {
        lock.withLock { tickInterval = interval }
    }

    private func run() {
        var events = [epoll_event](repeating: epoll_event(), count: 256)
        var lastTick = ContinuousClock.now
        while true {
            let (interval, batch) = lock.withLock {
                defer { jobs.removeAll(keepingCapacity: true) }
                isWaiting = jobs.isEmpty
                return (tickInterval, jobs)
            }
            for job in batch { job.runSynchronously(on: asUnownedSerialExecutor()) }
            let untilTick = interval.map { Int32(max(0, ($0 - (.now - lastTick)) / .milliseconds(1)).rounded(.up)) } ?? -1
            let count = epoll_wait(set, &events, Int32(events.count), batch.isEmpty ? untilTick : 0)
            lock.withLock { isWaiting = false }
            let news = events[..<max(0, Int(count))].compactMap { event in
                event.data.u64 == Self.bellToken ? nil : (event.data.u64, ServerLoop.News(rawValue: event.events))
            }
            // Looked at each time: jobs alone, with no news, must not put it off.
            let isTick = interval.map { .now - lastTick >= $0 } ?? false
            if isTick { lastTick = .now }
            if isTick || !news.isEmpty { Task { @ServerLoop in ServerLoop.turn(news, isTick: isTick) } }
        }
    }
}
