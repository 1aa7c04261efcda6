import HTTPServer
import Testing

@testable import Portal

@Suite("openapi.yaml")
struct OpenAPITests {
    let document = OpenAPIDocument.shared

    @Test("describes the routes that the router has, and no others")
    func routes() async throws {
        try await withAdminOffice { office in
            var router = Router()
            addAdminRoutes(to: &router, office.environment)
            let served = Set(router.routes.map { "\($0.method.rawValue) \($0.pattern)" })
            let described = document.operations.map { "\($0.method) \($0.path)" }
            #expect(served == Set(described))
            #expect(described.count == Set(described).count)
        }
    }

    @Test("tells role and query of every route as the route has them")
    func rolesAndQueries() {
        for route in AdminAPI.routes {
            let operation = document.operations.first {
                $0.method == route.method.rawValue && $0.path == AdminAPI.prefix + route.path
            }
            #expect(operation?.role == route.role.rawValue, "\(route.method) \(route.path)")
            #expect(operation?.query == route.query, "\(route.method) \(route.path)")
        }
    }

    @Test("has no reference that leads nowhere")
    func references() {
        #expect(!document.references.isEmpty)
        for reference in document.references { #expect(document.leadsSomewhere(reference), "\(reference)") }
    }

    @Test("is checked by a checker that finds faults")
    func checker() throws {
        let line = try #require(document.operations.first { $0.path.hasSuffix("/lines") })
        let schema = try #require(
            line.node["responses"]?["200"]?["content"]?["application/json"]?["schema"].map(document.resolved))
        let good = #"{"items":[],"nextCursor":null}"#
        #expect(document.faults(in: try JSON(good).raw, schema, "$").isEmpty)
        for bad in [
            #"{"items":[]}"#, #"{"items":{},"nextCursor":null}"#, #"{"items":[],"nextCursor":1}"#,
            #"{"items":[],"nextCursor":null,"more":true}"#, #"{"items":[{"position":0}],"nextCursor":null}"#,
        ] {
            #expect(!document.faults(in: try JSON(bad).raw, schema, "$").isEmpty, "\(bad)")
        }
    }
}
