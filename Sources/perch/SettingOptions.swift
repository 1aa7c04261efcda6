import ArgumentParser
import Foundation
import HTTPClient
import Logging
import Portal

/// Settings on the command line; they win over the environment, which wins over `.env`.
struct SettingOptions: ParsableArguments {
    @Option(name: .customLong("set"), help: ArgumentHelp("A setting; may be repeated. `perch config` lists all.", valueName: "name=value"))
    var settings: [String] = []

    @Option(help: "File with settings, one NAME=value a line.")
    var envFile = ".env"

    @Option(help: "Directory of the database.")
    var dataDirectory: String?

    /// The values of all layers.
    /// - Parameter own: what the command's own options say, by setting key.
    /// - Throws: `SettingsError`.
    func sources(_ own: [String: String] = [:]) throws(SettingsError) -> SettingSources {
        var commandLine = own
        if let dataDirectory { commandLine["PERCH_DATA_DIRECTORY"] = dataDirectory }
        for setting in settings {
            let parts = setting.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2 else {
                throw SettingsError(problems: ["--set \(parts[0]): a value is missing. Write --set NAME=VALUE."])
            }
            let name = String(parts[0])
            commandLine[name.hasPrefix(Setting.prefix) ? name : Setting.prefix + name] = String(parts[1])
        }
        return SettingSources(
            commandLine: commandLine, environment: ProcessInfo.processInfo.environment,
            environmentFile: try EnvironmentFile.read(envFile))
    }

    func configuration(_ own: [String: String] = [:]) throws(SettingsError) -> Configuration {
        try Configuration(try sources(own))
    }
}

extension Dependencies {
    /// The real network, clock and randomness.
    /// - Throws: `ApplicationError` when libcurl cannot be set up.
    /// - Parameter logLevel: used when the settings name none.
    static func live(_ configuration: Configuration, logLevel: Logger.Level = .warning) throws(ApplicationError) -> Dependencies {
        var logger = Logger(label: "perch") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = configuration.logLevel ?? logLevel
        do {
            return Dependencies(http: try CurlHTTPClient(configuration: configuration.httpClient, logger: logger), logger: logger)
        } catch {
            throw ApplicationError(error.message)
        }
    }
}
