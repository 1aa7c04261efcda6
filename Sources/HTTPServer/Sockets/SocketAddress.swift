import Glibc

/// An IP address and a TCP port.
public struct SocketAddress: Sendable, Hashable, CustomStringConvertible {
    /// Numeric, without brackets.
    public var host: String
    public var port: Int

    public init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    /// `127.0.0.1:8080` or `[::1]:8080`.
    public var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

    /// Calls `body` with the system's form of this address; nil when the host is not a numeric address or `localhost`,
    /// or the port is out of range. Names are not looked up, as that would block.
    func withSystemAddress<Result>(_ body: (Int32, UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result? {
        guard (0...65_535).contains(port) else { return nil }
        var hints = addrinfo()
        hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var found: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host == "localhost" ? "127.0.0.1" : host, String(port), &hints, &found) == 0, let found else { return nil }
        defer { freeaddrinfo(found) }
        return found.pointee.ai_addr.map { body(found.pointee.ai_family, $0, found.pointee.ai_addrlen) }
    }

    /// Reads an address that the system call `fill` writes; nil when it fails.
    /// An IPv4 address mapped into IPv6 is given in its own form, so that one client has one name.
    static func read(_ fill: (UnsafeMutablePointer<sockaddr>, inout socklen_t) -> Bool) -> SocketAddress? {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        var host = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        var port = [CChar](repeating: 0, count: Int(NI_MAXSERV))
        let isRead = withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                fill(address, &length)
                    && getnameinfo(
                        address, length, &host, socklen_t(host.count), &port, socklen_t(port.count),
                        NI_NUMERICHOST | NI_NUMERICSERV) == 0
            }
        }
        guard isRead, let number = Int(text(port)) else { return nil }
        let name = text(host)
        let isMapped = name.hasPrefix("::ffff:") && name.contains(".")
        return SocketAddress(host: isMapped ? String(name.dropFirst(7)) : name, port: number)
    }

    private static func text(_ buffer: [CChar]) -> String {
        String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
