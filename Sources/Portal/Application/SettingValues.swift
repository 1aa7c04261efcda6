import Connectors
import Foundation
import HTTPClient
import HTTPServer
import Secrets

/// Where settings come from, strongest first.
public struct SettingSources: Sendable {
    /// From the command line, by setting key (`PERCH_PORT`).
    public var commandLine: [String: String]
    public var environment: [String: String]
    /// From `.env`.
    public var environmentFile: [String: String]

    public init(commandLine: [String: String] = [:], environment: [String: String] = [:], environmentFile: [String: String] = [:]) {
        self.commandLine = commandLine
        self.environment = environment
        self.environmentFile = environmentFile
    }
}

/// Everything that is wrong with the settings, all at once.
public struct SettingsError: Error, Sendable, Hashable, CustomStringConvertible {
    public var problems: [String]

    public init(problems: [String]) {
        self.problems = problems
    }

    public var description: String { problems.joined(separator: "\n") }
}

/// The effective text of every setting, checked by its kind.
public struct SettingValues: Sendable {
    private var texts: [Setting: String] = [:]
    /// The table with the rows of the chosen connector.
    public let table: [Setting]
    /// What `CONNECTOR` names.
    let connector: ConnectorSource

    /// Keys that do without the prefix, because Gradient's own SDK calls them so.
    private static let sharedKeys = ["VENDOR_API_KEY": Setting.vendorAPIKey]

    /// Resolves and checks all settings.
    /// - Throws: `SettingsError` with a line for each unknown key and each bad value. Values of secrets are not in it.
    public init(_ sources: SettingSources) throws(SettingsError) {
        let layers = [sources.commandLine, sources.environment, sources.environmentFile]
        connector = try Self.connector(layers)
        let rows = connector.deploymentSettings.map(Setting.init)
        table = Setting.table + rows
        var problems: [String] = []
        for (origin, values) in [
            ("the command line", sources.commandLine), ("the environment", sources.environment),
            (".env", sources.environmentFile),
        ] {
            problems += Self.unknownKeys(values, origin, table)
        }
        for setting in table {
            do throws(SettingsError) {
                guard let text = try Self.text(setting, layers) else { continue }
                if let problem = setting.kind.problem(text) {
                    // An address with a sign-in or a query in it is as secret as these.
                    let shown = setting.isSecret || setting.kind.mayHoldSecret(text) ? "its value" : "\"\(text)\""
                    problems.append("\(setting.key): \(shown) \(problem) \(setting.help)")
                }
                texts[setting] = text
            } catch {
                problems += error.problems
            }
        }
        guard problems.isEmpty else { throw SettingsError(problems: problems) }
    }

    /// The connector whose rows the table has; read before everything else, because it says which settings there are.
    private static func connector(_ layers: [[String: String]]) throws(SettingsError) -> ConnectorSource {
        let chosen = try text(.connector, layers) ?? ""
        do throws(DefinitionError) {
            return try ConnectorSource(named: chosen)
        } catch {
            throw SettingsError(problems: error.problems.map { "\(Setting.connector.key): \(error.file):\($0.line): \($0.message)" })
        }
    }

    /// The values of the connector's own rows, by the names that its definition gives them.
    var connectorSettings: [String: String] {
        Dictionary(
            connector.deploymentSettings.compactMap { setting in texts[Setting(setting)].map { (setting.name, $0) } },
            uniquingKeysWith: { first, _ in first })
    }

    /// Nil when neither given nor defaulted.
    public subscript(setting: Setting) -> String? { texts[setting] }

    /// Prints as `perch config` shows it.
    public func shown(_ setting: Setting) -> String {
        guard let text = texts[setting] else { return "" }
        return setting.isSecret ? "***" : text
    }

    private static func text(_ setting: Setting, _ layers: [[String: String]]) throws(SettingsError) -> String? {
        for layer in layers {
            if let text = layer[setting.key], !text.isEmpty { return text }
            if setting.isSecret, let path = layer[setting.key + Setting.fileSuffix], !path.isEmpty {
                return try secretFile(path, setting)
            }
            for (key, shared) in sharedKeys where shared == setting {
                if let text = layer[key], !text.isEmpty { return text }
            }
        }
        return setting.defaultText
    }

    private static func secretFile(_ path: String, _ setting: Setting) throws(SettingsError) -> String {
        do {
            let text = try String(contentsOfFile: path, encoding: .utf8)
            return text.trimmingCharacters(in: .whitespacesAndNewlines)
        } catch {
            throw SettingsError(problems: ["\(setting.key)\(Setting.fileSuffix): the file \(path) cannot be read."])
        }
    }

    private static func unknownKeys(_ values: [String: String], _ origin: String, _ table: [Setting]) -> [String] {
        let known = Set(
            table.flatMap { $0.isSecret ? [$0.key, $0.key + Setting.fileSuffix] : [$0.key] })
        return values.keys.filter { $0.hasPrefix(Setting.prefix) && !known.contains($0) }.sorted()
            .map { "\($0) in \(origin) is not a setting. `perch config` lists them all." }
    }
}

extension Setting.Kind {
    /// Whether an address says more than where something is.
    func mayHoldSecret(_ text: String) -> Bool {
        switch self {
        case .address, .pageAddress, .origins, .hosts: text.contains { "@?#".contains($0) }
        default: false
        }
    }

    private static let signInWords = "must not hold a user name or a password."

    /// What is wrong with a text of this kind; nil when nothing is.
    func problem(_ text: String) -> String? {
        switch self {
        case .text, .secret, .path, .list: return nil
        case .integer(let range), .seconds(let range):
            guard let number = Int(text), range.contains(number) else {
                return "is not a whole number from \(range.lowerBound) to \(range.upperBound)."
            }
        case .number(let range):
            guard let number = Double(text), range.contains(number) else {
                return "is not a number from \(range.lowerBound) to \(range.upperBound)."
            }
        case .networks:
            guard TrustedProxies(text.listItems) != nil else {
                return "is not a list of IP addresses and networks such as 10.0.0.0/8, separated by commas."
            }
        case .destinationNetworks:
            guard text.listItems.allSatisfy({ IPNetwork($0) != nil }) else {
                return "is not a list of IP addresses and networks such as 10.0.0.0/8, separated by commas."
            }
        case .flag:
            guard ["true", "false"].contains(text) else { return "is neither true nor false." }
        case .choice(let words):
            guard words.contains(text) else { return "is not one of \(words.joined(separator: ", "))." }
        case .address:
            guard !text.contains("@") else { return Self.signInWords }
            guard let components = URLComponents(string: text), ["http", "https"].contains(components.scheme),
                components.host?.isEmpty == false, !text.hasSuffix("/"), components.query == nil, components.fragment == nil
            else { return "is not an http or https address without a query and without a slash at the end." }
        case .pageAddress:
            let components = URLComponents(string: text.replacing("{organizationId}", with: "x"))
            guard let components, ["http", "https"].contains(components.scheme), components.host?.isEmpty == false else {
                return "is not an http or https address."
            }
            guard components.user == nil, components.password == nil else { return Self.signInWords }
        case .origins:
            guard !text.contains("@") else { return Self.signInWords }
            let isOrigin = { (item: String) in item.wholeMatch(of: /(https?:\/\/)?(\*\.)?[A-Za-z0-9.-]+(:([0-9]{1,5}|\*))?/) != nil }
            guard text.listItems.allSatisfy(isOrigin) else {
                return "is not a list of origins such as https://portal.example.com, separated by commas."
            }
        case .hosts:
            guard !text.contains("@") else { return Self.signInWords }
            let isHost = { (item: String) in item.wholeMatch(of: /[A-Za-z0-9._-]+|[0-9A-Fa-f.]*(:[0-9A-Fa-f.]*){2,8}/) != nil }
            guard text.listItems.allSatisfy(isHost) else {
                return "is not a list of names or addresses of hosts, without scheme and port, separated by commas."
            }
        case .timeZone:
            // UTC needs no look into the time zone database, which costs the idle service 4 MB.
            guard text == "UTC" || TimeZone(identifier: text) != nil else { return "is not a time zone such as Europe/Berlin." }
        }
        return nil
    }
}

/// Reads `.env`: one `NAME=value` a line, split at the first `=`, so that values may contain `=` (lessons 2.8).
public enum EnvironmentFile {
    /// - Parameter text: lines beginning with `#` are comments; `export` before a name and quotes around a value are taken off.
    /// - Returns: the values, a later one of the same name winning.
    public static func parse(_ text: String) -> [String: String] {
        var values: [String: String] = [:]
        for line in text.split(whereSeparator: \.isNewline) {
            let line = line.trimmingCharacters(in: .whitespaces)
            guard !line.hasPrefix("#"), let separator = line.firstIndex(of: "=") else { continue }
            var name = line[..<separator].trimmingCharacters(in: .whitespaces)
            if name.hasPrefix("export ") { name = name.dropFirst(7).trimmingCharacters(in: .whitespaces) }
            guard !name.isEmpty else { continue }
            values[name] = unquoted(line[line.index(after: separator)...].trimmingCharacters(in: .whitespaces))
        }
        return values
    }

    private static func unquoted(_ value: String) -> String {
        for quote in ["\"", "'"] where value.count >= 2 && value.hasPrefix(quote) && value.hasSuffix(quote) {
            return String(value.dropFirst().dropLast())
        }
        return value
    }

    /// The file's values; none when there is no file.
    /// - Throws: `SettingsError` when it is there and cannot be read.
    public static func read(_ path: String) throws(SettingsError) -> [String: String] {
        guard FileManager.default.fileExists(atPath: path) else { return [:] }
        do {
            return parse(try String(contentsOfFile: path, encoding: .utf8))
        } catch {
            throw SettingsError(problems: ["\(path) cannot be read."])
        }
    }
}

extension String {
    /// The items of a list separated by commas, trimmed, without empty ones.
    var listItems: [String] {
        split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
    }
}

extension Setting {
    /// A row of the table that a connector definition brings.
    init(_ setting: DefinitionSetting) {
        let kind: Kind =
            switch setting.kind {
            case .text: .text
            case .secret: .secret
            case .url: .address
            case .choice: .choice(setting.choices.map(\.value))
            }
        self.init(setting.environmentName, kind, setting.defaultText, setting.help)
    }
}
