import Foundation
import HTTPClient
import HTTPTypes

/// Makes requests of what a definition says: addresses, headers, bodies, and where they may go.
struct RequestBuilder: Sendable {
    struct Built: Sendable {
        var request: OutgoingRequest
        /// The address as it may be shown.
        var shownURL: String
        /// Hides all that signs the request.
        var redaction: Redaction
    }

    let definition: ConnectorDefinition
    let destinations: DestinationRule
    let allowsPlainHTTP: Bool

    /// - Parameters:
    ///   - page: what the page adds.
    ///   - previous: the address of the page before.
    ///   - isSigned: whether `auth` signs it; a request for a token is not.
    ///   - basic: signs it otherwise.
    func build(
        _ rule: RequestRule, _ values: FetchValues, _ context: FillContext, page: PageWalk.Next = .parameters([]),
        after previous: String? = nil, place: PagingRule.Place = .query, isSigned: Bool = true, basic: BasicRule? = nil
    ) throws(ConnectorError) -> Built {
        var query = try pairs(rule.query, values, context)
        var body = try filledBody(rule.body, values, context)
        var url: String
        switch page {
        case .parameters(let parameters):
            url = try address(rule, values, context)
            if place == .query { query += parameters.map { ($0.name, $0.value) } } else { body.add(parameters) }
        case .url(let next):
            let base: String
            if let previous { base = previous } else { base = try address(rule, values, context) }
            guard let resolved = URLReference.resolve(next, against: base) else {
                throw .broken("the next page's address is no address")
            }
            url = resolved
            query = []
        }
        let signature = isSigned ? definition.auth : AuthRules()
        let signed = try pairs(signature.query, values, context)
        query += signed.filter { !hasParameter($0.0, in: url) }
        if !query.isEmpty {
            let text = query.map { PercentEncoding.queryComponent($0.0) + "=" + PercentEncoding.queryComponent($0.1) }.joined(
                separator: "&")
            url += (url.contains("?") ? "&" : "?") + text
        }
        try checkDestination(url)
        var request = OutgoingRequest(
            method: rule.method, url: url, headerFields: try headers(rule, signature, values, context, basic: basic),
            destinations: destinations)
        (request.body, request.headerFields[.contentType]) = (body.bytes, body.contentType ?? request.headerFields[.contentType])
        if let timeout = definition.requests.timeout { request.limits = RequestLimits(totalTimeout: timeout) }
        if definition.requests.largestAnswer != RequestRules.usualLargestAnswer {
            request.limits = request.limits ?? RequestLimits()
            request.limits?.maximumAnswerBytes = definition.requests.largestAnswer
        }
        let signs = signed.map(\.1) + [context.token, request.headerFields[.authorization]].compactMap(\.self)
        let redaction = redaction(values, and: signs)
        let shown = redaction(url)
        request.pathForLog = shown == url ? nil : Self.path(of: shown)
        return Built(request: request, shownURL: shown, redaction: redaction)
    }

    /// Hides the settings of kind secret.
    /// - Parameter others: what else is hidden.
    func redaction(_ values: FetchValues, and others: [String] = []) -> Redaction {
        let secrets = (definition.partnerSettings + definition.deploymentSettings).filter { $0.kind == .secret }
        return Redaction(secrets.compactMap { values.texts[$0.name] } + others)
    }

    // MARK: Addresses

    private func address(_ rule: RequestRule, _ values: FetchValues, _ context: FillContext) throws(ConnectorError) -> String {
        let own = try filled(rule.address, values, context, .address)
        guard rule.isRelative else { return own }
        let base = try filled(definition.requests.base, values, context, .address)
        return base.trimmingTrailingSlashes() + own
    }

    /// The client looks at the address too; here it is told in the definition's words, and plain http is kept out.
    private func checkDestination(_ url: String) throws(ConnectorError) {
        let (scheme, host) = (url.urlScheme, url.urlHost)
        guard scheme == "https" || (scheme == "http" && allowsPlainHTTP), let host else {
            throw ConnectorError(
                code: .refused,
                message: "\(definition.name) would have been asked without encryption. Nothing was sent; use an https address.")
        }
        guard destinations.allows(host: host) else {
            throw ConnectorError(
                code: .refused,
                message:
                    "A request would have gone to \(host), which is not among the hosts of \(definition.name)'s definition. Nothing was sent there."
            )
        }
    }

    private func hasParameter(_ name: String, in url: String) -> Bool {
        guard let start = url.firstIndex(of: "?") else { return false }
        let wanted = PercentEncoding.queryComponent(name)
        return url[url.index(after: start)...].split(separator: "&").contains { $0.prefix { $0 != "=" } == wanted }
    }

    private static func path(of url: String) -> String {
        guard let start = url.range(of: "://") else { return "***" }
        let rest = url[start.upperBound...].drop { $0 != "/" && $0 != "?" }
        return String(rest.prefix { $0 != "?" })
    }

    // MARK: Headers and bodies

    private func headers(
        _ rule: RequestRule, _ signature: AuthRules, _ values: FetchValues, _ context: FillContext, basic: BasicRule?
    ) throws(ConnectorError) -> HTTPFields {
        var fields: HTTPFields = [.accept: "application/json"]
        for (name, value) in try pairs(definition.requests.headers + rule.headers + signature.headers, values, context) {
            guard let name = HTTPField.Name(name) else {
                throw ConnectorError(code: .invalidInput, message: "\"\(name)\" cannot be the name of a header.")
            }
            fields[name] = value
        }
        if let basic = basic ?? signature.basic {
            let text = try filled(basic.user, values, context) + ":" + filled(basic.password, values, context)
            fields[.authorization] = "Basic " + Data(text.utf8).base64EncodedString()
        }
        if let bearer = signature.bearer { fields[.authorization] = "Bearer " + (try filled(bearer, values, context)) }
        return fields
    }

    private func filledBody(_ body: RequestRule.Body, _ values: FetchValues, _ context: FillContext) throws(ConnectorError) -> FilledBody {
        switch body {
        case .none: return .none
        case .form(let rules): return .form(try pairs(rules, values, context))
        case .json(let json): return .json(try self.json(json, values, context))
        }
    }

    private func json(_ template: JSONTemplate, _ values: FetchValues, _ context: FillContext) throws(ConnectorError) -> JSONValue {
        switch template {
        case .null: return .null
        case .bool(let value): return .bool(value)
        case .number(let digits): return .number(digits)
        case .text(let text): return .string(try filled(text, values, context))
        case .list(let items):
            var list: [JSONValue] = []
            for item in items { list.append(try json(item, values, context)) }
            return .array(list)
        case .object(let members):
            var filled: [JSONValue.Member] = []
            for member in members { filled.append(JSONValue.Member(name: member.name, value: try json(member.value, values, context))) }
            return .object(filled)
        }
    }

    /// Pairs whose value is empty are left out: that is how an optional setting is optional.
    private func pairs(_ rules: [TemplatePair], _ values: FetchValues, _ context: FillContext) throws(ConnectorError) -> [(String, String)]
    {
        var pairs: [(String, String)] = []
        for rule in rules {
            let value = try filled(rule.value, values, context)
            if !value.isEmpty { pairs.append((try filled(rule.name, values, context), value)) }
        }
        return pairs
    }

    private func filled(
        _ template: Template, _ values: FetchValues, _ context: FillContext, _ encoding: Template.Encoding = .plain
    ) throws(ConnectorError) -> String {
        guard let text = try template.filled(values, context, encoding) else {
            throw .broken("`\(template.shown)` is missing, and a request needs it")
        }
        return text
    }
}

private enum FilledBody {
    case none
    case form([(String, String)])
    case json(JSONValue)

    mutating func add(_ parameters: [PageWalk.Parameter]) {
        switch self {
        case .none: break
        case .form(let pairs): self = .form(pairs + parameters.map { ($0.name, $0.value) })
        case .json(let value):
            var members = value.members ?? []
            for parameter in parameters {
                members.removeAll { $0.name == parameter.name }
                members.append(
                    JSONValue.Member(name: parameter.name, value: parameter.isNumber ? .number(parameter.value) : .string(parameter.value)))
            }
            self = .json(.object(members))
        }
    }

    var bytes: [UInt8]? {
        switch self {
        case .none: nil
        case .form(let pairs):
            Array(
                pairs.map { PercentEncoding.queryComponent($0.0) + "=" + PercentEncoding.queryComponent($0.1) }.joined(separator: "&").utf8)
        case .json(let value): value.jsonBytes
        }
    }

    var contentType: String? {
        switch self {
        case .none: nil
        case .form: "application/x-www-form-urlencoded"
        case .json: "application/json"
        }
    }
}
