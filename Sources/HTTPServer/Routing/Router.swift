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
        var handlers: [(method: HTTPRequest.Method, handler: Handler)] = []
    }

    private enum Segment: Sendable, Equatable {
        case literal(String)
        case parameter(String)
    }

    /// Patterns in the order of their rank, for each count of segments.
    private var routesByLength: [Int: [Route]] = [:]
    /// Every route in the order it was added, for tests that walk them.
    public private(set) var routes: [(method: HTTPRequest.Method, pattern: String)] = []

    public init() {}

    /// Adds a route. A second handler for the same method and pattern replaces the first.
    public mutating func on(_ method: HTTPRequest.Method, _ pattern: String, _ handler: @escaping Handler) {
        let segments = pattern.dropFirst().split(separator: "/", omittingEmptySubsequences: false).map { segment in
            segment.hasPrefix("{") && segment.hasSuffix("}")
                ? Segment.parameter(String(segment.dropFirst().dropLast())) : .literal(String(segment))
        }
        var group = routesByLength[segments.count] ?? []
        let index = group.firstIndex { $0.pattern == pattern } ?? group.endIndex
        if index == group.endIndex { group.append(Route(pattern: pattern, segments: segments)) }
        group[index].handlers.removeAll { $0.method == method }
        group[index].handlers.append((method, handler))
        group.sort { Self.ranks($0.segments, before: $1.segments) }
        routesByLength[segments.count] = group
        routes.removeAll { $0.method == method && $0.pattern == pattern }
        routes.append((method, pattern))
    }

    public mutating func get(_ pattern: String, _ handler: @escaping Handler) { on(.get, pattern, handler) }
    public mutating func post(_ pattern: String, _ handler: @escaping Handler) { on(.post, pattern, handler) }
    public mutating func put(_ pattern: String, _ handler: @escaping Handler) { on(.put, pattern, handler) }
    public mutating func patch(_ pattern: String, _ handler: @escaping Handler) { on(.patch, pattern, handler) }
    public mutating func delete(_ pattern: String, _ handler: @escaping Handler) { on(.delete, pattern, handler) }

    private static func ranks(_ left: [Segment], before right: [Segment]) -> Bool {
        for (left, right) in zip(left, right) {
            switch (left, right) {
            case (.literal, .parameter): return true
            case (.parameter, .literal): return false
            default: continue
            }
        }
        return false
    }

    /// Runs the handler of the first pattern, by rank, that has the path and the method. HEAD is served by GET, and
    /// `OPTIONS` answered with `Allow`, unless a route says otherwise.
    /// - Throws: `HTTPError` 404; 405 with `Allow` (RFC 9110 section 15.5.6); 501 for a method that no route could
    ///   have (section 9.1); 400 for a path that is not UTF-8; and what the handler throws.
    public func respond(to request: Request) async throws -> Response {
        let method = request.head.method
        let path = request.path
        if path == "*", method == .options { return Self.options(allowing: Set(routes.map(\.method))) }
        guard Self.knownMethods.contains(method) else {
            throw HTTPError(.notImplemented, code: "unknown-method", message: "The method is not known here.")
        }
        let segments = try Self.segments(path)
        var allowed: Set<HTTPRequest.Method> = []
        var viaGet: (Handler, [String: String])?
        for route in routesByLength[segments.count] ?? [] {
            guard let parameters = Self.match(route.segments, segments) else { continue }
            for (candidate, handler) in route.handlers {
                if candidate == method { return try await Self.run(handler, request, parameters) }
                if candidate == .get, viaGet == nil { viaGet = (handler, parameters) }
                allowed.insert(candidate)
            }
        }
        if method == .head, let (handler, parameters) = viaGet { return try await Self.run(handler, request, parameters) }
        guard !allowed.isEmpty else {
            throw HTTPError(.notFound, code: "not-found", message: "There is nothing at this address.")
        }
        let options = Self.options(allowing: allowed)
        if method == .options { return options }
        throw HTTPError(
            .methodNotAllowed, code: "method-not-allowed",
            message: "This address does not take \(method.rawValue).", headerFields: options.headerFields)
    }

    private static let knownMethods: Set<HTTPRequest.Method> = [
        .get, .head, .post, .put, .patch, .delete, .options, .trace, .connect, .query,
    ]

    private static func options(allowing methods: Set<HTTPRequest.Method>) -> Response {
        var methods = methods.union([.options])
        if methods.contains(.get) { methods.insert(.head) }
        return Response(
            status: .noContent, headerFields: [.allow: methods.map(\.rawValue).sorted().joined(separator: ", ")])
    }

    private static func run(_ handler: Handler, _ request: Request, _ parameters: [String: String]) async throws -> Response {
        var request = request
        request.parameters = parameters
        return try await handler(request)
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

    private static func match(_ pattern: [Segment], _ segments: [String]) -> [String: String]? {
        var parameters: [String: String] = [:]
        for (part, segment) in zip(pattern, segments) {
            switch part {
            case .literal(let text): guard text == segment else { return nil }
            case .parameter(let name): parameters[name] = segment
            }
        }
        return parameters
    }
}
