import Connectors

/// What an operator keeps out of Synthesize: neither accounts nor services are made there or changed, and of neither counts are sent.
/// What is kept out stands in the ledger as excluded, with the count that the vendor told.
public struct Exclusions: Sendable, Hashable {
    /// The vendor's ids, byte by byte as the vendor writes them.
    public var accounts: Set<String>
    /// Names of services, lower case.
    private var services: Set<String>

    public init(accounts: some Sequence<String> = [], services: some Sequence<String> = []) {
        self.accounts = Set(accounts)
        self.services = Set(services.map { $0.lowercased() })
    }

    func excludes(account: String, service: String) -> Bool { accounts.contains(account) || excludes(service: service) }

    func excludes(service: String) -> Bool { services.contains(service.lowercased()) }

    func kept(_ accounts: [VendorAccount]) -> [VendorAccount] { accounts.filter { !self.accounts.contains($0.id) } }

    func kept(_ services: [CatalogueService]) -> [CatalogueService] { services.filter { !excludes(service: $0.name) } }
}
