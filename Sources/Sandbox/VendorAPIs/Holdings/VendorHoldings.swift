/// What a simulated vendor holds: customers with a count of each kind, from which its API makes its records.
struct VendorHoldings: Sendable, Equatable {
    /// The API's keys and passwords by their names in the control API.
    var credentials: [String: String]
    /// How it behaves where its documentation leaves a choice, by name in the control API; each API names its own.
    var options: [String: JSONValue]
    var customers: [VendorCustomer] = []
    /// Most records on a page, whatever is asked for.
    var maximumPageSize = 1000
    /// How long a token holds.
    var tokenSeconds = 3600
    /// Sent with 200 instead of any answer to a request that is let in: an error page, or another form.
    var raw: String?

    init(credentials: [String: String], options: [String: JSONValue] = [:]) {
        self.credentials = credentials
        self.options = options
    }

    func option(_ name: String) -> JSONValue? { options[name] }

    /// The customer of that id, ids being compared as texts.
    func customer(_ id: String) -> VendorCustomer? { customers.first { $0.idText == id } }
}

struct VendorCustomer: Sendable, Equatable {
    struct Kind: Sendable, Equatable {
        var name: String
        var count: Int
    }

    /// A number, a text or null, as the API is to send it.
    var id: JSONValue
    /// A text or null.
    var name: JSONValue
    /// What is counted, by the API's own word for it.
    var counts: [Kind]
    /// Put over the members of the customer's record, for instance `{"deactivated": true}`.
    var fields: [JSONValue.Member]

    var idText: String? {
        if case .number(let digits) = id { return digits }
        return id.string
    }

    var total: Int { counts.reduce(0) { $0 + $1.count } }

    func count(_ kind: String) -> Int? { counts.first { $0.name == kind }?.count }

    /// A record of this customer, with `fields` over it.
    func record(_ record: JSONValue) -> JSONValue {
        guard var members = record.members else { return record }
        for field in fields {
            if let position = members.firstIndex(where: { $0.name == field.name }) {
                members[position] = field
            } else {
                members.append(field)
            }
        }
        return .object(members)
    }
}

/// Records that are not written down but counted: the customer and the kind of the n-th one.
struct CountedRecords: Sendable {
    struct Record: Sendable {
        /// From 0, over all customers.
        var number: Int
        var customer: VendorCustomer
        var kind: String
    }

    private var runs: [(customer: VendorCustomer, kind: String, start: Int, count: Int)] = []
    private(set) var total = 0

    init(_ customers: [VendorCustomer]) {
        for customer in customers {
            for kind in customer.counts where kind.count > 0 {
                runs.append((customer, kind.name, total, kind.count))
                total += kind.count
            }
        }
    }

    /// Those of the range that are there.
    func records(_ range: Range<Int>) -> [Record] {
        runs.flatMap { run in
            range.clamped(to: run.start..<(run.start + run.count)).map { Record(number: $0, customer: run.customer, kind: run.kind) }
        }
    }
}

extension VendorHoldings {
    /// `{"credentials":{..},"options":{..},"customers":[{"id","name","counts":{"KIND":3},"fields":{..}}],"pageSize","tokenSeconds","raw"}`. Credentials and options
    /// that are not named keep their values, everything else begins anew.
    func replaced(by json: JSONValue) throws(SandboxError) -> VendorHoldings {
        guard let members = json.members else { throw SandboxError(.invalid, "The configuration must be a JSON object.") }
        let known = ["credentials", "options", "customers", "pageSize", "tokenSeconds", "raw"]
        if let unknown = members.first(where: { !known.contains($0.name) }) {
            throw SandboxError(.invalid, "There is no \(unknown.name) here. Fields: \(known.joined(separator: ", ")).")
        }
        var changed = VendorHoldings(credentials: credentials, options: options)
        for member in json["credentials"]?.members ?? [] {
            guard credentials[member.name] != nil, let value = member.value.string else {
                throw SandboxError(.invalid, "Credentials are texts: \(credentials.keys.sorted().joined(separator: ", ")).")
            }
            changed.credentials[member.name] = value
        }
        for member in json["options"]?.members ?? [] {
            guard options[member.name] != nil else {
                throw SandboxError(
                    .invalid, "There is no option \(member.name). Options: \(options.keys.sorted().joined(separator: ", ")).")
            }
            changed.options[member.name] = member.value
        }
        changed.customers = try (json["customers"]?.elements ?? []).map { (element) throws(SandboxError) in try VendorCustomer(element) }
        changed.maximumPageSize = try Self.whole("pageSize", json, least: 1) ?? changed.maximumPageSize
        changed.tokenSeconds = try Self.whole("tokenSeconds", json, least: 0) ?? changed.tokenSeconds
        changed.raw = json["raw"]?.string
        return changed
    }

    private static func whole(_ field: String, _ json: JSONValue, least: Int) throws(SandboxError) -> Int? {
        guard let value = json[field] else { return nil }
        guard let number = value.integer, number >= least else {
            throw SandboxError(.invalid, "\(field) must be a whole number of at least \(least).")
        }
        return number
    }
}

extension VendorCustomer {
    init(_ json: JSONValue) throws(SandboxError) {
        guard json.members != nil else { throw SandboxError(.invalid, "Each customer must be a JSON object.") }
        id = json["id"] ?? .null
        name = json["name"] ?? .null
        fields = json["fields"]?.members ?? []
        counts = try (json["counts"]?.members ?? []).map { (member) throws(SandboxError) in
            guard let count = member.value.integer, (0...10_000_000).contains(count) else {
                throw SandboxError(.invalid, "counts are whole numbers from 0 to 10000000, by kind.")
            }
            return Kind(name: member.name, count: count)
        }
    }

    /// For what the sandbox begins with.
    init(_ id: JSONValue, _ name: String, _ counts: KeyValuePairs<String, Int>) {
        self.id = id
        self.name = .string(name)
        self.counts = counts.map { Kind(name: $0.key, count: $0.value) }
        fields = []
    }
}
