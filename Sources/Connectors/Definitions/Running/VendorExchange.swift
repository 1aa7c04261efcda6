import Foundation
import HTTPClient
import HTTPTypes

/// Why one attempt brought nothing, and whether another may.
struct AttemptFailure: Error {
    var error: ConnectorError
    var isPassing: Bool
    var retryAfter: Duration?

    init(_ error: ConnectorError, isPassing: Bool, retryAfter: Duration? = nil) {
        self.error = error
        self.isPassing = isPassing
        self.retryAfter = retryAfter
    }
}

/// Sends the requests of one fetch: paced, signed, tried again, traced.
struct VendorExchange: Sendable {
    let definition: ConnectorDefinition
    let environment: VendorEnvironment
    let builder: RequestBuilder
    let gate: RequestGate?
    let tokens: TokenKeeper?
    let trace: RequestTrace?

    private var product: String { definition.name }

    /// - Parameters:
    ///   - purpose: what the request is for, for messages and the trace.
    ///   - build: makes the request with the token that is now valid.
    ///   - refusing: statuses that refuse the credential.
    ///   - read: takes a 2xx answer.
    func send<Output>(
        _ purpose: String, _ values: FetchValues, refusing: Set<Int> = [401, 403],
        build: (_ token: String?) throws(ConnectorError) -> RequestBuilder.Built,
        read: (IncomingResponse) throws(AttemptFailure) -> Output
    ) async throws(ConnectorError) -> Output {
        var attempt = 1
        var refusedToken: String?
        while true {
            let token = try await token(insteadOf: refusedToken, values)
            let built = try build(token)
            var failure: AttemptFailure
            do throws(AttemptFailure) {
                return try await self.attempt(purpose, built, refusing, read: read)
            } catch {
                failure = error
                // A vendor may repeat in an error what it was sent.
                failure.error.message = built.redaction(failure.error.message)
            }
            if failure.error.code == .credentialRefused, failure.isPassing, let token, refusedToken == nil {
                // A token may end before its time; a second refusal is the credential's.
                refusedToken = token
                continue
            }
            guard failure.isPassing, failure.error.code != .credentialRefused,
                let delay = retry.delay(afterAttempt: attempt, retryAfter: failure.retryAfter, uniform: environment.random.uniform())
            else { throw failure.error }
            do {
                try await environment.time.sleep(delay)
            } catch {
                throw cancelled
            }
            attempt += 1
        }
    }

    private var retry: RetryPolicy {
        var policy = environment.retry
        if let attempts = definition.requests.attempts { policy.maximumAttempts = attempts }
        if let first = definition.requests.firstDelay { policy.firstDelay = first }
        if let longest = definition.requests.longestDelay { policy.maximumDelay = longest }
        return policy
    }

    private var cancelled: ConnectorError { ConnectorError(code: .cancelled, message: "Stopped while reading from \(product).") }

    // MARK: One attempt

    private func attempt<Output>(
        _ purpose: String, _ built: RequestBuilder.Built, _ refusing: Set<Int>,
        read: (IncomingResponse) throws(AttemptFailure) -> Output
    ) async throws(AttemptFailure) -> Output {
        do throws(CancellationError) {
            try await gate?.turn()
        } catch {
            throw AttemptFailure(cancelled, isPassing: false)
        }
        let began = environment.time.elapsed()
        var entry = RequestTrace.Entry(
            method: built.request.method.rawValue, url: built.shownURL, purpose: purpose, bytes: 0, duration: .zero)
        defer {
            entry.duration = environment.time.elapsed() - began
            trace?.add(entry)
        }
        let answer: IncomingResponse
        do throws(HTTPClientError) {
            answer = try await environment.http.send(built.request)
        } catch {
            let failure = unanswered(error)
            entry.problem = failure.error.message
            throw failure
        }
        (entry.status, entry.bytes) = (answer.status.code, answer.body.count)
        do throws(AttemptFailure) {
            return try self.read(answer, purpose, refusing, read)
        } catch {
            entry.problem = error.error.message
            throw error
        }
    }

    private func unanswered(_ error: HTTPClientError) -> AttemptFailure {
        switch error.code {
        case .cancelled: AttemptFailure(cancelled, isPassing: false)
        case .answerTooLarge: AttemptFailure(.tooLarge(error.message), isPassing: false)
        case .destinationRefused:
            AttemptFailure(
                ConnectorError(code: .refused, message: "\(product) was not asked: \(error.message). Nothing was sent there."),
                isPassing: false)
        default:
            AttemptFailure(
                ConnectorError(code: .unreachable, message: "\(product) could not be reached: \(error.message)"),
                isPassing: error.code != .invalidRequest)
        }
    }

    private func read<Output>(
        _ answer: IncomingResponse, _ purpose: String, _ refusing: Set<Int>,
        _ read: (IncomingResponse) throws(AttemptFailure) -> Output
    ) throws(AttemptFailure) -> Output {
        let retryAfter = RetryPolicy.retryAfter(answer.headerFields[.retryAfter])
        switch answer.status.code {
        case 200..<300:
            do throws(AttemptFailure) {
                return try read(answer)
            } catch {
                throw AttemptFailure(described(error.error, purpose), isPassing: error.isPassing, retryAfter: retryAfter)
            }
        case let status where refusing.contains(status):
            // Passing, because a renewed token may mend a 401; without one nothing does.
            throw AttemptFailure(credentialRefused, isPassing: status == 401)
        case let status:
            let message = "\(product) answered \(status). Nothing was changed; Perch tries again at the next sync."
            throw AttemptFailure(
                ConnectorError(code: .refused, message: message),
                isPassing: definition.requests.retriedStatuses.contains { $0.contains(status) }, retryAfter: retryAfter)
        }
    }

    /// The same error in words for a person, with what was being read.
    func described(_ error: ConnectorError, _ purpose: String) -> ConnectorError {
        switch error.code {
        case .brokenAnswer:
            let detail = error.message.hasSuffix(".") ? String(error.message.dropLast()) : error.message
            return ConnectorError(
                code: .brokenAnswer,
                message: "\(product) answered in a form that Perch does not know. Nothing was changed. (\(purpose): \(detail).)")
        default: return error
        }
    }

    private var credentialRefused: ConnectorError {
        ConnectorError(
            code: .credentialRefused,
            message: "\(product) did not accept the credentials. Copy the key again from \(product) and connect again.",
            field: (definition.partnerSettings.first { $0.kind == .secret } ?? definition.partnerSettings.first)?.name)
    }

    // MARK: Tokens

    private func token(insteadOf refused: String?, _ values: FetchValues) async throws(ConnectorError) -> String? {
        guard let tokens, let rule = definition.auth.token else { return nil }
        return try await tokens.token(insteadOf: refused) { await fetchToken(rule, values) }
    }

    private func fetchToken(_ rule: TokenRule, _ values: FetchValues) async -> Result<TokenKeeper.Token, ConnectorError> {
        let plain = VendorExchange(
            definition: definition, environment: environment, builder: builder, gate: gate, tokens: nil, trace: trace)
        do throws(ConnectorError) {
            // 400 is the answer to a wrong client or password (RFC 6749 section 5.2).
            return .success(
                try await plain.send("token", values, refusing: [400, 401, 403]) { (_) throws(ConnectorError) in
                    try builder.build(rule.request, values, FillContext(), isSigned: false, basic: rule.basic)
                } read: { (answer) throws(AttemptFailure) in
                    try token(rule, in: answer.body, values)
                })
        } catch {
            return .failure(error)
        }
    }

    private func token(_ rule: TokenRule, in body: [UInt8], _ values: FetchValues) throws(AttemptFailure) -> TokenKeeper.Token {
        var failure: AttemptFailure?
        do throws(ConnectorError) {
            let json = try JSONValue(parsing: body)
            failure = try self.failure(in: json, values)
            if let failure { throw failure.error }
            guard let text = rule.value.first(in: json)?.text, !text.isBlank else {
                throw ConnectorError.broken("there is no token at `\(rule.value.text)`")
            }
            let seconds = try rule.expires?.scalar(in: json)?.text.flatMap { Double($0) }
            let lifetime = seconds.map { Duration.seconds(min(max($0, 1), 31_536_000)) }
            return TokenKeeper.Token(text: text, lifetime: lifetime ?? rule.lifetime)
        } catch {
            throw failure ?? AttemptFailure(error, isPassing: error.code == .brokenAnswer)
        }
    }

    // MARK: Errors in answers

    /// What `failWhen` makes of an answer; nil when it is none of its errors.
    func failure(in answer: JSONValue, _ values: FetchValues) throws(ConnectorError) -> AttemptFailure? {
        let judge = RecordJudge(values: values)
        let context = FillContext(record: answer)
        for rule in definition.requests.failWhen {
            var presence: [Int: RecordJudge.Presence] = [:]
            guard try judge.verdict(rule.condition, context, &presence) == .holds else { continue }
            let told = try rule.message?.found(values, context)?.shownText.map { ": \(builder.redaction(values)(String($0.prefix(300))))" }
            let message = "\(product) answered with an error\(told ?? ""). Nothing was changed; Perch tries again at the next sync."
            switch rule.meaning {
            case .credential: return AttemptFailure(credentialRefused, isPassing: false)
            case .busy, .refused:
                return AttemptFailure(ConnectorError(code: .refused, message: message), isPassing: rule.meaning == .busy)
            }
        }
        return nil
    }
}
