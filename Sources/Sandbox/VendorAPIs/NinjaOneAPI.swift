import HTTPServer
import HTTPTypes

/// NinjaOne's organizations and devices (`vendor-integrations` tables 1 and 2): OAuth2 client credentials, then root arrays paged by
/// the last id seen. Kinds of counts are a device's `nodeClass`, with `:offline` behind it for devices that are offline.
struct NinjaOneAPI: HoldingVendorAPI {
    let name = "ninjaone"
    var requests = RequestMeter()
    var holdings = VendorHoldings(credentials: ["clientId": "ninjaone-sandbox-id", "clientSecret": "ninjaone-sandbox-secret"]) {
        didSet { devices = CountedRecords(holdings.customers) }
    }
    private var tokens = IssuedTokens()
    private var devices = CountedRecords([])

    static let patterns = ["POST /ws/oauth/token", "GET /v2/organizations", "GET /v2/devices"]

    init() {
        holdings.customers = [
            VendorCustomer(
                1, "Bright Smile Orthodontics", ["WINDOWS_WORKSTATION": 14, "WINDOWS_SERVER": 2, "WINDOWS_WORKSTATION:offline": 3]),
            VendorCustomer(2, "Coastal Freight", ["MAC": 5, "NMS_SWITCH": 4, "LINUX_SERVER": 1]),
            VendorCustomer(5, "Harbor Dental", [:]),
        ]
        devices = CountedRecords(holdings.customers)
    }

    func access(origin: String) -> [(label: String, value: String)] {
        [
            ("NinjaOne API URL", "\(origin)/\(name)"), ("NinjaOne client id", credential("clientId")),
            ("NinjaOne client secret", credential("clientSecret")),
        ]
    }

    mutating func holdingsChanged() { tokens.revokeAll() }

    mutating func carryOut(_ call: HeldCall) -> SandboxAnswer {
        if call.pattern == Self.patterns[0] { return token(call) }
        guard tokens.admit(call.request, at: call.now) else { return error(.unauthorized, "invalid_token") }
        if let rawAnswer { return rawAnswer }
        let size = call.query("pageSize").flatMap { Int($0) } ?? holdings.maximumPageSize
        let after = call.query("after").map { Int($0) } ?? 0
        guard let after, size >= 1 else { return error(.badRequest, "invalid_parameter") }
        let limit = min(size, holdings.maximumPageSize)
        if call.pattern == "GET /v2/devices" {
            // Ids are positions from 1, so those behind `after` begin at that position.
            let start = max(0, min(after, devices.total))
            return .json(.array(devices.records(start..<min(start + limit, devices.total)).map(device)))
        }
        let page = holdings.customers.filter { customer in customer.id.integer.map { $0 > after } ?? (after == 0) }
            .sorted { ($0.id.integer ?? .max) < ($1.id.integer ?? .max) }.prefix(limit)
        return .json(
            .array(
                page.map { customer in
                    customer.record(["id": customer.id, "name": customer.name, "description": .null, "nodeApprovalMode": "AUTOMATIC"])
                }))
    }

    private mutating func token(_ call: HeldCall) -> SandboxAnswer {
        guard let form = call.form, form["grant_type"] == "client_credentials" else { return error(.badRequest, "unsupported_grant_type") }
        guard form["client_id"] == credential("clientId"), form["client_secret"] == credential("clientSecret") else {
            return error(.unauthorized, "invalid_client")
        }
        guard form["scope"]?.split(separator: " ").contains("monitoring") == true else { return error(.badRequest, "invalid_scope") }
        return .json([
            "access_token": .string(tokens.issue(prefix: "ninjaone-token", seconds: holdings.tokenSeconds, at: call.now)),
            "expires_in": .number(Double(holdings.tokenSeconds)), "scope": "monitoring", "token_type": "Bearer",
        ])
    }

    private func device(_ record: CountedRecords.Record) -> JSONValue {
        let parts = record.kind.split(separator: ":", maxSplits: 1)
        let number = Double(record.number + 1)
        return [
            "id": .number(number), "parentDeviceId": .null, "organizationId": record.customer.id, "locationId": 1,
            "nodeClass": parts.first == "null" ? .null : .string(String(parts.first ?? "")), "nodeRoleId": 200,
            "approvalStatus": "APPROVED",
            "offline": .bool(parts.count == 2 && parts[1] == "offline"), "systemName": .string("NODE-\(record.number + 1)"),
        ]
    }

    func error(_ status: HTTPResponse.Status, _ message: String) -> SandboxAnswer {
        .json(["resultCode": "FAILURE", "error": .string(message)], status: status)
    }
}
