import Foundation
import GRDB
import Glibc

extension SQLiteStore {
    /// Copies the database as it is at one moment into a new file of mode 0600, by SQLite's backup interface, while others read and
    /// write. The copy appears whole or not at all, and sealed values stay sealed in it.
    /// - Returns: what an inspection of the copy found.
    /// - Throws: `StoreError` with code `unavailable` when the file is there already or cannot be made, `full`, `corrupt` or `io`.
    @discardableResult
    public func backup(to path: String, migrationsDirectory: String) async throws(StoreError) -> [InspectionCheck] {
        let migrations = try Migrations(directory: migrationsDirectory)
        return try await block { pool in
            // A link that leads nowhere is somebody's too.
            var status = stat()
            guard lstat(path, &status) != 0 else {
                let isLink = status.st_mode & S_IFMT == S_IFLNK
                throw StoreError(
                    code: .unavailable,
                    message: "\(isLink ? "A link" : "The file") \(path) is there already. It was left as it is; give another name.")
            }
            let partial = try DatabaseFile.makePartial(of: path)
            do {
                let queue = try DatabaseQueue(path: partial)
                // All pages in one step: one read transaction, so that a writer can neither tear the copy nor make it begin anew.
                try pool.backup(to: queue)
                let checks = try queue.writeWithoutTransaction { database in
                    // The copy says WAL, as its original; one file must be enough.
                    try database.execute(sql: "PRAGMA journal_mode = DELETE")
                    return SQLiteStore.inspect(database, migrations)
                }
                try queue.close()
                try DatabaseFile.sync(partial)
                try DatabaseFile.move(partial, to: path)
                return checks
            } catch {
                DatabaseFile.remove(partial)
                throw error
            }
        }
    }
}

/// Whole files, as a backup and a restore handle them.
enum DatabaseFile {
    /// Makes an empty file of mode 0600 in the place of what a failed attempt may have left.
    static func makeEmpty(_ path: String) throws(StoreError) {
        remove(path)
        let descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure(path, "made") }
        close(descriptor)
    }

    /// Makes an empty file of mode 0600 beside `path`, under a name that nothing has: what is there already is somebody's.
    static func makePartial(of path: String) throws(StoreError) -> String {
        for number in 1...1000 {
            let partial = "\(path).partial" + (number == 1 ? "" : "-\(number)")
            let descriptor = open(partial, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
            if descriptor >= 0 {
                close(descriptor)
                return partial
            }
            guard errno == EEXIST else { throw failure(partial, "made") }
        }
        throw StoreError(code: .unavailable, message: "There are 1000 files \(path).partial already. Remove them and try again.")
    }

    static func sync(_ path: String) throws(StoreError) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure(path, "opened") }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw failure(path, "written") }
    }

    /// Renames, and writes down that it was renamed.
    static func move(_ path: String, to target: String) throws(StoreError) {
        guard rename(path, target) == 0 else { throw failure(path, "renamed") }
        try sync(URL(filePath: target).deletingLastPathComponent().path(percentEncoded: false))
    }

    /// Gives a file a second name, so that another can take its first name in one step: a kill between two renames would leave no
    /// database, and the next start would make an empty one. Where the file system has no links, the file is renamed.
    static func nameAlso(_ path: String, _ second: String) throws(StoreError) {
        if link(path, second) == 0 { return }
        guard [EPERM, ENOTSUP, ENOSYS, EMLINK].contains(errno) else { throw failure(path, "renamed") }
        try move(path, to: second)
    }

    /// Removes a database file with its companions, as far as they are there.
    static func remove(_ path: String) {
        for suffix in ["", "-wal", "-shm", "-journal"] { unlink(path + suffix) }
    }

    private static func failure(_ path: String, _ verb: String) -> StoreError {
        StoreError(code: errno == ENOSPC ? .full : .unavailable, message: "The file \(path) cannot be \(verb): \(lastError()).")
    }
}
