import HTTPServer
import Integration
import Store
import Synthesize

extension AdminAPI {
    static let catalogueRoutes = [
        AdminRoute(.get, "/partners/{partnerId}/clients", .viewer, query: AdminRoute.paging.union(["search"])) { call in
            let page = try PageRequest(call.request.query)
            let clients = try await call.desk.clients(call.partnerID, search: call.request.query["search"])
            return .answer(Page(ofAll: clients, page, key: \.id, item: ClientAnswer.init))
        },
        AdminRoute(.get, "/partners/{partnerId}/accounts", .viewer, query: AdminRoute.paging) { call in
            let page = try PageRequest(call.request.query)
            let partner = try await call.desk.partner(call.partnerID)
            let accounts = try await call.desk.accounts(partner.id)
            return .answer(Page(ofAll: accounts, page, key: \.id, item: AccountAnswer.init))
        },
        AdminRoute(.patch, "/partners/{partnerId}/accounts/{accountId}", .operator) { call in
            let body = try await call.body(AccountBody.self)
            let changes = MappingEntryChanges(id: body.id, name: body.name, description: body.description)
            guard !changes.isEmpty else { throw invalidInput("Name at least one field to change.") }
            let account = try await call.desk.correctAccount(
                call.partnerID, id: call.parameter("accountId"), changes, by: call.initiator)
            return .answer(AccountAnswer(account))
        },
        AdminRoute(.get, "/services", .viewer, query: AdminRoute.paging) { call in
            let page = try PageRequest(call.request.query)
            let services = try await call.desk.services()
            return .answer(Page(ofAll: services, page, key: \.id, item: ServiceAnswer.init))
        },
        AdminRoute(.patch, "/services/{serviceId}", .admin) { call in
            let changes = try await call.body(ServiceBody.self).changes()
            guard !changes.isEmpty else { throw invalidInput("Name at least one field to change.") }
            let service = try await call.desk.updateService(call.parameter("serviceId"), changes, by: call.initiator)
            return .answer(ServiceAnswer(service))
        },
    ]
}

private struct AccountBody: StrictBody {
    var id: String?
    var name: String?
    var description: String?

    enum CodingKeys: String, CodingKey, CaseIterable {
        case id, name, description
    }
}

private struct ServiceBody: StrictBody {
    var name: String?
    var description: String?
    var category: String?
    var subcategory: String?
    var supportArticle: String?
    var supportContact: String?

    enum CodingKeys: String, CodingKey, CaseIterable {
        case name, description, category, subcategory, supportArticle, supportContact
    }

    func changes() throws(IntegrationError) -> ServiceChanges {
        var changes = ServiceChanges(
            name: name, description: description, supportArticle: supportArticle, supportContact: supportContact)
        if let category { changes.category = try choice(ServiceCategory.self, category, field: "category") }
        if let subcategory {
            changes.subcategory = try choice(ServiceSubcategory.self, subcategory, field: "subcategory")
        }
        return changes
    }
}
