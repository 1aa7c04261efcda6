import Foundation
import HTTPServer
import HTTPTypes
import Secrets
import Store
import Testing

@testable import Integration
@testable import Portal

/// A partner's browser in front of the whole web surface: it keeps cookies and sends what browsers send.
final class PageBrowser {
    let handler: Handler
    var cookies: [String: String] = [:]
    var origin: String? = PageBrowser.publicURL

    static let publicURL = "http://127.0.0.1:8080"

    init(_ handler: @escaping Handler) {
        self.handler = handler
    }

    func get(_ target: String) async throws -> PageAnswer {
        try await send(.get, target)
    }

    /// Posts a form with the token of the page at `/`, unless told another.
    func post(_ target: String, _ fields: [String: String] = [:], csrf: String? = nil) async throws -> PageAnswer {
        var fields = fields
        let token: String
        if let csrf { token = csrf } else { token = try await formToken() }
        fields["csrf"] = token
        return try await send(.post, target, form: fields)
    }

    func formToken() async throws -> String {
        let page = try await get("/")
        let match = try #require(page.text.firstMatch(of: /name="csrf" value="([^"]+)"/), "no form on the page: \(page.status)")
        return String(match.output.1)
    }

    func send(
        _ method: HTTPRequest.Method, _ target: String, form: [String: String]? = nil, fields: HTTPFields = [:]
    ) async throws -> PageAnswer {
        var fields = fields
        if !cookies.isEmpty { fields[.cookie] = cookies.map { "\($0.key)=\($0.value)" }.joined(separator: "; ") }
        if method == .post, let origin { fields[.origin] = origin }
        var body: [UInt8] = []
        if let form {
            fields[.contentType] = "application/x-www-form-urlencoded"
            let allowed = CharacterSet.alphanumerics
            body = Array(
                form.map { name, value in
                    [name, value].map { $0.addingPercentEncoding(withAllowedCharacters: allowed) ?? "" }.joined(separator: "=")
                }.joined(separator: "&").utf8)
        }
        let answer = try await PageAnswer(handler(Request(method, target, headerFields: fields, body: body)))
        for line in answer.headerFields[values: .setCookie] {
            let pair = line.prefix { $0 != ";" }.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            cookies[String(pair[0])] = pair[1].isEmpty ? nil : String(pair[1])
        }
        return answer
    }
}

/// What came back, streams read to their end.
struct PageAnswer: Sendable {
    var status: Int
    var headerFields: HTTPFields
    var text: String

    var location: String? { headerFields[.location] }

    init(_ response: Response) async throws {
        status = response.status.code
        headerFields = response.headerFields
        switch response.body {
        case .empty: text = ""
        case .bytes(let bytes): text = String(decoding: bytes, as: UTF8.self)
        case .stream(let produce):
            let pieces = PiecesOfBody()
            try await produce(BodyWriter { await pieces.append($0) })
            text = String(decoding: await pieces.all, as: UTF8.self)
        default: throw HTTPError(.internalServerError, code: "unreadable", message: "The answer has no body to read.")
        }
    }
}

/// The whole web surface over a real database, a Synthesize that answers as told, and a clock that stands still.
struct PageDesk {
    let office: AdminOffice
    let environment: PortalEnvironment
    let handler: Handler

    static let launchSecret = Secret("a-launch-secret-of-32-characters")

    func browser() -> PageBrowser { PageBrowser(handler) }

    /// A browser in which the partner is signed in.
    func browser(of partner: Partner) async throws -> PageBrowser {
        let browser = browser()
        #expect(try await browser.get("/launch?token=" + token(partner.vendorReference)).location == "/")
        return browser
    }

    func token(_ reference: String, name: String? = nil, lifetime: Duration = .seconds(120)) async throws -> String {
        try await LaunchTokens.sign(
            vendorReference: reference, name: name, secret: Self.launchSecret, now: office.clock.now, lifetime: lifetime,
            random: environment.random)
    }
}

func withPageDesk(
    publicURL: String = PageBrowser.publicURL, frameAncestors: [String] = [], _ body: (PageDesk) async throws -> Void
) async throws {
    try await withAdminOffice { office in
        var environment = office.environment
        environment.settings.publicURL = publicURL
        environment.settings.frameAncestors = frameAncestors
        environment.settings.launchKeys = try LaunchKeys(sharedSecrets: [PageDesk.launchSecret])
        try await body(PageDesk(office: office, environment: environment, handler: WebSurface(environment).handler))
    }
}
