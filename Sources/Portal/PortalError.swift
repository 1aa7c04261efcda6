/// Why the web surface cannot be set up or entered.
public struct PortalError: Error, Sendable, Hashable, CustomStringConvertible {
    public enum Code: String, Sendable, Hashable {
        /// A launch key of the configuration cannot be used.
        case launchKeyInvalid
        /// A launch token or link does not open a page; `message` says why, for the log.
        case launchRefused
    }

    public var code: Code
    public var message: String

    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { "portal.\(code.rawValue): \(message)" }
}
