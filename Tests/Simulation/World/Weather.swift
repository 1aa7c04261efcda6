import Sandbox
import Secrets

/// How the way to Synthesize, and Synthesize itself, behave at an instant.
struct Weather: Equatable {
    /// One way, drawn anew for each message.
    var latency: ClosedRange<Double> = 0.005...0.2
    /// The share of calls that something happens to.
    var faultShare = 0.0

    static let fair = Weather()
    static let storm = Weather(latency: 0.02...3, faultShare: 0.3)
    /// Nothing gets through.
    static let outage = Weather(faultShare: 1)

    enum Mishap: CaseIterable {
        /// Refused before a byte left: certainly not acted on.
        case neverSent
        case lostOnTheWayThere
        case acceptedAndDropped
        case brokenOffAnswer
        case malformedAnswer
        case rateLimited
        case rateLimitedFor
        /// Unusual use, as Gradient calls it.
        case forbidden
        case serverError
        case badGateway
        /// Arrives and is acted on, but long after the client gave up waiting.
        case arrivesLate
    }

    func draw(_ random: RandomSource) -> Mishap? {
        guard faultShare > 0, random.uniform() < faultShare else { return nil }
        if self == .outage { return random.uniform() < 0.5 ? .neverSent : .serverError }
        return Mishap.allCases[random.number(below: Mishap.allCases.count)]
    }

    func delay(_ random: RandomSource) -> Duration {
        .seconds(latency.lowerBound + (latency.upperBound - latency.lowerBound) * random.uniform())
    }
}

extension Weather.Mishap {
    /// What the sandbox does about it; nil where it knows nothing of it.
    var fault: Fault? {
        let effect: Fault.Effect? =
            switch self {
            case .rateLimited: .status(429, message: nil, retryAfter: nil)
            case .rateLimitedFor: .status(429, message: nil, retryAfter: "3")
            case .forbidden: .status(403, message: nil, retryAfter: nil)
            case .serverError: .status(500, message: nil, retryAfter: nil)
            case .badGateway: .status(502, message: nil, retryAfter: nil)
            case .acceptedAndDropped: .acceptAndDrop
            case .brokenOffAnswer: .half
            case .malformedAnswer: .malformed
            case .neverSent, .lostOnTheWayThere, .arrivesLate: nil
            }
        return effect.map { Fault(path: "/", effect: $0) }
    }
}
