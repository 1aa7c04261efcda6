import Connectors

extension Connector {
    /// For the tests of connectors that need to know no more than the credential.
    func fetchAccounts(_ credential: ConnectorCredential) async throws(ConnectorError) -> VendorAccounts {
        try await fetchAccounts(FetchRequest(credential: credential, partner: "msp-1"))
    }

    func fetchUsage(_ credential: ConnectorCredential) async throws(ConnectorError) -> VendorSnapshot {
        try await fetchUsage(FetchRequest(credential: credential, partner: "msp-1"))
    }
}
