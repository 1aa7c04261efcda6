import HTTPTypes

/// The 17 calls of the vendor API, by the keys of contract section 4.
enum VendorCall: String, Sendable, CaseIterable {
    case getVendor = "V1"
    case updateVendor = "V2"
    case createService = "S1"
    case getService = "S2"
    case updateService = "S3"
    case setUnitCount = "S4"
    case getIntegration = "O1"
    case updateStatus = "O2"
    case getClients = "O3"
    case getAccounts = "A1"
    case createAccounts = "A2"
    case updateAccount = "A3"
    case getOrganizationServices = "D1"
    case createOrganizationServices = "D2"
    case updateOrganizationService = "D3"
    case createAlert = "L1"
    case getAlert = "L2"

    static let basePath = "/api/vendor-api"

    /// Whether the vendor key alone may be enough (U-26); the others need a partner.
    var isVendorLevel: Bool {
        switch self {
        case .getVendor, .updateVendor, .createService, .getService, .updateService: true
        default: false
        }
    }

    /// The module an integration needs for the call (U-40).
    var module: ModuleVariation? {
        switch self {
        case .setUnitCount: .billing
        case .createAlert, .getAlert: .alerts
        default: nil
        }
    }
}

/// A request's call and the id or status in its path.
struct VendorRoute: Sendable, Equatable {
    var call: VendorCall
    /// Percent-decoded; empty for a call without one.
    var parameter = ""

    /// Nil when no call has that method and path.
    ///
    /// - Parameter segments: the decoded path below ``VendorCall/basePath``.
    init?(method: HTTPRequest.Method, segments: ArraySlice<String>) {
        let path = Array(segments)
        switch (method, path.count, path.first) {
        case (.get, 0, _): self.init(call: .getVendor)
        case (.patch, 0, _): self.init(call: .updateVendor)
        case (.post, 1, "service"): self.init(call: .createService)
        case (.get, 2, "service"): self.init(call: .getService, parameter: path[1])
        case (.patch, 2, "service"): self.init(call: .updateService, parameter: path[1])
        case (.post, 3, "service") where path[2] == "count": self.init(call: .setUnitCount, parameter: path[1])
        case (.post, 2, "alerting"): self.init(call: .createAlert, parameter: path[1])
        case (.get, 3, "alerting") where path[1] == "debug": self.init(call: .getAlert, parameter: path[2])
        case (_, _, "organization"): self.init(method: method, organizationPath: path.dropFirst())
        default: return nil
        }
    }

    private init?(method: HTTPRequest.Method, organizationPath: ArraySlice<String>) {
        let path = Array(organizationPath)
        switch (method, path.count, path.first) {
        case (.get, 0, _): self.init(call: .getIntegration)
        case (.patch, 2, "status"): self.init(call: .updateStatus, parameter: path[1])
        case (.get, 1, "clients"): self.init(call: .getClients)
        case (.get, 1, "accounts"): self.init(call: .getAccounts)
        case (.post, 1, "accounts"): self.init(call: .createAccounts)
        case (.patch, 2, "accounts"): self.init(call: .updateAccount, parameter: path[1])
        case (.get, 1, "services"): self.init(call: .getOrganizationServices)
        case (.post, 1, "services"): self.init(call: .createOrganizationServices)
        case (.patch, 2, "services"): self.init(call: .updateOrganizationService, parameter: path[1])
        default: return nil
        }
    }

    private init(call: VendorCall, parameter: String = "") {
        self.call = call
        self.parameter = parameter
    }
}
