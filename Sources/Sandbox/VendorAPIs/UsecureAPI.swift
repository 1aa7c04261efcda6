import HTTPServer
import HTTPTypes

/// usecure's clients and their plans over GraphQL (`vendor-integrations` tables 1 and 2): one address, errors in 200 answers. The one
/// kind of a customer is its plan: `premium`, `custom`, `freeTrial`.
///
/// Of GraphQL what a reading client needs: a query, with a name or without, fields with aliases, one argument given as a text or by a
/// variable. Its schema: `company(companyId: ID): Company`, `Company { id externalId name clients: [Company] plan: { name learnerCount learnerLimit } }`; without
/// an id the company is the MSP's own.
struct UsecureAPI: HoldingVendorAPI {
    let name = "usecure"
    var requests = RequestMeter()
    var holdings = VendorHoldings(credentials: ["apiKey": "usecure-sandbox-key"])

    static let patterns = ["POST /graphql"]

    init() {
        holdings.customers = [
            VendorCustomer("uc-1", "Bright Smile Orthodontics", ["premium": 42]), VendorCustomer("uc-2", "Coastal Freight", ["custom": 18]),
            VendorCustomer("uc-3", "Harbor Dental", [:]),
        ]
    }

    func access(origin: String) -> [(label: String, value: String)] {
        [("usecure API URL", "\(origin)/\(name)/graphql"), ("usecure API key", credential("apiKey"))]
    }

    func carryOut(_ call: HeldCall) -> SandboxAnswer {
        guard call.request.header("x-api-key") == credential("apiKey") else { return error(.unauthorized, "Unauthorized") }
        if let rawAnswer { return rawAnswer }
        guard let body = call.json, let text = body["query"]?.string else {
            return error(.badRequest, "POST body missing, invalid Content-Type, or JSON object has no query.")
        }
        do throws(GraphQLQuery.Failure) {
            let fields = try GraphQLQuery.parse(text)
            return .json(["data": .object(try resolve(fields, variables: body["variables"] ?? .null))])
        } catch {
            return Self.errors(error.message, status: .ok)
        }
    }

    private func resolve(_ fields: [GraphQLQuery.Field], variables: JSONValue) throws(GraphQLQuery.Failure) -> [JSONValue.Member] {
        try fields.map { (field) throws(GraphQLQuery.Failure) in
            guard field.name == "company" else { throw .unknownField(field.name, "Query") }
            let value: JSONValue
            switch try field.argument("companyId", variables: variables) {
            case nil, .some(.null): value = try company(field.fields, nil)
            case let id?:
                guard let customer = holdings.customers.first(where: { $0.id == id }) else {
                    throw GraphQLQuery.Failure("Company not found")
                }
                value = try company(field.fields, customer)
            }
            return JSONValue.Member(name: field.alias, value: value)
        }
    }

    private func company(_ fields: [GraphQLQuery.Field], _ customer: VendorCustomer?) throws(GraphQLQuery.Failure) -> JSONValue {
        guard !fields.isEmpty else {
            throw GraphQLQuery.Failure("Field \"company\" of type \"Company\" must have a selection of subfields.")
        }
        return .object(
            try fields.map { (field) throws(GraphQLQuery.Failure) in
                let value: JSONValue =
                    switch field.name {
                    case "id": customer?.id ?? "uc-msp"
                    case "name": customer?.name ?? "Example MSP"
                    case "externalId": .null
                    case "clients":
                        .array(
                            try (customer == nil ? holdings.customers : []).map { (client) throws(GraphQLQuery.Failure) in
                                try company(field.fields, client)
                            })
                    case "plan": try plan(field.fields, customer)
                    default: throw .unknownField(field.name, "Company")
                    }
                return JSONValue.Member(name: field.alias, value: value)
            })
    }

    private func plan(_ fields: [GraphQLQuery.Field], _ customer: VendorCustomer?) throws(GraphQLQuery.Failure) -> JSONValue {
        guard let kind = customer?.counts.first else { return .null }
        return .object(
            try fields.map { (field) throws(GraphQLQuery.Failure) in
                let value: JSONValue =
                    switch field.name {
                    case "name": .string(kind.name)
                    case "learnerCount": .number(Double(kind.count))
                    case "learnerLimit": .null
                    default: throw .unknownField(field.name, "Plan")
                    }
                return JSONValue.Member(name: field.alias, value: value)
            })
    }

    func error(_ status: HTTPResponse.Status, _ message: String) -> SandboxAnswer { Self.errors(message, status: status) }

    private static func errors(_ message: String, status: HTTPResponse.Status) -> SandboxAnswer {
        .json(["errors": [["message": .string(message)]], "data": .null], status: status)
    }
}
