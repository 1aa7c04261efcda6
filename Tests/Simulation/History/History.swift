import Foundation
import Integration
import MemoryStore
import Secrets
import Store

/// One seed's story: partners and operators who do things, weather, crashes; and in the end, when all is fair again, whether every promise was
/// kept.
///
/// Unchecked: as `Engine`.
final class History: @unchecked Sendable {
    let plan: HistoryPlan
    let world: World
    let judge: Judge
    private(set) var process: PerchProcess?
    private var lastStore = MemoryStore()
    private var processes = 0
    private var nextCrash = Int.max
    private var upSince = Duration.zero
    /// The process is asked to stop soon after the next count has left.
    var stopsAtNextCount = false
    /// Partners who generate a new key soon after their next count has left.
    var changesKeyAtNextCount: Set<Int> = []
    var isOver = false

    var engine: Engine { world.engine }
    var random: RandomSource { world.engine.random }

    init(seed: UInt64, plan: HistoryPlan, isVerbose: Bool) throws {
        self.plan = plan
        world = try World(seed: seed, plan: plan, logger: isVerbose ? .told : .silent)
        judge = Judge(world: world, isVerbose: isVerbose)
        judge.history = self
        world.synthesize.witness = judge
    }

    /// Lives through all of it. Returns what was promised and not kept; empty when all is well.
    func run() -> [String] {
        startProcess()
        for partner in world.partners.indices { scheduleAction(of: partner, within: .seconds(3600)) }
        if random.uniform() < 0.5 { announce() }
        scheduleTrouble()
        planCrash()
        inspect()
        engine.after(.seconds(plan.days * 86_400)) { [self] in settle() }
        while !isOver, judge.violations.isEmpty, engine.step() {
            if engine.jobsRun >= nextCrash { crash() }
        }
        if !isOver, judge.violations.isEmpty { judge.violate("everything stood still before the end: some task waits for ever") }
        return judge.violations
    }

    // MARK: The process

    private func startProcess() {
        processes += 1
        judge.note("process \(processes) starts")
        upSince = engine.elapsed
        judge.begins(with: lastStore)
        process = PerchProcess(number: processes, store: lastStore, world: world, plan: plan)
    }

    /// Often soon again after a start: start-up repairs what the last death left, and must survive its own.
    private func planCrash() {
        let span = random.uniform() < 0.3 ? min(400, plan.jobsBetweenCrashes) : plan.jobsBetweenCrashes
        nextCrash = engine.jobsRun + 1 + random.number(below: span)
    }

    /// Between any two steps of any task.
    private func crash() {
        nextCrash = .max
        guard let process, !isSettling else { return }
        judge.note("process \(process.number) dies")
        for run in activeRuns(process) { judge.deaths.add(run) }
        lastStore = process.store.snapshot()
        self.process = nil
        engine.kill(process: process.number)
        comeBack()
    }

    /// After a moment, mostly; or after days.
    private func comeBack() {
        let pause = random.uniform() < 0.1 ? random.number(below: 2 * 86_400) : random.number(below: 120)
        engine.after(.seconds(pause)) { [self] in
            guard process == nil else { return }
            startProcess()
            if !isSettling { planCrash() }
        }
    }

    /// An orderly stop and start.
    func restart() {
        guard let process, !isSettling else { return }
        judge.note("process \(process.number) is asked to stop")
        nextCrash = .max
        Task { [self] in
            await process.stop()
            guard self.process === process else { return }
            judge.note("process \(process.number) has stopped")
            for run in activeRuns(process) where run.state != .queued {
                judge.violate("run \(run.id) was not put down in order: it is \(run.state)")
            }
            lastStore = process.store
            self.process = nil
            comeBack()
        }
    }

    /// A count is on its way.
    func countLeaves(of partner: Int) {
        if changesKeyAtNextCount.remove(partner) != nil {
            engine.after(.seconds(random.uniform())) { [self] in if !isSettling { newKey(partner) } }
        }
        guard stopsAtNextCount else { return }
        stopsAtNextCount = false
        engine.after(.seconds(random.uniform())) { [self] in restart() }
    }

    private func activeRuns(_ process: PerchProcess) -> [SyncRun] {
        do {
            return try world.partners.compactMap(\.id).compactMap { try process.store.activeRun($0) }
        } catch {
            judge.violate("runs cannot be read: \(error)")
            return []
        }
    }

    /// Looks at what the store says of the schedules, now and then.
    private func inspect() {
        engine.after(plan.betweenActions * (0.5 + random.uniform())) { [self] in
            guard !isSettling else { return }
            if let process { judge.judgeSchedules(process, upSince: upSince, lookAgain: plan.lookAgain) }
            inspect()
        }
    }

    // MARK: The end

    private(set) var isSettling = false

    /// From now on nothing goes wrong. What is late arrives; then everybody repairs what is theirs to repair and syncs once more.
    private func settle() {
        isSettling = true
        nextCrash = .max
        judge.note("all is fair from now on")
        world.synthesize.weather = .fair
        world.vendor.faultShare = 0
        world.vendor.refused = []
        world.time.error = .zero
        engine.after(.seconds(180)) { [self] in
            if process == nil { startProcess() }
            guard let process else { return }
            Task { [self] in
                for index in world.partners.indices { await repair(index, process) }
                await judge.judgeTheEnd(process.store)
                isOver = true
            }
        }
    }

    private func repair(_ index: Int, _ process: PerchProcess) async {
        var last = "nothing was tried"
        for _ in 0..<8 {
            do {
                guard let id = try await known(index, process) else { continue }
                let key = currentKey(of: index)
                let connection = try process.store.connection(id)
                if connection.state != .connected || connection.keyLastFour != String(key.suffix(4)) {
                    judge.wakes(partner: index)
                    let job = try await process.desk.connect(id, connectRequest(index, key), by: .partner(id, address: nil))
                    _ = try await ended(job, process)
                }
                // The first sync makes accounts that can be mapped only then.
                for _ in 1...3 {
                    mapEverything(index)
                    let insertion = try await process.desk.startSync(id, by: .partner(id, address: nil))
                    var run = try await ended(insertion.run, process)
                    // What it sent was read before all was fair.
                    if case .alreadyActive = insertion { continue }
                    if run.state == .held {
                        run = try await ended(process.desk.releaseRun(run.id, by: .commandLine).run, process)
                    }
                    last = "\(run.purpose) \(run.state) \(run.failure?.message ?? "")"
                    guard run.state == .succeeded, run.purpose == .usage else { break }
                    if run.tally.notMapped == 0 { return }
                }
            } catch {
                last = "\(error)"
                // A run that was going on already is waited for.
                do {
                    if let id = world.partners[index].id, let active = try process.store.activeRun(id) {
                        _ = try await ended(active, process)
                    }
                } catch { last += " / \(error)" }
            }
        }
        judge.violate("partner \(index) never came to a good end: \(last)")
    }

    private func ended(_ run: SyncRun, _ process: PerchProcess) async throws -> SyncRun {
        for await _ in try await process.desk.progress(of: run.id) {}
        return try await process.desk.syncRun(run.id)
    }
}
