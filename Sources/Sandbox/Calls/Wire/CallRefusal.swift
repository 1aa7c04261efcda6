import HTTPTypes

/// Why a call of the vendor API is not carried out.
struct CallRefusal: Error, Sendable {
    var status: HTTPResponse.Status
    /// One for most; a 400 has one for each offending field.
    var messages: [String]

    init(_ status: HTTPResponse.Status, _ messages: String...) {
        self.status = status
        self.messages = messages
    }

    init(offending problems: [String]) {
        status = .badRequest
        messages = problems
    }

    static let unauthorized = CallRefusal(.unauthorized, "Unauthorized")
    static let tooManyRequests = CallRefusal(.tooManyRequests, "ThrottlerException: Too Many Requests")

    /// The known text of contract section 3.2.
    static func noAccountMap(id: String) -> CallRefusal { CallRefusal(.notFound, "No account map found with id: \(id)") }

    /// Only the account's text is known; every other 404 text is marked as ours (U-12).
    static func simulatedNotFound(_ text: String) -> CallRefusal { CallRefusal(.notFound, "\(text) (simulated text)") }

    static let existingID = CallRefusal(.conflict, "A resource with this Id already exists.")

    /// `{statusCode, message}` (contract section 3.2).
    func answer(messagesAsArray: Bool) -> SandboxAnswer {
        let message: JSONValue =
            messagesAsArray && status == .badRequest
            ? .strings(messages) : .string(messages.joined(separator: "; "))
        return .json(["statusCode": .number(Double(status.code)), "message": message], status: status)
    }
}
