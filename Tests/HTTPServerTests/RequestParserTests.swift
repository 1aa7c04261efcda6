import HTTPServerVectors
import HTTPTypes
import Testing

@testable import HTTPServer

@Suite("Request parser")
struct RequestParserTests {
    @Test("Every vector is taken as its section says, at once, byte by byte and cut at every place", arguments: RequestVectors.all)
    func vector(_ vector: RequestVector) {
        let bytes = vector.bytes
        #expect(transcript([bytes]) == vector.expected)
        #expect(transcript(bytes.map { [$0] }) == vector.expected, "byte by byte")
        // The few long rows repeat themselves: some 300 cuts each.
        for cut in stride(from: 0, through: bytes.count, by: 1 + bytes.count / 300) {
            let result = transcript([Array(bytes[..<cut]), Array(bytes[cut...])])
            guard result != vector.expected else { continue }
            Issue.record("cut at \(cut): \(result)")
            break
        }
    }

    @Test("The table has at least 250 rows, no name and no bytes twice")
    func table() {
        let all = RequestVectors.all
        #expect(all.count >= 250)
        let names = Dictionary(grouping: all, by: \.name).filter { $0.value.count > 1 }
        #expect(names.isEmpty, "named twice: \(names.keys.sorted())")
        let bytes = Dictionary(grouping: all, by: \.bytes).filter { $0.value.count > 1 }
        #expect(bytes.isEmpty, "sent twice: \(bytes.values.map { $0.map(\.name) })")
    }

    @Test("A thousand random mixtures of vectors give the same events however they are cut", arguments: [20_261_121])
    func randomCuts(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let accepted = RequestVectors.all.filter { !$0.isRefused }
        for round in 0..<1000 {
            let parts =
                (0..<4).map { _ in accepted.randomElement(using: &generator) } + [RequestVectors.all.randomElement(using: &generator)]
            var bytes = parts.flatMap { $0?.bytes ?? [] }
            // Half of the rounds: a byte replaced, so that refusals at odd places are cut too.
            if Bool.random(using: &generator) {
                bytes[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
            }
            var pieces: [[UInt8]] = []
            var rest = bytes[...]
            while !rest.isEmpty {
                let count = Int.random(in: 1...min(40, rest.count), using: &generator)
                pieces.append(Array(rest.prefix(count)))
                rest = rest.dropFirst(count)
            }
            let whole = transcript([bytes])
            let cut = transcript(pieces)
            #expect(whole == cut, "seed \(seed), round \(round): \(String(decoding: bytes, as: UTF8.self))")
            guard whole == cut else { break }
        }
    }

    private var small: ServerLimits {
        var limits = ServerLimits()
        limits.requestLine = 40
        limits.headerLine = 30
        limits.headerBytes = 120
        limits.headerCount = 4
        limits.body = 10
        return limits
    }

    private func check(_ text: String, _ expected: String, sourceLocation: SourceLocation = #_sourceLocation) {
        let bytes = Array(text.utf8)
        #expect(transcript([bytes], limits: small) == expected, sourceLocation: sourceLocation)
        #expect(transcript(bytes.map { [$0] }, limits: small) == expected, sourceLocation: sourceLocation)
    }

    @Test("The request line: 40 bytes pass, 41 are 414 or, without a space, 501 (RFC 9112 section 3)")
    func requestLineLimit() {
        let path = "/" + String(repeating: "a", count: 26)
        check("GET \(path) HTTP/1.1\r\nHost: a\r\n\r\n", "GET \(path) 1.1 a")
        check("GET \(path)a HTTP/1.1\r\nHost: a\r\n\r\n", "414 target-too-long")
        check(String(repeating: "A", count: 41), "501 unknown-method")
    }

    @Test("One header line: 30 bytes pass, 31 are 431")
    func headerLineLimit() {
        check("GET / HTTP/1.1\r\nHost: a\r\nX: \(String(repeating: "b", count: 27))\r\n\r\n", "GET / 1.1 a")
        check("GET / HTTP/1.1\r\nHost: a\r\nX: \(String(repeating: "b", count: 28))\r\n\r\n", "431 header-too-large")
    }

    @Test("Header count: 4 pass, 5 are 431")
    func headerCountLimit() {
        check("GET / HTTP/1.1\r\nHost: a\r\n\(String(repeating: "X: y\r\n", count: 3))\r\n", "GET / 1.1 a")
        check("GET / HTTP/1.1\r\nHost: a\r\n\(String(repeating: "X: y\r\n", count: 4))\r\n", "431 too-many-headers")
    }

    @Test("The whole head above 120 bytes is 431, though each line is short enough")
    func headLimit() {
        let line = "X: \(String(repeating: "b", count: 27))\r\n"
        check("GET / HTTP/1.1\r\nHost: a\r\n\(line)\(line)\r\n", "GET / 1.1 a")
        check("GET / HTTP/1.1\r\nHost: a\r\n\(line)\(line)\(line)\r\n", "431 header-too-large")
    }

    @Test("Body: 10 bytes pass, 11 are 413, announced or chunked")
    func bodyLimit() {
        let head = "POST / HTTP/1.1\r\nHost: a\r\n"
        check(head + "Content-Length: 10\r\n\r\n0123456789", "POST / 1.1 a length=10 | body=0123456789 | end")
        check(head + "Content-Length: 11\r\n\r\n", "413 body-too-large")
        check(head + "Transfer-Encoding: chunked\r\n\r\n6\r\n012345\r\n5\r\n", "POST / 1.1 a chunked | body=012345 | 413 body-too-large")
    }

    @Test("Trailers count against the head's limits")
    func trailerLimit() {
        let head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"
        check(head + String(repeating: "X: y\r\n", count: 5), "POST / 1.1 a chunked | 431 too-many-headers")
    }

    @Test("A refusal is final")
    func refusalIsFinal() {
        var parser = RequestParser(limits: ServerLimits())
        parser.append(Array("GET / HTTP/1.1\n".utf8))
        #expect(throws: HTTPError.self) { try parser.next() }
        parser.append(Array("GET / HTTP/1.1\r\nHost: a\r\n\r\n".utf8))
        #expect(throws: HTTPError.self) { try parser.next() }
    }

    @Test("Fields keep order, repetition and bytes; Host becomes the authority")
    func fields() throws {
        var parser = RequestParser(limits: ServerLimits())
        parser.append(Array("GET /p?q HTTP/1.1\r\nHost: a:1\r\nX-One:  b c \r\nx-one: d\r\nY: \r\n\r\n".utf8))
        guard case .head(let head) = try parser.next() else { return #expect(Bool(false), "no head") }
        let one = try #require(HTTPField.Name("X-One"))
        #expect(head.request.headerFields[values: one] == ["b c", "d"])
        #expect(head.request.headerFields.count == 3)
        #expect(head.request.authority == "a:1")
        #expect(head.request.path == "/p?q")
    }

    @Test("A byte at a time costs linear time: a head of 8000 bytes in 8000 pieces")
    func drip() {
        let text = "GET /\(String(repeating: "a", count: 8000)) HTTP/1.1\r\nHost: a\r\n\r\n"
        let clock = ContinuousClock()
        let elapsed = clock.measure { _ = transcript(text.utf8.map { [$0] }) }
        #expect(elapsed < .seconds(2))
    }
}
