import HTTPServer
import Integration
import Store

extension AdminAPI {
    static let auditRoutes = [
        AdminRoute(.get, "/audit", .viewer, query: AdminRoute.paging.union(["partner"])) { call in
            let page = try PageRequest(call.request.query)
            let entries = try await call.environment.store.auditEntries(
                partner: call.request.query["partner"].map { PartnerID($0) }, before: page.afterNumber(),
                limit: page.limitAndOne)
            return .answer(Page(entries, page, key: { String($0.sequence) }, item: AuditAnswer.init))
        },
        AdminRoute(.get, "/audit.csv", .viewer) { call in AuditExport(call.environment.store).response(.csv) },
        AdminRoute(.get, "/audit.json", .viewer) { call in AuditExport(call.environment.store).response(.json) },
    ]
}
