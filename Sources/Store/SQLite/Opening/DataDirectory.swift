import Foundation
import Glibc

/// The directory that holds the database and nothing of anybody else's, and the files in it.
struct DataDirectory {
    let path: String
    let databasePath: String
    let lockPath: String

    /// Makes the directory (mode 0700) where it is missing.
    /// - Throws: `StoreError` with code `unavailable`.
    init(_ path: String) throws(StoreError) {
        let url = URL(filePath: path, directoryHint: .isDirectory).standardizedFileURL
        self.path = url.path(percentEncoded: false)
        databasePath = url.appending(path: "perch.sqlite", directoryHint: .notDirectory).path(percentEncoded: false)
        lockPath = url.appending(path: "perch.lock", directoryHint: .notDirectory).path(percentEncoded: false)
        try Self.makeDirectory(url)

        var status = stat()
        guard stat(self.path, &status) == 0 else { throw Self.unusable(self.path, lastError()) }
        guard status.st_mode & S_IFMT == S_IFDIR else { throw Self.unusable(self.path, "it is not a directory") }
        guard access(self.path, R_OK | W_OK | X_OK) == 0 else { throw Self.unusable(self.path, lastError()) }
    }

    /// Makes an empty database file of mode 0600, which SQLite gives its companion files too. An existing file is only tried.
    /// - Throws: `StoreError` with code `unavailable`.
    func makeDatabaseFile() throws(StoreError) {
        let descriptor = open(databasePath, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw StoreError(
                code: .unavailable,
                message: """
                    The database \(databasePath) cannot be opened for writing: \(lastError()). Nothing was changed. Check \
                    who owns it and its mode.
                    """)
        }
        Glibc.close(descriptor)
    }

    private static func makeDirectory(_ directory: URL) throws(StoreError) {
        let path = directory.path(percentEncoded: false)
        guard mkdir(path, 0o700) != 0 else { return }
        switch errno {
        case EEXIST:
            return
        case ENOENT where path != "/":
            try makeDirectory(directory.deletingLastPathComponent())
            guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw unusable(path, lastError()) }
        default:
            throw unusable(path, lastError())
        }
    }

    private static func unusable(_ path: String, _ reason: String) -> StoreError {
        StoreError(
            code: .unavailable,
            message: """
                The data directory \(path) cannot be used: \(reason). Nothing was changed. Give Perch a directory that it \
                can write to.
                """)
    }
}

/// Which file a path names, so that a removed or replaced file is noticed.
struct FileIdentity: Sendable, Equatable {
    private let device: dev_t
    private let inode: ino_t

    /// Nil when there is no such file.
    init?(path: String) {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        device = status.st_dev
        inode = status.st_ino
    }
}

/// What the last failed system call said, in lower case.
func lastError() -> String {
    String(cString: strerror(errno)).lowercased()
}
