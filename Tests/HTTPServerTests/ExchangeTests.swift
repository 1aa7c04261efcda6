import Foundation
import HTTPTypes
import Logging
import Synchronization
import Testing

@testable import HTTPServer

@Suite("Exchanges over a real socket")
struct ExchangeTests {
    private let get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

    /// Echoes the body.
    private let echo: Handler = { request in
        .text(String(decoding: try await request.body.collect(upTo: 1 << 20), as: UTF8.self))
    }

    @Test("An answer comes with Date, length and type, and the connection lives on")
    func ordinary() async throws {
        try await withServer(handler: hello) { address, _ in
            let client = try await RawClient(address)
            for _ in 0..<3 {
                let answer = try await client.exchange(get)
                #expect(answer.status == 200)
                #expect(answer.text == "hello")
                #expect(answer["content-length"] == "5")
                #expect(answer["content-type"] == "text/plain; charset=utf-8")
                #expect(answer["connection"] == nil)
                #expect(answer["date"].flatMap(HTTPDate.parse) != nil)
            }
        }
    }

    @Test("Head and body arrive in one packet")
    func oneWrite() async throws {
        try await withServer(handler: hello) { address, _ in
            let client = try await RawClient(address)
            try await client.send(get)
            let first = String(decoding: try await client.read(), as: UTF8.self)
            #expect(first.hasPrefix("HTTP/1.1 200 OK\r\n"))
            #expect(first.hasSuffix("\r\n\r\nhello"))
        }
    }

    @Test("Pipelined requests are answered in order (RFC 9112 section 9.3.2)")
    func pipelining() async throws {
        let handler: Handler = { .text($0.path) }
        try await withServer(handler: handler) { address, _ in
            let client = try await RawClient(address)
            let paths = (0..<50).map { "/\($0)" }
            try await client.send(paths.map { "GET \($0) HTTP/1.1\r\nHost: a\r\n\r\n" }.joined())
            for path in paths { #expect(try await client.answer().text == path) }
        }
    }

    @Test("Connection: close is answered in kind")
    func close() async throws {
        try await withServer(handler: hello) { address, _ in
            let client = try await RawClient(address)
            let answer = try await client.exchange("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            #expect(answer["connection"] == "close")
            #expect(try await client.readToEnd() == "")
        }
    }

    @Test("A handler may close the connection")
    func handlerCloses() async throws {
        let handler: Handler = { _ in Response(headerFields: [.connection: "close"]) }
        try await withServer(handler: handler) { address, _ in
            let client = try await RawClient(address)
            #expect(try await client.exchange(get)["connection"] == "close")
            #expect(try await client.readToEnd() == "")
        }
    }

    @Test("HTTP/1.0: closed after the answer, or kept alive when asked for, and said so")
    func http10() async throws {
        try await withServer(handler: hello) { address, _ in
            let plain = try await RawClient(address)
            let answer = try await plain.exchange("GET / HTTP/1.0\r\n\r\n")
            #expect(answer.text == "hello")
            #expect(answer["connection"] == "close")
            #expect(try await plain.readToEnd() == "")
            let kept = try await RawClient(address)
            for _ in 0..<2 {
                let answer = try await kept.exchange("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
                #expect(answer["connection"] == "keep-alive")
            }
        }
    }

    @Test("A stream is chunked to HTTP/1.1 and ended by closing to HTTP/1.0")
    func streams() async throws {
        let handler: Handler = { _ in
            Response(
                body: .stream { writer in
                    for word in ["one ", "", "two ", "three"] { try await writer.write(word) }
                })
        }
        try await withServer(handler: handler) { address, _ in
            let client = try await RawClient(address)
            for _ in 0..<2 {
                let answer = try await client.exchange(get)
                #expect(answer["transfer-encoding"] == "chunked")
                #expect(answer["content-length"] == nil)
                #expect(answer.text == "one two three")
            }
            let old = try await RawClient(address)
            let answer = try await old.exchange("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            #expect(answer["transfer-encoding"] == nil)
            #expect(answer["connection"] == "close")
            #expect(answer.text == "one two three")
        }
    }

    @Test("A stream that fails is cut without its last chunk (RFC 9112 section 8)")
    func failingStream() async throws {
        let handler: Handler = { _ in
            Response(
                body: .stream { writer in
                    try await writer.write("half")
                    throw HTTPError(.internalServerError, code: "x", message: "x")
                })
        }
        try await withServer(handler: handler) { address, _ in
            let client = try await RawClient(address)
            try await client.send(get)
            let all = try await client.readToEnd()
            #expect(all.hasSuffix("4\r\nhalf\r\n"))
        }
    }

    @Test("A handler may cut the connection, before the head or in the middle of the body")
    func cut() async throws {
        let handler: Handler = { request in
            Response(body: request.path == "/abort" ? .abort : .truncated(Array("half".utf8), announcedLength: 8))
        }
        try await withServer(handler: handler) { address, _ in
            let aborted = try await RawClient(address)
            try await aborted.send("GET /abort HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(try await aborted.readToEnd() == "")
            let halved = try await RawClient(address)
            try await halved.send(get)
            let all = try await halved.readToEnd()
            #expect(all.contains("Content-Length: 8\r\n"))
            #expect(all.hasSuffix("\r\n\r\nhalf"))
        }
    }

    @Test("HEAD gets the head of GET and no body; the next answer is not disturbed", arguments: [true, false])
    func head(streamed: Bool) async throws {
        let handler: Handler = { _ in
            streamed ? Response(body: .stream { try await $0.write("hello") }) : .text("hello")
        }
        try await withServer(handler: handler) { address, _ in
            let client = try await RawClient(address)
            let answer = try await client.exchange("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", toHead: true)
            #expect(answer.status == 200)
            #expect(answer["content-length"] == (streamed ? nil : "5"))
            #expect(try await client.exchange(get).text == "hello")
        }
    }

    @Test("204, 205 and 304 have no body, whatever the handler says", arguments: [204, 205, 304])
    func bodiless(code: Int) async throws {
        let handler: Handler = { _ in .text("hidden", status: HTTPResponse.Status(code: code)) }
        try await withServer(handler: handler) { address, _ in
            let client = try await RawClient(address)
            for _ in 0..<2 {
                try await client.send(get)
                let text = try await client.read(until: "\r\n\r\n")
                #expect(text.hasPrefix("HTTP/1.1 \(code)"))
                #expect(text.hasSuffix("\r\n\r\n"))
                #expect(text.contains("Content-Length: 0") == (code == 205))
            }
        }
    }

    @Test("A body with a length and a chunked one reach the handler, in pieces too")
    func bodies() async throws {
        try await withServer(handler: echo) { address, _ in
            let client = try await RawClient(address)
            #expect(try await client.exchange("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello").text == "hello")
            try await client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab")
            try await client.send("c\r\n2;x=y\r")
            try await client.send("\nde\r\n0\r\nX-Sum: 1\r\n\r\n")
            #expect(try await client.answer().text == "abcde")
        }
    }

    @Test("A megabyte goes in and comes out")
    func largeBody() async throws {
        let body = String(repeating: "0123456789abcdef", count: 65536)
        try await withServer(handler: echo) { address, _ in
            let client = try await RawClient(address)
            try await client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \(body.utf8.count)\r\n\r\n" + body)
            #expect(try await client.answer().text == body)
        }
    }

    @Test("A stream may read the request's body while it writes")
    func duplex() async throws {
        let handler: Handler = { request in
            Response(
                body: .stream { writer in
                    for try await chunk in request.body { try await writer.write(chunk) }
                })
        }
        try await withServer(handler: handler) { address, _ in
            let client = try await RawClient(address)
            try await client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\none")
            #expect(try await client.read(until: "one").contains("chunked"))
            try await client.send("two" + get)
            #expect(try await client.read(until: "two\r\n0\r\n\r\nHTTP/1.1 200").contains("two"))
        }
    }

    @Test("Nothing beyond the buffers is read while the handler does not ask for it")
    func backPressure() async throws {
        let release = Signal()
        let handler: Handler = { request in
            await release.wait()
            return try await echo(request)
        }
        let size = 32 << 20
        try await withServer({ $0.limits.body = size }, handler: handler) { address, _ in
            // The buffers of both systems hold a few megabytes; the client's send must get stuck until it gives up.
            let client = try await RawClient(address, patience: 300)
            try await client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \(size)\r\n\r\n")
            await #expect(throws: RawClient.Failure.self) { try await client.send([UInt8](repeating: 1, count: size)) }
            release.fire()
        }
    }

    @Test("Expect: 100-continue is answered when the handler reads, and not when it refuses (RFC 9110 section 10.1.1)")
    func expectContinue() async throws {
        let handler: Handler = { request in
            guard request.path == "/take" else { throw HTTPError(.forbidden, code: "no", message: "No.") }
            return try await echo(request)
        }
        try await withServer(handler: handler) { address, _ in
            let client = try await RawClient(address)
            let head = "HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n"
            #expect(try await client.exchange("POST /take \(head)").status == 100)
            #expect(try await client.exchange("hello").text == "hello")
            // The body came along: no 100 is owed.
            #expect(try await client.exchange("POST /take \(head)hello").status == 200)
            let refused = try await client.exchange("POST /leave \(head)")
            #expect(refused.status == 403)
            #expect(refused["connection"] == "close")
        }
    }

    @Test("An unread body that is here is discarded and the connection kept; one that is yet to come closes it")
    func unreadBody() async throws {
        try await withServer(handler: hello) { address, _ in
            let client = try await RawClient(address)
            let small = try await client.exchange("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n12345")
            #expect(small["connection"] == nil)
            #expect(try await client.exchange(get).text == "hello")
            let large = try await client.exchange("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 70000\r\n\r\n")
            #expect(large["connection"] == "close")
            #expect(try await client.readToEnd() == "")
            let other = try await RawClient(address)
            let chunked = try await other.exchange("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n")
            #expect(chunked["connection"] == "close")
        }
    }

    @Test("A body that breaks the rules is 400, and nothing after it is served")
    func brokenBody() async throws {
        try await withServer(handler: echo) { address, _ in
            let client = try await RawClient(address)
            let answer = try await client.exchange("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n" + get)
            #expect(answer.status == 400)
            #expect(answer["connection"] == "close")
            #expect(try await client.readToEnd() == "")
        }
    }

    @Test("A body that stops in the middle is 400 to a client that still listens")
    func incompleteBody() async throws {
        try await withServer(handler: echo) { address, _ in
            let client = try await RawClient(address)
            try await client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello")
            client.finishSending()
            #expect(try await client.answer().status == 400)
        }
    }

    @Test("A client that ended its side after the request still gets the answer")
    func halfClosed() async throws {
        try await withServer(handler: hello) { address, _ in
            let client = try await RawClient(address)
            try await client.send(get)
            client.finishSending()
            #expect(try await client.answer().text == "hello")
            #expect(try await client.readToEnd() == "")
        }
    }

    @Test("A body kept beyond its request cannot read the next one's; two readers at once are refused")
    func bodyOwnership() async throws {
        let kept = Mutex<RequestBody?>(nil)
        let handler: Handler = { request in
            if let old = kept.withLock({ $0 }) {
                await #expect(throws: HTTPError.self) { try await old.collect(upTo: 100) }
            }
            kept.withLock { $0 = request.body }
            return try await echo(request)
        }
        try await withServer(handler: handler) { address, _ in
            let client = try await RawClient(address)
            for _ in 0..<2 {
                #expect(try await client.exchange("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello").text == "hello")
            }
        }
    }

    @Test("Errors: HTTPError as thrown, anything else an empty 500 that is logged without the query")
    func errors() async throws {
        struct Secret: Error {}
        let log = LogRecorder()
        let handler: Handler = { request in
            if request.path == "/http" { throw HTTPError(.conflict, code: "c", message: "Twice.", headerFields: [.retryAfter: "1"]) }
            if request.path == "/json" { return .json(Double.nan) }
            if request.path == "/status" { return Response(status: .continue) }
            throw Secret()
        }
        try await withServer(logger: log.logger, handler: handler) { address, _ in
            let client = try await RawClient(address)
            let known = try await client.exchange("GET /http HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(known.status == 409)
            #expect(known.text == "Twice.\n")
            #expect(known["retry-after"] == "1")
            for path in ["/other?token=hidden", "/json"] {
                let unknown = try await client.exchange("GET \(path) HTTP/1.1\r\nHost: a\r\n\r\n")
                #expect(unknown.status == 500)
                #expect(unknown.body.isEmpty)
            }
            #expect(try await client.exchange("GET /status HTTP/1.1\r\nHost: a\r\n\r\n").status == 500)
        }
        let lines = log.lines.filter { $0.hasPrefix("error") }
        #expect(lines.count == 3)
        #expect(lines.contains { $0.contains("/other") && $0.contains("Secret") })
        #expect(!lines.contains { $0.contains("hidden") })
    }

    @Test("A field that would break the head is refused with 500 and never sent")
    func headerInjection() async throws {
        let log = LogRecorder()
        let handler: Handler = { request in
            let name = try #require(HTTPField.Name("X-Name"))
            // The lenient initialiser lets control characters through; CR, LF and NUL become spaces in the type itself.
            return Response(headerFields: HTTPFields([HTTPField(name: name, lenientValue: Array("a\u{1}b\r\nSet-Cookie: c".utf8))]))
        }
        try await withServer(logger: log.logger, handler: handler) { address, _ in
            let client = try await RawClient(address)
            let answer = try await client.exchange(get)
            #expect(answer.status == 500)
            #expect(!answer.head.contains("Set-Cookie"))
        }
        #expect(log.lines.contains { $0.hasPrefix("error") && $0.contains("X-Name") })
        let redirect = Response.redirect(to: "/a\r\nSet-Cookie: b=é")
        #expect(redirect.headerFields[.location] == "/a%0D%0ASet-Cookie:%20b=%C3%A9")
    }

    @Test("Framing fields from a handler are dropped")
    func framingFields() async throws {
        let handler: Handler = { _ in
            Response(headerFields: [.contentLength: "99", .transferEncoding: "chunked", .date: "x"], body: .bytes([1]))
        }
        try await withServer(handler: handler) { address, _ in
            let client = try await RawClient(address)
            let answer = try await client.exchange(get)
            #expect(answer["content-length"] == "1")
            #expect(answer["transfer-encoding"] == nil)
            #expect(answer["date"] == "x")
        }
    }

    @Test("The handler sees address, cookies, query and path")
    func requestParts() async throws {
        let handler: Handler = { request in
            .text(
                "\(request.remoteAddress.host) \(request.cookie("b") ?? "-") \(request.query["q"] ?? "-") \(request.path) \(request.head.authority ?? "-")"
            )
        }
        try await withServer(handler: handler) { address, _ in
            let client = try await RawClient(address)
            let answer = try await client.exchange(
                "GET /x%2Fy?q=1+2 HTTP/1.1\r\nHost: a:80\r\nCookie: ab=1; b=\"2\"\r\nCookie: b=3\r\n\r\n")
            #expect(answer.text == "127.0.0.1 2 1 2 /x%2Fy a:80")
        }
    }
}
