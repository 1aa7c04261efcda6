import Foundation
import HTTPTypes
import Testing

@testable import HTTPServer

/// Ranges of static files (RFC 9110 section 14). The file is the ten digits, 0 to 9; another is empty.
@Suite("Ranges of static files")
struct StaticRangesTests {
    struct Row: Sendable, CustomStringConvertible {
        /// Section of RFC 9110.
        let section: String
        let name: String
        let range: String
        /// `206 2-4 234`, `416` or `200`, which is always the whole file.
        let expected: String
        var description: String { "\(section): \(name)" }

        init(_ section: String, _ name: String, _ range: String, _ expected: String) {
            (self.section, self.name, self.range, self.expected) = (section, name, range, expected)
        }
    }

    static let rows = [
        Row("14.1.2", "first and last", "bytes=2-4", "206 2-4 234"),
        Row("14.1.2", "one byte", "bytes=0-0", "206 0-0 0"),
        Row("14.1.2", "the last byte by its place", "bytes=9-9", "206 9-9 9"),
        Row("14.1.2", "the whole as a range", "bytes=0-9", "206 0-9 0123456789"),
        Row("14.1.2", "open at the end", "bytes=7-", "206 7-9 789"),
        Row("14.1.2", "open from the start", "bytes=0-", "206 0-9 0123456789"),
        Row("14.1.2", "a last place at the length means the end", "bytes=8-10", "206 8-9 89"),
        Row("14.1.2", "a last place far beyond means the end", "bytes=8-999999999999999999", "206 8-9 89"),
        Row("14.1.2", "suffix", "bytes=-3", "206 7-9 789"),
        Row("14.1.2", "a suffix of the length is the whole", "bytes=-10", "206 0-9 0123456789"),
        Row("14.1.2", "a longer suffix is the whole", "bytes=-11", "206 0-9 0123456789"),
        Row("14.1.2", "a huge suffix is the whole", "bytes=-999999999999999999", "206 0-9 0123456789"),
        Row("14.1.2", "leading zeros", "bytes=002-0004", "206 2-4 234"),
        Row("14.1", "the unit in capitals", "BYTES=2-4", "206 2-4 234"),
        Row("14.1.2", "from the length on is unsatisfiable", "bytes=10-", "416"),
        Row("14.1.2", "beyond the end is unsatisfiable", "bytes=10-20", "416"),
        Row("14.1.2", "far beyond the end is unsatisfiable", "bytes=999999999999999999-", "416"),
        Row("14.1.2", "a suffix of nothing is unsatisfiable", "bytes=-0", "416"),
        Row("14.1.1", "a last place before the first is invalid", "bytes=4-2", "200"),
        Row("14.1.1", "a last place before the first, beyond the end", "bytes=20-10", "200"),
        Row("14.2", "several ranges may be ignored", "bytes=0-1,3-4", "200"),
        Row("14.2", "several ranges with blanks", "bytes=0-1, 3-4", "200"),
        Row("14.2", "a range and a suffix", "bytes=0-1,-1", "200"),
        Row("14.2", "two open ranges", "bytes=0-,3-", "200"),
        Row("14.2", "an unknown unit is ignored", "lines=0-1", "200"),
        Row("14.2", "numbers of more than 18 digits are ignored", "bytes=0-9999999999999999999", "200"),
        Row("14.1.1", "no number at all", "bytes=-", "200"),
        Row("14.1.1", "no range at all", "bytes=", "200"),
        Row("14.1.1", "no dash", "bytes=5", "200"),
        Row("14.1.1", "two dashes", "bytes=1--4", "200"),
        Row("14.1.1", "three numbers", "bytes=1-2-3", "200"),
        Row("14.1.1", "a negative suffix", "bytes=--1", "200"),
        Row("14.1.1", "a sign", "bytes=+1-4", "200"),
        Row("14.1.1", "hex digits", "bytes=0x1-4", "200"),
        Row("14.1.1", "a letter behind", "bytes=1-4a", "200"),
        Row("14.1.1", "a blank before the set", "bytes= 1-4", "200"),
        Row("14.1.1", "a blank inside", "bytes=1 -4", "200"),
        Row("14.1.1", "a blank before the equals sign", "bytes =1-4", "200"),
        Row("14.1.1", "no equals sign", "bytes 1-4", "200"),
        Row("14.1.1", "no unit", "=1-4", "200"),
        Row("14.1.1", "a unit that begins like bytes", "bytesize=1-4", "200"),
        Row("14.1.1", "digits of another script", "bytes=１-４", "200"),
        Row("14.1.1", "a fraction", "bytes=1.0-4", "200"),
        Row("14.1.1", "nothing", "", "200"),
    ]

    private static let digits = "0123456789"

    /// Files live in memory: the directory is gone when they are served.
    private func load() throws -> StaticFiles {
        let root = FileManager.default.temporaryDirectory.appendingPathComponent("ranges-\(ProcessInfo.processInfo.globallyUniqueString)")
        try FileManager.default.createDirectory(at: root, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: root) }
        try Data(Self.digits.utf8).write(to: root.appendingPathComponent("digits.txt"))
        try Data().write(to: root.appendingPathComponent("empty.txt"))
        return try StaticFiles(directory: root.path)
    }

    private func ask(
        _ files: StaticFiles, _ fields: HTTPFields = [:], method: HTTPRequest.Method = .get, path: String = "/digits.txt"
    ) throws -> Response {
        let request = HTTPRequest(method: method, scheme: "http", authority: "a", path: path, headerFields: fields)
        return try #require(files.response(for: path, request: request))
    }

    /// Status, range and content in words, as in the table; what must always hold is checked on the way.
    private func words(_ response: Response, length: Int = 10) throws -> String {
        #expect(response.headerFields[.acceptRanges] == "bytes", "section 14.3")
        #expect(response.headerFields[.eTag] != nil && response.headerFields[.lastModified] != nil, "section 15.3.7")
        var content = ""
        if case .bytes(let bytes) = response.body { content = String(decoding: bytes, as: UTF8.self) }
        let range = response.headerFields[.contentRange]
        switch response.status {
        case .ok:
            #expect(range == nil)
            #expect(content.utf8.count == length)
            return "200"
        case .rangeNotSatisfiable:
            #expect(range == "bytes */\(length)", "section 15.5.17")
            #expect(content == "")
            return "416"
        case .partialContent:
            let text = try #require(range)
            #expect(text.hasPrefix("bytes ") && text.hasSuffix("/\(length)"), "section 14.4")
            #expect(response.headerFields[.contentType] == "text/plain; charset=utf-8")
            return "206 \(text.dropFirst(6).prefix { $0 != "/" }) \(content)"
        default: return "\(response.status.code)"
        }
    }

    @Test("Each range is answered as its section says", arguments: rows)
    func row(_ row: Row) throws {
        let files = try load()
        #expect(try words(try ask(files, [.range: row.range])) == row.expected)
    }

    @Test("Without a range the whole comes, and says that ranges are taken (section 14.3)")
    func whole() throws {
        let files = try load()
        #expect(try words(try ask(files)) == "200")
    }

    @Test("Two Range fields are ignored as several ranges are (section 14.2)")
    func twoFields() throws {
        let files = try load()
        var fields: HTTPFields = [.range: "bytes=0-1"]
        fields.append(HTTPField(name: .range, value: "bytes=3-4"))
        #expect(try words(try ask(files, fields)) == "200")
    }

    @Test("Ranges are for GET: HEAD tells of the whole, and nothing else is served (section 14.2)")
    func methods() throws {
        let files = try load()
        for range in ["bytes=2-4", "bytes=10-"] {
            let head = try ask(files, [.range: range], method: .head)
            #expect(try words(head) == "200")
            #expect(try ask(files, [.range: range], method: .post).status == .methodNotAllowed)
        }
    }

    @Test("An empty file has no bytes to give (section 14.1.2)", arguments: ["bytes=0-", "bytes=0-0", "bytes=-0"])
    func emptyFile(range: String) throws {
        let files = try load()
        #expect(try words(try ask(files, [.range: range], path: "/empty.txt"), length: 0) == "416")
    }

    @Test("If-Range lets the range through for the current copy only, and is nothing without a range (section 13.1.5)")
    func ifRange() throws {
        let files = try load()
        let full = try ask(files)
        let tag = try #require(full.headerFields[.eTag])
        let modified = try #require(full.headerFields[.lastModified])
        let seconds = try #require(HTTPDate.parse(modified))
        func status(_ condition: String, range: String = "bytes=2-4") throws -> String {
            try words(try ask(files, [.range: range, .ifRange: condition]))
        }
        #expect(try status(tag) == "206 2-4 234")
        #expect(try status(modified) == "206 2-4 234")
        // The comparison is strong: a weak tag never matches.
        #expect(try status("W/" + tag) == "200")
        // An exact match, not an earliest date.
        #expect(try status(HTTPDate.format(seconds + 1)) == "200")
        #expect(try status(HTTPDate.format(seconds - 1)) == "200")
        for stale in ["\"other\"", "", "*", "nonsense", tag + ", " + tag, String(tag.dropFirst().dropLast())] {
            #expect(try status(stale) == "200", "\(stale)")
        }
        // A range that cannot be met matters only when the copy is current (section 14.2).
        #expect(try status(tag, range: "bytes=10-") == "416")
        #expect(try status("\"other\"", range: "bytes=10-") == "200")
        #expect(try words(try ask(files, [.ifRange: tag])) == "200")
        #expect(try words(try ask(files, [.ifRange: "\"other\""])) == "200")
    }

    @Test("If-None-Match and If-Modified-Since are asked before the range (section 13.2.2)")
    func conditionsFirst() throws {
        let files = try load()
        let full = try ask(files)
        let tag = try #require(full.headerFields[.eTag])
        let modified = try #require(full.headerFields[.lastModified])
        let fresh = try ask(files, [.range: "bytes=2-4", .ifNoneMatch: tag])
        #expect(fresh.status == .notModified)
        #expect(fresh.headerFields[.contentRange] == nil)
        #expect(try ask(files, [.range: "bytes=2-4", .ifModifiedSince: modified]).status == .notModified)
        #expect(try ask(files, [.range: "bytes=2-4", .ifRange: tag, .ifNoneMatch: "*"]).status == .notModified)
        #expect(try ask(files, [.range: "bytes=10-", .ifNoneMatch: tag]).status == .notModified)
        #expect(try words(try ask(files, [.range: "bytes=2-4", .ifNoneMatch: "\"other\""])) == "206 2-4 234")
    }

    @Test("A broken download is resumed over a real connection (section 15.3.7)")
    func resumed() async throws {
        let files = try load()
        let handler: Handler = { request in
            guard let response = files.response(for: request.path, request: request.head) else {
                throw HTTPError(.notFound, code: "not-found", message: "Nothing here.")
            }
            return response
        }
        try await withServer(handler: handler) { address, _ in
            let client = try await RawClient(address)
            func get(_ fields: String) async throws -> RawClient.Answer {
                try await client.exchange("GET /digits.txt HTTP/1.1\r\nHost: a\r\n\(fields)\r\n")
            }
            let start = try await get("Range: bytes=0-3\r\n")
            let rest = try await get("Range: bytes=4-\r\nIf-Range: \(start["etag"] ?? "")\r\n")
            #expect((start.status, rest.status) == (206, 206))
            #expect(start["content-length"] == "4")
            #expect(rest["content-range"] == "bytes 4-9/10")
            #expect(start.text + rest.text == Self.digits)
            let beyond = try await get("Range: bytes=10-\r\n")
            #expect(beyond.status == 416)
            #expect(beyond["content-length"] == "0")
            #expect(try await get("").text == Self.digits)
        }
    }
}
