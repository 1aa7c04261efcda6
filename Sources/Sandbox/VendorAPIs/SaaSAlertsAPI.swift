import Foundation
import HTTPServer
import HTTPTypes

/// The part of the SaaS Alerts report API that a count of billable users needs: the customers, and
/// the monitored users of each.
///
/// Only `id`, `name` and `status` of a customer and `isBillable` of a user are known from clients;
/// the other fields are there to be ignored. No paging was seen in that API, so there is none here.
struct SaaSAlertsAPI: SimulatedVendorAPI {
    let name = "saas-alerts"
    var requests = RequestMeter()
    fileprivate(set) var configuration: SaaSAlertsConfiguration { didSet { customersByID = configuration.customersByID } }
    /// A fetch asks for each customer by itself: without it, 100,000 customers would be 10 billion comparisons.
    private var customersByID: [String: [SaaSAlertsCustomer]]

    static let basePath = ["saas-alerts", "reportApi", "api", "v1"]

    init(configuration: SaaSAlertsConfiguration) {
        self.configuration = configuration
        customersByID = configuration.customersByID
    }

    func access(origin: String) -> [(label: String, value: String)] {
        [("SaaS Alerts API URL", "\(origin)/\(name)"), ("SaaS Alerts API Key", configuration.apiKey)]
    }

    private enum Call {
        case customers
        case customer(String)
        case users

        var name: String {
            switch self {
            case .customers: "GET /customers"
            case .customer: "GET /customers/{id}"
            case .users: "GET /reports/users"
            }
        }
    }

    private func route(_ request: SandboxRequest) -> Call? {
        guard request.head.method == .get, let segments = decodedSegments(of: request.path),
            segments.starts(with: Self.basePath)
        else { return nil }
        let path = Array(segments.dropFirst(Self.basePath.count))
        if path == ["customers"] { return .customers }
        if path.count == 2, path[0] == "customers" { return .customer(path[1]) }
        return path == ["reports", "users"] ? .users : nil
    }

    func call(of request: SandboxRequest) -> String { route(request)?.name ?? "other" }

    func answer(_ request: SandboxRequest, at now: Date) -> SandboxAnswer {
        guard let call = route(request) else { return Self.error(.notFound, "Not Found") }
        guard request.header(configuration.headerName) == configuration.apiKey else {
            return Self.error(.unauthorized, "Unauthorized")
        }
        if let raw = configuration.raw { return .json(Array(raw.utf8)) }
        switch call {
        case .customers: return .json(.array(configuration.customers.map(\.json)))
        case .customer(let id):
            guard let customer = customersByID[id]?.first else {
                return Self.error(.notFound, "Customer not found")
            }
            return .json(customer.json)
        case .users: return users(request)
        }
    }

    private func users(_ request: SandboxRequest) -> SandboxAnswer {
        // A query that cannot be decoded names no customer.
        guard let id = try? request.query["customerId"], !id.isEmpty else {
            return .json(
                ["message": "Validation failed", "details": ["customerId is required"]], status: .badRequest)
        }
        let customers = customersByID[id] ?? []
        if let raw = customers.compactMap(\.raw).first { return .json(Array(raw.utf8)) }
        return .json(.array(customers.flatMap(\.users)))
    }

    private static func error(_ status: HTTPResponse.Status, _ message: String) -> SandboxAnswer {
        .json(["message": .string(message)], status: status)
    }

    mutating func configure(_ json: JSONValue) throws(SandboxError) {
        configuration = try SaaSAlertsConfiguration(json, apiKeyOtherwise: configuration.apiKey)
    }
}

extension SandboxModel {
    /// Replaces what the simulated SaaS Alerts holds; its request counters go on.
    public mutating func configureSaaSAlerts(_ configuration: SaaSAlertsConfiguration) {
        for position in vendorAPIs.indices {
            guard var api = vendorAPIs[position] as? SaaSAlertsAPI else { continue }
            api.configuration = configuration
            vendorAPIs[position] = api
        }
    }
}

/// What the simulated SaaS Alerts holds.
public struct SaaSAlertsConfiguration: Sendable, Equatable {
    public var apiKey: String
    /// Sources disagree on it, so it can be changed.
    public var headerName = "api_key"
    public var customers: [SaaSAlertsCustomer] = []
    /// Sent instead of any answer to a request with the right key.
    public var raw: String?

    public init(apiKey: String, customers: [SaaSAlertsCustomer] = []) {
        self.apiKey = apiKey
        self.customers = customers
    }

    /// Several may have one id. Those without any are not there.
    fileprivate var customersByID: [String: [SaaSAlertsCustomer]] {
        customers.reduce(into: [:]) { byID, customer in
            if let id = customer.id { byID[id, default: []].append(customer) }
        }
    }
}

/// A customer of the MSP in SaaS Alerts. Id and name may be null, to see a connector drop it.
public struct SaaSAlertsCustomer: Sendable, Equatable {
    public var id: String?
    public var name: String?
    /// How many of its users have `isBillable` true, and false.
    public var billable: Int
    public var nonBillable: Int
    /// How many of its users, the first ones, have a null name.
    public var namelessUsers = 0
    /// Sent as the answer to the question for its users.
    public var raw: String?

    public init(id: String?, name: String?, billable: Int, nonBillable: Int = 0) {
        self.id = id
        self.name = name
        self.billable = billable
        self.nonBillable = nonBillable
    }
}
