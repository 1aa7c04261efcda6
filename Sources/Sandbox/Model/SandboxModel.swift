import Foundation

/// Synthesize on a desk: one vendor, its partners, and what the contract says happens to them.
///
/// A value without clock, randomness or sockets. Every instant is passed in and every id comes from
/// the seed, so the same calls at the same instants give the same answers, byte for byte.
public struct SandboxModel: Sendable {
    public internal(set) var vendor: Vendor
    public internal(set) var organizations: [Organization] = []
    public var settings: SandboxSettings
    /// Faults waiting to strike, first match first.
    public internal(set) var faults: [Fault] = []
    /// Requests to the simulated Synthesize.
    public internal(set) var requests = RequestMeter()
    /// Requests to the simulated Synthesize in the order in which they were carried out, while the setting `journal` is on.
    public internal(set) var journal: [JournalEntry] = []

    var identifiers: IdentifierSource
    var tokens = TokenTable()
    var vendorAPIs: [any SimulatedVendorAPI]
    private var organizationPositions: [String: Int] = [:]

    /// - Parameters:
    ///   - seed: the vendor, and the partners to begin with.
    ///   - randomSeed: where ids and keys come from.
    ///   - now: when the vendor was created.
    public init(
        seed: SandboxSeed = .empty, settings: SandboxSettings = SandboxSettings(), randomSeed: UInt64, at now: Date
    ) {
        identifiers = IdentifierSource(seed: randomSeed)
        let vendorID = identifiers.objectID(at: now)
        let madeUpKey = identifiers.uuid()
        vendor = Vendor(id: vendorID, apiKey: seed.vendor.apiKey ?? madeUpKey, profile: seed.vendor, at: now)
        self.settings = settings
        vendorAPIs = [
            SaaSAlertsAPI(configuration: seed.saasAlerts), AugmenttAPI(), ThreatLockerAPI(), NinjaOneAPI(), SentinelOneAPI(),
            DattoRMMAPI(), UsecureAPI(),
        ]
        tokens.allow(vendorKey: vendor.apiKey, partnerKey: "", organization: nil)
        for organization in seed.organizations { createOrganization(organization, at: now) }
    }

    /// The organization of that id.
    public func organization(_ id: String) throws(SandboxError) -> Organization {
        organizations[try position(ofOrganization: id)]
    }

    /// The unit count last accepted for an account and a service, by the ids S4 takes; nil for none.
    public func unitCount(organization id: String, accountID: String, serviceID: String) throws(SandboxError) -> UnitCount? {
        let organization = try organization(id)
        guard let account = organization.accounts[accountID],
            let service = organization.service(serviceID, vendor: vendor)
        else { return nil }
        return organization.counts[CountKey(accountKey: account.key, serviceKey: service.key)]
    }

    func position(ofOrganization id: String) throws(SandboxError) -> Int {
        guard let position = organizationPositions[id] else {
            throw SandboxError(.notFound, "There is no organization \(id).")
        }
        return position
    }

    mutating func append(_ organization: Organization) {
        organizationPositions[organization.id] = organizations.count
        organizations.append(organization)
    }
}
