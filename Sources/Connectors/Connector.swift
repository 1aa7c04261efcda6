import Foundation

/// Where one vendor's accounts, services and usage come from.
public protocol Connector: Sendable {
    /// Stable word, kept with stored credentials, for instance `saas-alerts`.
    var id: String { get }
    /// The product's name as partners know it.
    var productName: String { get }
    /// What is asked of the partner, in the order of the form.
    var fields: [ConnectorField] { get }
    /// The reviewed catalogue: services come from here, and from data only where `discoversServices` says so.
    var services: [CatalogueService] { get }
    /// A fetch of usage may bring services beside the catalogue's, within a limit that was reviewed with it.
    var discoversServices: Bool { get }
    /// How usage is handed in; nil for a connector that asks the vendor.
    var intake: UsageIntake? { get }

    /// Reads what the partner entered: trimmed, checked, completed with defaults.
    /// - Throws: `ConnectorError` with code `invalidInput`, whose message names the field.
    func credential(from entered: [String: String]) throws(ConnectorError) -> ConnectorCredential
    /// The partner's customers, whole or not at all.
    func fetchAccounts(_ request: FetchRequest) async throws(ConnectorError) -> VendorAccounts
    /// Customers and counts of one instant, whole or not at all.
    func fetchUsage(_ request: FetchRequest) async throws(ConnectorError) -> VendorSnapshot
    /// Proves the credential by one request.
    /// - Returns: who is logged in; nil when the vendor does not tell.
    func test(_ credential: ConnectorCredential) async throws(ConnectorError) -> String?
}

extension Connector {
    public var discoversServices: Bool { false }
    public var intake: UsageIntake? { nil }
    public func test(_ credential: ConnectorCredential) async throws(ConnectorError) -> String? { nil }
}

/// Whose data is asked for, and with what.
public struct FetchRequest: Sendable {
    /// What was entered for the partner.
    public var credential: ConnectorCredential
    /// The partner's id at the vendor: the `sub` of a launch token.
    public var partner: String
    /// The newest usage that was pushed or uploaded for the partner; only for a connector with an `intake`.
    public var received: ReceivedUsage?
    /// Which usage the partner's last sync took: none older than that is taken. Only for a connector with an `intake`.
    public var taken: HandedInUsage?

    public init(
        credential: ConnectorCredential, partner: String, received: ReceivedUsage? = nil, taken: HandedInUsage? = nil
    ) {
        self.credential = credential
        self.partner = partner
        self.received = received
        self.taken = taken
    }
}

/// One field of the form under "Connect".
public struct ConnectorField: Sendable, Hashable {
    /// The form's and the credential's name of the field.
    public var name: String
    public var label: String
    public var help: String
    /// Never shown again, and stored sealed.
    public var isSecret: Bool
    /// Used when the partner leaves the field empty the first time.
    public var defaultValue: String?
    /// The field's name in the `.env` of the single-partner commands, for instance `API_KEY`.
    public var environmentName: String
    /// When not empty, the value is one of these.
    public var choices: [Choice]

    public struct Choice: Sendable, Hashable {
        public var value: String
        /// As the form shows it.
        public var label: String

        public init(value: String, label: String) {
            self.value = value
            self.label = label
        }
    }

    public init(
        name: String, label: String, help: String, isSecret: Bool, defaultValue: String? = nil, environmentName: String,
        choices: [Choice] = []
    ) {
        self.environmentName = environmentName
        self.choices = choices
        self.name = name
        self.label = label
        self.help = help
        self.isSecret = isSecret
        self.defaultValue = defaultValue
    }
}

/// A service that a vendor sells, as reviewed by its engineers. Category words are Gradient's (contract 6.1, 6.2).
public struct CatalogueService: Sendable, Hashable {
    public var name: String
    public var description: String
    public var category: String
    public var subcategory: String
    /// What every count of this service counts.
    public var basis: CountBasis

    public init(name: String, description: String, category: String, subcategory: String, basis: CountBasis) {
        self.name = name
        self.description = description
        self.category = category
        self.subcategory = subcategory
        self.basis = basis
    }
}

/// What a count counts: kept with every line of the ledger, so that a number can be defended years later.
public struct CountBasis: Sendable, Hashable {
    /// In the vendor's own words, for instance `billable users`.
    public var name: String
    /// From 1. Raised with every change of what is counted under this name, however small.
    public var version: Int

    public init(name: String, version: Int) {
        self.name = name
        self.version = version
    }
}

/// One customer of the partner in the vendor's platform.
public struct VendorAccount: Sendable, Hashable {
    public var id: String
    public var name: String

    public init(id: String, name: String) {
        self.id = id
        self.name = name
    }
}

/// A complete list of customers.
public struct VendorAccounts: Sendable, Hashable {
    /// In the vendor's order, ids unique.
    public var accounts: [VendorAccount]
    /// Records left out because they lack an id or a name.
    public var recordsDropped: Int

    public init(accounts: [VendorAccount], recordsDropped: Int) {
        self.accounts = accounts
        self.recordsDropped = recordsDropped
    }
}

/// One count of one service for one account, as the vendor tells it.
public struct UsageRecord: Sendable, Hashable {
    public var accountID: String
    /// The name of a service of the catalogue, or of one that the same fetch discovered.
    public var serviceName: String
    public var count: Decimal

    public init(accountID: String, serviceName: String, count: Decimal) {
        self.accountID = accountID
        self.serviceName = serviceName
        self.count = count
    }
}

/// Everything that one fetch brought. An incomplete read is an error, so a snapshot is always whole.
public struct VendorSnapshot: Sendable, Hashable {
    public var accounts: [VendorAccount]
    public var usage: [UsageRecord]
    /// Records left out because they lack an id, a name or a count.
    public var recordsDropped: Int
    /// Services that the data brought beside the catalogue's.
    public var discovered: [CatalogueService]
    /// Which usage that was handed in this is; nil where the vendor was asked.
    public var handedIn: HandedInUsage?

    public init(
        accounts: [VendorAccount], usage: [UsageRecord], recordsDropped: Int, discovered: [CatalogueService] = []
    ) {
        self.accounts = accounts
        self.usage = usage
        self.recordsDropped = recordsDropped
        self.discovered = discovered
    }
}
