import HTTPClient
import Integration
import Logging
import MemoryStore
import Secrets
import Synthesize

/// One life of the service: from its start to an orderly stop, or to a death at any instant.
final class PerchProcess: Sendable {
    let number: Int
    /// What this process and, after its death, the next one remembers.
    let store: MemoryStore
    let desk: Desk
    private let work: Task<Void, Never>

    init(number: Int, store: MemoryStore, world: World, plan: HistoryPlan) {
        self.number = number
        self.store = store
        let time = world.time.source(ofProcess: number)
        let random = RandomSource.seeded(world.seed &* 1_000 &+ UInt64(number))
        var policy = IntegrationPolicy()
        policy.lookAgain = plan.lookAgain
        // Short, so that a year has many removals.
        policy.lineRetention = .seconds(20 * 86_400)
        let desk = Desk(
            IntegrationEnvironment(
                store: StepwiseStore(memory: store, step: world.disk(ofProcess: number)), keyRing: world.keyRing,
                connector: world.vendor.connector(ofProcess: number),
                synthesize: .init(
                    baseURL: SimulatedSynthesize.origin, http: world.synthesize.sender(ofProcess: number),
                    pacer: Pacer(callsPerSecond: world.callsPerSecond, time: time), time: time, random: random, retry: RetryPolicy()),
                vendorKey: Secret(world.vendorKey), time: time, random: random, policy: policy, logger: world.logger))
        self.desk = desk
        work = Task { await desk.run() }
    }

    /// What a stop signal does.
    func stop() async {
        work.cancel()
        await work.value
    }
}
