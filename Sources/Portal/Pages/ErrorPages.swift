import HTTPServer
import HTTPTypes
import Integration
import Logging
import Store

/// Turns whatever a handler throws into an answer that fits: a page for people, `application/problem+json` under `/api/`. What
/// nobody foresaw is logged under a reference, which is all that the page says of it (ASVS 16.5.1).
struct ErrorPages: Middleware {
    private let environment: PortalEnvironment

    init(_ environment: PortalEnvironment) {
        self.environment = environment
    }

    func respond(to request: Request, next: Handler) async throws -> Response {
        do {
            return try await next(request)
        } catch {
            return response(for: error, path: request.path)
        }
    }

    func response(for error: any Error, path: String) -> Response {
        path.hasPrefix("/api/") ? problemResponse(for: error, environment) : page(for: error)
    }

    private func page(for error: any Error) -> Response {
        switch error {
        case let error as HTTPError:
            var response = Self.page(error.status, message: error.message, version: environment.settings.version)
            response.headerFields.append(contentsOf: error.headerFields)
            return response
        case let error as IntegrationError:
            if error.code == .store || error.code == .secrets { log(error, reference: nil) }
            return Self.page(error.pageStatus, message: error.message, version: environment.settings.version)
        case let error as StoreError:
            log(error, reference: nil)
            return Self.page(.serviceUnavailable, message: error.message, version: environment.settings.version)
        default:
            let reference = environment.random.identifier(prefix: "err_")
            log(error, reference: reference)
            return Self.page(
                .internalServerError,
                message: "Try again in a moment. If it happens again, tell your vendor's support this reference, which their log "
                    + "explains: \(reference)",
                version: environment.settings.version)
        }
    }

    private func log(_ error: any Error, reference: String?) {
        environment.logger.error(
            "A page could not be made",
            metadata: ["error": "\(error)", "reference": "\(reference ?? "none")"])
    }

    /// A page with a headline and a sentence, for errors and for the few other answers that are only that.
    static func page(
        _ status: HTTPResponse.Status, headline: String? = nil, message: String, version: String
    ) -> Response {
        let view = ErrorView(status: status, headline: headline, message: message, version: version)
        return .html(library.html("error", view), status: status)
    }

    private static let library = PageLibrary([:])
}

/// What the error page shows.
struct ErrorView: Sendable, Hashable {
    var frame: PageFrame
    /// Shown small; empty when nothing went wrong.
    var status: String
    var headline: String
    var message: String

    init(status: HTTPResponse.Status, headline: String?, message: String, version: String) {
        self.headline = headline ?? Self.headline(status)
        frame = PageFrame(title: self.headline, version: version)
        self.status = status.code < 400 ? "" : "\(status.code)"
        self.message = message
    }

    private static func headline(_ status: HTTPResponse.Status) -> String {
        switch status.code {
        case 401: "Please sign in again"
        case 403: "That was not allowed"
        case 404: "There is nothing here"
        case 409: "Not now"
        case 410: "No longer kept"
        case 413: "That is too large"
        case 405, 501: "That does not work here"
        case 400..<500: "That request could not be understood"
        case 503: "Not available right now"
        default: "Something went wrong"
        }
    }
}

extension IntegrationError {
    /// Whether the vendor answered and refused what was entered, which only another entry mends: it names the field.
    var refusesEntry: Bool { code == .vendorUnavailable && field != nil }

    /// The status of a page that tells this error.
    var pageStatus: HTTPResponse.Status {
        switch code {
        case .vendorUnavailable where refusesEntry: .unprocessableContent
        // 401 and 403 would speak of the reader's own sign-in, not of the key that Synthesize refused.
        case .invalidInput, .keyRefused, .synthesizeRejected, .keyReused: .unprocessableContent
        case .forbidden, .synthesizeUnavailable, .vendorUnavailable: .badGateway
        case .otherOrganization, .conflict: .conflict
        case .notFound: .notFound
        case .gone: .gone
        case .store: .serviceUnavailable
        case .secrets: .internalServerError
        }
    }
}
