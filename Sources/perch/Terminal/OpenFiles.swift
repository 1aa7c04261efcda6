import Glibc

/// The usual limit of open files, 1024, is no more than the connections that a service may have by default, without its database and
/// its own calls.
enum OpenFiles {
    /// Raises the limit to what the system lets this process have. Where it cannot be raised the server makes room by closing
    /// idle connections.
    static func raiseLimit() {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }
}
