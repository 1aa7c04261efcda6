import HTTPServer
import HTTPTypes

/// The tests' hand on the sandbox: what a partner clicks, and what goes wrong, as HTTP calls.
///
/// Answers are JSON; an error is `{statusCode, message}` like those of the simulated API.
struct ControlAPI: Sendable {
    private let router: Router

    init(sandbox: SandboxServer) {
        var routes = ControlRoutes(sandbox: sandbox)
        routes.addState()
        routes.addOrganizations()
        routes.addMapping()
        routes.addVendorAPIs()
        router = routes.router
    }

    func respond(to request: Request) async throws -> Response {
        do {
            return try await router.respond(to: request)
        } catch let error as SandboxError {
            return Self.error(error.status, error.message)
        } catch let error as HTTPError {
            var response = Self.error(error.status, error.message)
            response.headerFields.append(contentsOf: error.headerFields)
            return response
        }
    }

    private static func error(_ status: HTTPResponse.Status, _ message: String) -> Response {
        Response(.json(["statusCode": .number(Double(status.code)), "message": .string(message)], status: status))
    }
}

extension SandboxError {
    var status: HTTPResponse.Status {
        switch code {
        case .notFound: .notFound
        case .conflict: .conflict
        case .invalid: .badRequest
        }
    }
}

/// Gathers the routes of the control API.
struct ControlRoutes {
    let sandbox: SandboxServer
    private(set) var router = Router()

    init(sandbox: SandboxServer) { self.sandbox = sandbox }

    /// A route that reads a JSON body, none being null, and answers with JSON.
    mutating func on(
        _ method: HTTPRequest.Method, _ pattern: String, status: HTTPResponse.Status = .ok,
        _ change: @escaping @Sendable (ControlRequest) throws -> JSONValue
    ) {
        let sandbox = sandbox
        router.on(method, "/control" + pattern) { request in
            let bytes = try await request.body.collect(upTo: 16 << 20)
            let body: JSONValue
            do {
                body = bytes.isEmpty ? .null : try JSONParser.parse(bytes)
            } catch let failure as JSONParser.Failure {
                throw SandboxError(.invalid, "Malformed JSON at byte \(failure.offset): \(failure.message)")
            }
            let control = ControlRequest(sandbox: sandbox, body: body, organization: request.parameters["id"] ?? "")
            return Response(.json(try change(control), status: status))
        }
    }
}

struct ControlRequest: Sendable {
    let sandbox: SandboxServer
    let body: JSONValue
    /// The organization in the path, empty when there is none.
    let organization: String

    /// Changes the path's organization and answers its state.
    func changingOrganization(
        _ change: (inout SandboxModel, ControlRequest) throws -> Void
    ) throws -> JSONValue {
        try sandbox.withModel { model, now in
            try change(&model, self)
            return model.json(try model.organization(organization), at: now)
        }
    }
}
