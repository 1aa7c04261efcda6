import Connectors
import Foundation
import HTTPClient
import Logging
import Store

/// Starts a sync wherever usage was handed in that no run has seen: a file came into the watched folder, or a delivery while the
/// partner's last sync was under way. What was there when the partner connected waits for the schedule: it is not mapped yet. All it goes by are the times of runs, deliveries and files, so a restart forgets nothing.
struct FreshUsage: Sendable {
    let environment: IntegrationEnvironment
    let worker: RunWorker

    private static let partnersAtOnce = 200

    func work() async {
        guard let intake = environment.connector.intake else { return }
        while !Task.isCancelled {
            do throws(StoreError) {
                try await look(intake)
            } catch {
                environment.logger.error("new usage cannot be looked for in the store", metadata: ["error": "\(error)"])
            }
            do {
                try await environment.time.sleep(environment.policy.lookAgain)
            } catch {
                return
            }
        }
    }

    private func look(_ intake: UsageIntake) async throws(StoreError) {
        var after: PartnerID?
        repeat {
            let partners = try await environment.store.partners(after: after, limit: Self.partnersAtOnce)
            for partner in partners { try await look(partner, intake) }
            after = partners.count < Self.partnersAtOnce ? nil : partners.last?.id
        } while after != nil && !Task.isCancelled
    }

    private func look(_ partner: Partner, _ intake: UsageIntake) async throws(StoreError) {
        let (store, now) = (environment.store, environment.time.now())
        // Of what a sync would take, not of what is passed over: an old file that is put there starts none.
        let outlook = intake.outlook(
            for: partner.vendorReference, received: try await store.newestDelivery(partner.id).map(HandedInUsage.init),
            taken: try await store.lastTakenUsage(partner.id).map(HandedInUsage.init), now: now)
        guard let readyAt = outlook.readyAt, readyAt <= now else { return }
        let last = try await store.runs(partner.id, purposes: [.usage, .connect], before: nil, limit: 1).first
        guard last.map({ $0.createdAt < readyAt }) ?? true, try await store.connection(partner.id).state == .connected,
            try await store.activeRun(partner.id) == nil
        else { return }
        let run = SyncRun(
            id: SyncRunID(environment.random.identifier(prefix: "run_")), partnerID: partner.id, trigger: .operator,
            startedBy: "New usage", createdAt: now)
        let entry = AuditEntry(
            at: now, actor: "newUsage", action: "run.start", partnerID: partner.id, address: nil, details: "usage \(run.id)")
        _ = try await store.audited(entry) { () async throws(StoreError) in try await store.insertRun(run) }
        await worker.wake()
    }
}
