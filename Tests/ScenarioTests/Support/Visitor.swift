import Foundation
import HTTPClient
import HTTPTypes

/// A partner's user with a browser that has no JavaScript: follows redirects, keeps cookies, fills in the forms it sees.
actor Visitor {
    struct Page: Sendable {
        var status: Int
        var fields: HTTPFields
        var body: [UInt8]
        var html: String { String(decoding: body, as: UTF8.self) }

        /// The page's words: without tags, entities resolved, white space joined.
        var text: String {
            html.replacing(#/<(style|script|head)\b.*?</\1>/#.dotMatchesNewlines(), with: " ")
                .replacing(#/<[^>]*>/#, with: " ").unescapedHTML
                .split(whereSeparator: \.isWhitespace).joined(separator: " ")
        }

        func has(_ text: String) -> Bool { self.text.contains(text) }
    }

    private let origin: String
    private let client: CurlHTTPClient
    private var cookies: [String: String] = [:]
    /// Everything seen, for those who look for what must never be shown.
    private(set) var seen: [Page] = []

    init(origin: String, client: CurlHTTPClient) {
        self.origin = origin
        self.client = client
    }

    var cookie: [String: String] { cookies }

    @discardableResult
    func open(_ path: String) async throws -> Page {
        try await follow(try await send(.get, path))
    }

    /// Presses a button of the page at `/`: its form's token is read from the page.
    @discardableResult
    func submit(_ path: String, _ entries: [String: String] = [:]) async throws -> Page {
        try await follow(try await submitWithoutFollowing(path, entries))
    }

    /// The form's own answer, a redirect when all went well.
    func submitWithoutFollowing(
        _ path: String, _ entries: [String: String] = [:], token: String? = nil, fields: HTTPFields = [:]
    ) async throws -> Page {
        var entries = entries
        entries["csrf"] = if let token { token } else { try await formToken() }
        let form = entries.sorted { $0.key < $1.key }
            .map { PercentEncoding.queryComponent($0.key) + "=" + PercentEncoding.queryComponent($0.value) }
            .joined(separator: "&")
        var fields = fields
        fields[.contentType] = "application/x-www-form-urlencoded"
        if fields[.origin] == nil { fields[.origin] = origin }
        return try await send(.post, path, fields, Array(form.utf8))
    }

    /// The hidden token of the page's forms.
    func formToken() async throws -> String {
        let page = try await send(.get, "/")
        guard let match = page.html.firstMatch(of: #/name="csrf" value="([^"]+)"/#) else {
            throw Stuck("no form on the page: \(page.status) \(page.text)")
        }
        return String(match.1)
    }

    private func follow(_ page: Page) async throws -> Page {
        guard (300..<400).contains(page.status), let location = page.fields[.location] else { return page }
        return try await send(.get, location)
    }

    private func send(
        _ method: HTTPRequest.Method, _ path: String, _ fields: HTTPFields = [:], _ body: [UInt8]? = nil
    ) async throws -> Page {
        var fields = fields
        if !cookies.isEmpty {
            fields[.cookie] = cookies.map { "\($0.key)=\($0.value)" }.joined(separator: "; ")
        }
        let url = path.hasPrefix("/") ? origin + path : path
        let answer = try await client.send(OutgoingRequest(method: method, url: url, headerFields: fields, body: body))
        for cookie in answer.headerFields[values: .setCookie] {
            let pair = cookie.prefix { $0 != ";" }.split(separator: "=", maxSplits: 1)
            if pair.count == 2 { cookies[String(pair[0])] = String(pair[1]) }
        }
        let page = Page(status: answer.status.code, fields: answer.headerFields, body: answer.body)
        seen.append(page)
        return page
    }
}

extension String {
    /// Entities resolved, the ampersand's last.
    var unescapedHTML: String {
        var text = self
        for (entity, character) in [
            ("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&#x27;", "'"), ("&#x2F;", "/"), ("&#x60;", "`"),
            ("&#x3D;", "="), ("&amp;", "&"),
        ] { text = text.replacing(entity, with: character) }
        return text
    }
}
