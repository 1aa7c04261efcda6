import Foundation
import HTTPClient
import HTTPTypes
import Secrets

/// A connector that does what a definition says.
public struct DefinedConnector: Connector {
    public let definition: ConnectorDefinition
    public let fields: [ConnectorField]
    private let environment: VendorEnvironment
    /// Values of the deployment's settings.
    private let deployment: [String: String]
    private let trace: RequestTrace?

    public var id: String { definition.id }
    public var productName: String { definition.name }
    public var services: [CatalogueService] { definition.services }
    public var discoversServices: Bool { definition.discoversServices }

    /// - Parameters:
    ///   - deployment: the deployment's settings by name; those left out have their defaults.
    ///   - trace: notes every request.
    /// - Throws: `invalidInput` naming the setting that is missing or cannot be right.
    public init(
        _ definition: ConnectorDefinition, environment: VendorEnvironment, deployment: [String: String] = [:], trace: RequestTrace? = nil
    ) throws(ConnectorError) {
        self.definition = definition
        self.environment = environment
        self.trace = trace
        var values: [String: String] = [:]
        for setting in definition.deploymentSettings {
            let given = deployment[setting.name]?.trimmingWhitespace() ?? ""
            guard let value = given.isEmpty ? setting.defaultValue?.literal : given else {
                throw ConnectorError(
                    code: .invalidInput, message: "PERCH_\(setting.environmentName) is not set. \(setting.help)", field: setting.name)
            }
            values[setting.name] = setting.kind == .url ? value.trimmingTrailingSlashes() : value
        }
        self.deployment = values
        try Self.checkHeaderNames(definition, values)
        try Self.checkHeaderValues(definition, values)
        fields = definition.partnerSettings.map { setting in
            ConnectorField(
                name: setting.name, label: setting.label, help: setting.help, isSecret: setting.kind == .secret,
                defaultValue: setting.defaultValue?.settled(values), environmentName: setting.environmentName,
                choices: setting.choices)
        }
    }

    /// Names of headers that a setting gives.
    private static func checkHeaderNames(_ definition: ConnectorDefinition, _ deployment: [String: String]) throws(ConnectorError) {
        for pair in definition.auth.headers + definition.requests.headers {
            guard case .name(.setting(let setting))? = pair.name.pieces.first, pair.name.pieces.count == 1, let name = deployment[setting]
            else { continue }
            guard HTTPField.Name(name) == nil else { continue }
            throw ConnectorError(code: .invalidInput, message: "\"\(name)\" cannot be the name of a header.", field: setting)
        }
    }

    /// Settings that stand in headers. The value may be a secret, and is not repeated.
    private static func checkHeaderValues(_ definition: ConnectorDefinition, _ deployment: [String: String]) throws(ConnectorError) {
        for setting in definition.deploymentSettings where definition.settingsInHeaders.contains(setting.name) {
            guard let value = deployment[setting.name], !value.utf8.allSatisfy({ (0x20...0x7E).contains($0) }) else { continue }
            throw ConnectorError(
                code: .invalidInput,
                message:
                    "PERCH_\(setting.environmentName) holds a character that the header of a request cannot carry, such as a line end or "
                    + "a letter outside ASCII. \(setting.help)", field: setting.name)
        }
    }

    public func credential(from entered: [String: String]) throws(ConnectorError) -> ConnectorCredential {
        var credential = try sorted(entered, anyText: definition.settingsOfAnyText)
        for name in definition.basicUsers where credential.openFields[name]?.contains(":") == true {
            let label = definition.partnerSettings.first { $0.name == name }?.label ?? name
            throw ConnectorError(code: .invalidInput, message: "\(label) holds a colon, which a user name cannot (RFC 7617).", field: name)
        }
        for setting in definition.partnerSettings {
            guard let text = credential.openFields[setting.name], !text.isEmpty else { continue }
            switch setting.kind {
            case .text, .secret: break
            case .choice:
                guard setting.choices.contains(where: { $0.value == text }) else {
                    throw ConnectorError(
                        code: .invalidInput,
                        message: "\(setting.label) is none of \(setting.choices.map(\.label).joined(separator: ", ")).", field: setting.name
                    )
                }
            case .url: credential.openFields[setting.name] = try checkedURL(text, setting)
            }
        }
        try checkHosts(credential)
        return credential
    }

    public func fetchAccounts(_ request: FetchRequest) async throws(ConnectorError) -> VendorAccounts {
        let values = try values(request.credential)
        return try await session(values).accounts(values)
    }

    public func fetchUsage(_ request: FetchRequest) async throws(ConnectorError) -> VendorSnapshot {
        let values = try values(request.credential)
        return try await session(values).usage(values)
    }

    /// Makes the definition's test request.
    /// - Returns: who is logged in, nil when the definition does not tell how to know, or has no test.
    public func test(_ credential: ConnectorCredential) async throws(ConnectorError) -> String? {
        guard let rule = definition.test else { return nil }
        let values = try values(credential)
        let exchange = session(values).exchange
        return try await exchange.send(.test, values) { (token) throws(ConnectorError) in
            try exchange.builder.build(rule, values, FillContext(token: token))
        } read: { (answer) throws(AttemptFailure) in
            var failure: AttemptFailure?
            do throws(ConnectorError) {
                guard let shows = definition.testShows else { return nil }
                let json = try JSONValue(parsing: answer.body)
                failure = try exchange.failure(in: json, values)
                if let failure { throw failure.error }
                return try shows.scalar(values, FillContext(record: json))?.shownText.map { exchange.builder.redaction(values)($0) }
            } catch {
                throw failure ?? AttemptFailure(error, isPassing: error.code == .brokenAnswer)
            }
        }
    }

    // MARK: Putting a fetch together

    private func values(_ credential: ConnectorCredential) throws(ConnectorError) -> FetchValues {
        for setting in definition.partnerSettings {
            let isThere =
                setting.kind == .secret ? credential.secretFields[setting.name] != nil : credential.openFields[setting.name] != nil
            guard isThere else {
                throw ConnectorError(
                    code: .invalidInput, message: "The \(productName) \(setting.label) is missing. Enter it and connect again.",
                    field: setting.name)
            }
        }
        return FetchValues(definition, deployment: deployment, credential: credential, now: environment.time.now())
    }

    private func session(_ values: FetchValues) -> FetchSession {
        let builder = RequestBuilder(
            definition: definition, destinations: destinations(values.texts), allowsPlainHTTP: environment.allowsPlainHTTP)
        let exchange = VendorExchange(
            definition: definition, environment: environment, builder: builder,
            gate: definition.requests.perSecond.map { RequestGate(perSecond: $0, time: environment.time) },
            tokens: definition.auth.token.map { _ in TokenKeeper(time: environment.time) }, trace: trace)
        return FetchSession(definition: definition, environment: environment, exchange: exchange)
    }

    /// The hosts of the definition, with those of addresses that somebody entered.
    private func destinations(_ texts: [String: String]) -> DestinationRule {
        let hosts = definition.hosts.compactMap { rule -> String? in
            switch rule {
            case .exact(let host): host
            case .under(let host): "*." + host
            case .ofSetting(let name): texts[name]?.urlHost
            }
        }
        return DestinationRule(hosts: Set(hosts + environment.hosts), networks: environment.networks)
    }

    // MARK: Addresses that partners enter

    /// An address that somebody entered has to be one that requests may go to.
    private func checkHosts(_ credential: ConnectorCredential) throws(ConnectorError) {
        var texts = deployment
        texts.merge(credential.openFields) { $1 }
        let destinations = destinations(texts)
        for setting in definition.partnerSettings where setting.kind == .url {
            guard let host = credential.openFields[setting.name]?.urlHost, !destinations.allows(host: host) else { continue }
            throw ConnectorError(
                code: .invalidInput,
                message: "\(setting.label) leads to \(host), which is no address of \(productName) "
                    + "(\((destinations.hosts ?? []).sorted().joined(separator: ", "))).",
                field: setting.name)
        }
    }

    /// Without trailing slashes, and without what the base address puts behind it, which partners paste too.
    private func checkedURL(_ entered: String, _ setting: DefinitionSetting) throws(ConnectorError) -> String {
        var text = entered
        let path = pathBehind(setting.name)
        while text.hasSuffix("/") || (!path.isEmpty && text.hasSuffix(path)) {
            text.removeLast(text.hasSuffix("/") ? 1 : path.count)
        }
        // A scheme is read without case (RFC 3986 section 3.1); phones like to begin with a capital.
        if let end = text.firstIndex(of: ":") { text = text[..<end].lowercased() + text[end...] }
        guard let components = URLComponents(string: text), let host = components.host, !host.isEmpty,
            components.user == nil, components.query == nil, components.fragment == nil, text.urlHost != nil
        else {
            let example = setting.defaultValue?.settled(deployment) ?? "https://api.example.com"
            throw ConnectorError(
                code: .invalidInput, message: "\(setting.label) is not a web address. It looks like \(example).", field: setting.name)
        }
        guard components.scheme == "https" || (components.scheme == "http" && environment.allowsPlainHTTP) else {
            throw ConnectorError(
                code: .invalidInput, message: "\(setting.label) must begin with https://, so that the key travels encrypted.",
                field: setting.name)
        }
        return text
    }

    /// The path that `base` puts behind a setting.
    private func pathBehind(_ name: String) -> String {
        let pieces = definition.requests.base.pieces
        guard pieces.count == 2, pieces[0] == .name(.setting(name)), case .text(let path) = pieces[1] else { return "" }
        return path.trimmingTrailingSlashes()
    }
}

extension Template {
    /// The text of a default, which names the deployment's settings only.
    fileprivate func settled(_ deployment: [String: String]) -> String {
        pieces.map { piece in
            switch piece {
            case .text(let text): text
            case .name(.setting(let name)): deployment[name] ?? ""
            case .name: ""
            }
        }.joined()
    }
}

extension ConnectorDefinition {
    /// Partner settings that never stand in a header or begin an address: a form, JSON, a query and Basic carry any text.
    fileprivate var settingsOfAnyText: Set<String> {
        Set(partnerSettings.filter { $0.kind == .text || $0.kind == .secret }.map(\.name)).subtracting(settingsInHeaders)
    }

    /// Settings of either kind that stand in a header, and not by way of Basic, which encodes them.
    fileprivate var settingsInHeaders: Set<String> {
        let requests = reads.map(\.request) + [test, auth.token?.request].compactMap(\.self)
        let headers = auth.headers + self.requests.headers + requests.flatMap(\.headers)
        let plain = headers.flatMap { $0.name.names + $0.value.names } + (auth.bearer?.names ?? [])
        return Set(plain.compactMap { if case .setting(let name) = $0 { name } else { nil } })
    }

    /// Settings in the user name of Basic, which ends at the first colon (RFC 7617 section 2).
    fileprivate var basicUsers: [String] {
        [auth.basic, auth.token?.basic].compactMap { $0?.user }.flatMap(\.names)
            .compactMap { if case .setting(let name) = $0 { name } else { nil } }
    }
}
