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
