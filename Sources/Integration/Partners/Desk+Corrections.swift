import Connectors
import Store
import Synthesize

/// What operators do by hand in Synthesize, with the partner's key.
extension Desk {
    /// O3: the customers in the partner's PSA.
    public func clients(_ partner: PartnerID, search: String?) async throws(IntegrationError) -> [PSAClient] {
        try await ask(partner) { client throws(SynthesizeError) in try await client.clients(search: search) }
    }

    /// The partner's accounts as last seen in Synthesize.
    public func accounts(_ partner: PartnerID) async throws(IntegrationError) -> [Account] {
        try await remember { store throws(StoreError) in try await store.accounts(partner) }
    }

    /// A3: corrects an account's name, description or id.
    public func correctAccount(
        _ partner: PartnerID, id: String, _ changes: MappingEntryChanges, by initiator: Initiator
    ) async throws(IntegrationError) -> Account {
        try Self.requireText(changes.id, "id")
        try Self.requireText(changes.name, "name")
        try requireShowableText(changes.description, "description", "description", inLines: true)
        try await environment.connection(partner).requireConnected()
        try await audit("account.correct", partner, by: initiator, id)
        try await ask(partner) { client throws(SynthesizeError) in try await client.updateAccount(id, changes) }
        let entries = try await ask(partner) { client throws(SynthesizeError) in try await client.accounts() }
        let now = environment.time.now()
        let accounts = entries.map { Account($0, of: partner, lastSeenAt: now) }
        try await remember { store throws(StoreError) in try await store.replaceAccounts(partner, accounts) }
        guard let account = accounts.first(where: { $0.id == changes.id ?? id }) else {
            throw IntegrationError(
                code: .synthesizeUnavailable,
                message: "Synthesize took the correction, but does not list the account under its id. Look at it there.")
        }
        return account
    }

    /// The vendor's services as last seen in Synthesize.
    public func services() async throws(IntegrationError) -> [Service] {
        try await remember { store throws(StoreError) in try await store.services() }
    }

    /// S3: changes a service for all partners. From then on the connector's catalogue leaves it alone.
    public func updateService(
        _ id: String, _ changes: ServiceChanges, by initiator: Initiator
    ) async throws(IntegrationError) -> Service {
        try Self.requireText(changes.name, "name")
        try requireShowableText(changes.description, "description", "description", inLines: true)
        try requireShowableText(changes.supportArticle, "supportArticle", "support article")
        try requireShowableText(changes.supportContact, "supportContact", "support contact")
        let before = try await services().first { $0.id == id }
        let partner = try await anyConnectedPartner()
        try await audit("service.update", nil, by: initiator, id)
        try await ask(partner) { client throws(SynthesizeError) in try await client.updateService(id, changes) }
        // S3's answer says nothing reliable; V1 tells what came of it (U-13).
        let vendor = try await ask(partner) { client throws(SynthesizeError) in try await client.vendor() }
        guard let updated = vendor.services.first(where: { $0.id == id }) else {
            throw IntegrationError(code: .notFound, message: "Synthesize has no service with this id.")
        }
        let service = Service(
            updated, isOverridden: true, catalogueName: before.flatMap(catalogueName), lastSeenAt: environment.time.now())
        try await remember { store throws(StoreError) in try await store.saveServices([service]) }
        return service
    }

    /// The name by which the catalogue means a service, so that counts follow it under its new one.
    private func catalogueName(_ service: Service) -> String? {
        service.catalogueName
            ?? environment.connector.services.first { $0.name.lowercased() == service.name.lowercased() }?.name
    }

    /// Synthesize would take an empty id or name, and nothing could ever name that thing again.
    private static func requireText(_ text: String?, _ field: String) throws(IntegrationError) {
        guard let text else { return }
        try requireShowableText(text, field, field)
        guard text.trimmingWhitespace().isEmpty else { return }
        throw IntegrationError(code: .invalidInput, message: "The \(field) must not be empty. Nothing was changed.", field: field)
    }

    /// Vendor-level calls need a whole token (U-26), so some partner's key must lend its half.
    private func anyConnectedPartner() async throws(IntegrationError) -> PartnerID {
        var cursor: PartnerID?
        while true {
            let page = try await remember { [cursor] store throws(StoreError) in
                try await store.partners(after: cursor, limit: 100)
            }
            for partner in page {
                let connection = try await environment.connection(partner.id)
                if connection.state == .connected { return partner.id }
            }
            guard let last = page.last else {
                throw IntegrationError(
                    code: .conflict, message: "Synthesize can be asked only with a partner's key, and no partner is connected.")
            }
            cursor = last.id
        }
    }

    /// One call with a partner's key; a refused key is noted on the connection.
    @discardableResult
    private func ask<Value: Sendable>(
        _ partner: PartnerID, _ body: (SynthesizeClient) async throws(SynthesizeError) -> Value
    ) async throws(IntegrationError) -> Value {
        let connection = try await environment.connection(partner)
        try connection.requireConnected()
        let key = try environment.partnerKey(of: connection)
        do {
            return try await body(environment.client(partner, key: key, .interactive, attempts: 2))
        } catch {
            if error.code == .keyRefused {
                let environment = environment
                try await remember { _ throws(StoreError) in
                    try await environment.condemnKey(of: partner, version: connection.keyVersion)
                }
            }
            if error.code == .notFound {
                throw IntegrationError(code: .notFound, message: "Synthesize does not know it: \(error.message)")
            }
            throw IntegrationError(error)
        }
    }
}
