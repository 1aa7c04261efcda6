import Glibc

/// Why a server did not start. One line that names the address and says what to do.
public struct ServerError: Error, Sendable, CustomStringConvertible {
    public enum Code: String, Sendable {
        case badAddress, portTaken, notPermitted, addressNotHere, alreadyStarted, systemError
    }

    public var code: Code
    public var message: String
    /// The address that was asked for.
    public var address: SocketAddress

    public var description: String { message }

    static func badAddress(_ address: SocketAddress) -> ServerError {
        ServerError(
            code: .badAddress,
            message: "Cannot listen on \(address): "
                + "use a numeric address such as 127.0.0.1, 0.0.0.0 or ::1, and a port from 0 to 65535.",
            address: address)
    }

    static func alreadyStarted(_ address: SocketAddress) -> ServerError {
        ServerError(
            code: .alreadyStarted, message: "Cannot listen on \(address): this server was started before; make a new one.",
            address: address)
    }

    /// - Parameter call: the system call that failed.
    static func system(_ errorNumber: Int32, _ call: String, _ address: SocketAddress) -> ServerError {
        let (code, remedy): (Code, String) =
            switch errorNumber {
            case EADDRINUSE: (.portTaken, "another program uses the port; stop it or choose another port.")
            case EACCES, EPERM: (.notPermitted, "this user may not use the port; choose one above 1023.")
            case EADDRNOTAVAIL: (.addressNotHere, "no interface of this machine has the address; use 127.0.0.1 or 0.0.0.0.")
            default: (.systemError, "\(call) failed: \(String(cString: strerror(errorNumber))) (\(errorNumber)).")
            }
        return ServerError(code: code, message: "Cannot listen on \(address): \(remedy)", address: address)
    }
}
