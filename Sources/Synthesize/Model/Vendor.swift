/// A vendor-level service: seen by every partner of the vendor (contract 3.3, VendorSkuData).
public struct VendorService: Sendable, Hashable, Decodable {
    public var id: String
    public var name: String
    public var description: String
    public var category: String
    public var subcategory: String
    public var supportArticle: String?
    public var supportContact: String?

    private enum Key: String, CodingKey {
        case id
        case underscoredID = "_id"
        case name, description, category, subcategory, supportArticle, supportContact
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        guard let id = container.lenientID(.id, .underscoredID), let name = container.lenientText(.name) else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: container.codingPath, debugDescription: "a service without id or name"))
        }
        self.id = id
        self.name = name
        description = container.lenientText(.description) ?? ""
        category = container.lenientText(.category) ?? ""
        subcategory = container.lenientText(.subcategory) ?? ""
        supportArticle = container.lenientText(.supportArticle)
        supportContact = container.lenientText(.supportContact)
    }
}

/// The vendor's own record (contract 3.3, VendorData). Fields that Perch does not use are left unread (U-30, U-35).
public struct VendorProfile: Sendable, Hashable, Decodable {
    public var id: String
    public var name: String
    public var description: String
    public var services: [VendorService]
    /// `alerts` and `billing`, as far as the server tells (U-40).
    public var modules: [String]
    public var integrationPortalURL: String?
    public var supportPageURL: String?

    private enum Key: String, CodingKey {
        case id
        case underscoredID = "_id"
        case name, description, skus, modules
        case integrationPortalUrl, vendorSupportPageUrl
    }

    private struct Module: Decodable {
        let variation: String
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        guard let id = container.lenientID(.id, .underscoredID),
            let services = container.lenientArray(VendorService.self, .skus)
        else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: container.codingPath, debugDescription: "a vendor without id or skus"))
        }
        self.id = id
        self.services = services
        name = container.lenientText(.name) ?? ""
        description = container.lenientText(.description) ?? ""
        modules = container.lenientArray(Module.self, .modules)?.map(\.variation) ?? []
        integrationPortalURL = container.lenientText(.integrationPortalUrl)
        supportPageURL = container.lenientText(.vendorSupportPageUrl)
    }
}

/// What V2 changes; at least one field.
public struct VendorChanges: Sendable, Hashable, Encodable {
    public var name: String?
    public var description: String?
    public var vendorSupportPageUrl: String?
    public var integrationPortalUrl: String?

    public init(
        name: String? = nil, description: String? = nil, vendorSupportPageUrl: String? = nil,
        integrationPortalUrl: String? = nil
    ) {
        self.name = name
        self.description = description
        self.vendorSupportPageUrl = vendorSupportPageUrl
        self.integrationPortalUrl = integrationPortalUrl
    }

    var isEmpty: Bool { self == VendorChanges() }
}

/// What S1 creates.
public struct ServiceDraft: Sendable, Hashable, Encodable {
    public var name: String
    public var description: String
    public var category: ServiceCategory
    public var subcategory: ServiceSubcategory
    public var supportArticle: String?
    public var supportContact: String?

    /// - Parameter description: the name is used when it is empty (U-34).
    public init(
        name: String, description: String, category: ServiceCategory, subcategory: ServiceSubcategory,
        supportArticle: String? = nil, supportContact: String? = nil
    ) {
        self.name = name
        self.description = description.isEmpty ? name : description
        self.category = category
        self.subcategory = subcategory
        self.supportArticle = supportArticle
        self.supportContact = supportContact
    }
}

/// What S3 changes; any subset (U-13).
public struct ServiceChanges: Sendable, Hashable, Codable {
    public var name: String?
    public var description: String?
    public var category: ServiceCategory?
    public var subcategory: ServiceSubcategory?
    public var supportArticle: String?
    public var supportContact: String?

    public init(
        name: String? = nil, description: String? = nil, category: ServiceCategory? = nil,
        subcategory: ServiceSubcategory? = nil, supportArticle: String? = nil, supportContact: String? = nil
    ) {
        self.name = name
        self.description = description
        self.category = category
        self.subcategory = subcategory
        self.supportArticle = supportArticle
        self.supportContact = supportContact
    }

    public var isEmpty: Bool { self == ServiceChanges() }
}
