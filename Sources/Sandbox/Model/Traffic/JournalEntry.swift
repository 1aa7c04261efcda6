/// One request to the simulated Synthesize, for whoever must know what was sent, how often and in which order.
public struct JournalEntry: Sendable, Equatable {
    /// Contract key (`S4`).
    public var call: String
    /// What the path names: a service, an account, a message; empty when the path names nothing.
    public var parameter: String
    /// Id of the organization whose token came; nil when the token is unknown or the vendor's alone.
    public var organization: String?
    /// The body as it came, read as UTF-8.
    public var body: String
    /// What was answered; 0 when the connection was closed without an answer.
    public var status: Int

    var json: JSONValue {
        [
            "call": .string(call), "parameter": .string(parameter), "organization": .optional(organization),
            "body": .string(body), "status": .number(Double(status)),
        ]
    }
}

extension SandboxModel {
    mutating func note(_ request: SandboxRequest, _ route: VendorRoute, _ status: Int) {
        let position = request.header("GRADIENT-TOKEN").flatMap { tokens[$0]?.organization }
        journal.append(
            JournalEntry(
                call: route.call.rawValue, parameter: route.parameter, organization: position.map { organizations[$0].id },
                body: String(decoding: request.body, as: UTF8.self), status: status))
    }
}
