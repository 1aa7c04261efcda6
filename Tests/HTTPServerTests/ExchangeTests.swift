import HTTPTypes
import Testing

@testable import HTTPServer

@Suite("Exchanges over a real socket")
struct ExchangeTests {
    @Test("A request is answered in one piece with Date, length and type")
    func ordinary() async throws {
        try await withServer(handler: hello) { address, _ in
            let client = try await RawClient(address)
            let answer = try await client.exchange("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(answer.status == 200)
            #expect(answer.text == "hello")
            #expect(answer["content-length"] == "5")
            #expect(answer["connection"] == nil)
            #expect(answer["date"].flatMap(HTTPDate.parse) != nil)
            let again = try await client.exchange("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(again.status == 200)
        }
    }
}
