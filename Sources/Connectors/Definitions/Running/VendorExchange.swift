import Foundation
import HTTPClient
import HTTPTypes

/// Why one attempt brought nothing, and whether another may.
struct AttemptFailure: Error {
    var error: ConnectorError
    var isPassing: Bool
    var retryAfter: Duration?
    /// The answer's, when there was one.
    var status: Int?
    /// In the vendor's own words, as they came.
    var reason: String?
    /// Follows the message and the reason.
    var consequence: String?

    init(_ error: ConnectorError, isPassing: Bool) {
        self.error = error
        self.isPassing = isPassing
    }

    /// Puts the message together. What the vendor says may repeat what it was sent, so secrets are hidden before anything is cut.
    mutating func finish(_ redaction: Redaction) {
        error.message = redaction(error.message)
        guard let consequence else { return }
        let told = reason.map { redaction($0).trimmingWhitespace() } ?? ""
        let reason = told.isEmpty ? "" : ": " + (told.count > 200 ? told.prefix(200) + "..." : told.withoutFullStop)
        error.message += "\(reason). \(consequence)"
        (self.reason, self.consequence) = (nil, nil)
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
    ///   - build: makes the request with the token that is now valid.
    ///   - refusing: statuses that refuse the credential.
    ///   - read: takes a 2xx answer.
    func send<Output>(
        _ purpose: RequestPurpose, _ values: FetchValues, refusing: Set<Int> = [401, 403],
        build: (_ token: String?) throws(ConnectorError) -> RequestBuilder.Built,
        read: (IncomingResponse) throws(AttemptFailure) -> Output
    ) async throws(ConnectorError) -> Output {
        var attempt = 1
        var refusedToken: String?
        var waited = Duration.zero
        while true {
            let token = try await token(insteadOf: refusedToken, values)
            let built = try build(token)
            let failure: AttemptFailure
            do throws(AttemptFailure) {
                return try await self.attempt(purpose, built, refusing, read: read)
            } catch {
                failure = error
            }
            if failure.error.code == .credentialRefused, failure.isPassing, let token, refusedToken == nil {
                // A token may end before its time; a second refusal is the credential's.
                refusedToken = token
                continue
            }
            guard failure.isPassing, failure.error.code != .credentialRefused,
                let delay = retry.delay(afterAttempt: attempt, retryAfter: failure.retryAfter, uniform: environment.random.uniform())
            else { throw failure.error }
            let wait = max(delay, failure.retryAfter ?? .zero)
            if let asked = failure.retryAfter {
                waited += wait
                guard waited <= max(Self.longestWait, retry.maximumDelay) else { throw tooLong(asked, failure, purpose) }
            }
            if wait >= .seconds(10) {
                let cause = failure.status.map { "it answered \($0) to \(purpose.textForLog)" } ?? "\(purpose.textForLog) failed"
                environment.tell("\(product) is asked again in \(wait.inWords): \(cause).")
            }
            do {
                try await environment.time.sleep(wait)
            } catch {
                throw cancelled
            }
            attempt += 1
        }
    }

    /// All that one request waits because the vendor asks for it (`Retry-After`). A sync that stands still for longer is better made
    /// later: the run says why, and the next one begins anew.
    private static let longestWait = Duration.seconds(300)

    private func tooLong(_ asked: Duration, _ failure: AttemptFailure, _ purpose: RequestPurpose) -> ConnectorError {
        let status = failure.status.map { "\($0) to " } ?? ""
        return ConnectorError(
            code: failure.error.code,
            message: "\(product) asks to be left alone for \(asked.inWords) (\(status)\(purpose.text)). \(Self.laterAgain)")
    }

    private static let laterAgain = "Nothing was changed; Perch tries again at the next sync."

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
        _ purpose: RequestPurpose, _ built: RequestBuilder.Built, _ refusing: Set<Int>,
        read: (IncomingResponse) throws(AttemptFailure) -> Output
    ) async throws(AttemptFailure) -> Output {
        do throws(CancellationError) {
            try await gate?.turn()
        } catch {
            throw AttemptFailure(cancelled, isPassing: false)
        }
        let began = environment.time.elapsed()
        var entry = RequestTrace.Entry(
            method: built.request.method.rawValue, url: built.shownURL, purpose: purpose.name, bytes: 0, duration: .zero)
        defer {
            entry.duration = environment.time.elapsed() - began
            trace?.add(entry)
        }
        let answer: IncomingResponse
        do throws(HTTPClientError) {
            answer = try await environment.http.send(built.request)
        } catch {
            var failure = unanswered(error, purpose)
            failure.finish(built.redaction)
            entry.problem = failure.error.message
            throw failure
        }
        (entry.status, entry.bytes) = (answer.status.code, answer.body.count)
        do throws(AttemptFailure) {
            return try self.read(answer, purpose, refusing, read)
        } catch {
            var failure = error
            failure.status = answer.status.code
            failure.retryAfter = RetryPolicy.retryAfter(answer.headerFields[.retryAfter])
            failure.finish(built.redaction)
            (entry.problem, entry.wait) = (failure.error.message, failure.retryAfter)
            throw failure
        }
    }

    private func unanswered(_ error: HTTPClientError, _ purpose: RequestPurpose) -> AttemptFailure {
        switch error.code {
        case .cancelled: AttemptFailure(cancelled, isPassing: false)
        case .answerTooLarge: AttemptFailure(.tooLarge(error.message), isPassing: false)
        case .destinationRefused:
            AttemptFailure(
                ConnectorError(
                    code: .refused, message: "\(product) was not asked: \(error.message.withoutFullStop). Nothing was sent there."),
                isPassing: false)
        default:
            AttemptFailure(
                ConnectorError(
                    code: .unreachable, message: "\(product) could not be reached for \(purpose.text): \(error.message.withoutFullStop)."),
                isPassing: error.code != .invalidRequest)
        }
    }

    private func read<Output>(
        _ answer: IncomingResponse, _ purpose: RequestPurpose, _ refusing: Set<Int>,
        _ read: (IncomingResponse) throws(AttemptFailure) -> Output
    ) throws(AttemptFailure) -> Output {
        let status = answer.status.code
        if 200..<300 ~= status {
            do throws(AttemptFailure) {
                return try read(answer)
            } catch {
                var failure = error
                failure.error = described(error.error, purpose)
                throw failure
            }
        }
        var failure: AttemptFailure
        if refusing.contains(status) {
            // Passing, because a renewed token may mend a 401; without one nothing does.
            failure = credentialRefused("\(status) to \(purpose.text)", isPassing: status == 401)
        } else {
            failure = AttemptFailure(
                ConnectorError(code: .refused, message: "\(product) answered \(status) to \(purpose.text)"),
                isPassing: definition.requests.retriedStatuses.contains { $0.contains(status) })
            failure.consequence = Self.laterAgain
        }
        failure.reason = VendorReason.find(in: answer.body)
        throw failure
    }

    /// The same error in words for a person, with what was being read.
    func described(_ error: ConnectorError, _ purpose: RequestPurpose) -> ConnectorError {
        switch error.code {
        case .brokenAnswer:
            return ConnectorError(
                code: .brokenAnswer,
                message: "\(product) answered in a form that Perch does not know. Nothing was changed. "
                    + "(\(purpose.subject): \(error.message.withoutControls.withoutFullStop).)")
        default: return error
        }
    }

    /// - Parameter cause: what the vendor answered to what.
    private func credentialRefused(_ cause: String, isPassing: Bool) -> AttemptFailure {
        var failure = AttemptFailure(
            ConnectorError(
                code: .credentialRefused, message: "\(product) did not accept the credentials: it answered \(cause)",
                field: (definition.partnerSettings.first { $0.kind == .secret } ?? definition.partnerSettings.first)?.name),
            isPassing: isPassing)
        failure.consequence = "Copy the key again from \(product) and connect again."
        return failure
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
                try await plain.send(.token, values, refusing: [400, 401, 403]) { (_) throws(ConnectorError) in
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
            var failure: AttemptFailure
            switch rule.meaning {
            case .credential: failure = credentialRefused("with an error", isPassing: false)
            case .busy, .refused:
                failure = AttemptFailure(
                    ConnectorError(code: .refused, message: "\(product) answered with an error"), isPassing: rule.meaning == .busy)
                failure.consequence = Self.laterAgain
            }
            failure.reason = try rule.message?.found(values, context)?.shownText
            return failure
        }
        return nil
    }
}
