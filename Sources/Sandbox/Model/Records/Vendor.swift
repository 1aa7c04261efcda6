import Foundation

/// The company whose product is counted, as Synthesize knows it (contract section 3.3, VendorData).
public struct Vendor: Sendable {
    public let id: String
    /// The vendor's half of the GRADIENT-TOKEN.
    public let apiKey: String
    public internal(set) var name: String
    public internal(set) var description: String
    public internal(set) var supportPageURL: String?
    public internal(set) var integrationPortalURL: String?
    public let modules: [ModuleVariation]
    public internal(set) var catalogue = ServiceCatalogue()
    public let createdAt: Date
    public internal(set) var updatedAt: Date

    public var services: [VendorService] { catalogue.services }

    init(id: String, apiKey: String, profile: SandboxSeed.VendorProfile, at now: Date) {
        self.id = id
        self.apiKey = apiKey
        name = profile.name
        description = profile.description
        modules = profile.modules
        createdAt = now
        updatedAt = now
    }
}

/// A service of the vendor, seen by all its partners (contract section 3.3, VendorSkuData).
public struct VendorService: Sendable {
    public let id: String
    public internal(set) var name: String
    public internal(set) var description: String
    public internal(set) var category: String
    public internal(set) var subcategory: String
    public internal(set) var supportArticle: String?
    public internal(set) var supportContact: String?

    /// With `_id`, the deprecated twin of `id` (U-7).
    var json: JSONValue {
        .object(present: [
            "_id": .string(id), "id": .string(id), "name": .string(name), "description": .string(description),
            "category": .string(category), "subcategory": .string(subcategory),
            "supportArticle": supportArticle.map(JSONValue.string),
            "supportContact": supportContact.map(JSONValue.string),
        ])
    }
}

/// The vendor-level services, found by id and by name without a search.
public struct ServiceCatalogue: Sendable {
    public private(set) var services: [VendorService] = []
    private var positions: [WireText: Int] = [:]
    private var uses: [WireText: Int] = [:]

    subscript(id: String) -> VendorService? { positions[WireText(id)].map { services[$0] } }

    func holds(name: String) -> Bool { uses[WireText(name), default: 0] > 0 }

    mutating func append(_ service: VendorService) {
        positions[WireText(service.id)] = services.count
        uses[WireText(service.name), default: 0] += 1
        services.append(service)
    }

    /// Replaces the service of the same id; does nothing when there is none.
    mutating func replace(_ service: VendorService) {
        guard let position = positions[WireText(service.id)] else { return }
        uses[WireText(services[position].name), default: 1] -= 1
        uses[WireText(service.name), default: 0] += 1
        services[position] = service
    }
}

extension Vendor {
    /// VendorData as one organization sees it; nil for a caller with the vendor key alone (U-26).
    /// Holds `_id` and `id` (U-7), `__v` and `attributes` (U-35).
    func json(for organization: Organization?) -> JSONValue {
        let active = organization?.status == .active
        return .object(present: [
            "_id": .string(id), "id": .string(id), "name": .string(name), "description": .string(description),
            "integrationType": "custom", "isDistributor": false,
            "integrationPortalUrl": integrationPortalURL.map(JSONValue.string),
            "vendorSupportPageUrl": supportPageURL.map(JSONValue.string),
            // U-30: the sample's word until the integration is active.
            "externalIntegrationStatus": active ? "active" : "notIntegrated",
            "mappingResponsibilities": ["accounts", "services"],
            "modules": .array(modules.map { ["variation": .string($0.rawValue)] }),
            "organizationId": organization.map { .string($0.id) },
            "attributes": [], "skus": .array(services.map(\.json)),
            "createdAt": .string(createdAt.wireText), "updatedAt": .string(updatedAt.wireText), "__v": 0,
        ])
    }
}
