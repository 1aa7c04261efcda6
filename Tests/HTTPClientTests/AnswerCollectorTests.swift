import HTTPTypes
import Testing

@testable import HTTPClient

@Suite("Collecting an answer")
struct AnswerCollectorTests {
    private func take(_ lines: [String], into collector: inout AnswerCollector) -> Bool {
        for line in lines {
            let goesOn = Array(line.utf8).withUnsafeBytes { collector.take(headLine: $0) }
            if !goesOn { return false }
        }
        return true
    }

    @Test("An interim head is no final status, and leaves nothing in the final one")
    func interim() throws {
        var collector = AnswerCollector(maximumBodyBytes: 10)
        #expect(take(["HTTP/1.1 103 Early Hints\r\n", "Link: x\r\n", "\r\n"], into: &collector))
        #expect(collector.finalStatus == nil)
        #expect(!collector.isFinalHeadComplete)
        #expect(take(["HTTP/1.1 200 OK\r\n", "A: 1\r\n"], into: &collector))
        #expect(collector.finalStatus == 200)
        #expect(!collector.isFinalHeadComplete)
        #expect(take(["\r\n"], into: &collector))
        #expect(collector.isFinalHeadComplete)
        #expect(take(["HTTP/1.1 500 in a trailer\r\n", "B: 2\r\n"], into: &collector))
        let head = try #require(AnswerHead(lines: collector.head))
        #expect(head.status == 200)
        #expect(head.fields == [HTTPField.Name("A")!: "1"])
    }

    @Test("The body is taken up to its limit, to the byte")
    func bodyLimit() {
        var collector = AnswerCollector(maximumBodyBytes: 5)
        #expect([UInt8](repeating: 9, count: 3).withUnsafeBytes { collector.take(body: $0) })
        #expect([UInt8](repeating: 9, count: 2).withUnsafeBytes { collector.take(body: $0) })
        #expect(collector.excess == nil)
        #expect(![UInt8](repeating: 9, count: 1).withUnsafeBytes { collector.take(body: $0) })
        #expect(collector.excess == .body)
        #expect(collector.body.count == 5)
    }

    @Test("A head beyond its limit is refused, in one line or in many")
    func headLimit() {
        for length in [AnswerCollector.maximumHeadBytes, 1000] {
            var collector = AnswerCollector(maximumBodyBytes: 5)
            var taken = take(["HTTP/1.1 200 OK\r\n"], into: &collector)
            var lines = 0
            while taken, lines < 1000 {
                taken = take([String(repeating: "a", count: length)], into: &collector)
                lines += 1
            }
            #expect(collector.excess == .head)
            #expect(collector.head.count <= AnswerCollector.maximumHeadBytes)
        }
    }

    @Test(
        "Lines that begin an answer",
        arguments: [
            ("HTTP/1.1 200 OK\r\n", 200), ("HTTP/1.0 404\r\n", 404), ("HTTP/2 204 \r\n", 204), ("HTTP/1.1 2000\r\n", 200),
        ])
    func statusLines(_ line: String, _ status: Int) {
        #expect(Array(line.utf8).withUnsafeBytes(AnswerHead.status(inLine:)) == status)
    }

    @Test("Lines that do not", arguments: ["", "HTTP/", "HTTP/1.1", "HTTP/1.1 20", "HTTP/1.1 2x0 OK\r\n", "http/1.1 200 OK", "A: 1\r\n"])
    func otherLines(_ line: String) {
        #expect(Array(line.utf8).withUnsafeBytes(AnswerHead.status(inLine:)) == nil)
    }

    @Test("Any bytes at all are read without harm")
    func anyBytes() {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("seed \(seed)")
        var random = SplitMix(seed)
        let alphabet = Array("HTTP/1.1 200: \r\n\t\0a\u{E9}".utf8) + [0x80, 0xFF]
        for _ in 0..<3000 {
            let bytes = (0..<Int.random(in: 0..<80, using: &random)).map { _ in alphabet.randomElement(using: &random)! }
            let lines = Array("HTTP/1.1 200 OK\r\n".utf8) + bytes
            let head = AnswerHead(lines: lines)
            #expect(head?.status == 200, "seed \(seed)")
            for field in head?.fields ?? HTTPFields() {
                #expect(!field.value.contains("\r") && !field.value.contains("\0"), "seed \(seed)")
            }
        }
    }
}
