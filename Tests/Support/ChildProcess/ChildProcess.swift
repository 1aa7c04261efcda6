import Foundation

/// A program that a test runs beside itself, its standard input and output in the test's hands, its errors thrown away.
///
/// Not Foundation's `Process`: looking for open descriptors it copies the last entry of `/proc/self/fd` beyond the memory it lies
/// in, which in a test process with a thousand sockets ended in a crash of all tests. What is to stay closed to the program must be
/// opened with `CLOEXEC`.
public final class ChildProcess: Sendable {
    public struct Failure: Error {
        public var text: String
    }

    public let identifier: pid_t
    public let input: FileHandle
    public let output: FileHandle

    /// - Parameter arguments: the program, looked for in `PATH`, and what it is given.
    /// - Throws: `Failure` when it cannot be started.
    public init(_ arguments: [String]) throws {
        let (input, output) = (try Self.pair(), try Self.pair())
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, input.theirs.fileDescriptor, 0)
        posix_spawn_file_actions_adddup2(&actions, output.theirs.fileDescriptor, 1)
        posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
        let words = arguments.map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        var identifier = pid_t()
        let error = posix_spawnp(&identifier, arguments[0], &actions, nil, words, environ)
        guard error == 0 else {
            throw Failure(text: "\(arguments[0]) cannot be started: \(String(cString: strerror(error)))")
        }
        self.identifier = identifier
        self.input = input.ours
        self.output = output.ours
        try input.theirs.close()
        try output.theirs.close()
    }

    /// Sockets, as Foundation's `Pipe` opens its ends for every program that is started, and then none meets its end.
    private static func pair() throws -> (ours: FileHandle, theirs: FileHandle) {
        var ends: [Int32] = [-1, -1]
        guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else {
            throw Failure(text: "no pair of sockets: \(String(cString: strerror(errno)))")
        }
        return (FileHandle(fileDescriptor: ends[0], closeOnDealloc: true), FileHandle(fileDescriptor: ends[1], closeOnDealloc: true))
    }

    /// SIGKILL, as threads of a Swift program have SIGTERM blocked, and children inherit that.
    public func kill() { Foundation.kill(identifier, SIGKILL) }

    /// Blocks until it has ended; once only.
    /// - Returns: its exit code, nil when a signal ended it.
    @discardableResult
    public func waitForExit() -> Int32? {
        var status: Int32 = 0
        while waitpid(identifier, &status, 0) < 0, errno == EINTR {}
        return status & 0x7F == 0 ? (status >> 8) & 0xFF : nil
    }
}
