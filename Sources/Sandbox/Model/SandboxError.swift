/// Why an action of the partner, of a test or of the command line was refused. Nothing was changed.
public struct SandboxError: Error, Sendable, Equatable, CustomStringConvertible {
    public enum Code: String, Sendable {
        /// The organization, account, service, client or product does not exist. HTTP 404.
        case notFound
        /// The action contradicts what is there, for instance a client mapped twice. HTTP 409.
        case conflict
        /// The request cannot be understood. HTTP 400.
        case invalid
    }

    public var code: Code
    /// What is wrong and what to do, for a person.
    public var message: String

    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { message }
}
