import Foundation
import HTTPClient
import HTTPTypes
import Secrets

/// SaaS Alerts (Kaseya): billable users per customer. One call lists the customers, one call per customer lists its
/// users; those with `isBillable` true are counted (`vendor-apis` section 3; grades B and C, never tried live).
public struct SaaSAlertsConnector: Connector {
    public let id = "saas-alerts"
    public let productName = "SaaS Alerts"
    public let services = [Self.billableUsers]

    static let billableUsers = CatalogueService(
        name: "SaaS Alerts Billable Users", description: "Billable users monitored by SaaS Alerts",
        category: "security", subcategory: "security information and event management (SIEM)",
        // Version 1: the customer's users whose `isBillable` is true at the moment of the fetch.
        basis: CountBasis(name: "billable users", version: 1))

    private static let apiKey = "apiKey"
    private static let apiURL = "apiURL"
    /// What Gradient tells partners to enter.
    public static let publicURL = "https://us-central1-the-byway-248217.cloudfunctions.net"
    /// What follows it on every path.
    private static let apiPath = "/reportApi/api/v1"

    public let fields: [ConnectorField]

    private let environment: VendorEnvironment
    private let keyField: HTTPField.Name

    /// - Parameters:
    ///   - keyFieldName: sources disagree on the header that carries the key, so it is a setting.
    ///   - defaultURL: offered to partners as API URL.
    /// - Throws: `invalidInput` when the name cannot be a header's.
    public init(
        environment: VendorEnvironment, keyFieldName: String = "api_key", defaultURL: String = Self.publicURL
    ) throws(ConnectorError) {
        guard let keyField = HTTPField.Name(keyFieldName) else {
            throw ConnectorError(code: .invalidInput, message: "\"\(keyFieldName)\" cannot be the name of a header.")
        }
        self.environment = environment
        self.keyField = keyField
        fields = [
            ConnectorField(
                name: Self.apiKey, label: "API Key", help: "In SaaS Alerts: Settings, API, Manage API, Show Key.",
                isSecret: true, environmentName: "API_KEY"),
            ConnectorField(
                name: Self.apiURL, label: "API URL", help: "Leave it as it is unless SaaS Alerts told you another.",
                isSecret: false, defaultValue: defaultURL, environmentName: "API_URL"),
        ]
    }

    public func credential(from entered: [String: String]) throws(ConnectorError) -> ConnectorCredential {
        var credential = try sorted(entered)
        credential.openFields[Self.apiURL] = try checkedURL(credential.openFields[Self.apiURL] ?? "")
        return credential
    }

    public func fetchAccounts(_ credential: ConnectorCredential) async throws(ConnectorError) -> VendorAccounts {
        let list = try await get(CustomerList.self, "/customers", credential)
        var known: Set<String> = []
        let accounts = list.records.compactMap(\.account).filter { known.insert($0.id).inserted }
        guard !accounts.isEmpty else {
            throw ConnectorError(
                code: .emptyList,
                message: "SaaS Alerts returned no customers. Nothing was changed, because an empty list is more often a "
                    + "fault than the truth.")
        }
        return VendorAccounts(accounts: accounts, recordsDropped: list.records.count { $0.account == nil })
    }

    public func fetchUsage(_ credential: ConnectorCredential) async throws(ConnectorError) -> VendorSnapshot {
        let customers = try await fetchAccounts(credential)
        let counts = try await countBillableUsers(customers.accounts, credential)
        return VendorSnapshot(
            accounts: customers.accounts,
            usage: zip(customers.accounts, counts).map { account, count in
                UsageRecord(
                    accountID: account.id, serviceName: Self.billableUsers.name, count: Decimal(count.billable))
            },
            recordsDropped: customers.recordsDropped + counts.reduce(0) { $0 + $1.dropped })
    }

    /// One call an account, at most `parallelism` at once; the first failure ends all, so that no count is ever missing.
    private func countBillableUsers(
        _ accounts: [VendorAccount], _ credential: ConnectorCredential
    ) async throws(ConnectorError) -> [UserCount] {
        var counts = [UserCount](repeating: UserCount(billable: 0, dropped: 0), count: accounts.count)
        var failure: ConnectorError?
        await withTaskGroup(of: (index: Int, result: Result<UserCount, ConnectorError>).self) { group in
            var waiting = accounts.indices[...]
            for index in waiting.prefix(max(1, environment.parallelism)) {
                group.addTask { (index, await users(of: accounts[index], credential)) }
            }
            waiting = waiting.dropFirst(max(1, environment.parallelism))
            for await (index, result) in group {
                switch result {
                case .success(let count): counts[index] = count
                case .failure(let error):
                    failure = error
                    group.cancelAll()
                    return
                }
                if let next = waiting.popFirst() {
                    group.addTask { (next, await users(of: accounts[next], credential)) }
                }
            }
        }
        if let failure { throw failure }
        return counts
    }

    private func users(
        of account: VendorAccount, _ credential: ConnectorCredential
    ) async -> Result<UserCount, ConnectorError> {
        let query = "?customerId=" + PercentEncoding.queryComponent(account.id)
        do throws(ConnectorError) {
            let list = try await get(UserList.self, "/reports/users" + query, credential)
            return .success(
                UserCount(
                    billable: list.records.count { $0.isBillable == true },
                    dropped: list.records.count { $0.isBillable == nil }))
        } catch {
            return .failure(error)
        }
    }

    private func get<Value: Decodable>(
        _ type: Value.Type, _ path: String, _ credential: ConnectorCredential
    ) async throws(ConnectorError) -> Value {
        guard let key = credential.secretFields[Self.apiKey], let url = credential.openFields[Self.apiURL] else {
            throw ConnectorError(
                code: .invalidInput, message: "The SaaS Alerts API key is missing. Enter it and connect again.",
                field: Self.apiKey)
        }
        var fields: HTTPFields = [.accept: "application/json"]
        fields[keyField] = key.reveal()
        do {
            return try await environment.getJSON(
                type, url: url + Self.apiPath + path, headerFields: fields, product: productName)
        } catch {
            var error = error
            if error.code == .credentialRefused { error.field = Self.apiKey }
            throw error
        }
    }

    /// Without trailing slashes and without the API's own path, which partners paste too.
    private func checkedURL(_ entered: String) throws(ConnectorError) -> String {
        var text = entered
        while text.hasSuffix("/") || text.hasSuffix(Self.apiPath) {
            text.removeLast(text.hasSuffix("/") ? 1 : Self.apiPath.count)
        }
        // A scheme is read without case (RFC 3986 section 3.1); phones like to begin with a capital.
        if let end = text.firstIndex(of: ":") { text = text[..<end].lowercased() + text[end...] }
        guard let components = URLComponents(string: text), let host = components.host, !host.isEmpty,
            components.user == nil, components.query == nil, components.fragment == nil
        else {
            throw ConnectorError(
                code: .invalidInput, message: "API URL is not a web address. It looks like \(Self.publicURL).",
                field: Self.apiURL)
        }
        guard components.scheme == "https" || (components.scheme == "http" && environment.allowsPlainHTTP) else {
            throw ConnectorError(
                code: .invalidInput, message: "API URL must begin with https://, so that the key travels encrypted.",
                field: Self.apiURL)
        }
        return text
    }
}

private struct UserCount: Sendable {
    var billable: Int
    /// Users of whom the vendor does not say whether they are billable.
    var dropped: Int
}
