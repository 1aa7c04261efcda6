import HTTPServer
import HTTPTypes
import Store

/// One call of the admin API. Who may make it stands beside what it does, so that no route can be added without deciding.
struct AdminRoute: Sendable {
    var method: HTTPRequest.Method
    /// Below `/api/v1`.
    var path: String
    /// The lowest role that may call it.
    var role: OperatorRole
    /// Names allowed in the query; any other is refused, because a mistyped filter would show too much.
    var query: Set<String>
    /// False for what takes no body: who sends one expects it to matter.
    var takesBody: Bool
    var respond: @Sendable (AdminCall) async throws -> Response

    init(
        _ method: HTTPRequest.Method, _ path: String, _ role: OperatorRole, query: Set<String> = [], takesBody: Bool? = nil,
        _ respond: @escaping @Sendable (AdminCall) async throws -> Response
    ) {
        self.method = method
        self.path = path
        self.role = role
        self.query = query
        self.takesBody = takesBody ?? (method != .get)
        self.respond = respond
    }

    static let paging: Set<String> = ["cursor", "limit"]
    /// Filters that take several values, each under the name.
    fileprivate static let repeatable: Set<String> = ["state"]
}

/// The vendor's way in for programs: `/api/v1`, JSON, Bearer operator keys. Described by `Public/openapi.yaml`.
enum AdminAPI {
    static let prefix = "/api/v1"

    static let routes: [AdminRoute] =
        partnerRoutes + connectionRoutes + usageRoutes + syncRunRoutes + previewRoutes + scheduleRoutes + catalogueRoutes + alertRoutes
        + auditRoutes
        + operatorRoutes + keyRoutes
}

func addAdminRoutes(to router: inout Router, _ environment: PortalEnvironment) {
    let authentication = OperatorAuthentication(environment)
    for route in AdminAPI.routes {
        router.on(route.method, AdminAPI.prefix + route.path) { request in
            do {
                let key = try await authentication.key(for: request)
                try await authentication.require(route.role, of: key, for: route, from: request.remoteAddress.host)
                try route.checkQuery(of: request)
                if !route.takesBody { try await request.requireNoBody() }
                var response = try await route.respond(AdminCall(request: request, key: key, environment: environment))
                response.headerFields[.cacheControl] = "no-store"
                return response
            } catch {
                return problemResponse(for: error, environment)
            }
        }
    }
}

extension Request {
    /// - Throws: `invalidInput` for anything but white space and an empty object, `HTTPError` 413.
    fileprivate func requireNoBody() async throws {
        let text = String(decoding: try await body.collect(upTo: 1 << 10), as: UTF8.self)
        guard ["", "{}"].contains(text.filter { !$0.isWhitespace }) else {
            throw invalidInput("This call takes no body. Nothing was done.")
        }
    }
}

extension AdminRoute {
    fileprivate func checkQuery(of request: Request) throws {
        for (name, _) in request.query.pairs where !query.contains(name) {
            let known = query.isEmpty ? "none" : query.sorted().joined(separator: ", ")
            throw invalidInput("The query parameter '\(name)' is not known here. Known: \(known).", field: name)
        }
        for name in query.subtracting(Self.repeatable) where request.query.all(name).count > 1 {
            throw invalidInput("The query parameter '\(name)' stands there twice. Send it once.", field: name)
        }
    }
}
