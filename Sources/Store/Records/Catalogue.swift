import Foundation

/// The vendor's record of one of the partner's customers, as Synthesize is known to hold it.
public struct Account: Sendable, Hashable {
    public var partnerID: PartnerID
    /// The vendor's own stable id (contract A2).
    public var id: String
    public var name: String
    /// What Synthesize said of its mapping; nil where it does not tell (contract U-10).
    public var isMapped: Bool?
    public var lastSeenAt: Date

    public init(partnerID: PartnerID, id: String, name: String, isMapped: Bool?, lastSeenAt: Date) {
        self.partnerID = partnerID
        self.id = id
        self.name = name
        self.isMapped = isMapped
        self.lastSeenAt = lastSeenAt
    }
}

/// A thing the vendor sells, as Synthesize holds it for all partners.
public struct Service: Sendable, Hashable {
    /// Synthesize's id.
    public var id: String
    public var name: String
    public var description: String
    public var category: String
    public var subcategory: String
    /// An operator changed it by hand, so the connector's catalogue no longer overwrites it.
    public var isOverridden: Bool
    /// The name by which the catalogue means it, when an operator gave it another in Synthesize.
    public var catalogueName: String?
    public var lastSeenAt: Date

    public init(
        id: String, name: String, description: String, category: String, subcategory: String, isOverridden: Bool,
        catalogueName: String? = nil, lastSeenAt: Date
    ) {
        self.id = id
        self.name = name
        self.description = description
        self.category = category
        self.subcategory = subcategory
        self.isOverridden = isOverridden
        self.catalogueName = catalogueName
        self.lastSeenAt = lastSeenAt
    }
}

/// Accounts and services as last seen in Synthesize. A memory for pages and for noticing loss, never a reason to skip a read.
public protocol CatalogueStore: Sendable {
    func accounts(_ partner: PartnerID) async throws(StoreError) -> [Account]
    /// Makes the stored accounts of the partner exactly these.
    func replaceAccounts(_ partner: PartnerID, _ accounts: [Account]) async throws(StoreError)
    /// Removes the partner's accounts and last counts: another organization answers from now on.
    func forgetAccounts(_ partner: PartnerID) async throws(StoreError)
    func services() async throws(StoreError) -> [Service]
    /// Inserts or updates by id.
    func saveServices(_ services: [Service]) async throws(StoreError)
}
