import Foundation
import Glibc
import Synchronization

/// A lock file that says: this process has the database. The kernel drops the lock when the process ends, however it ends.
final class ProcessLock: Sendable {
    private let descriptor: Mutex<Int32?>

    /// - Throws: `StoreError` with code `locked` when another process, or another store of this one, has it.
    init(_ directory: DataDirectory) throws(StoreError) {
        // Close-on-exec: a child that outlives this process must not keep the database locked.
        let file = open(directory.lockPath, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw Self.failed(directory) }
        while flock(file, LOCK_EX | LOCK_NB) != 0 {
            if errno == EINTR { continue }
            let error =
                errno == EWOULDBLOCK
                ? StoreError(
                    code: .locked,
                    message: """
                        The database \(directory.databasePath) is in use: another perch process has it open. Nothing was \
                        changed. Stop that process, or give this one another data directory.
                        """)
                : Self.failed(directory)
            Glibc.close(file)
            throw error
        }
        descriptor = Mutex(file)
    }

    deinit {
        release()
    }

    /// Lets the next process in; the second call does nothing.
    func release() {
        descriptor.withLock { descriptor in
            if let file = descriptor {
                // Unlocked first: a child between its fork and its exec still has the file, and closing ours alone would leave it locked.
                flock(file, LOCK_UN)
                Glibc.close(file)
            }
            descriptor = nil
        }
    }

    private static func failed(_ directory: DataDirectory) -> StoreError {
        StoreError(
            code: .unavailable,
            message: """
                The lock file \(directory.lockPath) cannot be made or locked: \(lastError()). Nothing was changed. The data \
                directory must be writable and on a file system with locks.
                """)
    }
}
