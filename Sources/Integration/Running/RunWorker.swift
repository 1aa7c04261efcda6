import HTTPClient
import Logging
import Store

/// Takes queued runs from the store and drives them, some at once, each under a lease that a heartbeat keeps alive.
actor RunWorker {
    /// Between a stop request and the cancelling of calls that are still under way, so that most of them end by themselves.
    private static let grace = Duration.seconds(5)
    /// After the store failed: somebody may be waiting for a run that could not be claimed.
    private static let troublePoll = Duration.seconds(2)

    private let environment: IntegrationEnvironment
    private let board: ProgressBoard
    private let owner: String
    private let bell = Bell()
    private let places: RunDriver.Places
    private var underWay: [SyncRunID: (control: RunControl, task: Task<Void, Never>)] = [:]

    init(_ environment: IntegrationEnvironment, board: ProgressBoard) {
        self.environment = environment
        self.board = board
        owner = environment.random.identifier(prefix: "proc_")
        places = RunDriver.Places(environment)
    }

    /// Works until the task is cancelled; then every run is released in order, for the next start to go on with.
    func work() async {
        while !Task.isCancelled {
            let isStoreWell = await claim()
            await bell.wait(atMost: isStoreWell ? environment.policy.lookAgain : Self.troublePoll, environment.time)
        }
        for run in underWay.values { run.control.request(.shutDown) }
        for run in underWay.values { await run.task.value }
    }

    /// There may be something to do.
    func wake() async {
        await bell.ring()
    }

    /// Ends a partner's run and returns when it has ended.
    func cancel(_ run: SyncRunID) async throws(StoreError) {
        try await environment.store.updateRun(run) { $0.cancelRequested = true }
        if let running = underWay[run] {
            running.control.request(.cancelled)
            await running.task.value
        } else if let queued = try await environment.store.run(run), queued.state.isActive {
            let ended = try await environment.store.finishRun(
                run, state: .cancelled, failure: nil, findings: queued.findings, at: environment.time.now())
            await board.close(RunProgress(ended))
        }
    }

    /// Starts what can be started. False when the store failed.
    private func claim() async -> Bool {
        while !Task.isCancelled, underWay.count < environment.policy.parallelRuns {
            do throws(StoreError) {
                let now = environment.time.now()
                guard
                    let run = try await environment.store.claimRun(
                        owner: owner, at: now, leaseUntil: now.addingTimeInterval(environment.policy.lease.seconds))
                else { return true }
                if underWay[run.id] == nil {
                    start(run)
                } else {
                    try await keep(run)
                }
            } catch {
                environment.logger.error("runs cannot be read from the store", metadata: ["error": "\(error)"])
                return false
            }
        }
        return true
    }

    /// A run of our own whose lease ran out, because the machine slept or the disk stood still: it is driven already, and
    /// the claim has renewed its lease. Nobody died, so what the store counted as an interruption is taken back.
    private func keep(_ run: SyncRun) async throws(StoreError) {
        try await environment.store.updateRun(run.id) { $0.interruptions = max(0, $0.interruptions - 1) }
    }

    private func start(_ run: SyncRun) {
        let control = RunControl()
        // Not a child task: a stop of the worker must let the driver write down where it stopped.
        let task = Task {
            await self.drive(run, control)
            await self.ended(run.id)
        }
        underWay[run.id] = (control, task)
    }

    private func ended(_ run: SyncRunID) async {
        underWay[run] = nil
        await bell.ring()
    }

    private func drive(_ run: SyncRun, _ control: RunControl) async {
        guard await beat(run, control) else { return }
        let driver = RunDriver(environment: environment, board: board, control: control, places: places)
        let driving = Task { await driver.drive(run) }
        let beating = Task { await keepAlive(run, control) }
        let stopping = Task { await cancelAfterGrace(driving, control) }
        await driving.value
        beating.cancel()
        stopping.cancel()
    }

    /// Lengthens the lease. False when the run is not ours any more.
    private func beat(_ run: SyncRun, _ control: RunControl) async -> Bool {
        do throws(StoreError) {
            let until = environment.time.now().addingTimeInterval(environment.policy.lease.seconds)
            guard let stored = try await environment.store.heartbeat(run.id, owner: owner, leaseUntil: until) else {
                control.request(.leaseLost)
                return false
            }
            if stored.cancelRequested { control.request(.cancelled) }
        } catch {
            // The lease outlives two missed beats; the driver meets the same trouble and says so.
            environment.logger.warning("a heartbeat could not be written", metadata: ["run": "\(run.id)", "error": "\(error)"])
        }
        return true
    }

    private func keepAlive(_ run: SyncRun, _ control: RunControl) async {
        let time = environment.time
        let begun = time.elapsed()
        while !Task.isCancelled {
            do {
                try await time.sleep(environment.policy.lease / 3)
            } catch {
                return
            }
            guard await beat(run, control) else { return }
            if time.elapsed() - begun > environment.policy.runDeadline { control.request(.deadline) }
        }
    }

    private func cancelAfterGrace(_ driving: Task<Void, Never>, _ control: RunControl) async {
        while control.stop == nil, !Task.isCancelled {
            await control.bell.wait(atMost: .seconds(3600), environment.time)
        }
        do {
            try await environment.time.sleep(Self.grace)
            driving.cancel()
        } catch {
            // The run ended within the grace.
        }
    }
}
