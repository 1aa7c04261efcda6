import Foundation
import HTTPServer
import HTTPTypes

/// A simulated vendor API whose records come from ``VendorHoldings``.
protocol HoldingVendorAPI: SimulatedVendorAPI {
    var holdings: VendorHoldings { get set }
    /// What it answers to, for instance `GET /v1/customers/{id}`; the first that matches counts. Paths stand below `/{name}`.
    static var patterns: [String] { get }

    /// Answers a call that matches one of the patterns.
    mutating func carryOut(_ call: HeldCall) -> SandboxAnswer
    /// An error in the vendor's own form.
    func error(_ status: HTTPResponse.Status, _ message: String) -> SandboxAnswer
    /// After a new configuration.
    mutating func holdingsChanged()
}

/// A request that matched a pattern.
struct HeldCall: Sendable {
    var pattern: String
    /// What stands in the place of `{id}`.
    var parameter: String
    var request: SandboxRequest
    var now: Date

    /// Nil when it is missing or the query cannot be decoded.
    func query(_ name: String) -> String? {
        // A query that cannot be decoded asks for nothing.
        (try? request.query)?[name]
    }

    /// The body as a form (OAuth2's token requests); nil when it is none.
    var form: FormFields? {
        guard request.isForm else { return nil }
        // The same for a form.
        return try? FormFields.parse(request.body)
    }

    /// The body as JSON; nil when it is none.
    var json: JSONValue? {
        // A refusal names no reason, as with most vendors.
        try? JSONParser.parse(request.body)
    }
}

extension HoldingVendorAPI {
    mutating func holdingsChanged() {}

    private func match(_ request: SandboxRequest) -> (pattern: String, parameter: String)? {
        guard let segments = decodedSegments(of: request.path), segments.first == name else { return nil }
        for pattern in Self.patterns {
            guard let space = pattern.firstIndex(of: " "), pattern[..<space] == request.head.method.rawValue else { continue }
            let wanted = pattern[space...].split(separator: "/").dropFirst()
            guard wanted.count == segments.count - 1 else { continue }
            var parameter = ""
            let isMatch = zip(wanted, segments.dropFirst()).allSatisfy { wanted, segment in
                guard wanted == "{id}" else { return wanted == segment }
                parameter = segment
                return true
            }
            if isMatch { return (pattern, parameter) }
        }
        return nil
    }

    func call(of request: SandboxRequest) -> String { match(request)?.pattern ?? "other" }

    mutating func answer(_ request: SandboxRequest, at now: Date) -> SandboxAnswer {
        guard let (pattern, parameter) = match(request) else { return error(.notFound, "Not Found") }
        return carryOut(HeldCall(pattern: pattern, parameter: parameter, request: request, now: now))
    }

    mutating func configure(_ json: JSONValue) throws(SandboxError) {
        holdings = try holdings.replaced(by: json)
        holdingsChanged()
    }

    /// What every call that is let in is answered with, when the test says so.
    var rawAnswer: SandboxAnswer? { holdings.raw.map { .json(Array($0.utf8)) } }

    func credential(_ name: String) -> String { holdings.credentials[name] ?? "" }
}

/// Bearer tokens that a simulated vendor has handed out.
struct IssuedTokens: Sendable {
    private var expiries: [String: Date] = [:]
    private var count = 0

    /// A token that is good from `now` on for so long.
    mutating func issue(prefix: String, seconds: Int, at now: Date) -> String {
        count += 1
        let token = "\(prefix)-\(count)"
        expiries[token] = now.addingTimeInterval(Double(seconds))
        return token
    }

    func admit(_ request: SandboxRequest, at now: Date) -> Bool {
        guard let field = request.header("Authorization"), field.lowercased().hasPrefix("bearer "),
            let expiry = expiries[String(field.dropFirst(7))]
        else { return false }
        return now < expiry
    }

    mutating func revokeAll() { expiries = [:] }
}
