import HTTPServer
import HTTPTypes

/// ThreatLocker's organizations and computers (`vendor-apis` section 2): reads are POST, the key stands in `Authorization` without a
/// scheme word, the page is asked for in the body and totals come in a header. Kinds of counts are a computer's `action`: `Secure`, `Learning`,
/// `Installation`, `MonitorOnly`.
struct ThreatLockerAPI: HoldingVendorAPI {
    let name = "threatlocker"
    var requests = RequestMeter()
    /// Option `totals`, because sources disagree: `json` (one header `pagination`, default), `separate` (four headers) or `none`.
    var holdings = VendorHoldings(credentials: ["apiKey": "threatlocker-sandbox-key"], options: ["totals": "json"]) {
        didSet { computers = CountedRecords(holdings.customers) }
    }
    private var computers = CountedRecords([])

    static let patterns = [
        "POST /portalapi/Organization/OrganizationGetChildOrganizationsByParameters", "POST /portalapi/Computer/ComputerGetByAllParameters",
    ]

    init() {
        holdings.customers = [
            VendorCustomer("3f2b8c1e-0000-4000-8000-000000000001", "Bright Smile Orthodontics", ["Secure": 21, "Learning": 2]),
            VendorCustomer("3f2b8c1e-0000-4000-8000-000000000002", "Coastal Freight", ["Secure": 9]),
            VendorCustomer("3f2b8c1e-0000-4000-8000-000000000003", "Harbor Dental", [:]),
        ]
        computers = CountedRecords(holdings.customers)
    }

    func access(origin: String) -> [(label: String, value: String)] {
        [("ThreatLocker API URL", "\(origin)/\(name)/portalapi"), ("ThreatLocker API key", credential("apiKey"))]
    }

    func carryOut(_ call: HeldCall) -> SandboxAnswer {
        guard call.request.header("Authorization") == credential("apiKey") else { return error(.unauthorized, "Unauthorized") }
        if let rawAnswer { return rawAnswer }
        guard let body = call.json, body.members != nil else { return error(.expectationFailed, "The body must be a JSON object") }
        guard let page = body["pageNumber"]?.integer, page >= 1, let size = body["pageSize"]?.integer, size >= 1 else {
            return error(.expectationFailed, "pageNumber and pageSize must be at least 1")
        }
        let isOrganizations = call.pattern == Self.patterns[0]
        // Without it, one client reports, the list of organizations is empty.
        let includesChildren = body["childOrganizations"]?.bool == true
        guard isOrganizations || body["orderBy"]?.string?.isEmpty == false else {
            return error(.internalServerError, "orderBy is required")
        }
        let count = !includesChildren ? 0 : isOrganizations ? holdings.customers.count : computers.total
        let range = PageRange(page: page, size: min(size, holdings.maximumPageSize), count: count)
        let records =
            isOrganizations
            ? holdings.customers[range.records].map(organization) : computers.records(range.records).map(computer)
        var answer = SandboxAnswer.json(.array(records))
        for (name, value) in totals(range) { answer.headerFields[name] = value }
        return answer
    }

    private func organization(_ customer: VendorCustomer) -> JSONValue {
        customer.record([
            "organizationId": customer.id, "name": customer.name, "displayName": customer.name,
            "dateAdded": "2025-11-20T00:00:00Z", "computerCount": .number(Double(customer.total)),
        ])
    }

    private func computer(_ record: CountedRecords.Record) -> JSONValue {
        let number = String(record.number + 1)
        return [
            "computerId": .string("c-\(number)"), "computerName": .string("PC-\(number)"), "hostname": .string("pc-\(number)"),
            "group": record.number % 4 == 0 ? .null : "Workstations", "organizationId": record.customer.id,
            "action": .string(record.kind), "mode": .null, "lastCheckin": record.number % 3 == 0 ? .null : "2026-11-20T08:00:00Z",
            "threatLockerVersion": "9.6", "osType": .number(Double(record.number % 3 + 1)),
        ]
    }

    private func totals(_ range: PageRange) -> [(HTTPField.Name, String)] {
        let isEmpty = range.records.isEmpty
        let figures: [(name: String, value: Int)] = [
            ("currentPage", range.page), ("itemsPerPage", range.size), ("totalItems", range.count), ("totalPages", range.pages),
            ("firstItem", isEmpty ? 0 : range.records.lowerBound + 1), ("lastItem", isEmpty ? 0 : range.records.upperBound),
        ]
        switch holdings.option("totals")?.string {
        case "none": return []
        case "separate":
            return figures.dropFirst(2).compactMap { figure in HTTPField.Name(figure.name).map { ($0, String(figure.value)) } }
        default:
            let json = JSONValue.object(figures.map { JSONValue.Member(name: $0.name, value: .number(Double($0.value))) })
            return HTTPField.Name("pagination").map { [($0, String(decoding: json.bytes, as: UTF8.self))] } ?? []
        }
    }

    func error(_ status: HTTPResponse.Status, _ message: String) -> SandboxAnswer {
        .json(
            ["LoggerId": "00000000-0000-0000-0000-000000000000", "StatusCode": .number(Double(status.code)), "Message": .string(message)],
            status: status)
    }
}

/// One page of a list, counted from 1.
struct PageRange: Sendable {
    var page: Int
    var size: Int
    var count: Int

    var pages: Int { (count + size - 1) / size }
    /// Positions from 0; none beyond the end.
    var records: Range<Int> {
        let (product, isTooLarge) = (page - 1).multipliedReportingOverflow(by: size)
        let start = isTooLarge ? count : min(product, count)
        return start..<min(start + min(size, count), count)
    }
}
