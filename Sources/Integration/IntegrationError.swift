import Connectors
import Secrets
import Store
import Synthesize

/// Why the domain did not do what was asked.
public struct IntegrationError: Error, Sendable, Hashable, CustomStringConvertible {
    public enum Code: String, Sendable, Hashable {
        /// The input cannot be right; `field` names it.
        case invalidInput
        /// Synthesize answered 401 to the key.
        case keyRefused
        /// Synthesize answered 403.
        case forbidden
        /// Synthesize could not be reached or answered badly.
        case synthesizeUnavailable
        /// Synthesize will not take the request.
        case synthesizeRejected
        /// The vendor's API refused or failed.
        case vendorUnavailable
        /// The key belongs to another organization than the stored one; the partner must confirm.
        case otherOrganization
        /// The partner's state does not allow it: not connected, disabled, a run is going on.
        case conflict
        /// Another request was made under this idempotency key before.
        case keyReused
        case notFound
        /// It was there, and its time is over.
        case gone
        /// The database failed.
        case store
        /// A stored secret does not open.
        case secrets
    }

    public var code: Code
    /// What happened, what was kept, and what to do.
    public var message: String
    /// The form field to mend, when it is one.
    public var field: String?

    public init(code: Code, message: String, field: String? = nil) {
        self.code = code
        self.message = message
        self.field = field
    }

    public var description: String { "integration.\(code.rawValue): \(message)" }
}

extension IntegrationError {
    init(_ error: StoreError) {
        self.init(code: error.code == .notFound ? .notFound : .store, message: error.message)
    }

    init(_ error: SecretsError) {
        self.init(code: .secrets, message: error.message)
    }

    init(_ error: ConnectorError) {
        self.init(
            code: error.code == .invalidInput ? .invalidInput : .vendorUnavailable, message: error.message,
            field: error.field)
    }

    init(_ error: SynthesizeError) {
        let failure = RunFailure(error)
        let code: Code =
            switch error.code {
            case .keyRefused: .keyRefused
            case .forbidden: .forbidden
            case .notFound, .conflict, .rejected, .invalidInput: .synthesizeRejected
            case .rateLimited, .serverFailed, .unreachable, .answerLost, .answerUnreadable, .cancelled:
                .synthesizeUnavailable
            }
        self.init(code: code, message: failure.message)
    }
}

extension RunFailure {
    /// The failure of a call, told to the partner.
    init(_ error: SynthesizeError) {
        let message =
            switch error.code {
            case .keyRefused:
                "Synthesize did not accept this key. It may have been regenerated or the integration disconnected. "
                    + "In Synthesize open Integrations, generate a Partner API key, and connect again with it."
            case .forbidden:
                "Synthesize refused the request (403). Gradient answers so when it sees unusual use; the vendor's operator "
                    + "must contact Gradient's support. Nothing was lost."
            case .rateLimited:
                "Synthesize asked to slow down (429) and kept asking. Nothing was lost; Perch tries again later."
            case .serverFailed:
                "Synthesize has a problem of its own (\(error.status ?? 500)). Nothing was lost; try again later."
            case .unreachable:
                "Synthesize could not be reached: \(error.message) Nothing was lost; try again later."
            case .answerLost:
                "The connection to Synthesize broke before it answered: \(error.message) Nothing was lost; try again later."
            case .answerUnreadable:
                "Synthesize answered in a form that Perch cannot read. Nothing was lost; try again later."
            case .notFound, .conflict, .rejected, .invalidInput:
                "Synthesize did not take the request: \(error.message.asSentence)"
            case .cancelled:
                "Stopped."
            }
        self.init(code: "synthesize.\(error.code.rawValue)", message: message)
    }

    static let noVendorCredential = RunFailure(
        code: "vendor.noCredential",
        message: "The vendor's credentials are missing. Enter them on the page and connect again.")

    init(_ error: ConnectorError) {
        self.init(code: "vendor.\(error.code.rawValue)", message: error.message)
    }

    init(_ error: StoreError) {
        self.init(
            code: "store.\(error.code.rawValue)",
            message: "Perch could not write to its database, so it stopped sending. \(error.message)")
    }

    init(_ error: IntegrationError) {
        self.init(code: "integration.\(error.code.rawValue)", message: error.message)
    }
}

extension String {
    /// With a full stop, whether the other side's words end in one or not.
    var asSentence: String { hasSuffix(".") ? self : self + "." }
}
