import Foundation
import HTTPClient
import Secrets

/// One thread that runs all of a history: every job of every task, and whatever happens in the world at an instant of virtual time.
///
/// Jobs come here by a hook of the Swift runtime instead of going to its pool of threads. Which of the ready ones is next is
/// drawn from the seed, so that tasks meet in orders that a real machine shows once in a year; the same seed draws the same
/// order. Time stands still while a job is ready and then jumps to the next event.
///
/// Unchecked: everything here runs on the main thread. The hook stops the process when a job comes from another one.
final class Engine: @unchecked Sendable {
    /// The runtime's hook is a C function and knows no object.
    nonisolated(unsafe) private(set) static var current = Engine(seed: 0)

    /// What an event belongs to: an event of a process is gone when the process dies.
    enum Owner: Hashable {
        case world
        case process(Int)
    }

    struct EventID: Hashable { fileprivate var order: Int }

    private struct Event {
        var at: Duration
        var order: Int
        var owner: Owner
        var action: () -> Void
    }

    let random: RandomSource
    private(set) var elapsed = Duration.zero
    private(set) var jobsRun = 0
    private var ready: [UnownedJob] = []
    private var events = Heap()
    private var cancelled: Set<Int> = []
    private var dead: Set<Owner> = []
    private var lastOrder = 0

    private init(seed: UInt64) { random = .seeded(seed) }

    /// A new engine that gets all jobs from now on.
    static func start(seed: UInt64) -> Engine {
        current = Engine(seed: seed)
        JobHook.install()
        return current
    }

    fileprivate static func take(_ job: UnownedJob) {
        precondition(pthread_self() == mainThread, "a job came from another thread: this history cannot be repeated")
        current.ready.append(job)
    }

    /// Calls `action` after `delay`, earlier events first, those of one instant in the order in which they were asked for.
    @discardableResult
    func after(_ delay: Duration, _ owner: Owner = .world, _ action: @escaping () -> Void) -> EventID {
        lastOrder += 1
        if dead.contains(owner) { return EventID(order: lastOrder) }
        events.insert(Event(at: elapsed + max(.zero, delay), order: lastOrder, owner: owner, action: action))
        return EventID(order: lastOrder)
    }

    func cancel(_ event: EventID) { cancelled.insert(event.order) }

    /// Runs one ready job, or else lets the next event happen. False when there is neither.
    func step() -> Bool {
        if !ready.isEmpty {
            ready.swapAt(ready.count == 1 ? 0 : random.number(below: ready.count), ready.count - 1)
            jobsRun += 1
            ready.removeLast().runSynchronously(on: JobHook.genericExecutor)
            return true
        }
        while let event = events.popFirst() {
            if cancelled.remove(event.order) != nil { continue }
            elapsed = max(elapsed, event.at)
            event.action()
            return true
        }
        return false
    }

    /// A process dies here and now: no job of it runs any more, not even to clean up.
    func kill(process: Int) {
        ready = []
        dead.insert(.process(process))
        events.remove { $0.owner == .process(process) }
    }

    private static let mainThread = pthread_self()

    /// A binary heap; the standard library has none.
    private struct Heap {
        private var items: [Event] = []

        private func isEarlier(_ left: Int, _ right: Int) -> Bool {
            (items[left].at, items[left].order) < (items[right].at, items[right].order)
        }

        mutating func insert(_ event: Event) {
            items.append(event)
            var child = items.count - 1
            while child > 0, isEarlier(child, (child - 1) / 2) {
                items.swapAt(child, (child - 1) / 2)
                child = (child - 1) / 2
            }
        }

        mutating func popFirst() -> Event? {
            guard !items.isEmpty else { return nil }
            items.swapAt(0, items.count - 1)
            let first = items.removeLast()
            var parent = 0
            while true {
                var least = parent
                for child in [2 * parent + 1, 2 * parent + 2] where child < items.count && isEarlier(child, least) { least = child }
                guard least != parent else { return first }
                items.swapAt(parent, least)
                parent = least
            }
        }

        mutating func remove(where isGone: (Event) -> Bool) {
            let kept = items.filter { !isGone($0) }
            items = []
            for event in kept { insert(event) }
        }
    }
}

/// The place in the Swift runtime where a job that may run anywhere is handed to the pool of threads.
private enum JobHook {
    typealias Original = @convention(thin) (UnownedJob) -> Void
    typealias Hook = @convention(thin) (UnownedJob, Original) -> Void

    /// What the pool's own threads say where they run a job: no executor in particular, which the runtime spells as two zeros.
    static let genericExecutor = unsafeBitCast((0, 0), to: UnownedSerialExecutor.self)

    static func install() {
        guard let place = dlsym(nil, "swift_task_enqueueGlobal_hook") else {
            preconditionFailure("this Swift runtime has no hook for jobs")
        }
        let hook: Hook = { job, _ in Engine.take(job) }
        place.assumingMemoryBound(to: Optional<Hook>.self).pointee = hook
    }
}
