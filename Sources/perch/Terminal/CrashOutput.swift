import Glibc

/// A crash must not print or store memory: it holds opened keys.
enum CrashOutput {
    private static let variable = "SWIFT_BACKTRACE"
    private static let withoutMemory = "registers=none"

    /// Lets the kernel write no core file, and Swift's crash report show no registers: beside each it prints the 16 bytes that it
    /// points at. The runtime reads that option before the program begins, so the program begins anew with it, as the same process.
    static func withholdMemory() {
        var none = rlimit(rlim_cur: 0, rlim_max: 0)
        setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &none)
        let given = getenv(variable).map { String(cString: $0) } ?? ""
        guard !given.contains(withoutMemory) else { return }
        setenv(variable, given.isEmpty ? withoutMemory : "\(given),\(withoutMemory)", 1)
        var arguments = CommandLine.arguments.map { strdup($0) } + [nil]
        execv("/proc/self/exe", &arguments)
        // Where a program may not begin anew, it goes on as it is.
        arguments.forEach { free($0) }
    }
}
