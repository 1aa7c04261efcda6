/// Bytes on a connection and what they are taken for. The section is the one that decides; where it leaves a choice between
/// repairing and refusing, the row shows the refusal.
package struct RequestVector: Sendable, CustomStringConvertible {
    /// RFC number and section, such as `9112 6.3`.
    package let section: String
    /// What is sent, in words. No two rows share one.
    package let name: String
    package let bytes: [UInt8]
    /// The parser's events in words, as `transcript` writes them. Ends before `end` when more bytes are awaited.
    package let expected: String

    init(_ section: String, _ name: String, _ bytes: String, _ expected: String) {
        self.init(section, name, Array(bytes.utf8), expected)
    }

    init(_ section: String, _ name: String, _ bytes: [UInt8], _ expected: String) {
        self.section = section
        self.name = name
        self.bytes = bytes
        self.expected = expected
    }

    /// A refusal is the last thing a parser says, and starts with its status.
    package var isRefused: Bool { expected.split(separator: "|").last?.trimmingPrefix(" ").first?.isNumber == true }

    package var description: String { "\(section): \(name)" }
}

/// The conformance table, a file a topic. The bug classes are those that conformance suites and desync studies send (number
/// forms, double framing, line ends, odd white space, odd hosts and targets); every row is written for this table.
package enum RequestVectors {
    package static let all: [RequestVector] =
        requestLines + versions + targets + absoluteTargets + hosts + fieldNames + fieldValues + lineEnds
        + lengths + doubleFraming + codings + chunkSizes + chunkData + chunkExtensions + undecidedChunkExtensions + trailers
        + persistence + expectations + pipelines + oldVersion

    /// What the ordinary request without a body is taken for.
    static let ok = "GET / 1.1 a"

    static func get(_ fields: String = "") -> String { "GET / HTTP/1.1\r\nHost: a\r\n\(fields)\r\n" }
    static func post(_ fields: String, _ body: String = "") -> String { "POST / HTTP/1.1\r\nHost: a\r\n\(fields)\r\n\(body)" }
    static func chunked(_ body: String) -> String { post("Transfer-Encoding: chunked\r\n", body) }
    /// `line` in place of the ordinary request line.
    static func line(_ line: String) -> String { "\(line)\r\nHost: a\r\n\r\n" }
    static func repeated(_ text: String, _ count: Int) -> String { String(repeating: text, count: count) }
}
