import HTTPServer
import HTTPTypes
import Store

/// One address of the console, with the role that it needs.
struct ConsoleRoute: Sendable {
    var method: HTTPRequest.Method
    var path: String
    var role: OperatorRole
    var respond: @Sendable (ConsoleVisit) async throws -> Response

    /// An address for reading.
    static func page(
        _ path: String, _ role: OperatorRole, _ respond: @escaping @Sendable (ConsoleVisit) async throws -> Response
    ) -> ConsoleRoute {
        ConsoleRoute(method: .get, path: path, role: role, respond: respond)
    }

    /// A form, whose token is checked before anything is done.
    static func form(
        _ path: String, _ role: OperatorRole,
        _ respond: @escaping @Sendable (ConsoleVisit, FormFields) async throws -> Response
    ) -> ConsoleRoute {
        ConsoleRoute(method: .post, path: path, role: role) { visit in
            try await respond(visit, FormToken.checkedForm(visit.request, visit.session))
        }
    }

    /// A form for what is hard to take back: the operator's key is entered again, so that a browser left alone, or a stolen cookie,
    /// is not enough (ASVS 7.5.3).
    static func confirmedForm(
        _ path: String, _ role: OperatorRole,
        _ respond: @escaping @Sendable (ConsoleVisit, FormFields) async throws -> Response
    ) -> ConsoleRoute {
        form(path, role) { visit, form in
            try await visit.requireKeyAgain(form)
            return try await respond(visit, form)
        }
    }
}

/// The vendor's way in for people: server-made pages that work without JavaScript.
enum Console {
    static let routes: [ConsoleRoute] =
        partnerRoutes + usageRoutes + previewRoutes + runRoutes + serviceRoutes + operatorRoutes + auditRoutes

    static let library = PageLibrary([
        "console-layout": PackageResources.console_layout_mustache,
        "console-sign-in": PackageResources.console_sign_in_mustache,
        "console-message": PackageResources.console_message_mustache,
        "console-partners": PackageResources.console_partners_mustache,
        "console-partner": PackageResources.console_partner_mustache,
        "console-preview": PackageResources.console_preview_mustache,
        "preview": PackageResources.preview_mustache,
        "console-runs": PackageResources.console_runs_mustache,
        "console-run": PackageResources.console_run_mustache,
        "console-services": PackageResources.console_services_mustache,
        "console-operators": PackageResources.console_operators_mustache,
        "console-audit": PackageResources.console_audit_mustache,
    ])
}

func addConsoleRoutes(to router: inout Router, _ environment: PortalEnvironment) {
    let gate = ConsoleGate(environment)
    for route in Console.routes {
        router.on(route.method, route.path, gate.handler(route))
    }
    let signIn = ConsoleSignIn(environment)
    router.get("/console/sign-in", signIn.show)
    router.post("/console/sign-in", signIn.enter)
    router.post("/console/sign-out", gate.handler(.form("/console/sign-out", .viewer, signIn.leave)))
}
