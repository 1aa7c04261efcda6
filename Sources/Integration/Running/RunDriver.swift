import Connectors
import HTTPClient
import Logging
import Store
import Synthesize

/// Performs one run: asks the machine what is next, does it, and writes down what became of it.
struct RunDriver: Sendable {
    let environment: IntegrationEnvironment
    let board: ProgressBoard
    let control: RunControl
    let places: Places

    var store: any Store { environment.store }

    /// What all runs of a process share.
    struct Places: Sendable {
        /// One only. Services in Synthesize belong to the vendor, not to one partner: a run that would add to them or change them waits
        /// until no other does, or two partners who connect at the same moment make each service twice.
        let services: RunPlaces
        /// Three quarters of the runs under way. Runs of one size share the turns, so they end together; were none read and planned by
        /// then, the speed limit would go to waste meanwhile (at 1,000 calls a second and 200 lines a run, 2 % of it).
        let sending: RunPlaces

        init(_ environment: IntegrationEnvironment) {
            services = RunPlaces(1, environment.time)
            sending = RunPlaces(max(1, environment.policy.parallelRuns * 3 / 4), environment.time)
        }
    }

    /// What the steps of one run hand on to each other.
    struct Work: Sendable {
        var run: SyncRun
        var findings: RunFindings
        var client: SynthesizeClient
        var keyVersion: Int
        /// What the vendor is asked with; nil when no credential is stored.
        var request: FetchRequest?
        var statusRead: IntegrationStatus?
        var snapshot = VendorSnapshot(accounts: [], usage: [], recordsDropped: 0)
        var services: [VendorService] = []
        /// Ids of services that an operator renamed, by lower-cased catalogue name.
        var renamedServices: [String: String] = [:]
    }

    /// Drives the run to its end, or until it must be released to a later process.
    func drive(_ run: SyncRun) async {
        if let parking = RunMachine.parking(interruptions: run.interruptions, at: run.interruptedAt) {
            await conclude(run, .held, parking, run.findings)
            return
        }
        await board.post(RunProgress(run))
        do throws(IntegrationError) {
            var work = try await prepare(run)
            await drive(&work)
        } catch {
            await conclude(run, .failed, RunFailure(error), run.findings)
        }
    }

    private func drive(_ work: inout Work) async {
        var machine = RunMachine(purpose: work.run.purpose, hasLedger: work.run.hasLedger)
        var event = RunMachine.Event.begun
        while true {
            switch machine.handle(event) {
            case .perform(let step):
                event = await perform(step, &work)
            case .concludeByTally:
                await concludeByTally(work)
                return
            case .conclude(let state, let failure):
                await conclude(work.run, state, failure, work.findings)
                return
            case .release:
                await release(work.run)
                return
            }
        }
    }

    private func perform(_ step: RunMachine.Step, _ work: inout Work) async -> RunMachine.Event {
        while true {
            if let event = stopEvent() { return event }
            do throws(StepError) {
                try await attempt(step, &work)
                return stopEvent() ?? .done
            } catch {
                // Every step looks again at what is there before it does anything, so it can be done again from its beginning.
                if case .storeFailed(let trouble) = error, await storeRecovers(from: trouble, work.run.id) { continue }
                return await event(for: error, work)
            }
        }
    }

    private func attempt(_ step: RunMachine.Step, _ work: inout Work) async throws(StepError) {
        // The lines and the stage `usage` are written together, so that a ledger is either there or not.
        let keepsStage = step == .planUsage || step == .planZeros || (step == .verify && work.run.hasLedger)
        if !keepsStage, work.run.stage != step.stage {
            let id = work.run.id
            work.run = try await StepError.store { () async throws(StoreError) in
                try await store.updateRun(id) { $0.stage = step.stage }
            }
            await board.post(RunProgress(work.run))
        }
        try await act(step, &work)
    }

    private func event(for error: StepError, _ work: Work) async -> RunMachine.Event {
        switch error {
        case .interrupted:
            return stopEvent() ?? .cancelled
        case .held(let failure):
            return .held(failure)
        case .storeFailed(let error):
            return stopEvent() ?? .failed(RunFailure(error))
        case .failed(let failure, let refusesKey):
            if let event = stopEvent() { return event }
            if refusesKey {
                do throws(StoreError) {
                    try await environment.condemnKey(of: work.run.partnerID, version: work.keyVersion)
                } catch {
                    environment.logger.error("a refused key could not be noted", metadata: ["error": "\(error)"])
                }
            }
            return .failed(failure)
        }
    }

    private func stopEvent() -> RunMachine.Event? {
        switch control.stop {
        case nil: nil
        case .cancelled: .cancelled
        case .shutDown, .leaseLost: .shutDown
        case .deadline:
            .failed(
                RunFailure(
                    code: "run.deadline",
                    message: "The run took longer than it may and was ended. Counts accepted so far are kept."))
        }
    }

    /// Opens what the run needs: the partner's key and, where the vendor is read, its credential.
    private func prepare(_ run: SyncRun) async throws(IntegrationError) -> Work {
        let connection = try await environment.connection(run.partnerID)
        guard connection.state == .connected else {
            throw IntegrationError(
                code: .conflict, message: "The partner is not connected any more, so nothing was sent.")
        }
        if run.purpose == .connect { try await schedule(run.partnerID) }
        let key = try environment.partnerKey(of: connection)
        let credential = try await stored { () async throws(StoreError) in
            try await environment.vendorCredential(run.partnerID)
        }
        var request: FetchRequest?
        if let credential {
            request = try await environment.fetchRequest(of: run.partnerID, try environment.vault.openCredential(credential))
        }
        let urgency: PacerLane.Urgency = run.purpose == .connect ? .interactive : .background
        return Work(
            run: run, findings: run.findings, client: environment.client(run.partnerID, key: key, urgency),
            keyVersion: connection.keyVersion, request: request)
    }

    /// Connecting has done this already, unless the process died between storing the connection and its schedule.
    private func schedule(_ id: PartnerID) async throws(IntegrationError) {
        let partner = try await stored { () async throws(StoreError) in try await store.partner(id) }
        if let partner { try await environment.activateSchedule(of: partner) }
    }

    private func concludeByTally(_ work: Work) async {
        do throws(StoreError) {
            let refused = work.run.purpose == .usage ? work.findings.accountsRefused : []
            let (state, failure) = try await patiently(work.run.id) { () async throws(StoreError) in
                let conclusion = RunMachine.conclusion(try await store.tally(work.run.id), refused: refused)
                // The lines failed, not what came after them.
                if conclusion.state == .failed { try await store.updateRun(work.run.id) { $0.stage = .usage } }
                return conclusion
            }
            await conclude(work.run, state, failure, work.findings)
        } catch {
            await conclude(work.run, .failed, RunFailure(error), work.findings)
        }
    }

    private func conclude(_ run: SyncRun, _ state: RunState, _ failure: RunFailure?, _ findings: RunFindings) async {
        var ended = run
        ended.state = state
        ended.failure = failure
        do throws(StoreError) {
            ended = try await patiently(run.id) { () async throws(StoreError) in
                func finish() async throws(StoreError) -> SyncRun {
                    try await store.finishRun(run.id, state: state, failure: failure, findings: findings, at: environment.time.now())
                }
                guard state == .held else { return try await finish() }
                return try await environment.auditedAsOwn(
                    "run.hold", run.partnerID, "\(run.id): \(failure?.message ?? "It waits for an operator.")", finish)
            }
        } catch {
            // The run stays as it is and is taken up again when its lease ends or the process starts anew.
            environment.logger.error(
                "the end of a run could not be written", metadata: ["run": "\(run.id)", "error": "\(error)"])
        }
        RunMetrics.record(ended)
        environment.logger.info(
            "run ended",
            metadata: [
                "run": "\(run.id)", "partner": "\(run.partnerID)", "purpose": "\(run.purpose)", "state": "\(state)",
                "accepted": "\(ended.tally.accepted)", "notMapped": "\(ended.tally.notMapped)",
                "failure": "\(failure?.code ?? "none")",
            ])
        await board.close(RunProgress(ended))
    }

    /// Gives the run back to the queue, untouched: an interruption by us is not the run's fault.
    private func release(_ run: SyncRun) async {
        if control.stop == .leaseLost { return }
        do throws(StoreError) {
            try await store.reopenLines(run.id)
            try await store.updateRun(run.id) { run in
                run.state = .queued
                run.leaseOwner = nil
                run.leaseExpiresAt = nil
            }
        } catch {
            environment.logger.error(
                "a run could not be released; the next start takes it over",
                metadata: ["run": "\(run.id)", "error": "\(error)"])
        }
    }
}

extension SyncRun {
    /// Its lines are planned. A connect job has none, though it comes as far as the last stage.
    fileprivate var hasLedger: Bool { purpose != .connect && stage >= .usage }
}

/// Why a step did not end well.
enum StepError: Error {
    case failed(RunFailure, refusesKey: Bool)
    case held(RunFailure)
    case storeFailed(StoreError)
    case interrupted

    init(_ error: SynthesizeError) {
        self =
            error.code == .cancelled
            ? .interrupted : .failed(RunFailure(error), refusesKey: error.code == .keyRefused)
    }

    init(_ error: ConnectorError) {
        self = error.code == .cancelled ? .interrupted : .failed(RunFailure(error), refusesKey: false)
    }

    init(_ error: StoreError) {
        self = .storeFailed(error)
    }

    static func store<Value>(_ body: () async throws(StoreError) -> Value) async throws(StepError) -> Value {
        do {
            return try await body()
        } catch {
            throw StepError(error)
        }
    }

    @discardableResult
    static func synthesize<Value>(_ body: () async throws(SynthesizeError) -> Value) async throws(StepError) -> Value {
        do {
            return try await body()
        } catch {
            throw StepError(error)
        }
    }

    static func vendor<Value>(_ body: () async throws(ConnectorError) -> Value) async throws(StepError) -> Value {
        do {
            return try await body()
        } catch {
            throw StepError(error)
        }
    }
}

/// Does something with the store, its errors told as the domain's.
func stored<Value>(_ body: () async throws(StoreError) -> Value) async throws(IntegrationError) -> Value {
    do {
        return try await body()
    } catch {
        throw IntegrationError(error)
    }
}
