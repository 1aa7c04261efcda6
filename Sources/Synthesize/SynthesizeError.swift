import HTTPClient

/// Why a call to Synthesize did not give what was asked.
public struct SynthesizeError: Error, Sendable, Hashable, CustomStringConvertible {
    public enum Code: String, Sendable, Hashable {
        /// 401: the partner's key is wrong, was regenerated, or the integration was disconnected.
        case keyRefused
        /// 403: Gradient sees anomalous use; its support must be asked.
        case forbidden
        /// 404: on a count or an alert "not mapped", which is normal (contract S4, U-12).
        case notFound
        /// 409: there already.
        case conflict
        /// Any other 4xx: Synthesize will not take this request.
        case rejected
        /// 429.
        case rateLimited
        /// 5xx.
        case serverFailed
        /// The request never left.
        case unreachable
        /// It may have arrived; no whole answer came.
        case answerLost
        /// A 2xx answer that cannot be read.
        case answerUnreadable
        /// The contract forbids what was asked; nothing was sent.
        case invalidInput
        case cancelled
    }

    public var code: Code
    /// The contract key of the call, for instance `S4`.
    public var call: String
    /// The HTTP status, when there was an answer.
    public var status: Int?
    /// What a person reads: Synthesize's own words where it gave any.
    public var message: String
    public var retryAfter: Duration?
    /// With `cancelled`: the request had left by then, so it may have arrived and been acted upon.
    public var wasUnderWay = false

    public init(code: Code, call: String, status: Int? = nil, message: String, retryAfter: Duration? = nil) {
        self.code = code
        self.call = call
        self.status = status
        self.message = message
        self.retryAfter = retryAfter
    }

    public var description: String {
        "synthesize.\(code.rawValue) (\(call)\(status.map { ", \($0)" } ?? "")): \(message)"
    }

    /// Whether a later try may fare better at all.
    public var isPassing: Bool {
        switch code {
        case .rateLimited, .serverFailed, .unreachable, .answerLost, .answerUnreadable: true
        case .keyRefused, .forbidden, .notFound, .conflict, .rejected, .invalidInput, .cancelled: false
        }
    }

    /// Whether Synthesize certainly did not act on the request, so that repeating it cannot act twice.
    public var isCertainlyWithoutEffect: Bool {
        switch code {
        case .unreachable, .rateLimited: true
        default: false
        }
    }
}

extension SynthesizeError {
    /// The meaning of an HTTP status that is not 2xx (contract section 10).
    static func code(forStatus status: Int) -> Code {
        switch status {
        case 401: .keyRefused
        case 403: .forbidden
        case 404: .notFound
        case 409: .conflict
        case 429: .rateLimited
        case 500...: .serverFailed
        default: .rejected
        }
    }

    init(call: String, transport error: HTTPClientError) {
        let code: Code
        var status: Int?
        if error.code == .cancelled {
            code = .cancelled
        } else {
            switch error.delivery {
            case .neverSent: code = error.code == .invalidRequest ? .invalidInput : .unreachable
            case .unknown: code = .answerLost
            case .answered(let answered):
                status = answered
                code = (200..<300).contains(answered) ? .answerUnreadable : Self.code(forStatus: answered)
            }
        }
        self.init(code: code, call: call, status: status, message: error.message)
        wasUnderWay = code == .cancelled && error.delivery != .neverSent
    }
}
