/// What an operator keeps out of Synthesize: accounts are not made there, and of neither accounts nor services counts are sent. What is
/// kept out stands in the ledger as excluded, with the count that the vendor told.
public struct Exclusions: Sendable, Hashable {
    /// The vendor's ids, byte by byte as the vendor writes them.
    public var accounts: Set<String>
    /// Names of services, lower case.
    private var services: Set<String>

    public init(accounts: some Sequence<String> = [], services: some Sequence<String> = []) {
        self.accounts = Set(accounts)
        self.services = Set(services.map { $0.lowercased() })
    }

    func excludes(account: String, service: String) -> Bool {
        accounts.contains(account) || services.contains(service.lowercased())
    }
}
