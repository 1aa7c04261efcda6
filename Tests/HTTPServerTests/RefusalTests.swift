import HTTPTypes
import Testing

@testable import HTTPServer

@Suite("Refusals over a real socket")
struct RefusalTests {
    private static let head = "GET / HTTP/1.1\r\nHost: a\r\n"

    struct Case: Sendable, CustomStringConvertible {
        let status: Int
        let description: String
        let bytes: String
    }

    private static func long(_ count: Int) -> String { String(repeating: "a", count: count) }
    private static let cases = [
        Case(status: 400, description: "no Host", bytes: "GET / HTTP/1.1\r\n\r\n"),
        Case(status: 400, description: "bare LF", bytes: "GET / HTTP/1.1\nHost: a\n\n"),
        Case(status: 400, description: "space before colon", bytes: head + "X : y\r\n\r\n"),
        Case(status: 400, description: "two framings", bytes: head + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"),
        Case(status: 413, description: "huge body", bytes: head + "Content-Length: 99999999999\r\n\r\n"),
        Case(status: 414, description: "huge target", bytes: "GET /\(long(9000)) HTTP/1.1\r\n"),
        Case(status: 417, description: "odd expectation", bytes: head + "Expect: x\r\n\r\n"),
        Case(status: 431, description: "huge header", bytes: head + "X: \(long(9000))\r\n\r\n"),
        Case(status: 431, description: "many headers", bytes: head + String(repeating: "X: y\r\n", count: 200) + "\r\n"),
        Case(status: 431, description: "large head", bytes: head + String(repeating: "X: \(long(4000))\r\n", count: 20) + "\r\n"),
        Case(status: 501, description: "gzip", bytes: head + "Transfer-Encoding: gzip\r\n\r\n"),
        Case(status: 501, description: "huge method", bytes: long(9000)),
        Case(status: 505, description: "HTTP/2.0", bytes: "GET / HTTP/2.0\r\nHost: a\r\n\r\n"),
    ]

    @Test("Each status is sent, says close, and the connection ends", arguments: cases)
    func statuses(refusal: Case) async throws {
        let handler: Handler = { _ in
            Issue.record("a refused request reached the handler")
            return .text("")
        }
        try await withServer(handler: handler) { address, _ in
            let client = try await RawClient(address)
            // What follows on the connection must not be taken for a request.
            let answer = try await client.exchange(refusal.bytes + "GET /second HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(answer.status == refusal.status)
            #expect(answer["connection"] == "close")
            #expect(answer["date"] != nil)
            #expect(answer.text.hasSuffix(".\n"))
            #expect(try await client.readToEnd() == "")
        }
    }

    @Test(
        "A refused HEAD has the head of the refusal and no content (RFC 9110 section 9.3.2)",
        arguments: cases.filter { $0.bytes.hasPrefix("GET ") })
    func headOnly(refusal: Case) async throws {
        try await withServer(handler: hello) { address, _ in
            let client = try await RawClient(address)
            try await client.send("HEAD" + refusal.bytes.dropFirst(3))
            let answer = try await client.readToEnd()
            #expect(answer.hasPrefix("HTTP/1.1 \(refusal.status) "))
            #expect(answer.contains("\r\nContent-Length: "))
            #expect(answer.hasSuffix("\r\n\r\n"))
        }
    }

    @Test("The refusal of a request behind a HEAD has its content")
    func behindHead() async throws {
        try await withServer(handler: hello) { address, _ in
            let client = try await RawClient(address)
            try await client.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n" + "GET / HTTP/1.1\r\n\r\n")
            #expect(try await client.readToEnd().hasSuffix("needs a Host field.\n"))
        }
    }

    @Test("413 reaches a client that sends its whole body before it reads, as long as that is no larger than a body may be")
    func earlyRefusal() async throws {
        // On a machine with much to do this client may be silent for longer than the second that a real one gets.
        func patient(_ configuration: inout ServerConfiguration) {
            configuration.timeouts.linger = .seconds(600)
            configuration.timeouts.lingerSilence = .seconds(600)
        }
        try await withServer(patient, handler: hello) { address, _ in
            let client = try await RawClient(address)
            try await client.send(Self.head + "Content-Length: 99999999999\r\n\r\n")
            try await client.send([UInt8](repeating: 0x61, count: 8 << 20))
            #expect(try await client.answer().status == 413)
        }
    }

    @Test("404, 405 with Allow, 501 and OPTIONS by the router; 415 and 413 by body decoding")
    func byRouter() async throws {
        struct Input: Codable { var count: Int }
        var router = Router()
        router.get("/a") { _ in .text("a") }
        router.post("/form") { .text(try await $0.form(upTo: 10)["x"] ?? "-") }
        router.post("/json") { .json(try await $0.json(Input.self)) }
        try await withServer(handler: router.respond) { address, _ in
            let client = try await RawClient(address)
            func ask(_ line: String, _ rest: String = "\r\n") async throws -> RawClient.Answer {
                try await client.exchange("\(line) HTTP/1.1\r\nHost: a\r\n\(rest)", toHead: line.hasPrefix("HEAD"))
            }
            #expect(try await ask("GET /b").status == 404)
            let wrong = try await ask("DELETE /a")
            #expect(wrong.status == 405)
            #expect(wrong["allow"] == "GET, HEAD, OPTIONS")
            #expect(try await ask("TRACE /a").status == 405)
            #expect(try await ask("BREW /a").status == 501)
            #expect(try await ask("HEAD /a")["content-length"] == "1")
            let options = try await ask("OPTIONS /a")
            #expect(options.status == 204)
            #expect(options["allow"] == "GET, HEAD, OPTIONS")
            #expect(try await ask("OPTIONS *")["allow"] == "GET, HEAD, OPTIONS, POST")
            func post(_ path: String, _ type: String, _ body: String) async throws -> RawClient.Answer {
                try await ask("POST \(path)", "Content-Type: \(type)\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
            }
            #expect(try await post("/form", "application/x-www-form-urlencoded; charset=utf-8", "x=%C3%A9").text == "é")
            #expect(try await post("/form", "text/plain", "x=1").status == 415)
            #expect(try await post("/form", "application/x-www-form-urlencoded", "x=12345678901").status == 413)
            #expect(try await post("/form", "application/x-www-form-urlencoded", "x=%zz").status == 400)
            #expect(try await post("/json", "application/json", #"{"count":3}"#).text == #"{"count":3}"#)
            #expect(try await post("/json", "application/problem+json", #"{"count":3}"#).status == 200)
            #expect(try await post("/json", "text/plain", "{}").status == 415)
            let missing = try await post("/json", "application/json", "{}")
            #expect(missing.status == 400)
            #expect(missing.text == "The body lacks count.\n")
            #expect(try await post("/json", "application/json", "{").text == "The body is not valid JSON.\n")
        }
    }
}
