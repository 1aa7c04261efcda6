import Connectors
import Foundation
import HTTPClient
import Secrets
import Store
import Synthesize

/// What the commands of Gradient's SDK do, for the one partner whose keys are at hand: no database, one pass each. `sync-usage` is not
/// here: counts go through the ledger.
public struct SinglePartner: Sendable {
    public struct Accounts: Sendable, Hashable {
        public var read: Int
        public var created: Int
        public var updated: Int
        public var recordsDropped: Int
        public var refused: [RefusedAccount]
    }

    public struct Services: Sendable, Hashable {
        public var total: Int
        public var created: Int
        public var updated: Int
    }

    private let client: SynthesizeClient
    private let connector: any Connector
    private let request: FetchRequest

    /// The partner's reference where there is only one.
    public static let reference = "command-line"

    /// - Parameter fields: the connector's fields by name.
    /// - Throws: `invalidInput` when a field is missing or cannot be right.
    public init(
        synthesize: SynthesizeClient.Environment, vendorKey: Secret, partnerKey: Secret, connector: any Connector,
        fields: [String: String]
    ) throws(IntegrationError) {
        client = SynthesizeClient(
            environment: synthesize, token: SynthesizeToken(vendorKey: vendorKey, partnerKey: partnerKey),
            lane: PacerLane(.interactive, share: "commandLine"))
        self.connector = connector
        do {
            request = FetchRequest(credential: try connector.credential(from: fields), partner: Self.reference)
        } catch {
            throw IntegrationError(error)
        }
    }

    /// `authenticate`: proves both credentials.
    public func authenticate() async throws(IntegrationError) -> (organization: PartnerOrganization, accounts: Int) {
        let organization = try await asked { () async throws(SynthesizeError) in try await client.organization() }
        return (organization, try await fetchAccounts().accounts.count)
    }

    /// `sync-accounts`.
    public func syncAccounts() async throws(IntegrationError) -> Accounts {
        let vendor = try await fetchAccounts()
        let settled = try await asked { () async throws(SynthesizeError) in
            let settler = CatalogueSettler(client: client)
            return try await settler.settleAccounts(vendor.accounts, existing: try await settler.accounts())
        }
        return Accounts(
            read: vendor.accounts.count, created: settled.created, updated: settled.updated,
            recordsDropped: vendor.recordsDropped, refused: settled.refused)
    }

    /// `sync-services`.
    public func syncServices() async throws(IntegrationError) -> Services {
        let settler = CatalogueSettler(client: client)
        let existing = try await asked { () async throws(SynthesizeError) in try await settler.services() }
        var catalogue = connector.services
        if connector.discoversServices { catalogue += try await fetchUsage().discovered }
        let plan = try ServicePlan(catalogue: catalogue, existing: existing, overridden: [])
        let settled = try await asked { () async throws(SynthesizeError) in
            try await settler.settleServices(plan, existing: existing)
        }
        return Services(total: catalogue.count, created: settled.created, updated: settled.updated)
    }

    /// `update-status`: `pending`, unless the integration is active already.
    public func updateStatus() async throws(IntegrationError) -> PartnerOrganization {
        try await asked { () async throws(SynthesizeError) in
            let organization = try await client.organization()
            guard organization.status != .active, organization.status != .pending else { return organization }
            if let updated = try await client.updateStatus(.pending) { return updated }
            return try await client.organization()
        }
    }

    /// `clients`: the customers in the partner's PSA.
    public func clients(search: String?) async throws(IntegrationError) -> [PSAClient] {
        try await asked { () async throws(SynthesizeError) in try await client.clients(search: search) }
    }

    private func fetchAccounts() async throws(IntegrationError) -> VendorAccounts {
        do {
            return try await connector.fetchAccounts(request)
        } catch {
            throw IntegrationError(error)
        }
    }

    private func fetchUsage() async throws(IntegrationError) -> VendorSnapshot {
        do {
            return try await connector.fetchUsage(request)
        } catch {
            throw IntegrationError(error)
        }
    }

    private func asked<Value: Sendable>(
        _ body: () async throws(SynthesizeError) -> Value
    ) async throws(IntegrationError) -> Value {
        do {
            return try await body()
        } catch {
            throw IntegrationError(error)
        }
    }
}
