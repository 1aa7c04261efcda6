import HTTPServer
import HTTPTypes

/// Refuses unsafe requests that another site's page made (ASVS 3.5.1, 3.5.3). The form token of the session is the second,
/// independent guard.
struct OriginCheck: Middleware {
    private let publicURL: String
    private let publicOrigin: WebOrigin?

    init(_ settings: PortalSettings) {
        publicURL = settings.publicURL
        publicOrigin = WebOrigin(settings.publicURL)
    }

    func respond(to request: Request, next: Handler) async throws -> Response {
        let fields = request.head.headerFields
        guard
            Self.admits(
                method: request.head.method, origin: fields[.origin], fetchSite: fields[.secFetchSite],
                publicOrigin: publicOrigin)
        else {
            throw HTTPError(
                .forbidden, code: "foreign-origin",
                message: "This request came from another site, so nothing was changed. Open \(publicURL) and try again.")
        }
        return try await next(request)
    }

    /// Programs send neither field and carry no cookie; browsers send at least one of the two with every unsafe request.
    static func admits(
        method: HTTPRequest.Method, origin: String?, fetchSite: String?, publicOrigin: WebOrigin?
    ) -> Bool {
        if safeMethods.contains(method) { return true }
        // Compared as text: `null`, a second origin or any odd spelling is refused.
        if let origin { return origin == publicOrigin?.description }
        guard let fetchSite else { return true }
        return fetchSite == "same-origin" || fetchSite == "none"
    }

    private static let safeMethods: Set<HTTPRequest.Method> = [.get, .head, .options]
}
