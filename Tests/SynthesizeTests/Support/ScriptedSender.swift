import HTTPClient
import HTTPTypes
import Synchronization

/// Carries no request anywhere: answers by script, and remembers what was asked.
final class ScriptedSender: HTTPSender {
    typealias Script = @Sendable (_ request: OutgoingRequest, _ number: Int) async throws(HTTPClientError) -> IncomingResponse

    private let script: Script
    private let seen = Mutex<[OutgoingRequest]>([])

    /// - Parameter script: gets each request with its number, the first being 0.
    init(_ script: @escaping Script) {
        self.script = script
    }

    /// The replies in their order; the last one answers all that follow.
    convenience init(_ replies: [Reply]) {
        self.init { _, number throws(HTTPClientError) in try replies[min(number, replies.count - 1)].perform() }
    }

    var requests: [OutgoingRequest] { seen.withLock { $0 } }

    func send(_ request: OutgoingRequest) async throws(HTTPClientError) -> IncomingResponse {
        let number = seen.withLock { seen in
            seen.append(request)
            return seen.count - 1
        }
        return try await script(request, number)
    }
}

/// What a scripted server does with one request.
enum Reply: Sendable {
    case answer(Int, String, HTTPFields)
    case failure(HTTPClientError)

    static func ok(_ body: String) -> Reply { .answer(200, body, [:]) }
    static func status(_ status: Int, _ body: String = "", retryAfter: String? = nil) -> Reply {
        var fields = HTTPFields()
        fields[.retryAfter] = retryAfter
        return .answer(status, body, fields)
    }

    /// No connection came about.
    static let neverSent = Reply.failure(
        HTTPClientError(code: .connectionRefused, delivery: .neverSent, message: "The connection was refused."))
    /// Sent, and then the connection broke.
    static let answerLost = Reply.failure(
        HTTPClientError(code: .connectionLost, delivery: .unknown, message: "The connection broke."))

    func perform() throws(HTTPClientError) -> IncomingResponse {
        switch self {
        case .answer(let status, let body, let fields):
            IncomingResponse(status: .init(code: status), headerFields: fields, body: Array(body.utf8))
        case .failure(let error): throw error
        }
    }
}

extension OutgoingRequest {
    var bodyText: String? { body.map { String(decoding: $0, as: UTF8.self) } }
}
