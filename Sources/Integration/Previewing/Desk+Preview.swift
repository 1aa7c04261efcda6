import Connectors
import Foundation
import HTTPClient
import Store

extension Desk {
    /// What Sync Now would send: the vendor is read, Synthesize is not called, nothing is recorded. One at a time a partner.
    /// - Throws: `conflict` when the partner is not connected or another preview of it is being made, and what a run would fail with,
    ///   in the same words.
    public func previewSync(_ partner: PartnerID) async throws(IntegrationError) -> UsagePreview {
        let connection = try await environment.connection(partner)
        try connection.requireConnected()
        let stored = try await remember { _ throws(StoreError) in try await environment.vendorCredential(partner) }
        guard let stored else { throw IntegrationError(code: .conflict, message: RunFailure.noVendorCredential.message) }
        let request = try await environment.fetchRequest(of: partner, try environment.vault.openCredential(stored))
        return try await preview(of: partner, request)
    }

    /// The same for a command that has the credential at hand. A partner that is not known has nothing accepted yet.
    /// - Parameter fields: the connector's fields by name.
    public func previewSync(
        vendorReference: String, fields: [String: String]
    ) async throws(IntegrationError) -> UsagePreview {
        let partner = try await knownPartner(vendorReference)
        do {
            let credential = try environment.connector.credential(from: fields)
            var request = FetchRequest(credential: credential, partner: vendorReference)
            if let partner { request = try await environment.fetchRequest(of: partner.id, credential) }
            return try await preview(of: partner?.id, request)
        } catch let error as ConnectorError {
            throw IntegrationError(error)
        } catch let error as IntegrationError {
            throw error
        } catch {
            throw IntegrationError(code: .secrets, message: "The vendor's credential could not be read.")
        }
    }

    private func preview(
        of partner: PartnerID?, _ request: FetchRequest
    ) async throws(IntegrationError) -> UsagePreview {
        if let partner, !previewing.withLock({ $0.insert(partner).inserted }) {
            throw IntegrationError(
                code: .conflict, message: "A preview for this partner is being made already. Try again when it is done.")
        }
        defer { if let partner { previewing.withLock { _ = $0.remove(partner) } } }
        let snapshot = try await fetch(request)
        let readAt = environment.time.now()
        let services = try await remember { store throws(StoreError) in try await store.services() }
        let environment = environment
        let (last, listed) = try await remember { store throws(StoreError) -> ([LastCount], [UsageLine]) in
            guard let partner else { return ([], []) }
            return (try await store.lastCounts(partner), try await environment.droppedToZero(partner))
        }
        return UsagePreview(
            of: snapshot, connector: environment.connector, serviceIDs: ServicePlan.ids(of: services), lastCounts: last,
            listedBefore: Set(listed.map(UsagePlan.Pair.init)), policy: environment.policy, readAt: readAt)
    }

    /// The vendor's answer, or what a run would say of its failure; a person waits for it, so not for longer than `previewDeadline`.
    private func fetch(_ request: FetchRequest) async throws(IntegrationError) -> VendorSnapshot {
        let (connector, time, deadline) = (environment.connector, environment.time, environment.policy.previewDeadline)
        let stopped = ConnectorError(code: .cancelled, message: "The preview was stopped. Nothing was sent.")
        let result = await withTaskGroup(of: Result<VendorSnapshot, IntegrationError>.self) { group in
            group.addTask {
                do throws(ConnectorError) {
                    return .success(try await connector.fetchUsage(request))
                } catch {
                    return .failure(IntegrationError(error))
                }
            }
            group.addTask {
                do throws(CancellationError) {
                    try await time.sleep(deadline)
                } catch {
                    return .failure(IntegrationError(stopped))
                }
                return .failure(
                    IntegrationError(
                        code: .vendorUnavailable,
                        message: "\(connector.productName) took longer than \(deadline.components.seconds) s to answer, so the preview "
                            + "was given up. Nothing was sent. Try again; a sync waits longer."))
            }
            defer { group.cancelAll() }
            return await group.next() ?? .failure(IntegrationError(stopped))
        }
        return try result.get()
    }
}
