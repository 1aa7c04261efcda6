import Foundation
import HTTPServer
import HTTPTypes

/// SentinelOne's sites with their licences (`vendor-integrations` tables 1 and 2): a scheme word of its own in `Authorization`, a
/// cursor in the body that has to be percent-encoded on its way back. The one kind of a customer is its site's `sku`.
struct SentinelOneAPI: HoldingVendorAPI {
    let name = "sentinelone"
    var requests = RequestMeter()
    var holdings = VendorHoldings(credentials: ["apiToken": "sentinelone-sandbox-token"])

    static let patterns = ["GET /web/api/v2.1/sites"]

    init() {
        holdings.customers = [
            VendorCustomer("225494730938493804", "Bright Smile Orthodontics", ["complete": 42]),
            VendorCustomer("225494730938493805", "Coastal Freight", ["control": 17]),
            VendorCustomer("225494730938493806", "Harbor Dental", ["core": 0]),
        ]
    }

    func access(origin: String) -> [(label: String, value: String)] {
        [("SentinelOne API URL", "\(origin)/\(name)"), ("SentinelOne API token", credential("apiToken"))]
    }

    func carryOut(_ call: HeldCall) -> SandboxAnswer {
        guard call.request.header("Authorization") == "ApiToken \(credential("apiToken"))" else {
            return error(.unauthorized, "Authentication Failed")
        }
        if let rawAnswer { return rawAnswer }
        let limit = call.query("limit").map { Int($0) } ?? 10
        let start = call.query("cursor").map(Self.position) ?? 0
        guard let limit, (1...1000).contains(limit), let start else { return error(.badRequest, "Validation Error") }
        let all = holdings.customers.map(site)
        let wantedStates = call.query("state")?.split(separator: ",").map(String.init)
        let sites = all.filter { site in wantedStates.map { $0.contains(site["state"]?.string ?? "") } ?? true }
        let first = min(start, sites.count)
        let end = min(first + min(limit, holdings.maximumPageSize), sites.count)
        let licenses = sites.reduce(0) { $0 + ($1["activeLicenses"]?.integer ?? 0) }
        return .json([
            "data": [
                "allSites": ["activeLicenses": .number(Double(licenses)), "totalLicenses": 0],
                "sites": .array(Array(sites[first..<end])),
            ],
            "pagination": [
                "nextCursor": end < sites.count ? .string(Self.cursor(end)) : .null, "totalItems": .number(Double(sites.count)),
            ],
        ])
    }

    private func site(_ customer: VendorCustomer) -> JSONValue {
        customer.record([
            "id": customer.id, "name": customer.name, "state": "active", "siteType": "Paid", "accountName": "Example MSP",
            "sku": customer.counts.first.map { .string($0.name) } ?? .null, "activeLicenses": .number(Double(customer.total)),
            "totalLicenses": .number(Double(customer.total + 5)), "expiration": .null,
        ])
    }

    /// Base64 with `+`, `/` and `=` in it: a client that does not encode it gets lost.
    private static func cursor(_ position: Int) -> String { Data([0xFB, 0xEF, 0xFF] + "sites:\(position)#".utf8).base64EncodedString() }

    private static func position(_ cursor: String) -> Int? {
        guard let bytes = Data(base64Encoded: cursor), bytes.starts(with: [0xFB, 0xEF, 0xFF]) else { return nil }
        let text = String(decoding: bytes.dropFirst(3), as: UTF8.self)
        guard text.hasPrefix("sites:"), text.hasSuffix("#"), let position = Int(text.dropFirst(6).dropLast()), position >= 0 else {
            return nil
        }
        return position
    }

    func error(_ status: HTTPResponse.Status, _ message: String) -> SandboxAnswer {
        .json(
            ["errors": [["code": .number(Double(status.code * 10_000 + 10)), "detail": .null, "title": .string(message)]]], status: status)
    }
}
