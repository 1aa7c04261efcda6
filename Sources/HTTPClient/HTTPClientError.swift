/// Why a request brought no complete answer.
public struct HTTPClientError: Error, Sendable, CustomStringConvertible {
    public enum Code: String, Sendable, CaseIterable {
        /// The request cannot be sent as it is: its URL, a header field, the method or a limit.
        case invalidRequest
        /// The client cannot be made from its configuration: the CA file, the user agent, a limit.
        case invalidConfiguration
        case nameNotResolved
        case connectionRefused
        /// No connection, for another reason than a refusal: no route, no socket left.
        case connectFailed
        /// The proxy named by the environment could not be reached or refused to connect onwards.
        case proxyFailed
        /// The server's certificate was not accepted, or there was no agreement on TLS.
        case tlsFailed
        /// No connection within `RequestLimits.connectTimeout`.
        case connectTimedOut
        /// No complete answer within `RequestLimits.totalTimeout`.
        case timedOut
        /// The connection ended before the answer was complete.
        case connectionLost
        /// Larger than `RequestLimits.maximumAnswerBytes`, or header fields beyond all measure.
        case answerTooLarge
        /// The `bodySink` of the request wanted no more of it.
        case answerRefused
        /// What came back is not HTTP.
        case answerMalformed
        /// A redirect that may not be followed: too many, to another protocol than HTTP, or from `https`
        /// to `http`.
        case redirectRefused
        /// The request's `destinations` do not allow the host, or the address that its name leads to.
        case destinationRefused
        /// The calling task was cancelled.
        case cancelled
        /// `shutdown()` was called before or while the request was sent.
        case clientStopped
        /// libcurl reports something that fits none of the above.
        case libraryFailed
    }

    /// What is known of the request's fate.
    public enum Delivery: Sendable, Equatable {
        /// No byte of it left this machine for the server: it may be sent again without a second thought.
        case neverSent
        /// It may have arrived and may have been acted upon.
        case unknown
        /// It arrived: a complete final status line came back, the rest of the answer did not. A 1xx
        /// status is no answer.
        case answered(status: Int)
    }

    public var code: Code
    public var delivery: Delivery

    /// For a person: what happened and what to look at. Names the host, never a query, a header field
    /// or a body.
    public var message: String

    public init(code: Code, delivery: Delivery, message: String) {
        self.code = code
        self.delivery = delivery
        self.message = message
    }

    public var description: String { "\(message) [\(code.rawValue), \(delivery)]" }
}

extension HTTPClientError.Delivery: CustomStringConvertible {
    public var description: String {
        switch self {
        case .neverSent: "never sent"
        case .unknown: "unknown whether it arrived"
        case .answered(let status): "answered \(status)"
        }
    }
}
