import CoreMetrics
import HTTPClient
import HTTPServer
import HTTPTypes

/// Counts every request by method, route and status, and times it until the answer's head is ready (a stream goes on after
/// that). The outermost middleware, so that it counts what the others answer too.
///
/// Label values are bounded: routes are patterns, never paths, and unknown methods share one word. Otherwise anyone could
/// fill the memory with made-up addresses.
public struct RequestMetrics: Middleware {
    private let registry: PrometheusRegistry
    private let time: TimeSource
    private let patterns: Router

    /// - Parameter routes: every route of the router inside.
    public init(
        _ registry: PrometheusRegistry, routes: [(method: HTTPRequest.Method, pattern: String)], time: TimeSource
    ) {
        self.registry = registry
        self.time = time
        // A router of the same routes, so that there is one opinion about which route a path belongs to.
        var patterns = Router()
        for (method, pattern) in routes {
            patterns.on(method, pattern) { _ in throw Match(pattern: pattern) }
        }
        self.patterns = patterns
    }

    private struct Match: Error {
        let pattern: String
    }

    public func respond(to request: Request, next: Handler) async throws -> Response {
        let start = time.elapsed()
        do {
            let response = try await next(request)
            await record(request, response.status, since: start)
            return response
        } catch {
            await record(request, (error as? HTTPError)?.status ?? .internalServerError, since: start)
            throw error
        }
    }

    private func record(_ request: Request, _ status: HTTPResponse.Status, since start: Duration) async {
        let labels = [("method", Self.word(request.head.method)), ("route", await route(of: request, status))]
        Counter(
            label: "perch_http_requests", dimensions: labels + [("status", String(status.code))], factory: registry
        ).increment()
        let (seconds, attoseconds) = (time.elapsed() - start).components
        CoreMetrics.Timer(label: "perch_http_request_duration", dimensions: labels, factory: registry)
            .recordNanoseconds(seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
    }

    /// The pattern; `static` for files, `other` for what has no route.
    private func route(of request: Request, _ status: HTTPResponse.Status) async -> String {
        do {
            _ = try await patterns.respond(to: Request(head: request.head))
        } catch let match as Match {
            return match.pattern
        } catch {
            // Not a route: 404, 405 or a broken path.
        }
        return status.kind == .successful || status == .notModified ? "static" : "other"
    }

    private static func word(_ method: HTTPRequest.Method) -> String {
        let known: [HTTPRequest.Method] = [.get, .head, .post, .put, .patch, .delete, .options]
        return known.contains(method) ? method.rawValue : "other"
    }
}
