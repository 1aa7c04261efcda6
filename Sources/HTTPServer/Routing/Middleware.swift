/// Something that sees every request before the handler and every answer after it: sessions, headers, logs, error pages.
public protocol Middleware: Sendable {
    func respond(to request: Request, next: Handler) async throws -> Response
}

/// `handler` inside `middleware`, the first one outermost.
public func chain(_ middleware: [any Middleware], _ handler: @escaping Handler) -> Handler {
    middleware.reversed().reduce(handler) { next, layer in
        { request in try await layer.respond(to: request, next: next) }
    }
}
