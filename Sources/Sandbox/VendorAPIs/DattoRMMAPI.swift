import Foundation
import HTTPServer
import HTTPTypes

/// Datto RMM's sites and devices (`vendor-integrations` tables 1 and 2): a token by OAuth2's password grant with a public client,
/// then pages that name the whole URL of the next one. Kinds of counts are a device's category: `Desktop`, `Laptop`, `Server`; `null` for a device
/// without type.
struct DattoRMMAPI: HoldingVendorAPI {
    let name = "datto-rmm"
    var requests = RequestMeter()
    /// Option `nextOrigin`: the origin of the next page's URL, empty for the one asked (default).
    var holdings = VendorHoldings(
        credentials: ["apiKey": "datto-sandbox-key", "apiSecret": "datto-sandbox-secret"], options: ["nextOrigin": ""])
    private var tokens = IssuedTokens()

    static let patterns = [
        "POST /auth/oauth/token", "GET /api/v2/account", "GET /api/v2/account/sites", "GET /api/v2/site/{id}/devices",
    ]

    init() {
        holdings.customers = [
            VendorCustomer("4c1f1d3a-0001", "Bright Smile Orthodontics", ["Desktop": 11, "Laptop": 6, "Server": 2]),
            VendorCustomer("4c1f1d3a-0002", "Coastal Freight", ["Laptop": 9]),
            VendorCustomer("4c1f1d3a-0003", "Harbor Dental", [:]),
        ]
    }

    func access(origin: String) -> [(label: String, value: String)] {
        [
            ("Datto RMM API URL", "\(origin)/\(name)"), ("Datto RMM API key", credential("apiKey")),
            ("Datto RMM API secret key", credential("apiSecret")),
        ]
    }

    mutating func holdingsChanged() { tokens.revokeAll() }

    mutating func carryOut(_ call: HeldCall) -> SandboxAnswer {
        if call.pattern == Self.patterns[0] { return token(call) }
        guard tokens.admit(call.request, at: call.now) else { return error(.unauthorized, "Full authentication is required") }
        if let rawAnswer { return rawAnswer }
        if call.pattern == "GET /api/v2/account" {
            return .json(["id": 1, "uid": "4c1f1d3a-0000", "name": "Sandbox MSP", "currency": "USD"])
        }
        let size = call.query("max").map { Int($0) } ?? 250
        let page = call.query("page").map { Int($0) } ?? 0
        guard let size, let page, size >= 1, page >= 0, page < Int.max else { return error(.badRequest, "Invalid page") }
        let limit = min(size, holdings.maximumPageSize)
        if call.pattern == "GET /api/v2/account/sites" {
            let range = PageRange(page: page + 1, size: limit, count: holdings.customers.count)
            return .json(["pageDetails": details(call, range), "sites": .array(holdings.customers[range.records].map(site))])
        }
        guard let customer = holdings.customer(call.parameter) else { return error(.notFound, "Site not found") }
        let devices = CountedRecords([customer])
        let range = PageRange(page: page + 1, size: limit, count: devices.total)
        return .json(["pageDetails": details(call, range), "devices": .array(devices.records(range.records).map(device))])
    }

    private mutating func token(_ call: HeldCall) -> SandboxAnswer {
        guard call.request.header("Authorization") == "Basic " + Data("public-client:public".utf8).base64EncodedString() else {
            return .json(["error": "unauthorized"], status: .unauthorized)
        }
        guard let form = call.form, form["grant_type"] == "password", form["username"] == credential("apiKey"),
            form["password"] == credential("apiSecret")
        else { return .json(["error": "invalid_grant", "error_description": "Bad credentials"], status: .badRequest) }
        return .json([
            "access_token": .string(tokens.issue(prefix: "datto-token", seconds: holdings.tokenSeconds, at: call.now)),
            "token_type": "bearer", "expires_in": .number(Double(holdings.tokenSeconds)), "scope": "profile",
        ])
    }

    private func details(_ call: HeldCall, _ range: PageRange) -> JSONValue {
        let named = holdings.option("nextOrigin")?.string ?? ""
        let origin = named.isEmpty ? "http://\(call.request.head.authority ?? "")" : named
        func url(_ page: Int) -> JSONValue { .string("\(origin)\(call.request.path)?page=\(page - 1)&max=\(range.size)") }
        return [
            "count": .number(Double(range.records.count)), "totalCount": .null,
            "prevPageUrl": range.page > 1 ? url(range.page - 1) : .null,
            "nextPageUrl": range.records.upperBound < range.count ? url(range.page + 1) : .null,
        ]
    }

    private func site(_ customer: VendorCustomer) -> JSONValue {
        customer.record(["id": 1, "uid": customer.id, "name": customer.name, "description": .null, "onDemand": false])
    }

    private func device(_ record: CountedRecords.Record) -> JSONValue {
        [
            "id": .number(Double(record.number + 1)), "uid": .string("d-\(record.number + 1)"), "siteUid": record.customer.id,
            "hostname": .string("HOST-\(record.number + 1)"), "online": .bool(record.number % 2 == 0),
            "deviceType": record.kind == "null" ? .null : ["category": .string(record.kind), "type": "Main System Chassis"],
        ]
    }

    func error(_ status: HTTPResponse.Status, _ message: String) -> SandboxAnswer {
        .json(["status": .number(Double(status.code)), "message": .string(message)], status: status)
    }
}
