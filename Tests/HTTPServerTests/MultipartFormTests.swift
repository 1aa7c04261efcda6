import HTTPTypes
import Testing

@testable import HTTPServer

@Suite("A form with a file")
struct MultipartFormTests {
    private static let whole =
        "--B\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\ntoken\r\n"
        + "--B\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a;b%22.csv\"\r\nContent-Type: text/csv\r\n\r\n1;2\r\n--A\r\n\r\n"
        + "--B--\r\n"

    private func parse(_ text: String, boundary: String = "B") throws -> MultipartForm {
        try MultipartForm.parse(Array(text.utf8), boundary: boundary)
    }

    @Test("has fields and files, each byte as sent")
    func parts() throws {
        let form = try parse(Self.whole)
        #expect(form["csrf"]?.text == "token" && form["csrf"]?.fileName == nil)
        #expect(form["file"]?.fileName == "a;b\".csv")
        #expect(form["file"]?.text == "1;2\r\n--A\r\n")
        #expect(form["nothing"] == nil)
        #expect(try parse("preamble\r\n" + Self.whole + "epilogue").parts == form.parts)
        #expect(try parse("--B\r\nContent-Disposition: form-data; name=a\r\n\r\n\r\n--B--").parts.map(\.bytes) == [[]])
        #expect(try parse("--B--").parts.isEmpty)
        let binary = Array("--B\r\nContent-Disposition: form-data; name=f\r\n\r\n".utf8) + [0, 0xFF, 0x0D, 0x0A] + Array("\r\n--B--".utf8)
        #expect(try MultipartForm.parse(binary, boundary: "B")["f"]?.bytes == [0, 0xFF, 0x0D, 0x0A])
        #expect(try MultipartForm.parse(binary, boundary: "B")["f"]?.text == nil)
    }

    @Test("cut anywhere is refused or, behind its last boundary, whole")
    func cut() throws {
        let bytes = Array(Self.whole.utf8)
        for length in 0..<bytes.count {
            let beginning = Array(bytes[..<length])
            if length >= bytes.count - 2 {
                #expect(try MultipartForm.parse(beginning, boundary: "B").parts.count == 2)
            } else {
                #expect(throws: HTTPError.self, "\(length) bytes") { try MultipartForm.parse(beginning, boundary: "B") }
            }
        }
    }

    @Test(
        "broken in another way is refused",
        arguments: [
            "", "--", "--B", "--B\r\n", "--Bx\r\n\r\n\r\n--B--", "--B\r\n\r\nx\r\n--B--",
            "--B\r\nContent-Disposition: form-data\r\n\r\nx\r\n--B--",
            "--B\r\nContent-Disposition: attachment; name=a\r\n\r\nx\r\n--B--",
            "--B\r\nContent-Disposition: form-data; name=a\r\n" + String(repeating: "x", count: 9000) + "\r\n\r\nx\r\n--B--",
            String(repeating: "--B\r\nContent-Disposition: form-data; name=a\r\n\r\nx\r\n", count: 51) + "--B--",
        ])
    func broken(text: String) {
        let error = #expect(throws: HTTPError.self) { try parse(text) }
        #expect(error?.status == .badRequest)
    }

    @Test("comes out as it went in, and cut or changed anywhere it is read or refused")
    func random() throws {
        let seed: UInt64 = 20_261_122
        var generator = SeededGenerator(seed: seed)
        let alphabet = Array("\r\n--B:;\"= x".utf8) + [0, 0xFF]
        for round in 0..<2000 {
            let contents = (0..<Int.random(in: 0...3, using: &generator)).map { _ in
                (0..<Int.random(in: 0...30, using: &generator)).map { _ in alphabet.randomElement(using: &generator) ?? 0 }
            }.filter { !String(decoding: $0, as: UTF8.self).contains("--B") }
            var bytes: [UInt8] = []
            for (index, content) in contents.enumerated() {
                bytes += Array("--B\r\nContent-Disposition: form-data; name=\"f\(index)\"\r\n\r\n".utf8) + content + Array("\r\n".utf8)
            }
            bytes += Array("--B--".utf8)
            #expect(try MultipartForm.parse(bytes, boundary: "B").parts.map(\.bytes) == contents, "seed \(seed), round \(round)")
            for _ in 0...Int.random(in: 0...3, using: &generator) {
                bytes[Int.random(in: bytes.indices, using: &generator)] = alphabet.randomElement(using: &generator) ?? 0
            }
            do throws(HTTPError) {
                let parts = try MultipartForm.parse(bytes, boundary: "B").parts
                #expect(parts.reduce(0) { $0 + $1.bytes.count } <= bytes.count, "seed \(seed), round \(round)")
            } catch {
                #expect(error.status == .badRequest, "seed \(seed), round \(round)")
            }
        }
    }

    @Test("is read by the request's own boundary, up to a limit")
    func request() async throws {
        func read(_ type: String, limit: Int = 1000) async throws -> MultipartForm {
            try await Request(.post, "/", headerFields: [.contentType: type], body: Array(Self.whole.utf8)).multipartForm(upTo: limit)
        }
        #expect(try await read("multipart/form-data; boundary=B").parts.count == 2)
        #expect(try await read("Multipart/Form-Data; charset=utf-8; BOUNDARY=\"B\"").parts.count == 2)
        for type in ["application/x-www-form-urlencoded", "multipart/form-data", "multipart/form-data; boundary="] {
            let error = await #expect(throws: HTTPError.self) { _ = try await read(type) }
            #expect(error?.status == .unsupportedMediaType, "\(type)")
        }
        let error = await #expect(throws: HTTPError.self) { _ = try await read("multipart/form-data; boundary=B", limit: 100) }
        #expect(error?.status == .contentTooLarge)
    }
}
