import HTTPTypes
import Testing

@testable import HTTPServer

@Suite("Router and middleware")
struct RouterTests {
    private func text(_ response: Response) -> String {
        guard case .bytes(let bytes) = response.body else { return "" }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Answers with its pattern and the parameters.
    private func router(_ patterns: String...) -> Router {
        var router = Router()
        for pattern in patterns {
            router.get(pattern) { request in
                .text(([pattern] + request.parameters.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }).joined(separator: " "))
            }
        }
        return router
    }

    @Test(
        "Patterns match by segment",
        arguments: [
            ("/", "/"), ("/a", "/a"), ("/a?b=c", "/a"), ("/runs/7", "/runs/{id} id=7"), ("/runs/7/events", "/runs/{id}/events id=7"),
            ("/runs/new", "/runs/new"), ("/service//count", "/service/{id}/count id="), ("/runs/a%2Fb", "/runs/{id} id=a/b"),
            ("/runs/%C3%A9", "/runs/{id} id=é"), ("/%61", "/a"), ("/runs/", "/runs/{id} id="),
            ("/x/y/z", "/{a}/y/{b} a=x b=z"), ("/x/y", "/x/{b} b=y"),
        ])
    func matching(target: String, expected: String) async throws {
        let router = router(
            "/{a}/y/{b}", "/{a}/{b}", "/x/{b}", "/", "/a", "/runs/{id}", "/runs/new", "/runs/{id}/events", "/service/{id}/count")
        #expect(text(try await router.respond(to: Request(.get, target))) == expected)
    }

    @Test("Paths that are nothing's", arguments: ["/b", "/a/", "//a", "/a/b/c/d", "/a/../a", "a", "/A"])
    func notFound(target: String) async throws {
        let error = await #expect(throws: HTTPError.self) { _ = try await router("/a", "/runs/{id}/x").respond(to: Request(.get, target)) }
        #expect(error?.status == .notFound)
    }

    @Test("A path that is not UTF-8 is 400")
    func notUTF8() async throws {
        let error = await #expect(throws: HTTPError.self) { _ = try await router("/{a}").respond(to: Request(.get, "/%FF")) }
        #expect(error?.status == .badRequest)
    }

    @Test("405 lists the methods of every pattern that has the path; a later pattern may have the method")
    func methods() async throws {
        var routes = Router()
        routes.get("/a/b") { _ in .text("get") }
        routes.delete("/a/{x}") { _ in .text("delete") }
        routes.put("/a/b") { _ in .text("put") }
        routes.patch("/c") { _ in .text("patch") }
        let router = routes
        #expect(text(try await router.respond(to: Request(.delete, "/a/b"))) == "delete")
        let error = await #expect(throws: HTTPError.self) { _ = try await router.respond(to: Request(.post, "/a/b")) }
        #expect(error?.status == .methodNotAllowed)
        #expect(error?.headerFields[.allow] == "DELETE, GET, HEAD, OPTIONS, PUT")
        let patch = await #expect(throws: HTTPError.self) { _ = try await router.respond(to: Request(.get, "/c")) }
        #expect(patch?.headerFields[.allow] == "OPTIONS, PATCH")
    }

    @Test("HEAD runs its own route if there is one, else GET's, with HEAD as the method")
    func head() async throws {
        var router = Router()
        router.get("/a") { .text($0.head.method.rawValue) }
        router.get("/b") { _ in .text("get") }
        router.on(.head, "/b") { _ in .text("head") }
        #expect(text(try await router.respond(to: Request(.head, "/a"))) == "HEAD")
        #expect(text(try await router.respond(to: Request(.head, "/b"))) == "head")
    }

    @Test("Routes are listed in order; the same route again replaces the first")
    func listing() async throws {
        var router = Router()
        router.get("/a") { _ in .text("old") }
        router.post("/b") { _ in .text("b") }
        router.get("/a") { _ in .text("new") }
        #expect(router.routes.map { "\($0.method) \($0.pattern)" } == ["POST /b", "GET /a"])
        #expect(text(try await router.respond(to: Request(.get, "/a"))) == "new")
    }

    @Test("Middleware wraps the handler, the first one outermost")
    func middleware() async throws {
        struct Tag: Middleware {
            let name: String
            func respond(to request: Request, next: Handler) async throws -> Response {
                var request = request
                request.parameters["seen", default: ""] += name
                var response = try await next(request)
                response.headerFields.append(HTTPField(name: .via, value: name))
                return response
            }
        }
        let handler = chain([Tag(name: "1"), Tag(name: "2")]) { .text($0.parameters["seen"] ?? "") }
        let response = try await handler(Request(.get, "/"))
        #expect(text(response) == "12")
        #expect(response.headerFields[values: .via] == ["2", "1"])
    }
}
