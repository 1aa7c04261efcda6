import HTTPClient
import Logging
import Store
import Synchronization

/// The domain's front door: what people, operators and the command line ask for comes in here. What they may ask is
/// decided before; what comes of it is told in `IntegrationError`'s words.
public final class Desk: Sendable {
    let environment: IntegrationEnvironment
    let board: ProgressBoard
    let worker: RunWorker
    let scheduler: Scheduler
    let outbox: AlertOutbox
    /// Partners of whom a preview is being made.
    let previewing = Mutex<Set<PartnerID>>([])

    public init(_ environment: IntegrationEnvironment) {
        self.environment = environment
        board = ProgressBoard()
        worker = RunWorker(environment, board: board)
        scheduler = Scheduler(environment: environment, worker: worker)
        outbox = AlertOutbox(environment)
    }

    /// Works until the task is cancelled: runs, schedule, alerts, usage that is handed in, and what leaves the ledger for its age. Returns when everything is put down in order.
    public func run() async {
        await withTaskGroup { group in
            group.addTask { await self.worker.work() }
            group.addTask { await self.scheduler.work() }
            group.addTask { await self.outbox.work() }
            group.addTask { await LineRetention(environment: self.environment).work() }
            group.addTask { await FreshUsage(environment: self.environment, worker: self.worker).work() }
        }
    }

    var store: any Store { environment.store }

    /// The vendor's product, for instance "SaaS Alerts".
    public var productName: String { environment.connector.productName }

    /// Runs one store action, its errors told as the domain's.
    func remember<Value: Sendable>(
        _ body: (any Store) async throws(StoreError) -> Value
    ) async throws(IntegrationError) -> Value {
        do {
            return try await body(environment.store)
        } catch {
            throw IntegrationError(error)
        }
    }

    /// Runs the body, the first change of the store in it together with an audit entry.
    func audited<Value: Sendable>(
        _ action: String, _ partner: PartnerID?, by initiator: Initiator, _ details: String = "",
        _ body: () async throws(IntegrationError) -> Value
    ) async throws(IntegrationError) -> Value {
        try await store.audited(entry(action, partner, initiator, details), body)
    }

    /// Writes an audit entry, before something is changed elsewhere: what cannot be written down is not asked for.
    func audit(
        _ action: String, _ partner: PartnerID?, by initiator: Initiator, _ details: String = ""
    ) async throws(IntegrationError) {
        let entry = entry(action, partner, initiator, details)
        try await remember { store throws(StoreError) in try await store.appendAudit(entry) }
    }

    private func entry(_ action: String, _ partner: PartnerID?, _ initiator: Initiator, _ details: String) -> AuditEntry {
        AuditEntry(
            at: environment.time.now(), actor: initiator.actor, action: action, partnerID: partner,
            address: initiator.address, details: details)
    }
}
