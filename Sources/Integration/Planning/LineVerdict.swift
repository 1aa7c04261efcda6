import Store
import Synthesize

/// What the answer to one count means (design section 4).
enum LineVerdict: Sendable, Hashable {
    case settled(UsageLineState, status: Int?, message: String?)
    /// The line was not answered; it stays planned, and the run stops for this reason.
    case stop(RunFailure, needsNewKey: Bool)
    /// The run itself was stopped while the call was under way: give the line back.
    case givenBack

    init(_ error: SynthesizeError) {
        switch error.code {
        case .notFound:
            self = .settled(.notMapped, status: error.status, message: error.message)
        case .conflict, .rejected, .invalidInput:
            self = .settled(.rejected, status: error.status, message: error.message)
        case .keyRefused:
            self = .stop(RunFailure(error), needsNewKey: true)
        case .forbidden:
            self = .stop(RunFailure(error), needsNewKey: false)
        case .rateLimited, .serverFailed, .unreachable, .answerLost, .answerUnreadable:
            self = .settled(.failed, status: error.status, message: RunFailure(error).message)
        case .cancelled:
            self = .givenBack
        }
    }
}
