import Foundation
import HTTPClient
import HTTPTypes
import Synchronization
import Testing

@testable import Connectors

/// What a vendor was asked and what it answered, in the shapes of its answers (`docs/connector-format.md`, "Fixtures").
struct VendorRecording: Sendable {
    struct Exchange: Sendable {
        var request: RecordedRequest
        var response: RecordedResponse

        init(_ value: JSONValue) throws {
            let (request, response) = (try #require(value["request"]), try #require(value["response"]))
            self.request = try RecordedRequest(request)
            self.response = try RecordedResponse(response)
        }
    }

    /// One answer replaced by an error, and how the fetch has to fail.
    struct Failure: Sendable {
        var what: String
        var exchange: Int
        var response: RecordedResponse
        var code: String
        /// A part of the message.
        var says: String?
    }

    let now: Date
    let deployment: [String: String]
    let settings: [String: String]
    let exchanges: [Exchange]
    /// The definition's test request, and what it shows; nil when the definition has none.
    let test: (exchange: Exchange, shows: String)?

    init(_ id: String) throws {
        let json = try Self.json(id, "exchanges.json")
        now = try #require(json["now"]?.string.flatMap { ISO8601DateFormatter().date(from: $0) })
        deployment = json["deployment"].texts
        settings = json["settings"].texts
        exchanges = try #require(json["exchanges"]?.elements).map { try Exchange($0) }
        test = try json["test"].map { (exchange: try Exchange($0), shows: try #require($0["shows"]?.string)) }
    }

    static func failures(_ id: String) throws -> [Failure] {
        let json = try Self.json(id, "error-exchanges.json")
        return try #require(json.elements).map { failure in
            let response = try #require(failure["response"])
            return Failure(
                what: try #require(failure["what"]?.string), exchange: try #require(failure["exchange"]?.text.flatMap { Int($0) }),
                response: try RecordedResponse(response), code: try #require(failure["code"]?.string), says: failure["says"]?.string)
        }
    }

    static let fixtures = repository.appending(path: "Tests/ConnectorsTests/Fixtures")
    static let repository = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    static func json(_ id: String, _ name: String) throws -> JSONValue {
        try JSONValue(parsing: [UInt8](try Data(contentsOf: fixtures.appending(path: "\(id)/\(name)"))))
    }
}

struct RecordedRequest: Sendable {
    private let method: String
    private let address: Address
    private let headers: [String: String]
    /// Nil: the body is no form.
    private let form: [String: String]?
    /// Nil: the body is no JSON.
    private let json: JSONValue?

    init(_ value: JSONValue) throws {
        method = try #require(value["method"]?.string)
        address = Address(try #require(value["url"]?.string))
        headers = value["headers"].texts
        form = value["form"] == nil ? nil : value["form"].texts
        json = value["json"]
    }

    /// Whether this is that request: the whole address and body, and at least these headers.
    func matches(_ request: OutgoingRequest) -> Bool {
        guard request.method.rawValue == method, Address(request.url) == address else { return false }
        for (name, value) in headers {
            guard let name = HTTPField.Name(name), request.headerFields[name] == value else { return false }
        }
        if let form { return Address.pairs(Substring(request.bodyText ?? "")) == form.map { "\($0.key)=\($0.value)" }.sorted() }
        guard let json else { return request.body == nil }
        guard let body = request.body else { return false }
        do {
            return try JSONValue(parsing: body).ordered == json.ordered
        } catch {
            return false
        }
    }

    /// A URL whose parameters may stand in any order.
    private struct Address: Sendable, Hashable {
        var place: String
        var query: [String]

        init(_ url: String) {
            let parts = url.split(separator: "?", maxSplits: 1)
            place = String(parts[0])
            query = parts.count == 2 ? Self.pairs(parts[1]) : []
        }

        static func pairs(_ text: Substring) -> [String] {
            text.split(separator: "&").map { String($0).removingPercentEncoding ?? String($0) }.sorted()
        }
    }
}

struct RecordedResponse: Sendable {
    private let status: Int
    private let fields: HTTPFields
    private let body: String

    init(_ value: JSONValue) throws {
        status = value["status"]?.text.flatMap { Int($0) } ?? 200
        var fields = HTTPFields()
        for (name, value) in value["headers"].texts {
            let name = try #require(HTTPField.Name(name))
            fields[name] = value
        }
        self.fields = fields
        if let text = value["text"]?.string {
            body = text
        } else {
            let json = try #require(value["json"])
            body = json.jsonText
        }
    }

    var reply: Reply { .answer(status, body, fields) }
}

/// Answers as recorded, and nothing else.
final class RecordedVendor: Sendable {
    private struct State {
        var uses: [Int]
        var unexpected: [String] = []
    }

    /// Those of the fetch, then that of the test.
    private let exchanges: [VendorRecording.Exchange]
    private let failure: VendorRecording.Failure?
    private let state: Mutex<State>

    init(_ recording: VendorRecording, _ failure: VendorRecording.Failure? = nil) {
        exchanges = recording.exchanges + [recording.test?.exchange].compactMap(\.self)
        self.failure = failure
        state = Mutex(State(uses: exchanges.map { _ in 0 }))
    }

    /// How often each exchange was asked for.
    var uses: [Int] { state.withLock { $0.uses } }
    /// Requests that are not in the recording.
    var unexpected: [String] { state.withLock { $0.unexpected } }

    var sender: ScriptedSender {
        ScriptedSender { request, _ throws(HTTPClientError) in try self.reply(request).perform() }
    }

    private func reply(_ request: OutgoingRequest) -> Reply {
        guard let index = exchanges.firstIndex(where: { $0.request.matches(request) }) else {
            state.withLock { $0.unexpected.append("\(request.method.rawValue) \(request.url) \(request.bodyText ?? "")") }
            return .failure(HTTPClientError(code: .invalidRequest, delivery: .neverSent, message: "The recording has no such request."))
        }
        state.withLock { $0.uses[index] += 1 }
        if let failure, failure.exchange == index { return failure.response.reply }
        return exchanges[index].response.reply
    }
}

extension JSONValue? {
    /// The members of an object of texts and numbers.
    fileprivate var texts: [String: String] {
        Dictionary((self?.members ?? []).map { ($0.name, $0.value.text ?? "") }, uniquingKeysWith: { first, _ in first })
    }
}

extension JSONValue {
    /// The same with the members of all objects by name, so that their order does not tell values apart.
    fileprivate var ordered: JSONValue {
        switch self {
        case .array(let elements): .array(elements.map(\.ordered))
        case .object(let members): .object(members.map { Member(name: $0.name, value: $0.value.ordered) }.sorted { $0.name < $1.name })
        default: self
        }
    }
}
