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
        guard let readyAt = try await newestReadyAt(partner, intake), readyAt <= now else { return }
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

    /// When the newest usage of a partner could first be read.
    private func newestReadyAt(_ partner: Partner, _ intake: UsageIntake) async throws(StoreError) -> Date? {
        let delivered = try await environment.store.newestDelivery(partner.id)?.receivedAt
        let left: Date?
        do throws(ConnectorError) {
            left = try intake.fileReadyAt(partner.vendorReference)
        } catch {
            // A sync says it too; this would say it every few seconds.
            environment.logger.debug("a usage file cannot be looked at", metadata: ["partner": "\(partner.id)", "error": "\(error)"])
            left = nil
        }
        return [delivered, left].compactMap(\.self).max()
    }
}
