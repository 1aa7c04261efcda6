import CoreMetrics
import HTTPClient
import HTTPServer
import HTTPTypes
import Synchronization

/// Counts every request by method, route and status, and times it until the answer's head is ready (a stream goes on after
/// that). The outermost middleware, so that it counts what the others answer too.
///
/// Label values are bounded: routes are patterns, never paths, and unknown methods share one word. Otherwise anyone could
/// fill the memory with made-up addresses.
public final class RequestMetrics: Middleware {
    private struct Series: Hashable {
        var method: String
        var route: String
        var status: Int
    }

    private let registry: PrometheusRegistry
    private let time: TimeSource
    private let routes: Router
    /// Looking a metric up by its labels costs more than a page from memory does.
    private let known = Mutex<[Series: (count: Counter, duration: CoreMetrics.Timer)]>([:])

    /// - Parameter routes: tells which route a path belongs to.
    public init(_ registry: PrometheusRegistry, routes: Router, time: TimeSource) {
        self.registry = registry
        self.routes = routes
        self.time = time
    }

    public func respond(to request: Request, next: Handler) async throws -> Response {
        let start = time.elapsed()
        do {
            let response = try await next(request)
            record(request, route(of: request, response.status), response.status, since: start)
            return response
        } catch {
            let status = (error as? HTTPError)?.status ?? .internalServerError
            record(request, route(of: request, status), status, since: start)
            throw error
        }
    }

    /// As `respond`, for an answer that is at hand, of a known route.
    func count(_ request: Request, as route: String, _ answer: () -> Response?) -> Response? {
        let start = time.elapsed()
        guard let response = answer() else { return nil }
        record(request, route, response.status, since: start)
        return response
    }

    private func record(
        _ request: Request, _ route: String, _ status: HTTPResponse.Status, since start: Duration
    ) {
        let series = Series(method: Self.word(request.head.method), route: route, status: status.code)
        let (count, duration) = known.withLock { known in
            if let metrics = known[series] { return metrics }
            let labels = [("method", series.method), ("route", series.route)]
            let metrics = (
                count: Counter(
                    label: "perch_http_requests", dimensions: labels + [("status", String(status.code))], factory: registry),
                duration: CoreMetrics.Timer(label: "perch_http_request_duration", dimensions: labels, factory: registry)
            )
            known[series] = metrics
            return metrics
        }
        count.increment()
        let (seconds, attoseconds) = (time.elapsed() - start).components
        duration.recordNanoseconds(seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
    }

    /// The pattern; `static` for files, `other` for what has no route.
    private func route(of request: Request, _ status: HTTPResponse.Status) -> String {
        if let pattern = routes.pattern(for: request) { return pattern }
        return status.kind == .successful || status == .notModified ? "static" : "other"
    }

    private static func word(_ method: HTTPRequest.Method) -> String {
        switch method {
        case .get, .head, .post, .put, .patch, .delete, .options: method.rawValue
        default: "other"
        }
    }
}
