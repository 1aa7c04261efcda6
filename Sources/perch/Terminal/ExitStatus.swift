import ArgumentParser
import Integration

/// What the program's exit tells a script. 64 and 0 are ArgumentParser's own.
enum ExitStatus: Int32, CaseIterable {
    case failed = 1
    /// A setting is unknown, bad or missing; or the data directory or port cannot be had.
    case settings = 2
    /// Synthesize or the vendor refused the credentials.
    case refused = 3
    /// Synthesize or the vendor could not be reached, or answered badly: try again later.
    case unavailable = 4
    /// Some counts were not accepted.
    case partial = 5
    /// Synthesize would not take what was sent.
    case rejected = 6
    /// The run waits for an operator.
    case held = 7

    var code: ExitCode { ExitCode(rawValue) }

    init(_ error: IntegrationError) {
        self =
            switch error.code {
            case .keyRefused, .forbidden: .refused
            // With a field to mend it is what stands there that the vendor refused.
            case .vendorUnavailable where error.field != nil: .refused
            case .synthesizeUnavailable, .vendorUnavailable: .unavailable
            case .synthesizeRejected: .rejected
            case .invalidInput: .settings
            case .otherOrganization, .conflict, .keyReused, .notFound, .gone, .store, .secrets: .failed
            }
    }
}
