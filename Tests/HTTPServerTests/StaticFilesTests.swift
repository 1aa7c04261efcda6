import Foundation
import HTTPTypes
import Testing

@testable import HTTPServer

@Suite("Static files")
struct StaticFilesTests {
    /// A directory with `site/` to serve and a secret beside it, removed afterwards.
    private func withFiles(_ body: (StaticFiles) async throws -> Void) async throws {
        let root = FileManager.default.temporaryDirectory.appendingPathComponent("static-\(ProcessInfo.processInfo.globallyUniqueString)")
        defer { try? FileManager.default.removeItem(at: root) }
        let site = root.appendingPathComponent("site")
        try FileManager.default.createDirectory(at: site.appendingPathComponent("css"), withIntermediateDirectories: true)
        func write(_ text: String, _ path: String) throws { try Data(text.utf8).write(to: root.appendingPathComponent(path)) }
        try write("secret", "secret.txt")
        try write("body{}", "site/css/app.css")
        try write("é b", "site/a é.txt")
        try write("hidden", "site/.env")
        try write("x", "site/noextension")
        try write("k", "site/K.css")
        try FileManager.default.createSymbolicLink(
            at: site.appendingPathComponent("link.txt"), withDestinationURL: root.appendingPathComponent("secret.txt"))
        try FileManager.default.createSymbolicLink(at: site.appendingPathComponent("up"), withDestinationURL: root)
        try await body(try StaticFiles(directory: site.path))
    }

    private func request(_ method: HTTPRequest.Method = .get, _ fields: HTTPFields = [:]) -> HTTPRequest {
        HTTPRequest(method: method, scheme: "http", authority: "a", path: "/", headerFields: fields)
    }

    @Test("A file comes with type, validators and nosniff")
    func ordinary() async throws {
        try await withFiles { files in
            #expect(files.paths == ["/K.css", "/a é.txt", "/css/app.css", "/noextension"])
            let response = try #require(files.response(for: "/css/app.css", request: request()))
            #expect(response.status == .ok)
            #expect(response.headerFields[.contentType] == "text/css; charset=utf-8")
            #expect(response.headerFields[.xContentTypeOptions] == "nosniff")
            #expect(response.headerFields[.lastModified].flatMap(HTTPDate.parse) != nil)
            guard case .bytes(let bytes) = response.body else { return #expect(Bool(false)) }
            #expect(bytes == Array("body{}".utf8))
            #expect(files.response(for: "/a%20%C3%A9.txt", request: request()) != nil)
            #expect(files.response(for: "/noextension", request: request())?.headerFields[.contentType] == "application/octet-stream")
        }
    }

    @Test(
        "Nothing outside the directory, no hidden file, no link, under any spelling",
        arguments: [
            "/../secret.txt", "/css/../../secret.txt", "/%2e%2e/secret.txt", "/..%2fsecret.txt", "/%2E%2E%2Fsecret.txt",
            "/css/..%2f..%2fsecret.txt", "/%252e%252e/secret.txt", "/..\\secret.txt", "/..%5csecret.txt", "//secret.txt",
            "/./css/app.css", "/css//app.css", "/css%2Fapp.css", "/css/app.css%00", "/css/app.css/", "/css", "/", "",
            "/.env", "/%2eenv", "/link.txt", "/up/secret.txt", "/%c0%ae%c0%ae/secret.txt", "/CSS/app.css", "/css/app.css%zz",
            "/%E2%84%AA.css", "/a%20e%CC%81.txt",
            "css/app.css", "/etc/passwd", "/../../../../../../etc/passwd", "/....//secret.txt",
        ])
    func traversal(path: String) async throws {
        try await withFiles { files in #expect(files.response(for: path, request: request()) == nil) }
    }

    @Test("A fresh copy is answered with 304 and no content (RFC 9110 section 13)")
    func conditional() async throws {
        try await withFiles { files in
            func status(_ fields: HTTPFields) -> Int? { files.response(for: "/css/app.css", request: request(.get, fields))?.status.code }
            let full = try #require(files.response(for: "/css/app.css", request: request()))
            let tag = try #require(full.headerFields[.eTag])
            let modified = try #require(full.headerFields[.lastModified])
            let seconds = try #require(HTTPDate.parse(modified))
            for value in [tag, "W/" + tag, "*", "\"other\", \(tag)"] { #expect(status([.ifNoneMatch: value]) == 304) }
            for value in ["\"other\"", "", "x"] { #expect(status([.ifNoneMatch: value]) == 200) }
            #expect(status([.ifModifiedSince: modified]) == 304)
            #expect(status([.ifModifiedSince: HTTPDate.format(seconds + 1)]) == 304)
            #expect(status([.ifModifiedSince: HTTPDate.format(seconds - 1)]) == 200)
            #expect(status([.ifModifiedSince: "nonsense"]) == 200)
            // If-None-Match decides where both are there.
            #expect(status([.ifNoneMatch: "\"other\"", .ifModifiedSince: modified]) == 200)
            let fresh = try #require(files.response(for: "/css/app.css", request: request(.get, [.ifNoneMatch: tag])))
            #expect(fresh.headerFields[.eTag] == tag)
            guard case .empty = fresh.body else { return #expect(Bool(false)) }
        }
    }

    @Test("A copy that is not the wanted one is 412, before anything else is asked (RFC 9110 section 13.2.2)")
    func preconditions() async throws {
        try await withFiles { files in
            func status(_ fields: HTTPFields) -> Int? { files.response(for: "/css/app.css", request: request(.get, fields))?.status.code }
            let full = try #require(files.response(for: "/css/app.css", request: request()))
            let tag = try #require(full.headerFields[.eTag])
            let modified = try #require(full.headerFields[.lastModified])
            let seconds = try #require(HTTPDate.parse(modified))
            for value in [tag, "*", "\"other\", \(tag)"] { #expect(status([.ifMatch: value]) == 200) }
            // Section 13.1.1: strong comparison, which a weak tag never passes.
            for value in ["\"other\"", "W/" + tag, "", "x"] { #expect(status([.ifMatch: value]) == 412) }
            #expect(status([.ifUnmodifiedSince: modified]) == 200)
            #expect(status([.ifUnmodifiedSince: HTTPDate.format(seconds - 1)]) == 412)
            #expect(status([.ifUnmodifiedSince: "nonsense"]) == 200)
            #expect(status([.ifMatch: tag, .ifUnmodifiedSince: HTTPDate.format(seconds - 1)]) == 200, "If-Match decides")
            #expect(status([.ifMatch: "\"other\"", .ifNoneMatch: tag, .range: "bytes=0-0"]) == 412)
            #expect(status([.ifMatch: tag, .ifNoneMatch: tag]) == 304)
            #expect(status([.ifMatch: tag, .range: "bytes=0-0"]) == 206)
            let failed = try #require(files.response(for: "/css/app.css", request: request(.get, [.ifMatch: "x"])))
            guard case .empty = failed.body else { return #expect(Bool(false)) }
        }
    }

    @Test("Other methods get 405 with Allow, and OPTIONS only that")
    func methods() async throws {
        try await withFiles { files in
            #expect(files.response(for: "/css/app.css", request: request(.head))?.status == .ok)
            let response = try #require(files.response(for: "/css/app.css", request: request(.post)))
            #expect(response.status == .methodNotAllowed)
            #expect(response.headerFields[.allow] == "GET, HEAD, OPTIONS")
            #expect(response.headerFields[.xContentTypeOptions] == "nosniff")
            let options = try #require(files.response(for: "/css/app.css", request: request(.options)))
            #expect(options.status == .noContent)
            #expect(options.headerFields[.allow] == "GET, HEAD, OPTIONS")
        }
    }

    @Test("Traversal through a running server is refused as well")
    func overTheWire() async throws {
        try await withFiles { files in
            let handler: Handler = { request in
                guard let response = files.response(for: request.path, request: request.head) else {
                    throw HTTPError(.notFound, code: "not-found", message: "Nothing here.")
                }
                return response
            }
            try await withServer(handler: handler) { address, _ in
                let client = try await RawClient(address)
                #expect(try await client.exchange("GET /css/app.css HTTP/1.1\r\nHost: a\r\n\r\n").text == "body{}")
                for target in ["/../secret.txt", "/%2e%2e/secret.txt", "http://a/../secret.txt", "/css/..%2f..%2fsecret.txt"] {
                    #expect(try await client.exchange("GET \(target) HTTP/1.1\r\nHost: a\r\n\r\n").status == 404)
                }
            }
        }
    }

    @Test("A directory that is not there is an error")
    func missing() {
        #expect(throws: (any Error).self) { _ = try StaticFiles(directory: "/nowhere-at-all") }
    }
}
