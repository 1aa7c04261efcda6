import ArgumentParser
import Integration
import Portal
import Secrets

/// What the commands of Gradient's SDK share: the two keys and the connector's fields, from the environment or `.env`.
struct PartnerKeys {
    var vendorKey: Secret
    var partnerKey: Secret
    var fields: [String: String]
    let configuration: Configuration
    let dependencies: Dependencies

    /// - Throws: `SettingsError` naming what is missing.
    init(_ options: SettingOptions) throws {
        let sources = try options.sources()
        func value(_ name: String) -> String? {
            for layer in [sources.environment, sources.environmentFile] {
                if let text = layer[name], !text.isEmpty { return text }
            }
            return nil
        }
        configuration = try Configuration(sources)
        dependencies = try Dependencies.live(configuration)
        let connector = try makeConnector(configuration, dependencies)
        var problems: [String] = []
        if configuration.vendorAPIKey == nil { problems.append("VENDOR_API_KEY is missing in the environment and in .env.") }
        if value("PARTNER_API_KEY") == nil { problems.append("PARTNER_API_KEY is missing in the environment and in .env.") }
        fields = [:]
        for field in connector.fields {
            fields[field.name] = value(field.environmentName)
            if fields[field.name] == nil, field.defaultValue == nil {
                problems.append("\(field.environmentName) is missing: the \(field.label) of \(connector.productName). \(field.help)")
            }
        }
        guard problems.isEmpty else { throw SettingsError(problems: problems) }
        vendorKey = configuration.vendorAPIKey ?? Secret("")
        partnerKey = Secret(value("PARTNER_API_KEY") ?? "")
    }

    func singlePartner() throws -> SinglePartner {
        try SinglePartner(
            synthesize: synthesizeEnvironment(configuration, dependencies), vendorKey: vendorKey, partnerKey: partnerKey,
            connector: try makeConnector(configuration, dependencies), fields: fields,
            exclusions: configuration.policy.exclusions)
    }
}

struct Authenticate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Prove the keys: ask Synthesize and the vendor.")
    @OptionGroup var settings: SettingOptions

    func run() async throws {
        try await Console.reporting {
            let (organization, accounts) = try await PartnerKeys(settings).singlePartner().authenticate()
            Console.say("Synthesize: \(organization.name), status \(organization.status)")
            Console.say("Vendor: \(accounts) accounts")
        }
    }
}

struct SyncAccounts: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Create and rename accounts in Synthesize as the vendor has them.")
    @OptionGroup var settings: SettingOptions

    func run() async throws {
        try await Console.reporting {
            let result = try await PartnerKeys(settings).singlePartner().syncAccounts()
            Console.say("\(result.read) accounts: \(result.created) created, \(result.updated) renamed")
            for account in result.refused { Console.warn("Synthesize would not take \"\(account.name)\": \(account.message)") }
            if result.recordsDropped > 0 { Console.warn("\(result.recordsDropped) records had no id or no name and were left out.") }
            if !result.refused.isEmpty { throw ExitStatus.rejected.code }
        }
    }
}

struct SyncServices: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Create and update the vendor's services in Synthesize.")
    @OptionGroup var settings: SettingOptions

    func run() async throws {
        try await Console.reporting {
            let result = try await PartnerKeys(settings).singlePartner().syncServices()
            Console.say("\(result.total) services: \(result.created) created, \(result.updated) updated")
        }
    }
}

struct UpdateStatus: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Set the integration to pending, so that mapping can begin; an active one stays active.")
    @OptionGroup var settings: SettingOptions

    func run() async throws {
        try await Console.reporting {
            let organization = try await PartnerKeys(settings).singlePartner().updateStatus()
            Console.say("\(organization.name): status \(organization.status)")
        }
    }
}

struct Clients: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "List the customers in the partner's PSA.")
    @OptionGroup var settings: SettingOptions
    @Option(help: "Only those that match this text.") var search: String?

    func run() async throws {
        try await Console.reporting {
            for client in try await PartnerKeys(settings).singlePartner().clients(search: search) {
                Console.say("\(client.id)\t\(client.name)")
            }
        }
    }
}
