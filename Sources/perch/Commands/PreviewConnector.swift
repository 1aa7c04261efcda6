import ArgumentParser
import Connectors
import Foundation
import HTTPClient
import Integration
import Portal

/// Fetches accounts and usage by a definition and shows them; Synthesize is never asked.
struct PreviewConnector: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "preview", abstract: "Fetch accounts and counts by a definition and show them. Synthesize is not touched.")
    @Argument(help: "A file, or the id of a built-in definition.") var file: String
    @Option(
        name: .customLong("set"),
        help: ArgumentHelp(
            "A setting of the definition, a partner's or the deployment's, by its name or its name in .env, or a PERCH_ setting; may be "
                + "repeated. What is not given here is taken from the environment and .env.", valueName: "name=value"))
    var settings: [String] = []
    @Option(help: "File with settings, one NAME=value a line.") var envFile = ".env"
    @Option(
        name: .customLong("file"), help: "A usage file to read, where usage is handed in (kind: usage).", completion: .file())
    var usageFile: String?
    @Flag(help: "As JSON.") var json = false

    func run() async throws {
        try await Console.reporting {
            let settings = try ConnectorSource(named: file).deploymentSettings
            let (given, perch) = try sorted(settings)
            let sources = SettingSources(
                commandLine: perch, environment: ProcessInfo.processInfo.environment, environmentFile: try EnvironmentFile.read(envFile))
            let configuration = try Configuration(sources)
            let dependencies = try Dependencies.live(configuration)
            let trace = RequestTrace()
            let connector = try makeConnector(configuration, dependencies, trace: trace)
            let entered = try entered(given, connector, settings, sources)
            let received = try received(connector, dependencies)
            var report = PreviewReport(connector)
            do throws(ConnectorError) {
                let credential = try connector.credential(from: entered)
                report.loggedInAs = try await connector.test(credential)
                report.take(
                    try await connector.fetchUsage(
                        FetchRequest(credential: credential, partner: SinglePartner.reference, received: received)))
            } catch {
                report.error = error
            }
            report.requests = trace.entries
            if json { Console.say(try JSONText.of(report)) } else { report.lines.forEach(Console.say) }
            guard let error = report.error else { return }
            Console.warn("perch: " + error.message)
            throw Self.status(error).code
        }
    }

    /// The file to read, for a connector whose usage is handed in.
    private func received(_ connector: any Connector, _ dependencies: Dependencies) throws(SettingsError) -> ReceivedUsage? {
        guard let usageFile else { return nil }
        guard let intake = connector.intake else {
            throw SettingsError(problems: ["--file: \(connector.productName) is asked for usage, so there is no file to read."])
        }
        let bytes: Data
        do {
            let file = try FileHandle(forReadingFrom: URL(fileURLWithPath: usageFile))
            // One byte more than allowed tells a file that is too long.
            bytes = try file.read(upToCount: intake.limit + 1) ?? Data()
        } catch {
            throw SettingsError(problems: ["--file: \(usageFile) cannot be read."])
        }
        guard bytes.count <= intake.limit else {
            throw SettingsError(problems: ["--file: \(usageFile) has more than the \(intake.limit) bytes of PERCH_USAGE_LIMIT."])
        }
        return ReceivedUsage(form: .file, bytes: [UInt8](bytes), name: usageFile, receivedAt: dependencies.time.now())
    }

    /// `--set` split into the definition's settings and Perch's own.
    private func sorted(_ known: [DefinitionSetting]) throws(SettingsError) -> (given: [String: String], perch: [String: String]) {
        var given: [String: String] = [:]
        var perch = ["PERCH_CONNECTOR": file]
        for setting in settings {
            let parts = setting.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2 else {
                throw SettingsError(problems: ["--set \(parts[0]): a value is missing. Write --set NAME=VALUE."])
            }
            let (name, value) = (String(parts[0]), String(parts[1]))
            if name.hasPrefix("PERCH_") {
                perch[name] = value
            } else if let setting = known.first(where: { $0.name == name }) {
                perch["PERCH_" + setting.environmentName] = value
            } else {
                given[name] = value
            }
        }
        return (given, perch)
    }

    /// What the form under "Connect" would hold.
    private func entered(
        _ given: [String: String], _ connector: any Connector, _ deployment: [DefinitionSetting], _ sources: SettingSources
    ) throws(SettingsError) -> [String: String] {
        var entered: [String: String] = [:]
        var problems: [String] = []
        let known = Set(connector.fields.flatMap { [$0.name, $0.environmentName] })
        for name in given.keys.sorted() where !known.contains(name) {
            let names = (connector.fields.map(\.name) + deployment.map(\.name)).joined(separator: ", ")
            problems.append("--set \(name): \(connector.productName) has no such setting. It has \(names.isEmpty ? "none" : names).")
        }
        for field in connector.fields {
            let layers = [
                given[field.name], given[field.environmentName], sources.environment[field.environmentName],
                sources.environmentFile[field.environmentName],
            ]
            entered[field.name] = layers.lazy.compactMap(\.self).first { !$0.isEmpty }
            if entered[field.name] == nil, field.defaultValue == nil {
                problems.append(
                    "\(field.label) is missing: give --set \(field.name)=..., or \(field.environmentName) in the environment. \(field.help)"
                )
            }
        }
        guard problems.isEmpty else { throw SettingsError(problems: problems) }
        return entered
    }

    private static func status(_ error: ConnectorError) -> ExitStatus {
        switch error.code {
        case .invalidInput, .invalidDefinition, .invalidFile: .settings
        case .credentialRefused: .refused
        case .unreachable, .refused, .brokenAnswer, .emptyList, .tooLarge, .notReceived, .outdated, .olderUsage: .unavailable
        case .cancelled: .failed
        }
    }
}

/// What a preview found.
private struct PreviewReport: Encodable {
    let connector: any Connector
    var loggedInAs: String?
    var accounts: [VendorAccount] = []
    var services: [CatalogueService]
    var usage: [UsageRecord] = []
    var recordsDropped = 0
    var requests: [RequestTrace.Entry] = []
    var error: ConnectorError?

    init(_ connector: any Connector) {
        self.connector = connector
        services = connector.services
    }

    mutating func take(_ snapshot: VendorSnapshot) {
        accounts = snapshot.accounts
        services += snapshot.discovered
        usage = snapshot.usage
        recordsDropped = snapshot.recordsDropped
    }

    // MARK: For people

    var lines: [String] {
        var lines = [connector.productName + (loggedInAs.map { ", logged in as \($0)" } ?? "")]
        if error == nil {
            let names = Dictionary(accounts.map { ($0.id, $0.name) }, uniquingKeysWith: { first, _ in first })
            lines += [
                "", "\(accounts.count) accounts, \(services.count) services, \(usage.count) counts, \(recordsDropped) records dropped",
            ]
            let counted = Set(usage.map(\.accountID))
            lines += TextTable.lines(
                [["ACCOUNT", "NAME", "SERVICE", "COUNT"]]
                    + usage.map { [$0.accountID, names[$0.accountID] ?? "", $0.serviceName, "\($0.count)"] }
                    + accounts.filter { !counted.contains($0.id) }.map { [$0.id, $0.name, "-", "-"] })
        }
        // Nobody is asked where usage is handed in.
        guard connector.intake == nil else { return lines }
        lines += ["", "\(requests.count) requests"]
        lines += TextTable.lines(
            [["FOR", "STATUS", "TIME", "BYTES", "REQUEST"]]
                + requests.map {
                    [
                        $0.purpose, ($0.status.map(String.init) ?? "-") + ($0.wait.map { ", wait \(Int($0.seconds)) s" } ?? ""),
                        "\(Self.milliseconds($0.duration)) ms", "\($0.bytes)",
                        "\($0.method) \($0.url)",
                    ]
                })
        return lines
    }

    private static func milliseconds(_ duration: Duration) -> Int { Int((duration.seconds * 1000).rounded()) }

    // MARK: For programs

    private enum Key: String, CodingKey {
        case id, name, loggedInAs, accounts, services, counts, recordsDropped, requests, error
        case category, subcategory, basis, version, accountId, service, count, method, url, purpose, status, bytes, milliseconds, problem,
            retryAfterSeconds, code, message, description
    }

    func encode(to encoder: any Encoder) throws {
        var root = encoder.container(keyedBy: Key.self)
        try root.encode(connector.id, forKey: .id)
        try root.encode(connector.productName, forKey: .name)
        try root.encodeIfPresent(loggedInAs, forKey: .loggedInAs)
        try root.encode(recordsDropped, forKey: .recordsDropped)
        try Self.encodeList(accounts, .accounts, &root) { account, item in
            try item.encode(account.id, forKey: .id)
            try item.encode(account.name, forKey: .name)
        }
        try Self.encodeList(services, .services, &root) { service, item in
            try item.encode(service.name, forKey: .name)
            try item.encode(service.description, forKey: .description)
            try item.encode(service.category, forKey: .category)
            try item.encode(service.subcategory, forKey: .subcategory)
            try item.encode(service.basis.name, forKey: .basis)
            try item.encode(service.basis.version, forKey: .version)
        }
        try Self.encodeList(usage, .counts, &root) { record, item in
            try item.encode(record.accountID, forKey: .accountId)
            try item.encode(record.serviceName, forKey: .service)
            try item.encode(record.count, forKey: .count)
        }
        try Self.encodeList(requests, .requests, &root) { request, item in
            try item.encode(request.method, forKey: .method)
            try item.encode(request.url, forKey: .url)
            try item.encode(request.purpose, forKey: .purpose)
            try item.encode(request.status, forKey: .status)
            try item.encode(request.bytes, forKey: .bytes)
            try item.encode(Self.milliseconds(request.duration), forKey: .milliseconds)
            try item.encodeIfPresent(request.problem, forKey: .problem)
            try item.encodeIfPresent(request.wait.map { Int($0.seconds) }, forKey: .retryAfterSeconds)
        }
        if let error {
            var item = root.nestedContainer(keyedBy: Key.self, forKey: .error)
            try item.encode(error.code.rawValue, forKey: .code)
            try item.encode(error.message, forKey: .message)
        }
    }

    private static func encodeList<Item>(
        _ items: [Item], _ key: Key, _ root: inout KeyedEncodingContainer<Key>,
        _ encode: (Item, inout KeyedEncodingContainer<Key>) throws -> Void
    ) throws {
        var list = root.nestedUnkeyedContainer(forKey: key)
        for item in items {
            var container = list.nestedContainer(keyedBy: Key.self)
            try encode(item, &container)
        }
    }
}
