import Glibc

/// What must be said of a process before it begins.
enum ProcessStart {
    private static let backtrace = "SWIFT_BACKTRACE"
    private static let withoutMemory = "registers=none"
    /// Two arenas, since the stages of a run work on different threads, and what one frees, another cannot use when each has an arena of
    /// its own; from 128 KB a piece of its own, given back as soon as it is free: the C library raises that bound by itself, up to
    /// 32 MB (mallopt(3)). A run of 100,000 lines took 92 MB without both, and takes 63 MB.
    private static let allocation = ["MALLOC_ARENA_MAX": "2", "MALLOC_MMAP_THRESHOLD_": "131072"]

    /// A crash must not print or store memory, which holds opened keys: the kernel writes no core file, and Swift's crash report shows no
    /// registers, beside each of which it prints the 16 bytes that it points at.
    ///
    /// The C library and Swift's runtime read their options before the program begins, so it begins anew with them, as the same process.
    static func prepare() {
        var none = rlimit(rlim_cur: 0, rlim_max: 0)
        setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &none)
        let given = value(backtrace) ?? ""
        if given.contains(withoutMemory), allocation.keys.allSatisfy({ value($0) != nil }) { return }
        if !given.contains(withoutMemory) { setenv(backtrace, given.isEmpty ? withoutMemory : "\(given),\(withoutMemory)", 1) }
        for (name, value) in allocation { setenv(name, value, 0) }
        var arguments = CommandLine.arguments.map { strdup($0) } + [nil]
        execv("/proc/self/exe", &arguments)
        // Where a program may not begin anew, it goes on as it is.
        arguments.forEach { free($0) }
    }

    private static func value(_ variable: String) -> String? {
        getenv(variable).map { String(cString: $0) }
    }
}
