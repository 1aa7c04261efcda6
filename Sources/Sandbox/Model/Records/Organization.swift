import Foundation

/// A partner (an MSP), its PSA, and the state of its one integration with the vendor.
public struct Organization: Sendable {
    public let id: String
    public let name: String
    public let integrationID: String

    /// The partner's half of the GRADIENT-TOKEN; nil while disconnected.
    public internal(set) var partnerKey: PartnerKey?
    public internal(set) var revokedKeys: [PartnerKey] = []
    /// Set while a key waits to be shown to the partner, once.
    var keyToShow: String?

    public internal(set) var status = IntegrationStatus.inactive
    /// Moved by every accepted unit count (U-31); nil for never.
    public internal(set) var lastSyncedAt: Date?
    /// Whether the partner pressed Finish; not visible through the vendor API (contract section 7.1).
    public internal(set) var mappingFinished = false

    public private(set) var clients: [PSAClient] = []
    private var clientPositions: [String: Int] = [:]
    public internal(set) var products: [PSAProduct] = []
    public internal(set) var accounts = MappingProperties()
    public internal(set) var services = MappingProperties()
    public internal(set) var mappings = Mappings()
    public internal(set) var counts: [CountKey: UnitCount] = [:]
    var billing = BillingView()
    var alerts = AlertQueue()

    init(id: String, name: String, integrationID: String) {
        self.id = id
        self.name = name
        self.integrationID = integrationID
    }
}

public struct PartnerKey: Sendable, Equatable {
    public let value: String
    public let issuedAt: Date
    public internal(set) var revokedAt: Date?
}

/// A customer of the partner, as its PSA knows it.
public struct PSAClient: Sendable, Equatable {
    public let id: String
    public let name: String
}

/// What the partner bills its clients for.
public struct PSAProduct: Sendable, Equatable {
    public let id: String
    public let name: String
    /// Quantity in the agreement with each client, by client id.
    public internal(set) var quantities: [String: Double] = [:]
}

extension Organization {
    /// What O1 and O2 tell of a never-synced integration (contract section 3.3).
    static let neverSynced = "1900-06-18T17:11:28.553Z"

    /// IntegrationData (contract section 3.3).
    func integrationJSON(vendor: Vendor) -> JSONValue {
        [
            "organizationId": .string(id), "name": .string(name), "vendorId": .string(vendor.id),
            "vendorName": .string(vendor.name), "integrationId": .string(integrationID),
            "status": .string(status.rawValue), "lastSyncedAt": .string(lastSyncedAt?.wireText ?? Self.neverSynced),
        ]
    }

    func client(_ id: String) -> PSAClient? { clientPositions[id].map { clients[$0] } }

    /// The client mapped to an account, by the vendor's id of the account.
    func mappedClient(ofAccountID id: String) -> String? {
        accounts[id].flatMap { mappings.client(ofAccount: $0.key) }
    }

    mutating func append(_ client: PSAClient) {
        clientPositions[client.id] = clients.count
        clients.append(client)
    }

    /// Disconnect as the partner sees it (contract section 7.2, U-28): the key is revoked, accounts,
    /// organisation-level services, mappings and counts are deleted, the status falls to inactive.
    /// Tickets already in the PSA stay there.
    mutating func disconnect(at now: Date) {
        revokeKey(at: now)
        status = .inactive
        lastSyncedAt = nil
        mappingFinished = false
        accounts = MappingProperties()
        services = MappingProperties()
        mappings = Mappings()
        counts = [:]
        billing = BillingView()
    }

    mutating func revokeKey(at now: Date) {
        guard var key = partnerKey else { return }
        key.revokedAt = now
        revokedKeys.append(key)
        partnerKey = nil
        keyToShow = nil
    }
}
