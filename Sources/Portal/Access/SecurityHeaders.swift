import HTTPServer
import HTTPTypes

/// The fields that every answer carries (ASVS 3.4). What a handler set itself is left as it is.
struct SecurityHeaders: Middleware {
    let fields: HTTPFields

    init(_ settings: PortalSettings) {
        var fields: HTTPFields = [
            .contentSecurityPolicy: Self.contentSecurityPolicy(frameAncestors: settings.frameAncestors),
            .xContentTypeOptions: "nosniff",
            // Not `no-referrer`: with it browsers send `Origin: null` with our own forms (Fetch standard, "append a request
            // Origin header").
            .referrerPolicy: "same-origin",
            .permissionsPolicy: "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
            .crossOriginOpenerPolicy: "same-origin",
            .crossOriginResourcePolicy: "same-origin",
            .cacheControl: "no-store",
        ]
        if settings.isSecure { fields[.strictTransportSecurity] = "max-age=31536000" }
        self.fields = fields
    }

    func respond(to request: Request, next: Handler) async throws -> Response {
        add(to: try await next(request))
    }

    func add(to response: Response) -> Response {
        var response = response
        for field in fields where !response.headerFields.contains(field.name) { response.headerFields.append(field) }
        return response
    }

    /// Nothing but our own files; no inline script or style.
    static func contentSecurityPolicy(frameAncestors: [String]) -> String {
        let ancestors = frameAncestors.isEmpty ? "'none'" : frameAncestors.joined(separator: " ")
        return [
            "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data:", "connect-src 'self'",
            "form-action 'self'", "base-uri 'none'", "frame-ancestors \(ancestors)",
        ].joined(separator: "; ")
    }
}
