import Connectors
import Foundation
import HTTPClient
import Integration
import Logging
import Portal
import Sandbox
import Secrets
import Store

/// The whole service and a whole sandbox, both on real ports: what a scenario is played on.
///
/// The service is the one of `perch serve`: `buildApplication` over a real database and the real libcurl. It is spoken to as
/// partners (``Visitor``), operators (``Office``) and the vendor's Synthesize (``SandboxHand``) do: over HTTP.
struct Stage: Sendable {
    let application: Application
    let portalURL: String
    let sandbox: SandboxHand
    /// Between the service and the world.
    let wire: Wire
    let clock: TurnableClock
    let log: LogBook
    let dataDirectory: String
    /// Of the tests themselves; nothing stands between it and the service.
    let client: CurlHTTPClient
    let office: Office
    let launchSecret: Secret

    var desk: Desk { application.desk }
}

/// What a scenario sets up otherwise than usual.
struct StageSetup: Sendable {
    var customers: [Customer] = Customer.few
    /// Synthesize's and Perch's own; nil and 0 lift them, so that only the scenario about pacing waits for it.
    var sandboxRateLimit: Int?
    var callsPerSecond = 0.0
    var totalTimeout = Duration.seconds(20)
    var attempts = 3
    var parallelCounts = 16
    var failuresInARow = 3
    var vendorKey = "vendor-key-of-the-stage"
    var saasAlertsKey = "saas-alerts-key-of-the-stage"
    var launchSecret = "launch-secret-of-the-stage-0123456789"
    var ticketDelayMilliseconds = 0
    /// Settings of another connector than SaaS Alerts, by key.
    var settings: [String: String] = [:]
    /// Instead of the usual 15 s.
    var lookAgain: Duration?
    /// Instead of the one that the settings name.
    var connector: (any Connector)?
}

extension StageSetup {
    /// For calls that never end: a time-out that they reach soon, and that others do not reach on a busy machine.
    static var impatient: StageSetup {
        var setup = StageSetup()
        setup.totalTimeout = .milliseconds(1500)
        setup.attempts = 2
        return setup
    }
}

/// Plays a scenario and takes everything down afterwards, whatever became of it.
func withStage(_ setup: StageSetup = StageSetup(), _ play: (Stage) async throws -> Void) async throws {
    let log = LogBook()
    let sandbox = try await startSandbox(setup)
    let directory = FileManager.default.temporaryDirectory.appending(path: "perch-scenario-\(UUID().uuidString)").path()
    defer {
        // Left behind, it would only fill the temporary directory.
        try? FileManager.default.removeItem(atPath: directory)
    }
    let clock = TurnableClock()
    let client = try CurlHTTPClient(logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
    let wire = Wire(
        try CurlHTTPClient(
            configuration: HTTPClientConfiguration(limits: RequestLimits(totalTimeout: setup.totalTimeout)),
            logger: log.logger))
    let application = try await buildApplication(
        configuration: try configuration(setup, sandboxURL: sandbox.url, directory: directory),
        dependencies: Dependencies(http: wire, time: clock.source, logger: log.logger, connector: setup.connector))
    let portalURL = try await application.start()
    let running = Task { try await application.run() }

    let failure: (any Error)?
    do {
        let (_, key) = try await OperatorKeys.issue(
            name: "Scenario", role: .admin, store: application.store, keyRing: application.keyRing, random: .system, time: clock.source)
        let stage = Stage(
            application: application, portalURL: portalURL,
            sandbox: SandboxHand(server: sandbox.server, url: sandbox.url, client: client), wire: wire, clock: clock, log: log,
            dataDirectory: directory, client: client, office: Office(portalURL: portalURL, key: key, client: client),
            launchSecret: Secret(setup.launchSecret))
        try await play(stage)
        failure = nil
    } catch {
        failure = error
    }
    wire.release()
    running.cancel()
    try await running.value
    await sandbox.server.stop(deadline: .zero)
    if let failure { throw failure }
}

private func startSandbox(_ setup: StageSetup) async throws -> (server: SandboxServer, url: String) {
    var seed = SandboxSeed.empty
    seed.vendor.apiKey = setup.vendorKey
    seed.saasAlerts = SaaSAlertsConfiguration(apiKey: setup.saasAlertsKey, customers: setup.customers.map(\.record))
    var configuration = SandboxConfiguration(seed: seed)
    configuration.settings.rateLimit = setup.sandboxRateLimit
    configuration.settings.ticketDelayMilliseconds = setup.ticketDelayMilliseconds
    let server = SandboxServer(
        configuration: configuration, logger: Logger(label: "sandbox", factory: { _ in SwiftLogNoOpLogHandler() }))
    return (server, "http://\(try await server.start())")
}

private func configuration(_ setup: StageSetup, sandboxURL: String, directory: String) throws -> Configuration {
    var configuration = try Configuration(
        SettingSources(
            commandLine: [
                "PERCH_PORT": "0", "PERCH_DATA_DIRECTORY": directory, "PERCH_RESOURCES": repository,
                "PERCH_VENDOR_API_KEY": setup.vendorKey, "PERCH_LAUNCH_SECRETS": setup.launchSecret,
                "PERCH_SYNTHESIZE_URL": sandboxURL,
                "PERCH_MAPPING_URL": sandboxURL + "/organizations/{organizationId}/mapping/accounts",
                "PERCH_ALLOW_PLAIN_HTTP": "true", "PERCH_CALLS_PER_SECOND": "\(setup.callsPerSecond)",
                "PERCH_PARALLEL_COUNTS": "\(setup.parallelCounts)", "PERCH_STOP_DEADLINE": "5",
            ].merging(setup.settings.isEmpty ? ["PERCH_SAAS_ALERTS_URL": sandboxURL + "/saas-alerts"] : setup.settings) { $1 }))
    configuration.retry = RetryPolicy(maximumAttempts: setup.attempts, firstDelay: .milliseconds(2), maximumDelay: .milliseconds(5))
    configuration.policy.failuresInARow = setup.failuresInARow
    if let lookAgain = setup.lookAgain { configuration.policy.lookAgain = lookAgain }
    return configuration
}

/// Where `Public` and `migrations` are.
let repository = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path()

/// Something that a scenario needs did not come about.
struct Stuck: Error, CustomStringConvertible {
    var description: String

    init(_ description: String) {
        self.description = description
    }
}

/// Asks until the answer is there: for what tells nobody that it has happened. Bounded, generously.
func eventually<Value>(_ what: String, _ ask: () async throws -> Value?) async throws -> Value {
    let deadline = ContinuousClock.now + .seconds(30)
    while ContinuousClock.now < deadline {
        if let value = try await ask() { return value }
        try await Task.sleep(for: .milliseconds(20))
    }
    throw Stuck("waited in vain: \(what)")
}
