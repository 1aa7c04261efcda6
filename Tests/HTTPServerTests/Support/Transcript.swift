@testable import HTTPServer

/// What a parser said, one word group an event: `GET / HTTP/1.1 a` for a head (with `length=5`, `chunked`, `close`
/// and `continue` where they hold), `body=...` with neighbouring pieces joined, `end` after a body, and for a refusal its status
/// and code.
func transcript(_ pieces: [[UInt8]], limits: ServerLimits = ServerLimits()) -> String {
    var parser = RequestParser(limits: limits)
    var words: [String] = []
    var body: [UInt8] = []
    func flush() {
        if !body.isEmpty { words.append("body=" + String(decoding: body, as: UTF8.self)) }
        body = []
    }
    for piece in pieces {
        parser.append(piece)
        do throws(HTTPError) {
            while let event = try parser.next() {
                switch event {
                case .head(let head):
                    flush()
                    words.append(describe(head))
                case .body(let bytes): body += bytes
                case .end:
                    flush()
                    words.append("end")
                }
            }
        } catch {
            flush()
            return (words + ["\(error.status.code) \(error.code)"]).joined(separator: " | ")
        }
    }
    flush()
    return words.joined(separator: " | ")
}

private func describe(_ head: RequestHead) -> String {
    var text =
        "\(head.request.method) \(head.request.path ?? "-") \(head.version == .http11 ? "1.1" : "1.0") \(head.request.authority ?? "-")"
    switch head.framing {
    case .none: break
    case .length(let length): text += " length=\(length)"
    case .chunked: text += " chunked"
    }
    if !head.keepAlive { text += " close" }
    if head.expectsContinue { text += " continue" }
    return text
}

/// A small generator with a seed that can be printed and put in again (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64
    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
