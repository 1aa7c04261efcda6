import Foundation
import HTTPClient
import HTTPTypes
import Secrets

/// The calls of Synthesize's vendor API for one partner; the contract's key stands beside each. Every call takes its turn at
/// the pacer, and is repeated by itself only where repeating cannot act twice.
public struct SynthesizeClient: Sendable {
    /// What all partners' clients share.
    public struct Environment: Sendable {
        /// Without a trailing slash, for instance `https://app.usegradient.com`.
        public var baseURL: String
        public var http: any HTTPSender
        public var pacer: Pacer
        public var time: TimeSource
        public var random: RandomSource
        public var retry: RetryPolicy

        public init(
            baseURL: String, http: any HTTPSender, pacer: Pacer, time: TimeSource, random: RandomSource,
            retry: RetryPolicy
        ) {
            self.baseURL = baseURL
            self.http = http
            self.pacer = pacer
            self.time = time
            self.random = random
            self.retry = retry
        }
    }

    /// When a failed call may be sent again.
    enum Repetition {
        /// Reads and sets: harmless to repeat whatever became of the first (reliability section 1).
        case always
        /// Inserts: only when Synthesize certainly did not act.
        case whenWithoutEffect
    }

    private let environment: Environment
    private let lane: PacerLane
    private var isHalted: @Sendable () -> Bool = { false }
    let acknowledgements = AcknowledgementReader()
    private let headerFields: HTTPFields
    private let bodyHeaderFields: HTTPFields

    public init(environment: Environment, token: SynthesizeToken, lane: PacerLane) {
        self.environment = environment
        self.lane = lane
        var fields: HTTPFields = [.accept: "application/json"]
        fields[Self.tokenField] = token.value.reveal()
        headerFields = fields
        fields[.contentType] = "application/json"
        bodyHeaderFields = fields
    }

    /// The same client, of which no call leaves any more once `isHalted`; such a call fails with `cancelled`. Unlike a cancelled task,
    /// calls that have left are still answered.
    public func halting(when isHalted: @escaping @Sendable () -> Bool) -> SynthesizeClient {
        var client = self
        client.isHalted = isHalted
        return client
    }

    /// Performs one call, with its retries, and reads what `interpret` makes of the 2xx answer.
    func perform<Value: Sendable>(
        _ call: String, _ method: HTTPRequest.Method, _ path: String, body: [UInt8]? = nil, repeating: Repetition,
        interpret: @Sendable (IncomingResponse) throws(SynthesizeError) -> Value
    ) async throws(SynthesizeError) -> Value {
        var attempt = 1
        while true {
            do {
                return try interpret(try await sendOnce(call, method, path, body: body))
            } catch {
                try await waitToRepeat(call, after: error, attempt: attempt, repeating)
            }
            attempt += 1
        }
    }

    /// Returns when the call may be repeated; throws `failure` when it may not.
    private func waitToRepeat(
        _ call: String, after failure: SynthesizeError, attempt: Int, _ repeating: Repetition
    ) async throws(SynthesizeError) {
        let mayRepeat =
            switch repeating {
            case .always: failure.isPassing
            case .whenWithoutEffect: failure.isCertainlyWithoutEffect
            }
        guard mayRepeat,
            let delay = environment.retry.delay(
                afterAttempt: attempt, retryAfter: failure.retryAfter, uniform: environment.random.uniform())
        else { throw failure }
        do {
            try await environment.time.sleep(delay)
        } catch {
            throw SynthesizeError(code: .cancelled, call: call, message: "Stopped while waiting to try again.")
        }
    }

    private func sendOnce(
        _ call: String, _ method: HTTPRequest.Method, _ path: String, body: [UInt8]?
    ) async throws(SynthesizeError) -> IncomingResponse {
        let turn: PacerTurn
        do {
            turn = try await environment.pacer.waitTurn(lane)
        } catch {
            throw SynthesizeError(code: .cancelled, call: call, message: "Stopped before it was sent.")
        }
        guard !isHalted() else {
            environment.pacer.end(turn, .unanswered)
            throw SynthesizeError(code: .cancelled, call: call, message: "Stopped before it was sent.")
        }
        let request = OutgoingRequest(
            method: method, url: environment.baseURL + "/api/vendor-api" + path,
            headerFields: body == nil ? headerFields : bodyHeaderFields, body: body)
        let answer: IncomingResponse
        do {
            answer = try await environment.http.send(request)
        } catch {
            environment.pacer.end(turn, .unanswered)
            throw SynthesizeError(call: call, transport: error)
        }
        environment.pacer.end(turn, ending(answer))
        guard answer.status.kind == .successful else {
            throw SynthesizeError(
                code: SynthesizeError.code(forStatus: answer.status.code), call: call, status: answer.status.code,
                message: ErrorBody.message(in: answer.body) ?? "Synthesize answered \(answer.status.code).",
                retryAfter: RetryPolicy.retryAfter(answer.headerFields[.retryAfter]))
        }
        return answer
    }

    /// What the answer means for every call with the vendor key.
    private func ending(_ answer: IncomingResponse) -> PacerTurn.Ending {
        switch SynthesizeError.code(forStatus: answer.status.code) {
        case .rateLimited:
            // Someone else uses the key too. For as long as Synthesize asks, within what the policy waits for anything, and for a
            // second at least: the limit's window.
            let asked = RetryPolicy.retryAfter(answer.headerFields[.retryAfter]) ?? .zero
            return .refused(pause: max(.seconds(1), min(asked, environment.retry.maximumDelay * 10)))
        case .forbidden:
            return .refused(pause: .zero)
        default:
            return .answered
        }
    }

    /// A read: repeated whatever happened, an unreadable answer included.
    func read<Value: Decodable & Sendable>(
        _ type: Value.Type, _ call: String, _ path: String
    ) async throws(SynthesizeError) -> Value {
        try await perform(call, .get, path, repeating: .always) { answer throws(SynthesizeError) in
            try Self.decode(type, call, answer)
        }
    }

    /// Reads a 2xx body, in its envelope or without (contract 3.1).
    static func decode<Value: Decodable>(
        _ type: Value.Type, _ call: String, _ answer: IncomingResponse
    ) throws(SynthesizeError) -> Value {
        do {
            return try JSONDecoder().decode(Enveloped<Value>.self, from: Data(answer.body)).value
        } catch {
            throw SynthesizeError(
                code: .answerUnreadable, call: call, status: answer.status.code,
                message: "Synthesize answered, but not in the form that its documentation describes.")
        }
    }

    static func encode(_ value: some Encodable, _ call: String) throws(SynthesizeError) -> [UInt8] {
        do {
            return Array(try JSONEncoder().encode(value))
        } catch {
            throw SynthesizeError(code: .invalidInput, call: call, message: "The request cannot be written as JSON.")
        }
    }

    // The contract's spelling; HTTP field names are compared without case.
    private static let tokenField: HTTPField.Name = {
        guard let name = HTTPField.Name("GRADIENT-TOKEN") else { preconditionFailure("a valid field name") }
        return name
    }()
}

/// `{ "statusCode": 404, "message": "..." }`; `message` may be a list of texts on validation errors (contract 3.2, 2).
private struct ErrorBody: Decodable {
    let text: String

    private enum Key: CodingKey { case message }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        text = container.lenientTexts(.message).joined(separator: "; ")
    }

    /// Nil when the body is not such an error, or says nothing. Cut at 500 characters: it goes into the ledger.
    static func message(in body: [UInt8]) -> String? {
        do {
            let text = try JSONDecoder().decode(ErrorBody.self, from: Data(body)).text
            return text.isEmpty ? nil : String(text.prefix(500))
        } catch {
            return nil
        }
    }
}
