import Foundation
import HTTPServer
import HTTPTypes
import Store
import Testing

@testable import Portal

/// A browser that has signed in to the console: it keeps the cookie and sends each form with the page's token.
struct ConsoleBrowser {
    let handler: Handler
    var cookie: String
    var csrf = ""
    /// Sent with each form, where it is asked for again or not.
    var operatorKey: String

    /// Signs in with a role's key.
    init(_ office: AdminOffice, as role: OperatorRole, in environment: PortalEnvironment? = nil) async throws {
        handler = WebSurface(environment ?? office.environment).handler
        let key = try #require(office.keys[role]).reveal()
        operatorKey = key
        let answer = try await Answer(
            try await handler(
                Request(
                    .post, "/console/sign-in",
                    headerFields: [.contentType: "application/x-www-form-urlencoded", .origin: "http://127.0.0.1:8080"],
                    body: Array("key=\(key)".utf8))))
        #expect(answer.status == 303)
        let set = try #require(answer.headerFields[.setCookie])
        cookie = String(set.prefix { $0 != ";" })
        let page = try await get("/console")
        csrf = try #require(page.text.firstMatch(of: /name="csrf" value="([^"]+)"/)).1.description
    }

    func get(_ path: String) async throws -> Answer {
        try await Answer(try await handler(Request(.get, path, headerFields: [.cookie: cookie])))
    }

    /// - Parameter csrf: nil sends this browser's own.
    func post(_ path: String, _ form: String = "", csrf: String? = nil) async throws -> Answer {
        let body = "csrf=\(csrf ?? self.csrf)&operatorKey=\(operatorKey)" + (form.isEmpty ? "" : "&" + form)
        return try await Answer(
            try await handler(
                Request(
                    .post, path,
                    headerFields: [
                        .cookie: cookie, .contentType: "application/x-www-form-urlencoded",
                        .origin: "http://127.0.0.1:8080",
                    ],
                    body: Array(body.utf8))))
    }
}
