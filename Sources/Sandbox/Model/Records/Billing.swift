import Foundation

/// One account and one service.
public struct CountKey: Hashable, Sendable {
    public let accountKey: String
    public let serviceKey: String
}

/// The quantity of one service used by one account, as last set through S4.
public struct UnitCount: Sendable, Equatable {
    public var value: Double
    /// When it was last set.
    public var at: Date
    /// How often it was set.
    public var times: Int
}

/// The counts as the billing page shows them. Synthesize rebuilds that view after a burst of calls
/// ends, and not at all for calls with `no_build` (contract S4).
struct BillingView: Sendable {
    private(set) var counts: [CountKey: UnitCount] = [:]
    private var rebuildDue: Date?

    /// A count was accepted that asks for a rebuild; each further one puts it off.
    mutating func countAccepted(at now: Date, delayMilliseconds: Int) {
        rebuildDue = now.addingTimeInterval(Double(delayMilliseconds) / 1000)
    }

    func isStale(at now: Date) -> Bool { rebuildDue.map { $0 <= now } ?? false }

    mutating func rebuild(from counts: [CountKey: UnitCount]) {
        self.counts = counts
        rebuildDue = nil
    }
}

/// One card of the billing page: a mapped service, and PSA against vendor quantity for each mapped
/// client (contract section 13).
struct ServiceCard: Sendable, Equatable {
    enum Kind: String, Sendable {
        case newRevenue = "New revenue found"
        case reconcile = "Reconcile"
        case noChange = "No change"
        /// No count was received: the page shows a dash.
        case notReceived = "No vendor count"
    }

    struct Line: Sendable, Equatable {
        var clientName: String
        var accountName: String
        var psaQuantity: Double
        var vendorQuantity: Double?

        var kind: Kind {
            guard let vendorQuantity else { return .notReceived }
            if vendorQuantity == psaQuantity { return .noChange }
            return psaQuantity == 0 ? .newRevenue : .reconcile
        }
    }

    var serviceName: String
    var productNames: [String]
    var lines: [Line]
}

extension Organization {
    mutating func refreshBillingIfDue(at now: Date) {
        if billing.isStale(at: now) { billing.rebuild(from: counts) }
    }

    /// Cards for mapped services only: nothing unmapped ever makes a card (contract section 13).
    func serviceCards(vendor: Vendor) -> [ServiceCard] {
        mappableServices(vendor: vendor).compactMap { service in
            let mapped = mappings.products(ofService: service.key)
            guard !mapped.isEmpty else { return nil }
            let products = self.products.filter { mapped.contains($0.id) }
            let lines = accounts.items.compactMap { account -> ServiceCard.Line? in
                guard let client = mappings.client(ofAccount: account.key).flatMap(client) else { return nil }
                let count = billing.counts[CountKey(accountKey: account.key, serviceKey: service.key)]
                return ServiceCard.Line(
                    clientName: client.name, accountName: account.name,
                    psaQuantity: products.reduce(0) { $0 + ($1.quantities[client.id] ?? 0) },
                    vendorQuantity: count?.value)
            }
            return ServiceCard(serviceName: service.name, productNames: products.map(\.name), lines: lines)
        }
    }

    /// What stands on the right of the service mapping page: vendor-level services, then
    /// organisation-level ones.
    func mappableServices(vendor: Vendor) -> [(key: String, id: String, name: String)] {
        vendor.services.map { (key: $0.id, id: $0.id, name: $0.name) }
            + services.items.map { (key: $0.key, id: $0.id, name: $0.name) }
    }

    /// The service S4 means: a vendor-level service's id, an organisation-level service's own id, or
    /// its internal id (U-11).
    func service(_ id: String, vendor: Vendor) -> (key: String, id: String, name: String)? {
        if let service = vendor.catalogue[id] { return (key: service.id, id: service.id, name: service.name) }
        guard let service = services[id] ?? services.withKey(id) else { return nil }
        return (key: service.key, id: service.id, name: service.name)
    }
}
