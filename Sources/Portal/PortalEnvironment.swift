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
    /// Rotates keys; nil where a test has none to rotate.
    public var keyKeeper: KeyKeeper?
    /// Shared by all ways of entry.
    public var accessGuard: AccessGuard

    public init(
        desk: Desk, store: any Store, keyRing: KeyRing, time: TimeSource, random: RandomSource, logger: Logger,
        settings: PortalSettings, staticFiles: StaticFiles, metrics: PrometheusRegistry = PrometheusRegistry(),
        keyKeeper: KeyKeeper? = nil, accessGuard: AccessGuard = AccessGuard()
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
        self.keyKeeper = keyKeeper
        self.accessGuard = accessGuard
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
    /// How far the portal's clock may be apart from this one.
    public var launchClockSkew: Duration
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
        publicURL: String, mappingURL: String, launchKeys: LaunchKeys,
        launchClockSkew: Duration = LaunchTokens.defaultClockSkew, defaultTimeZone: String = "UTC",
        sessionIdle: Duration = .seconds(30 * 60), sessionLifetime: Duration = .seconds(12 * 3600),
        frameAncestors: [String] = [], version: String
    ) {
        self.publicURL = publicURL
        self.mappingURL = mappingURL
        self.launchKeys = launchKeys
        self.launchClockSkew = launchClockSkew
        self.defaultTimeZone = defaultTimeZone
        self.sessionIdle = sessionIdle
        self.sessionLifetime = sessionLifetime
        self.frameAncestors = frameAncestors
        self.version = version
    }
}

/// The whole web surface: partner page, admin API, console, health, static files, with the middleware around them.
public struct WebSurface: Sendable {
    /// Files and the answer that the process lives: from memory, whatever the rest is busy with.
    public let immediate: ImmediateHandler
    /// Everything, what is immediate too.
    public let handler: Handler
    /// What a request that is too large to be looked at is answered, as any other error of its path.
    public let refusal: RefusalHandler

    /// Answered also when the server's connections are all taken.
    static let healthPaths: Set<String> = ["/healthz", "/readyz"]

    public init(_ environment: PortalEnvironment) {
        let router = portalRouter(environment)
        let metrics = RequestMetrics(environment.metrics, routes: router, time: environment.time)
        let headers = SecurityHeaders(environment.settings)
        let files = environment.staticFiles.adding(headers.fields)
        let alive = headers.add(to: aliveAnswer)
        let immediate: ImmediateHandler = { request in
            metrics.count(request, as: "static") { files.response(for: request.path, request: request.head) }
                ?? metrics.count(request, as: "/healthz") { isAliveRequest(request) ? alive : nil }
        }
        let routed = chain(
            [metrics, headers, ErrorPages(environment), OriginCheck(environment.settings)], router.respond)
        self.immediate = immediate
        refusal = { error in
            guard let path = error.path else { return nil }
            return headers.add(to: ErrorPages(environment).response(for: error, path: path))
        }
        handler = { request in
            if let answer = immediate(request) { return answer }
            return try await routed(request)
        }
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
