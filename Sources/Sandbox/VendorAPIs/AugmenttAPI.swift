import HTTPServer
import HTTPTypes

/// Augmentt's customers and the seats of its three modules (`vendor-apis` section 1): two secret headers, root arrays, whole numbers
/// as ids, no paging. Kinds of counts: `discover`, `engage`, `secure`.
struct AugmenttAPI: HoldingVendorAPI {
    let name = "augmentt"
    var requests = RequestMeter()
    /// Option `enabled`: false answers 403, as for an organization without the API. Option `without`: how the licences of a customer
    /// without any are sent, which is not documented: `empty` (default), `null` or `absent`.
    var holdings = VendorHoldings(
        credentials: ["accessKeyId": "augmentt-sandbox-id", "accessKeySecret": "augmentt-sandbox-secret"],
        options: ["enabled": true, "without": "empty"])

    static let patterns = [
        "GET /v1/customers", "GET /v1/customers/licenses", "GET /v1/customers/{id}", "GET /v1/customers/{id}/licenses",
    ]

    init() {
        holdings.customers = [
            VendorCustomer(1001, "Bright Smile Orthodontics", ["secure": 42, "engage": 40]),
            VendorCustomer(1002, "Coastal Freight", ["discover": 12, "secure": 12]),
            VendorCustomer(1003, "Harbor Dental", [:]),
        ]
    }

    func access(origin: String) -> [(label: String, value: String)] {
        [
            ("Augmentt API URL", "\(origin)/\(name)"), ("Augmentt AccessKeyId", credential("accessKeyId")),
            ("Augmentt AccessKeySecret", credential("accessKeySecret")),
        ]
    }

    func carryOut(_ call: HeldCall) -> SandboxAnswer {
        guard call.request.header("AccessKeyId") == credential("accessKeyId"),
            call.request.header("AccessKeySecret") == credential("accessKeySecret")
        else { return error(.unauthorized, "Invalid access key") }
        guard holdings.option("enabled")?.bool != false else {
            return error(.forbidden, "The API is not enabled for this organization")
        }
        if let rawAnswer { return rawAnswer }
        switch call.pattern {
        case "GET /v1/customers": return .json(.array(holdings.customers.map(record)))
        case "GET /v1/customers/licenses": return .json(.array(holdings.customers.compactMap(licenses)))
        default:
            guard let customer = holdings.customer(call.parameter) else { return error(.notFound, "Customer not found") }
            guard call.pattern.hasSuffix("licenses") else { return .json(record(customer)) }
            return .json(.array([licenses(customer)].compactMap { $0 }))
        }
    }

    private func record(_ customer: VendorCustomer) -> JSONValue {
        customer.record([
            "id": customer.id, "customer_name": customer.name, "organization": 77, "parent_id": .null, "deactivated": .null,
            "psa_email": "", "integrations": [["id": 5, "type": "m365"]],
        ])
    }

    private func licenses(_ customer: VendorCustomer) -> JSONValue? {
        let list = customer.counts.map { kind -> JSONValue in ["type": .string(kind.name), "count": .number(Double(kind.count))] }
        guard list.isEmpty else { return ["customerId": customer.id, "licenses": .array(list)] }
        switch holdings.option("without")?.string {
        case "null": return ["customerId": customer.id, "licenses": .null]
        case "absent": return nil
        default: return ["customerId": customer.id, "licenses": []]
        }
    }

    func error(_ status: HTTPResponse.Status, _ message: String) -> SandboxAnswer {
        let words = [401: "UNAUTHORIZED", 403: "FORBIDDEN", 404: "NOT_FOUND"]
        return .json(["error": .string(words[status.code] ?? "INTERNAL_ERROR"), "message": .string(message)], status: status)
    }
}
