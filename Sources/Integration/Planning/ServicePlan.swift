import Connectors
import Store
import Synthesize

/// Which services must be created or updated in Synthesize. Names are matched without case (contract U-37).
struct ServicePlan: Sendable, Hashable {
    struct Update: Sendable, Hashable {
        var id: String
        var changes: ServiceChanges
    }

    var create: [ServiceDraft]
    var update: [Update]

    var isEmpty: Bool { create.isEmpty && update.isEmpty }

    /// - Parameters:
    ///   - overridden: ids of services that an operator changed by hand; they are left as they are.
    ///   - renamed: ids of services that an operator gave another name, by lower-cased catalogue name.
    /// - Throws: `invalidInput` when the catalogue names a category that Gradient does not know.
    init(
        catalogue: [CatalogueService], existing: [VendorService], overridden: Set<String>,
        renamed: [String: String] = [:]
    ) throws(IntegrationError) {
        let known = Self.byCatalogueName(existing, renamed: renamed)
        create = []
        update = []
        for service in catalogue {
            guard let category = ServiceCategory(rawValue: service.category),
                let subcategory = ServiceSubcategory(rawValue: service.subcategory)
            else {
                throw IntegrationError(
                    code: .invalidInput,
                    message: "The service \"\(service.name)\" has a category that Gradient does not know: "
                        + "\(service.category) / \(service.subcategory). Correct the connector's catalogue.")
            }
            let draft = ServiceDraft(
                name: service.name, description: service.description, category: category, subcategory: subcategory)
            guard let found = known[service.name.lowercased()] else {
                create.append(draft)
                continue
            }
            let changes = Self.changes(from: found, to: draft)
            if !changes.isEmpty, !overridden.contains(found.id) { update.append(Update(id: found.id, changes: changes)) }
        }
    }

    /// Synthesize's services by lower-cased name; the first of equal names.
    static func byName(_ services: [VendorService]) -> [String: VendorService] {
        Dictionary(services.map { ($0.name.lowercased(), $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// Synthesize's services by the lower-cased name that the catalogue has for them.
    static func byCatalogueName(_ services: [VendorService], renamed: [String: String]) -> [String: VendorService] {
        let byID = Dictionary(services.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        return byName(services).merging(renamed.compactMapValues { byID[$0] }) { _, renamed in renamed }
    }

    /// Ids of services as last seen in Synthesize, by the lower-cased name that the catalogue has for them. Of equal names the newest
    /// seen counts, then the oldest made, whose id is the smaller one.
    static func ids(of remembered: [Service]) -> [String: String] {
        let order = remembered.sorted { ($0.lastSeenAt, $1.id) < ($1.lastSeenAt, $0.id) }
        let byName = Dictionary(order.map { ($0.name.lowercased(), $0.id) }, uniquingKeysWith: { _, last in last })
        let renamed = order.compactMap { service in service.catalogueName.map { ($0.lowercased(), service.id) } }
        return byName.merging(renamed) { _, renamed in renamed }
    }

    private static func changes(from service: VendorService, to draft: ServiceDraft) -> ServiceChanges {
        ServiceChanges(
            name: service.name == draft.name ? nil : draft.name,
            description: service.description == draft.description ? nil : draft.description,
            category: service.category == draft.category.rawValue ? nil : draft.category,
            subcategory: service.subcategory == draft.subcategory.rawValue ? nil : draft.subcategory)
    }
}
