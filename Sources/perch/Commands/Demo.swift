import ArgumentParser
import Foundation
import HTTPClient
import Integration
import Logging
import Metrics
import Portal
import Sandbox
import Secrets
import ServiceLifecycle
import Store
import Synchronization

struct Demo: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run the service beside a simulated Synthesize, ready to try.",
        discussion: "Nothing leaves this machine. Each demo begins anew; its data directory is printed.")

    @OptionGroup var settings: SettingOptions
    @Option(help: "Port of the service; 0 takes any free one.") var port = 8080
    @Option(help: "Port of the sandbox; 0 takes any free one.") var sandboxPort = 8090
    @Flag(help: "Print one line of JSON instead of text.") var json = false

    func run() async throws {
        try await Console.reporting {
            let logger = Logger(label: "sandbox") { label in
                var handler = StreamLogHandler.standardError(label: label)
                handler.logLevel = .warning
                return handler
            }
            let portal = DemoPortal()
            let sandbox = SandboxServer(configuration: sandboxConfiguration(portal), logger: logger)
            let sandboxURL = "http://\(try await sandbox.start())"
            let launchSecret = Secret(RandomSource.system.token())
            let (configuration, vendor) = try configuration(sandboxURL, vendorKey: sandbox.vendorAPIKey, launchSecret)
            let dependencies = try Dependencies.live(configuration)
            MetricsSystem.bootstrap(dependencies.metrics)
            let application = try await buildApplication(configuration: configuration, dependencies: dependencies)
            let address = try await application.start()
            portal.open(DemoDoor(portal: address, launchSecret: launchSecret, dependencies: dependencies))
            let partner = try await seed(application, sandbox, vendor)
            let summary = try await summary(application, sandbox, sandboxURL, portal, configuration, vendor, partner)
            try await runUntilSignalled(
                application, configuration, dependencies, announcing: json ? try summary.json() : summary.text)
            await sandbox.stop()
        }
    }

    /// The demo's seed. One key opens both of the vendor's simulated doors, so that a person has one thing to copy.
    private func sandboxConfiguration(_ portal: DemoPortal) -> SandboxConfiguration {
        let vendorKey = RandomSource.system.identifier(prefix: "vendor-")
        var seed = SandboxSeed.demo
        seed.vendor.apiKey = vendorKey
        seed.saasAlerts.apiKey = vendorKey
        var configuration = SandboxConfiguration(port: sandboxPort, seed: seed)
        configuration.vendorPortal = { try await portal.launchURL() }
        return configuration
    }

    /// What stands on the vendor's side of the demo.
    private enum Vendor {
        /// The simulated SaaS Alerts, with its credential at hand.
        case saasAlerts
        /// Another definition: what it asks for is entered by whoever tries it.
        case other
        /// Usage that is handed in.
        case handsIn
    }

    private func configuration(
        _ sandboxURL: String, vendorKey: String, _ launchSecret: Secret
    ) throws -> (Configuration, Vendor) {
        let own = try ownSettings(sandboxURL, vendorKey: vendorKey, launchSecret)
        let configuration = try settings.configuration(own)
        switch configuration.connector {
        case .usage: return (configuration, .handsIn)
        case .definition(let definition) where definition.id == "saas-alerts":
            // A setting of this definition, and of no other.
            return (try settings.configuration(own.merging(["PERCH_SAAS_ALERTS_URL": sandboxURL + "/saas-alerts"]) { $1 }), .saasAlerts)
        case .definition: return (configuration, .other)
        }
    }

    /// The settings that point the service at the sandbox.
    private func ownSettings(_ sandboxURL: String, vendorKey: String, _ launchSecret: Secret) throws -> [String: String] {
        var own = [
            "PERCH_PORT": "\(port)",
            "PERCH_VENDOR_API_KEY": vendorKey,
            "PERCH_SYNTHESIZE_URL": sandboxURL,
            "PERCH_MAPPING_URL": sandboxURL + "/organizations/{organizationId}/mapping/accounts",
            "PERCH_ALLOW_PLAIN_HTTP": "true",
            "PERCH_LAUNCH_SECRETS": launchSecret.reveal(),
        ]
        if settings.dataDirectory == nil {
            let directory = FileManager.default.temporaryDirectory
                .appendingPathComponent("perch-demo-" + RandomSource.system.identifier(prefix: ""))
            own["PERCH_DATA_DIRECTORY"] = directory.path
        }
        return own
    }

    /// The demo's partner, with what it would have entered for the vendor.
    private func seed(_ application: Application, _ sandbox: SandboxServer, _ vendor: Vendor) async throws -> PartnerID {
        let partner = try await application.desk.admitPartner(
            vendorReference: DemoDoor.reference, name: DemoDoor.name, timeZone: "America/New_York")
        if vendor == .saasAlerts {
            try await application.desk.saveVendorCredential(
                partner.id, fields: ["apiKey": sandbox.saasAlertsAPIKey], by: .commandLine)
        }
        return partner.id
    }

    private func summary(
        _ application: Application, _ sandbox: SandboxServer, _ sandboxURL: String, _ portal: DemoPortal,
        _ configuration: Configuration, _ vendor: Vendor, _ partner: PartnerID
    ) async throws -> DemoSummary {
        let door = try portal.opened()
        let (_, operatorKey) = try await OperatorKeys.issue(
            name: "Demo", role: .admin, store: application.store, keyRing: application.keyRing, random: door.dependencies.random,
            time: door.dependencies.time, by: .commandLine)
        return DemoSummary(
            portal: door.portal, console: door.portal + "/console", sandbox: sandboxURL,
            launchURL: try await door.launchURL(),
            partnerAPIKey: sandbox.withModel { model, _ in model.organizations.first?.partnerKey?.value ?? "" },
            vendorAPIKey: sandbox.vendorAPIKey, operatorKey: operatorKey.reveal(),
            dataDirectory: configuration.dataDirectory, partnerID: vendor == .handsIn ? partner.rawValue : nil)
    }
}

/// The vendor's portal of the demo: it lets the demo's partner in.
struct DemoDoor: Sendable {
    static let reference = "northwind"
    static let name = "Northwind Managed IT"

    let portal: String
    let launchSecret: Secret
    let dependencies: Dependencies

    /// A fresh link to the partner page, good once.
    func launchURL() async throws(PortalError) -> String {
        let token = try await LaunchTokens.sign(
            vendorReference: Self.reference, name: Self.name, secret: launchSecret, now: dependencies.time.now(),
            lifetime: .seconds(300), random: dependencies.random)
        return portal + "/launch?token=" + token
    }
}

/// Knows the door once the service is up; the sandbox, which is up before it, links here.
final class DemoPortal: Sendable {
    private let door = Mutex<DemoDoor?>(nil)

    func open(_ door: DemoDoor) {
        self.door.withLock { $0 = door }
    }

    func opened() throws(ApplicationError) -> DemoDoor {
        guard let door = door.withLock({ $0 }) else { throw ApplicationError("The service is not up yet.") }
        return door
    }

    func launchURL() async throws -> String {
        try await opened().launchURL()
    }
}

/// Where to go in a demo.
struct DemoSummary: Encodable {
    var portal: String
    var console: String
    var sandbox: String
    var launchURL: String
    var partnerAPIKey: String
    var vendorAPIKey: String
    var operatorKey: String
    var dataDirectory: String
    /// For whom usage is handed in; nil where the vendor is asked.
    var partnerID: String?

    func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(self), as: UTF8.self)
    }

    /// What `docs/usage-files-and-push.md` calls these; empty where nothing is handed in.
    private var handingIn: String {
        guard let partnerID else { return "" }
        return """
              Handing in: export PERCH=\(portal) PARTNER=\(partnerID)
                          export OPERATOR_KEY=\(operatorKey)
                          or upload a file: \(console)/partners/\(partnerID)

            """
    }

    var text: String {
        """

        Perch is running, beside a simulated Synthesize. Nothing leaves this machine.

          1. Open the partner page (this link works once, within 5 minutes; the sandbox's page makes another):
             \(launchURL)
          2. \(partnerID == nil ? "Paste" : "Hand in usage (see below), then paste") this Partner API key and press Connect:
             \(partnerAPIKey)
          3. Map accounts and services in the sandbox, then press Sync Now on the partner page:
             \(sandbox)

          Operators:  \(console)
                      key \(operatorKey)
          Data:       \(dataDirectory)
        \(handingIn)
        Ctrl-C stops it.

        """
    }
}
