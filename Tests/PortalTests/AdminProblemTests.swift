import HTTPServer
import HTTPTypes
import Integration
import Store
import Testing

@testable import Portal

@Suite("Admin API: problems")
struct AdminProblemTests {
    @Test(
        "Every domain error has its status, its code and its words",
        arguments: [
            (IntegrationError.Code.invalidInput, 400), (.keyRefused, 422), (.synthesizeRejected, 422), (.forbidden, 502),
            (.synthesizeUnavailable, 502), (.vendorUnavailable, 502), (.otherOrganization, 409), (.conflict, 409),
            (.notFound, 404), (.store, 503), (.secrets, 500),
        ])
    func domainErrors(code: IntegrationError.Code, status: Int) {
        #expect(Problem(IntegrationError(code: code, message: "What to do.")).status == status)
        let problem = Problem(IntegrationError(code: code, message: "What to do.", field: "there"))
        // With a field the vendor answered, and refused what was entered there.
        #expect(problem.status == (code == .vendorUnavailable ? 422 : status))
        #expect(!problem.title.isEmpty)
        #expect(problem.code == code.rawValue && problem.detail == "What to do." && problem.field == "there")
    }

    @Test(
        "Every store error has its status",
        arguments: [
            (StoreError.Code.notFound, 404), (.duplicate, 409), (.unavailable, 503), (.locked, 503), (.full, 503), (.io, 503),
            (.newerSchema, 503), (.migration, 503), (.constraint, 503), (.corrupt, 503),
        ])
    func storeErrors(code: StoreError.Code, status: Int) {
        #expect(Problem(StoreError(code: code, message: "x")).status == status)
    }

    @Test("HTTP errors keep status and fields, and spell their code as the domain does")
    func httpErrors() async throws {
        try await withAdminOffice { office in
            let answer = try await Answer(
                problemResponse(
                    for: HTTPError(
                        .methodNotAllowed, code: "method-not-allowed", message: "Not so.", headerFields: [.allow: "GET"]),
                    office.environment))
            #expect(answer.status == 405)
            #expect(answer.headerFields[.allow] == "GET")
            #expect(answer.headerFields[.contentType] == "application/problem+json")
            #expect(answer.headerFields[.cacheControl] == "no-store")
            #expect(
                answer.text
                    == #"{"code":"methodNotAllowed","detail":"Not so.","status":405,"title":"Method Not Allowed","type":"about:blank"}"#)
        }
    }

    @Test("What nobody foresaw is told by a reference only")
    func unforeseen() async throws {
        struct Surprise: Error { let secret = "hunter2" }
        try await withAdminOffice { office in
            let answer = try await Answer(problemResponse(for: Surprise(), office.environment))
            #expect(answer.status == 500)
            #expect(!answer.text.contains("hunter2") && !answer.text.contains("Surprise"))
            #expect(try answer.json.detail.string?.contains("err_") == true)
        }
    }

    @Test("What the router and the guards refuse below /api/ is a problem too")
    func outsideOfRoutes() async throws {
        try await withAdminOffice { office in
            let handler = WebSurface(office.environment).handler
            let key = "Bearer \(office.keys[.admin]?.reveal() ?? "")"
            let unknown = try await Answer(try await handler(Request(.get, "/api/v1/none", headerFields: [.authorization: key])))
            #expect(unknown.status == 404)
            #expect(try unknown.json.code.string == "notFound")
            let method = try await Answer(try await handler(Request(.delete, "/api/v1/partners", headerFields: [.authorization: key])))
            #expect(method.status == 405)
            #expect(method.headerFields[.allow] == "GET, HEAD, OPTIONS, POST")
            let foreign = try await Answer(
                try await handler(
                    Request(
                        .post, "/api/v1/partners",
                        headerFields: [.authorization: key, .origin: "https://elsewhere.invalid"])))
            #expect(foreign.status == 403)
            for answer in [unknown, method, foreign] {
                #expect(answer.headerFields[.contentType] == "application/problem+json")
                #expect(answer.headerFields[.xContentTypeOptions] == "nosniff")
            }
            let document = try await Answer(try await handler(Request(.get, "/openapi.yaml")))
            #expect(document.status == 200 && document.text.hasPrefix("openapi: 3.1.0"))
        }
    }

    @Test("A database that fails is told as 503")
    func closedStore() async throws {
        try await withAdminOffice { office in
            try await office.store.close()
            let answer = try await office.call(.get, "/partners")
            #expect(answer.status == 503)
            #expect(try answer.json.code.string == "unavailable")
        }
    }
}

@Suite("Admin API: bodies and queries")
struct AdminBodyTests {
    @Test(
        "Only described fields of the described kind are taken",
        arguments: [
            (#"{"vendorReference":"m","name":"n","nmae":"x"}"#, "invalidInput", "nmae"),
            (#"{"vendorReference":"m"}"#, "invalidInput", "name"),
            (#"{"vendorReference":"m","name":null}"#, "invalidInput", "name"),
            (#"{"vendorReference":7,"name":"n"}"#, "invalidInput", "vendorReference"),
            (#"{"vendorReference":"","name":"n"}"#, "invalidInput", "vendorReference"),
            (#"{"vendorReference":"m","name":"n","timeZone":"Mars/Olympus"}"#, "invalidInput", "timeZone"),
            (#"["vendorReference"]"#, "invalidInput", nil),
            ("7", "invalidInput", nil),
            ("", "badJson", nil),
            (#"{"vendorReference":"m","name":"n"} x"#, "badJson", nil),
        ] as [(String, String, String?)])
    func refused(body: String, code: String, field: String?) async throws {
        try await withAdminOffice { office in
            let answer = try await office.call(.post, "/partners", json: body)
            #expect(answer.status == 400, "\(answer.text)")
            #expect(try answer.json.code.string == code)
            #expect(try answer.json.field.string == field)
            #expect(try await office.environment.desk.partners(after: nil, limit: 1).isEmpty)
        }
    }

    @Test("The place of a fault inside an object is named")
    func nestedField() async throws {
        try await withAdminOffice { office in
            let partner = try await office.partner()
            let answer = try await office.call(
                .post, "/partners/\(partner.id)/connection", json: #"{"partnerKey":"k","fields":{"apiKey":5}}"#)
            #expect(answer.status == 400)
            #expect(try answer.json.field.string == "fields.apiKey")
        }
    }

    @Test("Other content types are refused with 415")
    func contentTypes() async throws {
        try await withAdminOffice { office in
            for type in [nil, "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"] {
                var fields: HTTPFields = [.authorization: "Bearer \(office.keys[.admin]?.reveal() ?? "")"]
                fields[.contentType] = type
                let answer = try await office.send(
                    Request(
                        .post, "/api/v1/partners", headerFields: fields,
                        body: Array(#"{"vendorReference":"m","name":"n"}"#.utf8)))
                #expect(answer.status == 415, "\(type ?? "none")")
            }
        }
    }

    @Test("A body above 1 MiB is refused with 413")
    func largeBody() async throws {
        try await withAdminOffice { office in
            func body(bytes: Int) -> String {
                let frame = #"{"vendorReference":"m","name":"n"}"#
                return String(repeating: " ", count: bytes - frame.utf8.count) + frame
            }
            let above = try await office.call(.post, "/partners", json: body(bytes: (1 << 20) + 1))
            #expect(above.status == 413)
            let largest = try await office.call(.post, "/partners", json: body(bytes: 1 << 20))
            #expect(largest.status == 201)
        }
    }

    @Test("A query parameter that the route does not know is refused by name")
    func unknownQuery() async throws {
        try await withAdminOffice { office in
            for path in ["/partners?page=2", "/audit?partners=par_1", "/services?category=x", "/partners/none?limit=1"] {
                let answer = try await office.call(.get, path)
                #expect(answer.status == 400, "\(path)")
                #expect(try answer.json.field.string != nil)
            }
        }
    }
}
