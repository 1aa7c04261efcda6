/// Why the vendor's side gave no data.
public struct ConnectorError: Error, Sendable, Hashable, CustomStringConvertible {
    public enum Code: String, Sendable, Hashable {
        /// What the partner entered cannot be right; nothing was sent.
        case invalidInput
        /// 401 or 403: the vendor refused the credential.
        case credentialRefused
        case unreachable
        /// An answer with another status than 2xx.
        case refused
        /// A 2xx answer of another form than described.
        case brokenAnswer
        /// A list without a single usable record: never taken as "no customers".
        case emptyList
        /// More than Perch reads: bytes, nesting, the length of one number or text.
        case tooLarge
        /// A file of usage that cannot be taken as it is; the message names the line.
        case invalidFile
        /// No usage was handed in for this partner yet.
        case notReceived
        /// What was handed in last is too old to stand for the present: never taken as "no change", never as zeros.
        case outdated
        /// What is there now is older than what the last sync took.
        case olderUsage
        /// A definition says something that cannot be.
        case invalidDefinition
        case cancelled
    }

    public var code: Code
    /// What a person reads; never a credential.
    public var message: String
    /// The form field to mend, when it is one.
    public var field: String?

    public init(code: Code, message: String, field: String? = nil) {
        self.code = code
        self.message = message
        self.field = field
    }

    public var description: String { "vendor.\(code.rawValue): \(message)" }
}

extension ConnectorError {
    /// - Parameters:
    ///   - problem: what is too large about it, as half a sentence.
    ///   - subject: what it is.
    static func tooLarge(_ problem: String, subject: String = "The answer") -> ConnectorError {
        ConnectorError(code: .tooLarge, message: "\(subject) is more than Perch reads: \(problem). Nothing was changed.")
    }
}
