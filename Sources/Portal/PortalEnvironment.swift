import HTTPClient
import HTTPServer
import Integration
import Logging
import Secrets
import Store

/// Everything that the web surface needs from outside.
public struct PortalEnvironment: Sendable {
    public var desk: Desk
    /// For access only: sessions, launches, operator keys, the audit trail. Everything else goes through `desk`.
    public var store: any Store
    /// For `/readyz`, which proves that it opens what it sealed.
    public var keyRing: KeyRing
    public var time: TimeSource
    public var random: RandomSource
    public var logger: Logger
    public var settings: PortalSettings
    public var staticFiles: StaticFiles
    /// What `/metrics` shows; requests are counted in it.
    public var metrics: PrometheusRegistry

    public init(
        desk: Desk, store: any Store, keyRing: KeyRing, time: TimeSource, random: RandomSource, logger: Logger,
        settings: PortalSettings, staticFiles: StaticFiles, metrics: PrometheusRegistry = PrometheusRegistry()
    ) {
        self.desk = desk
        self.store = store
        self.keyRing = keyRing
        self.time = time
        self.random = random
        self.logger = logger
        self.settings = settings
        self.staticFiles = staticFiles
        self.metrics = metrics
    }
}

/// What an operator may set about the web surface.
public struct PortalSettings: Sendable {
    /// Where browsers reach this service, for instance `http://127.0.0.1:8080`, without a trailing slash. Its origin is the
    /// only one accepted on unsafe requests, and cookies are `Secure` when it is https.
    public var publicURL: String
    /// Synthesize's mapping page; `{organizationId}` is replaced by the partner's organization.
    public var mappingURL: String
    public var launchKeys: LaunchKeys
    /// IANA name, for partners made by a launch.
    public var defaultTimeZone: String
    /// A session ends after this time without a request.
    public var sessionIdle: Duration
    /// A session ends after this time in any case.
    public var sessionLifetime: Duration
    /// Origins that may show the pages in a frame; none when empty.
    public var frameAncestors: [String]
    /// Perch's own version.
    public var version: String

    public init(
        publicURL: String, mappingURL: String, launchKeys: LaunchKeys, defaultTimeZone: String = "UTC",
        sessionIdle: Duration = .seconds(30 * 60), sessionLifetime: Duration = .seconds(12 * 3600),
        frameAncestors: [String] = [], version: String
    ) {
        self.publicURL = publicURL
        self.mappingURL = mappingURL
        self.launchKeys = launchKeys
        self.defaultTimeZone = defaultTimeZone
        self.sessionIdle = sessionIdle
        self.sessionLifetime = sessionLifetime
        self.frameAncestors = frameAncestors
        self.version = version
    }
}

/// The whole web surface: middleware, partner page, admin API, console, health, static files.
public func portalHandler(_ environment: PortalEnvironment) -> Handler {
    let router = portalRouter(environment)
    let middleware: [any Middleware] = [
        RequestMetrics(environment.metrics, routes: router.routes, time: environment.time),
        SecurityHeaders(environment.settings), ErrorPages(environment), OriginCheck(environment.settings),
    ]
    return chain(middleware) { request in
        if let file = environment.staticFiles.response(for: request.path, request: request.head) { return file }
        return try await router.respond(to: request)
    }
}

/// The router alone, so that a test can walk every route.
public func portalRouter(_ environment: PortalEnvironment) -> Router {
    var router = Router()
    addPartnerPageRoutes(to: &router, environment)
    addAdminRoutes(to: &router, environment)
    addConsoleRoutes(to: &router, environment)
    addHealthRoutes(to: &router, environment)
    return router
}
