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
        guard let port = UInt16(exactly: port) else { return nil }
        var v4 = sockaddr_in()
        if inet_pton(AF_INET, host == "localhost" ? "127.0.0.1" : host, &v4.sin_addr) == 1 {
            v4.sin_family = sa_family_t(AF_INET)
            v4.sin_port = port.bigEndian
            return withUnsafePointer(to: &v4) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    body(AF_INET, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
        }
        var v6 = sockaddr_in6()
        guard inet_pton(AF_INET6, host, &v6.sin6_addr) == 1 else { return nil }
        v6.sin6_family = sa_family_t(AF_INET6)
        v6.sin6_port = port.bigEndian
        return withUnsafePointer(to: &v6) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body(AF_INET6, $0, socklen_t(MemoryLayout<sockaddr_in6>.size))
            }
        }
    }

    /// Reads an address that the system call `fill` writes; nil when it fails or the family is not an Internet one.
    /// An IPv4 address mapped into IPv6 is given in its own form, so that one client has one name.
    static func read(_ fill: (UnsafeMutablePointer<sockaddr>, inout socklen_t) -> Bool) -> SocketAddress? {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        return withUnsafeMutablePointer(to: &storage) { pointer in
            let filled = pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { fill($0, &length) }
            guard filled else { return nil }
            switch Int32(pointer.pointee.ss_family) {
            case AF_INET:
                return pointer.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
                    SocketAddress(host: text(AF_INET, &$0.pointee.sin_addr), port: Int(UInt16(bigEndian: $0.pointee.sin_port)))
                }
            case AF_INET6:
                return pointer.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) {
                    let host = text(AF_INET6, &$0.pointee.sin6_addr)
                    let isMapped = host.hasPrefix("::ffff:") && host.contains(".")
                    return SocketAddress(
                        host: isMapped ? String(host.dropFirst(7)) : host, port: Int(UInt16(bigEndian: $0.pointee.sin6_port)))
                }
            default: return nil
            }
        }
    }

    private static func text(_ family: Int32, _ address: UnsafeRawPointer) -> String {
        var buffer = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        guard inet_ntop(family, address, &buffer, socklen_t(buffer.count)) != nil else { return "" }
        return String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
