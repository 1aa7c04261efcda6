// The configuration as `PUT /control/saas-alerts` takes it, and the records the API answers with.

extension SaaSAlertsConfiguration {
    init(_ json: JSONValue, apiKeyOtherwise apiKey: String) throws(SandboxError) {
        guard json.members != nil else { throw SandboxError(.invalid, "The configuration must be a JSON object.") }
        self.init(apiKey: json["apiKey"]?.string ?? apiKey)
        headerName = json["headerName"]?.string ?? headerName
        raw = json["raw"]?.string
        customers = try (json["customers"]?.elements ?? []).map { (element) throws(SandboxError) in
            try SaaSAlertsCustomer(element)
        }
    }
}

extension SaaSAlertsCustomer {
    init(_ json: JSONValue) throws(SandboxError) {
        func count(_ field: String) throws(SandboxError) -> Int {
            guard let value = json[field] else { return 0 }
            guard let number = value.integer, (0...1_000_000).contains(number) else {
                throw SandboxError(.invalid, "\(field) must be a whole number from 0 to 1000000.")
            }
            return number
        }
        guard json.members != nil else { throw SandboxError(.invalid, "Each customer must be a JSON object.") }
        self.init(
            id: json["id"]?.string, name: json["name"]?.string, billable: try count("billable"),
            nonBillable: try count("nonBillable"))
        namelessUsers = try count("namelessUsers")
        raw = json["raw"]?.string
    }

    var json: JSONValue {
        ["id": .optional(id), "name": .optional(name), "status": "active"]
    }

    private static let givenNames = ["Ada", "Ben", "Chloe", "Dev", "Elena", "Finn", "Grace", "Hugo", "Ines", "Jonas"]
    private static let familyNames = ["Okafor", "Larsen", "Moreau", "Patel", "Novak", "Reyes", "Schmidt"]
    private static let products = ["Microsoft 365", "Google Workspace", "Salesforce", "Dropbox"]

    /// Billable users first. Ten given and seven family names give 70 different people, then repeat
    /// with a number.
    var users: [JSONValue] {
        (0..<billable + nonBillable).map { index in
            let given = Self.givenNames[index % Self.givenNames.count]
            let family = Self.familyNames[index % Self.familyNames.count]
            let round = index / 70
            let suffix = round == 0 ? "" : " \(round + 1)"
            let isBillable = index < billable
            return [
                "id": .string("\(id ?? "none")-u\(index + 1)"), "customerId": .optional(id),
                "name": index < namelessUsers ? .null : .string("\(given) \(family)\(suffix)"),
                "email": .string("\(given).\(family)\(round == 0 ? "" : String(round + 1))@example.com".lowercased()),
                "product": .string(Self.products[index % Self.products.count]),
                "role": .string(isBillable ? "Member" : "Guest"), "isBillable": .bool(isBillable),
            ]
        }
    }
}
