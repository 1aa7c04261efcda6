import Foundation

// The partner's mapping of accounts to clients and of services to products (contract section 8).

extension SandboxModel {
    /// What to do with one account; ids are the vendor's.
    public enum AccountChoice: Sendable, Equatable {
        case client(String)
        case excluded, unmapped
    }

    /// What to do with one service; ids as S4 takes them.
    public enum ServiceChoice: Sendable, Equatable {
        case products([String])
        case excluded, unmapped
    }

    /// Applies the partner's choices, all or none.
    ///
    /// - Throws: `notFound` for an unknown id; `conflict` when a client would stand for two accounts.
    public mutating func map(
        organization id: String, accounts: [(id: String, choice: AccountChoice)] = [],
        services: [(id: String, choice: ServiceChoice)] = []
    ) throws(SandboxError) {
        let position = try position(ofOrganization: id)
        var mappings = organizations[position].mappings
        let found = try accounts.map { (entry) throws(SandboxError) in
            (account: try account(entry.id, in: position), choice: entry.choice)
        }
        // Everything named is let go first, so that two accounts may trade their clients in one go.
        for entry in found { _ = mappings.set(account: entry.account.key, to: nil) }
        for entry in found {
            let mapping = try accountMapping(entry.choice, in: position)
            guard mappings.set(account: entry.account.key, to: mapping) else {
                throw SandboxError(
                    .conflict, "Account \(entry.account.id) was not mapped: its client stands for another account already.")
            }
        }
        for entry in services {
            let service = try service(entry.id, in: position)
            mappings.set(service: service.key, to: try serviceMapping(entry.choice, in: position))
        }
        organizations[position].mappings = mappings
    }

    /// Maps every unmapped account and service whose name is, byte for byte, that of a client or a
    /// product (contract section 8). Excluded ones stay excluded, taken clients stay taken.
    public mutating func mapExactNames(organization id: String) throws(SandboxError) {
        let position = try position(ofOrganization: id)
        mapAccountsByName(position)
        let organization = organizations[position]
        let products = Dictionary(
            organization.products.map { (WireText($0.name), $0.id) }, uniquingKeysWith: { first, _ in first })
        for service in organization.mappableServices(vendor: vendor)
        where organization.mappings.services[service.key] == nil {
            guard let product = products[WireText(service.name)] else { continue }
            organizations[position].mappings.set(service: service.key, to: .products([product]))
        }
    }

    private mutating func mapAccountsByName(_ position: Int) {
        let organization = organizations[position]
        var free: [WireText: String] = [:]
        for client in organization.clients where organization.mappings.account(ofClient: client.id) == nil {
            if free[WireText(client.name)] == nil { free[WireText(client.name)] = client.id }
        }
        for account in organization.accounts.items where organization.mappings.accounts[account.key] == nil {
            guard let client = free.removeValue(forKey: WireText(account.name)) else { continue }
            _ = organizations[position].mappings.set(account: account.key, to: .client(client))
        }
    }

    /// Maps everything, excluded ones included: first by exact name, then to clients and products
    /// made for the purpose, so that a test needs no PSA of its own.
    public mutating func mapEverything(organization id: String, at now: Date) throws(SandboxError) {
        let organization = try organization(id)
        try mapOrCreate(
            organization: id, accounts: organization.accounts.items.map(\.id),
            services: organization.mappableServices(vendor: vendor).map(\.key), at: now)
    }

    /// Maps the named accounts and services that are not mapped yet, like ``mapEverything(organization:at:)``.
    mutating func mapOrCreate(
        organization id: String, accounts: [String], services: [String], at now: Date
    ) throws(SandboxError) {
        let position = try position(ofOrganization: id)
        let accounts = try accounts.map { (id) throws(SandboxError) in try account(id, in: position) }
        let services = try services.map { (id) throws(SandboxError) in try service(id, in: position) }
        try map(
            organization: id,
            accounts: accounts.compactMap {
                organizations[position].mappings.accounts[$0.key] == .excluded ? ($0.id, .unmapped) : nil
            })
        var freeClients: [WireText: String] = [:]
        for client in organizations[position].clients
        where organizations[position].mappings.account(ofClient: client.id) == nil {
            freeClients[WireText(client.name)] = client.id
        }
        for account in accounts where organizations[position].mappings.client(ofAccount: account.key) == nil {
            let client = freeClients.removeValue(forKey: WireText(account.name)) ?? addClient(account.name, position, at: now)
            _ = organizations[position].mappings.set(account: account.key, to: .client(client))
        }
        for service in services where organizations[position].mappings.products(ofService: service.key).isEmpty {
            let product = organizations[position].products.first { WireText($0.name) == WireText(service.name) }?.id
            organizations[position].mappings.set(
                service: service.key, to: .products([product ?? addProduct(service.name, position, at: now)]))
        }
    }

    private mutating func addClient(_ name: String, _ position: Int, at now: Date) -> String {
        let client = PSAClient(id: identifiers.objectID(at: now), name: name)
        organizations[position].append(client)
        return client.id
    }

    private mutating func addProduct(_ name: String, _ position: Int, at now: Date) -> String {
        let product = PSAProduct(id: identifiers.objectID(at: now), name: name)
        organizations[position].products.append(product)
        return product.id
    }

    private func account(_ id: String, in position: Int) throws(SandboxError) -> MappingProperty {
        guard let account = organizations[position].accounts[id] else {
            throw SandboxError(.notFound, "There is no account \(id) in \(organizations[position].name).")
        }
        return account
    }

    private func service(_ id: String, in position: Int) throws(SandboxError) -> (key: String, id: String, name: String) {
        guard let service = organizations[position].service(id, vendor: vendor) else {
            throw SandboxError(.notFound, "There is no service \(id) for \(organizations[position].name).")
        }
        return service
    }

    private func accountMapping(
        _ choice: AccountChoice, in position: Int
    ) throws(SandboxError) -> Mappings.AccountMapping? {
        switch choice {
        case .unmapped: return nil
        case .excluded: return .excluded
        case .client(let id):
            guard organizations[position].client(id) != nil else {
                throw SandboxError(.notFound, "There is no client \(id) in \(organizations[position].name).")
            }
            return .client(id)
        }
    }

    private func serviceMapping(
        _ choice: ServiceChoice, in position: Int
    ) throws(SandboxError) -> Mappings.ServiceMapping? {
        switch choice {
        case .unmapped: return nil
        case .excluded: return .excluded
        case .products(let ids):
            for id in ids where !organizations[position].products.contains(where: { $0.id == id }) {
                throw SandboxError(.notFound, "There is no product \(id) in \(organizations[position].name).")
            }
            return ids.isEmpty ? nil : .products(ids)
        }
    }
}
