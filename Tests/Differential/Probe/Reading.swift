import HTTPTypes

@testable import HTTPServer

/// All that the parser said about one connection's bytes.
struct Reading: Encodable, Equatable {
    /// The last one may lack the rest of its body.
    var requests: [ReadRequest] = []
    /// Status and code; nil when more bytes are awaited.
    var refusal: String?
    /// How the same bytes were read in pieces, when that differs: an array, as a value cannot hold itself.
    var cut: [Reading]?

    init(pieces: [[UInt8]]) {
        var parser = RequestParser(limits: ServerLimits())
        do throws(HTTPError) {
            for piece in pieces {
                parser.append(piece)
                while let event = try parser.next() { take(event) }
            }
        } catch {
            refusal = "\(error.status.code) \(error.code)"
        }
    }

    private mutating func take(_ event: RequestParser.Event) {
        switch event {
        case .head(let head): requests.append(ReadRequest(head))
        case .body(let bytes): requests[requests.count - 1].body += latin1(bytes)
        case .end: requests[requests.count - 1].isComplete = true
        }
    }
}

struct ReadRequest: Encodable, Equatable {
    let method: String
    let scheme: String?
    let authority: String?
    let path: String?
    let version: String
    /// Name and value of each, `Host` left out: that is the authority.
    let fields: [[String]]
    let keepAlive: Bool
    var body = ""
    var isComplete: Bool

    init(_ head: RequestHead) {
        method = head.request.method.rawValue
        scheme = head.request.scheme
        authority = head.request.authority
        path = head.request.path
        version = head.version == .http11 ? "1.1" : "1.0"
        fields = head.request.headerFields.map { field in
            [field.name.rawName, field.withUnsafeBytesOfValue { latin1(Array($0)) }]
        }
        keepAlive = head.keepAlive
        isComplete = head.framing == .none
    }
}

/// Each byte as the character of that number, so that any bytes can stand in JSON.
func latin1(_ bytes: [UInt8]) -> String {
    var scalars = String.UnicodeScalarView()
    scalars.append(contentsOf: bytes.lazy.map { Unicode.Scalar($0) })
    return String(scalars)
}
