/// What the partner mapped: accounts to PSA clients, one to one, and services to PSA products, many
/// to many. Keyed by ``MappingProperty/key`` or, for a vendor-level service, its id.
public struct Mappings: Sendable {
    public enum AccountMapping: Sendable, Equatable {
        case client(String)
        case excluded
    }

    public enum ServiceMapping: Sendable, Equatable {
        /// Ids of PSA products, never empty.
        case products([String])
        case excluded
    }

    public private(set) var accounts: [String: AccountMapping] = [:]
    public private(set) var services: [String: ServiceMapping] = [:]
    private var accountByClient: [String: String] = [:]

    /// The client an account is mapped to; nil when it is unmapped or excluded.
    func client(ofAccount key: String) -> String? {
        guard case .client(let id) = accounts[key] else { return nil }
        return id
    }

    /// The account mapped to a client.
    func account(ofClient id: String) -> String? { accountByClient[id] }

    /// The products a service is mapped to; empty when it is unmapped or excluded.
    func products(ofService key: String) -> [String] {
        guard case .products(let ids) = services[key] else { return [] }
        return ids
    }

    /// Maps, excludes or (nil) unmaps an account. Answers false, and changes nothing, when another
    /// account holds the client already: the partner can map one PSA account to one account only.
    mutating func set(account key: String, to mapping: AccountMapping?) -> Bool {
        if case .client(let id) = mapping, let holder = accountByClient[id], holder != key { return false }
        if let previous = client(ofAccount: key) { accountByClient[previous] = nil }
        accounts[key] = mapping
        if case .client(let id) = mapping { accountByClient[id] = key }
        return true
    }

    mutating func set(service key: String, to mapping: ServiceMapping?) { services[key] = mapping }

    var mappedAccountCount: Int { accountByClient.count }
    var mappedServiceCount: Int { services.values.count { $0 != .excluded } }
}
