import Foundation
import HTTPServer
import HTTPTypes
import Logging
import Synchronization

/// The sandbox on a port: the simulated APIs, the control API and the pages of one ``SandboxModel``.
public final class SandboxServer: Sendable {
    private let model: Mutex<SandboxModel>
    private let configuration: SandboxConfiguration
    private let dependencies: SandboxDependencies
    private let logger: Logger
    private let server = Mutex<Server?>(nil)

    public init(
        configuration: SandboxConfiguration = SandboxConfiguration(), dependencies: SandboxDependencies = .live(),
        logger: Logger
    ) {
        self.configuration = configuration
        self.dependencies = dependencies
        self.logger = logger
        model = Mutex(
            SandboxModel(
                seed: configuration.seed, settings: configuration.settings, randomSeed: dependencies.randomSeed,
                at: dependencies.now()))
    }

    /// Listens and answers the address, port filled in.
    ///
    /// - Throws: `ServerError` when the address cannot be had.
    public func start() async throws -> SocketAddress {
        var listening = ServerConfiguration()
        listening.host = configuration.host
        listening.port = configuration.port
        // A client under test may send its whole life's requests over one connection.
        listening.limits.requestsPerConnection = .max
        let server = Server(configuration: listening, logger: logger, handler: handler)
        self.server.withLock { $0 = server }
        return try await server.start()
    }

    /// Stops listening; what is running gets so long to finish.
    public func stop(deadline: Duration = .seconds(1)) async {
        let running = server.withLock { server in
            defer { server = nil }
            return server
        }
        await running?.stop(deadline: deadline)
    }

    /// What `start` serves, for a server of one's own.
    public var handler: Handler {
        let pages = Pages(sandbox: self)
        let control = ControlAPI(sandbox: self)
        let simulatedPaths = ["/api/"] + withModel { model, _ in model.vendorAPIs.map { "/\($0.name)/" } }
        return { [self] request in
            let path = request.path
            if simulatedPaths.contains(where: path.hasPrefix) { return try await simulated(request) }
            if path.hasPrefix("/control/") { return try await control.respond(to: request) }
            return try await pages.respond(to: request)
        }
    }

    /// Reads or changes the model, at this instant.
    public func withModel<Result>(_ body: (inout SandboxModel, Date) throws -> sending Result) rethrows -> sending Result {
        try model.withLock { model in try body(&model, dependencies.now()) }
    }

    var vendorPortal: (@Sendable () async throws -> String)? { configuration.vendorPortal }

    /// The vendor's half of every token.
    public var vendorAPIKey: String { withModel { model, _ in model.vendor.apiKey } }

    /// The key of the simulated SaaS Alerts API, as seeded.
    public var saasAlertsAPIKey: String { configuration.seed.saasAlerts.apiKey }

    /// Creates a partner that is ready to connect.
    public func createOrganization(_ seed: SandboxSeed.OrganizationSeed) -> OrganizationKeys {
        withModel { model, now in model.createOrganization(seed, at: now) }
    }

    private func simulated(_ request: Request) async throws -> Response {
        let sent = SandboxRequest(head: request.head, body: try await request.body.collect(upTo: 16 << 20))
        let answer = withModel { model, now in model.answer(sent, at: now) }
        guard answer.delay > .zero else { return Response(answer) }
        do {
            try await dependencies.sleep(answer.delay)
            return Response(answer)
        } catch {
            // The client gave up waiting, or the sandbox stops; the request was carried out all the same.
            return Response(body: .abort)
        }
    }
}

extension Response {
    /// The answer, whole or broken as the fault demands.
    init(_ answer: SandboxAnswer) {
        let body: ResponseBody =
            switch answer.delivery {
            case .complete: .bytes(answer.body)
            case .half: .truncated(Array(answer.body.prefix(answer.body.count / 2)), announcedLength: answer.body.count)
            case .dropped: .abort
            }
        self.init(status: answer.status, headerFields: answer.headerFields, body: body)
    }
}
