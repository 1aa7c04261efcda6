import HTTPTypes

/// Finds the handler of a request by method and path.
///
/// A pattern is literal segments and `{name}` parameters between slashes: `/runs/{id}/events`. A parameter matches
/// exactly one segment, an empty one too: `/service/{id}/count` matches `/service//count`. Where several patterns match, literal
/// segments win over parameters, from the left. Paths are compared after each segment is percent-decoded, so `%2F` is
/// part of a segment and never a separator; dots and doubled or trailing slashes are not tidied away.
public struct Router: Sendable {
    private struct Route: Sendable {
        var pattern: String
        var segments: [Segment]
        var handlers: [HTTPRequest.Method: Handler] = [:]

        func ranks(before other: Route) -> Bool {
            for (mine, theirs) in zip(segments, other.segments) where mine.isLiteral != theirs.isLiteral { return mine.isLiteral }
            return false
        }

        /// The parameters of a path with as many segments; nil when it does not match.
        func match(_ path: [String]) -> [String: String]? {
            var parameters: [String: String] = [:]
            for (segment, text) in zip(segments, path) {
                if !segment.isLiteral {
                    parameters[segment.text] = text
                } else if !segment.text.utf8.elementsEqual(text.utf8) {
                    return nil
                }
            }
            return parameters
        }
    }

    /// Literal text, or the name of a parameter.
    private typealias Segment = (text: String, isLiteral: Bool)

    /// Routes in the order of their rank, for each count of segments.
    private var routesByLength: [Int: [Route]] = [:]
    /// Every route in the order it was added, for tests that walk them.
    public private(set) var routes: [(method: HTTPRequest.Method, pattern: String)] = []

    public init() {}

    /// Adds a route. A second handler for the same method and pattern replaces the first.
    public mutating func on(_ method: HTTPRequest.Method, _ pattern: String, _ handler: @escaping Handler) {
        let segments = pattern.dropFirst().split(separator: "/", omittingEmptySubsequences: false).map { text -> Segment in
            text.hasPrefix("{") && text.hasSuffix("}") ? (String(text.dropFirst().dropLast()), false) : (String(text), true)
        }
        var group = routesByLength[segments.count] ?? []
        if !group.contains(where: { $0.pattern == pattern }) {
            let route = Route(pattern: pattern, segments: segments)
            group.insert(route, at: group.firstIndex { route.ranks(before: $0) } ?? group.endIndex)
        }
        for index in group.indices where group[index].pattern == pattern { group[index].handlers[method] = handler }
        routesByLength[segments.count] = group
        routes.removeAll { $0 == (method, pattern) }
        routes.append((method, pattern))
    }

    public mutating func get(_ pattern: String, _ handler: @escaping Handler) { on(.get, pattern, handler) }
    public mutating func post(_ pattern: String, _ handler: @escaping Handler) { on(.post, pattern, handler) }
    public mutating func put(_ pattern: String, _ handler: @escaping Handler) { on(.put, pattern, handler) }
    public mutating func patch(_ pattern: String, _ handler: @escaping Handler) { on(.patch, pattern, handler) }
    public mutating func delete(_ pattern: String, _ handler: @escaping Handler) { on(.delete, pattern, handler) }

    /// Runs the handler of the first pattern, by rank, that has the path and the method. HEAD is served by GET, and
    /// `OPTIONS` answered with `Allow`, unless a route says otherwise.
    /// - Throws: `HTTPError` 404; 405 with `Allow` (RFC 9110 section 15.5.6); 501 for a method that no route could
    ///   have (section 9.1); 400 for a path that is not UTF-8; and what the handler throws.
    public func respond(to request: Request) async throws -> Response {
        let method = request.head.method
        if request.path == "*", method == .options { return Self.options(allowing: Set(routes.map(\.method))) }
        guard Self.knownMethods.contains(method) else { throw HTTPError.unknownMethod }
        let path = try Self.segments(request.path)
        var allowed: Set<HTTPRequest.Method> = []
        for route in routesByLength[path.count] ?? [] {
            guard let parameters = route.match(path) else { continue }
            if let handler = Self.handler(of: route, for: method) {
                var request = request
                request.parameters = parameters
                return try await handler(request)
            }
            allowed.formUnion(route.handlers.keys)
        }
        guard !allowed.isEmpty else {
            throw HTTPError(.notFound, code: "not-found", message: "There is nothing at this address.")
        }
        let options = Self.options(allowing: allowed)
        if method == .options { return options }
        throw HTTPError(
            .methodNotAllowed, code: "method-not-allowed",
            message: "This address does not take \(method.rawValue).", headerFields: options.headerFields)
    }

    /// The pattern whose handler would answer; nil where none would.
    public func pattern(for request: Request) -> String? {
        do throws(HTTPError) {
            let path = try Self.segments(request.path)
            return routesByLength[path.count]?.first { route in
                route.match(path) != nil && Self.handler(of: route, for: request.head.method) != nil
            }?.pattern
        } catch {
            return nil
        }
    }

    private static func handler(of route: Route, for method: HTTPRequest.Method) -> Handler? {
        route.handlers[method] ?? (method == .head ? route.handlers[.get] : nil)
    }

    private static let knownMethods: Set<HTTPRequest.Method> = [
        .get, .head, .post, .put, .patch, .delete, .options, .trace, .query,
    ]

    private static func options(allowing methods: Set<HTTPRequest.Method>) -> Response {
        let all = methods.union(methods.contains(.get) ? [.options, .head] : [.options])
        return Response(status: .noContent, headerFields: [.allow: all.map(\.rawValue).sorted().joined(separator: ", ")])
    }

    private static func segments(_ path: String) throws(HTTPError) -> [String] {
        var segments: [String] = []
        for part in path.utf8.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
            guard let text = PercentCoding.decode(part) else {
                throw .badRequest("bad-path", "The path holds a broken %-escape or is not UTF-8.")
            }
            segments.append(text)
        }
        return segments
    }
}
