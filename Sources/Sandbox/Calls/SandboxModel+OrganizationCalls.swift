import HTTPTypes

// O1, O2, O3: the integration, its status, the clients of the PSA.

extension SandboxModel {
    /// Bare (contract section 3.1).
    func getIntegration(_ context: CallContext) throws(CallRefusal) -> SandboxAnswer {
        .json(organizations[try context.organization].integrationJSON(vendor: vendor))
    }

    /// Enveloped, unlike O1. Any status follows any other (U-4). A body is read only to refuse broken
    /// JSON: clients send none, or `{}` (contract section 14).
    mutating func updateStatus(_ context: CallContext) throws(CallRefusal) -> SandboxAnswer {
        let position = try context.organization
        _ = try context.content
        let accepted = settings.extendedStatuses ? Set(IntegrationStatus.allCases) : IntegrationStatus.current
        guard let status = IntegrationStatus(rawValue: context.parameter), accepted.contains(status) else {
            let words = IntegrationStatus.allCases.filter(accepted.contains).map(\.rawValue).joined(separator: ", ")
            throw CallRefusal(.badRequest, "status must be one of: \(words)")
        }
        organizations[position].status = status
        return enveloped(
            organizations[position].integrationJSON(vendor: vendor), message: "Success - Updated Integration Status")
    }

    /// Objects in pages of a fixed size, in the order of their ids; `previousId` is a keyset cursor
    /// and the page after the last is empty. All of this is our guess (U-16) and marked as such.
    func getClients(_ context: CallContext) throws(CallRefusal) -> SandboxAnswer {
        let organization = organizations[try context.organization]
        let query = try context.query
        var clients = organization.clients
        if let search = query["search"], !search.isEmpty {
            clients = clients.filter { $0.name.lowercased().contains(search.lowercased()) }
        }
        let total = clients.count
        if let previous = query["previousId"], !previous.isEmpty {
            clients = Array(clients.drop { $0.id != previous }.dropFirst())
        }
        let page = clients.prefix(settings.clientsPageSize).map { client -> JSONValue in
            ["_id": .string(client.id), "id": .string(client.id), "name": .string(client.name)]
        }
        return .json([
            "meta": ["total": .number(Double(total)), "count": .number(Double(page.count)), "simulated": true],
            "clients": .array(page),
        ])
    }
}
