import Connectors
import HTTPClient
import HTTPServer
import Integration
import Logging
import Secrets
import ServiceLifecycle
import Store
import Synchronization
import Synthesize

/// What comes from outside the program; replaced in tests.
public struct Dependencies: Sendable {
    public var http: any HTTPSender
    public var time: TimeSource
    public var random: RandomSource
    public var logger: Logger
    /// What `/metrics` shows. The program makes it the process's metrics system too.
    public var metrics: PrometheusRegistry
    /// A connector written in Swift, in the place of the one that the settings name.
    public var connector: (any Connector)?

    public init(
        http: any HTTPSender, time: TimeSource = .live, random: RandomSource = .system, logger: Logger,
        metrics: PrometheusRegistry = PrometheusRegistry(), connector: (any Connector)? = nil
    ) {
        self.metrics = metrics
        self.connector = connector
        self.http = http
        self.time = time
        self.random = random
        self.logger = logger
    }
}

/// Why the program cannot start: one line for a person, and how to mend it.
public struct ApplicationError: Error, Sendable, Hashable, CustomStringConvertible {
    public var message: String

    public init(_ message: String) {
        self.message = message
    }

    public var description: String { message }
}

/// The whole service, put together. The one place where the parts meet.
/// - Throws: `ApplicationError`.
public func buildApplication(
    configuration: Configuration, dependencies: Dependencies
) async throws(ApplicationError) -> Application {
    guard let vendorKey = configuration.vendorAPIKey else {
        throw ApplicationError("\(Setting.vendorAPIKey.key) is not set. \(Setting.vendorAPIKey.help)")
    }
    let store = try openStore(configuration, dependencies)
    do {
        let keyKeeper = KeyKeeper(configuration, dependencies, store)
        let keyRing = try await keyKeeper.openKeyRing()
        // The key of operator keys' hashes, and the end of a rotation that was cut off, before anyone can come in.
        _ = try await OperatorKeys.hashing(store: store, keyRing: keyRing, random: dependencies.random)
        try await keyKeeper.finishRotation(keyRing)
        let connector = try makeConnector(configuration, dependencies)
        let environment = IntegrationEnvironment(
            store: store, keyRing: keyRing, connector: connector,
            synthesize: synthesizeEnvironment(configuration, dependencies), vendorKey: vendorKey,
            time: dependencies.time, random: dependencies.random, policy: configuration.policy,
            logger: dependencies.logger)
        return Application(
            configuration: configuration, dependencies: dependencies, store: store, keyRing: keyRing, keyKeeper: keyKeeper,
            desk: Desk(environment), launchKeys: try launchKeys(configuration),
            staticFiles: try StaticFiles(directory: configuration.resources.publicDirectory))
    } catch {
        // Else the lock on the database would outlive the failed start.
        do { try await store.close() } catch { dependencies.logger.error("\(error)") }
        throw (error as? ApplicationError) ?? ApplicationError("\(error)")
    }
}

/// Opens the database of the configured data directory.
/// - Parameter whenLocked: what else to do when another process has the database.
public func openStore(
    _ configuration: Configuration, _ dependencies: Dependencies, whenLocked: String? = nil
) throws(ApplicationError) -> SQLiteStore {
    do {
        return try SQLiteStore(
            directory: configuration.dataDirectory, migrationsDirectory: configuration.resources.migrationsDirectory,
            logger: dependencies.logger)
    } catch {
        throw ApplicationError(
            error.code == .locked ? [error.message, whenLocked].compactMap(\.self).joined(separator: " ") : error.message)
    }
}

/// The connector that the dependencies bring or the settings name, reaching its vendor through the given client.
/// - Parameter trace: notes every request to the vendor.
public func makeConnector(
    _ configuration: Configuration, _ dependencies: Dependencies, trace: RequestTrace? = nil
) throws(ApplicationError) -> any Connector {
    if let own = dependencies.connector { return own }
    let definition: ConnectorDefinition
    switch configuration.connector {
    case .definition(let chosen): definition = chosen
    case .usage(let source):
        let intake = UsageIntake(
            source: source, folder: configuration.usageFolder, limit: configuration.usageLimit, maximumAge: configuration.usageMaximumAge)
        return UsageConnector(intake, time: dependencies.time)
    }
    let environment = VendorEnvironment(
        http: dependencies.http, time: dependencies.time, random: dependencies.random, retry: configuration.retry,
        allowsPlainHTTP: configuration.allowsPlainHTTP, networks: configuration.vendorNetworks,
        hosts: configuration.vendorHosts, tell: { [logger = dependencies.logger] in logger.warning("\($0)") })
    do {
        return try DefinedConnector(
            definition, environment: environment, deployment: configuration.connectorSettings, trace: trace)
    } catch {
        throw ApplicationError(error.message)
    }
}

/// What all partners' clients share: address, pacer, clock.
public func synthesizeEnvironment(_ configuration: Configuration, _ dependencies: Dependencies) -> SynthesizeClient.Environment {
    SynthesizeClient.Environment(
        baseURL: configuration.synthesizeURL, http: dependencies.http,
        pacer: Pacer(
            callsPerSecond: configuration.callsPerSecond,
            maximumUnderWay: configuration.httpClient.maximumConnectionsPerHost, time: dependencies.time),
        time: dependencies.time, random: dependencies.random, retry: configuration.retry)
}

private func launchKeys(_ configuration: Configuration) throws(ApplicationError) -> LaunchKeys {
    do {
        return try LaunchKeys(
            sharedSecrets: configuration.launchSecrets, publicKeysPEM: configuration.launchPublicKeysPEM,
            keySet: configuration.launchKeySet,
            issuer: configuration.launchIssuer, audience: configuration.launchAudience)
    } catch {
        throw ApplicationError(error.message)
    }
}

/// A service that is put together: start it, run it until it is told to stop.
public final class Application: ServiceLifecycle.Service {
    public let store: any Store
    public let desk: Desk
    private let configuration: Configuration
    private let dependencies: Dependencies
    public let keyRing: KeyRing
    private let keyKeeper: KeyKeeper
    private let launchKeys: LaunchKeys
    private let staticFiles: StaticFiles
    private let server: Server
    /// The pages need to know where they are, which is known only when the server listens.
    private let late: LateSurface

    init(
        configuration: Configuration, dependencies: Dependencies, store: any Store, keyRing: KeyRing, keyKeeper: KeyKeeper,
        desk: Desk, launchKeys: LaunchKeys, staticFiles: StaticFiles
    ) {
        self.configuration = configuration
        self.dependencies = dependencies
        self.store = store
        self.keyRing = keyRing
        self.keyKeeper = keyKeeper
        self.desk = desk
        self.launchKeys = launchKeys
        self.staticFiles = staticFiles
        let late = LateSurface()
        server = Server(
            configuration: configuration.server, logger: dependencies.logger,
            immediate: { late.surface?.immediate($0) }, refusal: { late.surface?.refusal($0) }, handler: { try await late.respond(to: $0) })
        self.late = late
    }

    /// Listens.
    /// - Returns: the address that browsers use.
    /// - Throws: `ApplicationError` when the port is taken or the address cannot be had.
    public func start() async throws(ApplicationError) -> String {
        let address: SocketAddress
        do {
            address = try await server.start()
        } catch {
            throw ApplicationError(error.message)
        }
        let publicURL = configuration.publicURL ?? "http://\(address)"
        late.set(
            WebSurface(
                PortalEnvironment(
                    desk: desk, store: store, keyRing: keyRing, time: dependencies.time, random: dependencies.random,
                    logger: dependencies.logger, settings: portalSettings(publicURL), staticFiles: staticFiles,
                    metrics: dependencies.metrics, keyKeeper: keyKeeper)))
        return publicURL
    }

    private func portalSettings(_ publicURL: String) -> PortalSettings {
        PortalSettings(
            publicURL: publicURL, mappingURL: configuration.mappingURL, launchKeys: launchKeys,
            launchClockSkew: configuration.launchClockSkew, defaultTimeZone: configuration.defaultTimeZone,
            sessionIdle: configuration.sessionIdle,
            sessionLifetime: configuration.sessionLifetime, frameAncestors: configuration.frameAncestors,
            version: Perch.version)
    }

    /// Works until a graceful shutdown or the task's cancellation: then no new connection, running requests and syncs are put down in
    /// order within the stop deadline, and the database is closed.
    public func run() async throws {
        let working = Task { await desk.run() }
        await waitForStop()
        await server.stop(deadline: configuration.stopDeadline)
        working.cancel()
        await working.value
        try await store.close()
    }

    private func waitForStop() async {
        let stopped = AsyncStream.makeStream(of: Void.self)
        await withTaskCancellationOrGracefulShutdownHandler {
            for await _ in stopped.stream { return }
        } onCancelOrGracefulShutdown: {
            stopped.continuation.finish()
        }
    }
}

/// A surface that is known only after the server has its address. Requests in between are told to come back.
private final class LateSurface: Sendable {
    // A struct of closures and not a closure: each read of a closure out of a Mutex wraps what is stored in one more layer,
    // so that requests would grow slower and the memory fuller with every one that came before.
    private let stored = Mutex<WebSurface?>(nil)

    var surface: WebSurface? { stored.withLock { $0 } }

    func set(_ surface: WebSurface) { stored.withLock { $0 = surface } }

    func respond(to request: Request) async throws -> Response {
        guard let surface else {
            throw HTTPError(.serviceUnavailable, code: "starting", message: "The service is starting.")
        }
        return try await surface.handler(request)
    }
}
