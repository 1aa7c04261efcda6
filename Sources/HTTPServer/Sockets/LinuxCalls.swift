import Glibc

/// System calls that Swift's Glibc module does not declare (it is built without `_GNU_SOURCE` and leaves `sys/epoll.h`
/// out), found by name in the C library instead. Every glibc since 2.10 has them.
enum LinuxCalls {
    /// What an epoll set reports of one descriptor.
    struct Events: OptionSet, Sendable {
        let rawValue: UInt32
        static let readable = Events(rawValue: 0x1)  // EPOLLIN
        static let writable = Events(rawValue: 0x4)  // EPOLLOUT
        /// EPOLLERR, EPOLLHUP and EPOLLRDHUP: the peer has ended or broken the connection; reading tells which.
        static let ended = Events(rawValue: 0x8 | 0x10 | 0x2000)
        /// EPOLLET: report news, not states.
        static let onlyNews = Events(rawValue: 1 << 31)
    }

    /// The kernel packs `struct epoll_event` on x86-64 only.
    #if arch(x86_64)
        private static let eventSize = 12, tokenOffset = 4
    #else
        private static let eventSize = 16, tokenOffset = 8
    #endif

    static func makeEpollSet() -> Int32 { create(Int32(O_CLOEXEC)) }

    /// - Parameter token: comes back with the descriptor's events.
    /// - Returns: 0, or -1 with `errno` set.
    static func add(_ descriptor: Int32, token: UInt64, _ events: Events, to set: Int32) -> Int32 {
        withUnsafeTemporaryAllocation(byteCount: eventSize, alignment: 8) { event in
            event.storeBytes(of: events.rawValue, as: UInt32.self)
            event.storeBytes(of: token, toByteOffset: tokenOffset, as: UInt64.self)
            return control(set, 1, descriptor, event.baseAddress)  // EPOLL_CTL_ADD
        }
    }

    static func remove(_ descriptor: Int32, from set: Int32) {
        _ = control(set, 2, descriptor, nil)  // EPOLL_CTL_DEL
    }

    /// What there is to report now, at most `limit` items.
    static func pending(in set: Int32, limit: Int) -> [(token: UInt64, events: Events)] {
        withUnsafeTemporaryAllocation(byteCount: eventSize * limit, alignment: 8) { buffer in
            let count = Int(wait(set, buffer.baseAddress, Int32(limit), 0))
            return (0..<max(count, 0)).map { index in
                let start = index * eventSize
                return (
                    buffer.loadUnaligned(fromByteOffset: start + tokenOffset, as: UInt64.self),
                    Events(rawValue: buffer.loadUnaligned(fromByteOffset: start, as: UInt32.self))
                )
            }
        }
    }

    /// `accept4` with both flags at once: with two calls after it, a child process started in between would inherit
    /// the connection.
    static func accept(_ listener: Int32, _ address: UnsafeMutablePointer<sockaddr>, _ length: inout socklen_t) -> Int32 {
        accept4(listener, address, &length, Int32(SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue))
    }

    private static let create = function("epoll_create1", as: (@convention(c) (Int32) -> Int32).self)
    private static let control = function(
        "epoll_ctl", as: (@convention(c) (Int32, Int32, Int32, UnsafeMutableRawPointer?) -> Int32).self)
    private static let wait = function(
        "epoll_wait", as: (@convention(c) (Int32, UnsafeMutableRawPointer?, Int32, Int32) -> Int32).self)
    private static let accept4 = function(
        "accept4",
        as: (@convention(c) (Int32, UnsafeMutablePointer<sockaddr>?, UnsafeMutablePointer<socklen_t>?, Int32) -> Int32).self)

    private static func function<T>(_ name: String, as type: T.Type) -> T {
        guard let address = dlsym(nil, name) else { preconditionFailure("this C library has no \(name)") }
        return unsafeBitCast(address, to: type)
    }
}
