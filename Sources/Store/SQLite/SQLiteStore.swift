import Dispatch
import Foundation
import GRDB
import Logging
import Secrets
import Synchronization

/// The Store in one SQLite file, for one process.
///
/// WAL with `synchronous=FULL`: a call that returned survives a crash and power loss. One connection writes and owns the
/// checkpoints, the others only read, so the WAL-reset race of SQLite 3.7.0 to 3.51.2, which needs two connections that write
/// or checkpoint, cannot occur (reliability section 3).
///
/// A call that has begun is carried through even when its task is cancelled: an outcome that was received must be written down.
/// Instants are kept to the millisecond.
public final class SQLiteStore: Store {
    private static let readers = 4
    private static let busySeconds = 5.0

    private struct Opened: Sendable {
        let pool: DatabasePool
        /// Nil for a store that only reads.
        let lock: ProcessLock?
    }

    /// Nil once closed.
    private let opened: Mutex<Opened?>
    let databasePath: String
    private let identity: FileIdentity?
    private let logger: Logger

    /// Opens `perch.sqlite` in the directory, making both where they are missing (modes 0600 and 0700), and applies the
    /// migrations that it lacks.
    /// - Throws: `StoreError` with code `unavailable`, `locked`, `corrupt`, `migration`, `newerSchema`, `full` or `io`.
    public init(directory: String, migrationsDirectory: String, logger: Logger) throws(StoreError) {
        let migrations = try Migrations(directory: migrationsDirectory)
        let place = try DataDirectory(directory)
        let lock = try ProcessLock(place)
        try place.makeDatabaseFile()

        let (pool, applied) = try StoreError.catching {
            let pool = try DatabasePool(path: place.databasePath, configuration: Self.configuration())
            let applied = try pool.writeWithoutTransaction { database in
                // GRDB sets NORMAL when it turns the WAL on; a billing ledger needs FULL.
                try database.execute(sql: "PRAGMA synchronous = FULL")
                // A long read can make the WAL grow; afterwards it goes back to this size.
                try database.execute(sql: "PRAGMA journal_size_limit = 67108864")
                // 4 MB. With 16 MB the cache was half of what a run of 100,000 lines takes.
                try database.execute(sql: "PRAGMA cache_size = -4000")
                let applied = try migrations.apply(to: database)
                try database.inTransaction {
                    try database.chainOlderAuditEntries()
                    return .commit
                }
                return applied
            }
            return (pool, applied)
        }.mapError { StoreError(code: $0.code, message: "\(place.databasePath): \($0.message)") }.get()

        opened = Mutex(Opened(pool: pool, lock: lock))
        databasePath = place.databasePath
        identity = FileIdentity(path: place.databasePath)
        self.logger = logger
        for migration in applied {
            logger.info("migration applied", metadata: ["migration": "\(migration.name)"])
        }
        logger.debug("database opened", metadata: ["path": "\(databasePath)"])
    }

    /// Opens the database of a directory for reading only, beside a process that has it open or without one. Nothing is made, no
    /// migration applied, and every call that writes fails.
    /// - Throws: `StoreError` with code `unavailable`, `corrupt` or `io`.
    public init(readingOnly directory: String, logger: Logger) throws(StoreError) {
        let path = URL(filePath: directory, directoryHint: .isDirectory).standardizedFileURL
            .appending(path: "perch.sqlite", directoryHint: .notDirectory).path(percentEncoded: false)
        guard FileManager.default.fileExists(atPath: path) else {
            throw StoreError(code: .unavailable, message: "There is no database \(path). Nothing was changed.")
        }
        var configuration = Self.configuration()
        configuration.readonly = true
        let readOnly = configuration
        let pool = try StoreError.catching { try DatabasePool(path: path, configuration: readOnly) }.get()
        opened = Mutex(Opened(pool: pool, lock: nil))
        databasePath = path
        identity = FileIdentity(path: path)
        self.logger = logger
    }

    /// What GRDB needs to know of every connection.
    private static func configuration() -> Configuration {
        var configuration = Configuration()
        configuration.label = "perch"
        configuration.busyMode = .timeout(busySeconds)
        configuration.foreignKeysEnabled = true
        configuration.maximumReaderCount = readers
        return configuration
    }

    // MARK: - Access

    /// Runs the body on a reader, in one transaction: all that it reads is of one moment.
    func read<Value: Sendable>(
        _ body: @escaping @Sendable (Database) throws -> Value
    ) async throws(StoreError) -> Value {
        let result: Result<Value, StoreError> = await withCheckedContinuation { continuation in
            access(continuation) { pool in
                pool.asyncRead { database in
                    continuation.resume(returning: StoreError.catching { try body(database.get()) })
                }
            }
        }
        return try result.get()
    }

    /// Runs the body on the writer, in one transaction that is on disk when this returns, or undone when it throws. When an audit
    /// note is open and something changes, its entry is in the transaction too.
    @discardableResult
    func write<Value: Sendable>(
        _ body: @escaping @Sendable (Database) throws -> Value
    ) async throws(StoreError) -> Value {
        let note = AuditNote.current
        let result: Result<Value, StoreError> = await withCheckedContinuation { continuation in
            access(continuation) { pool in
                pool.asyncWrite({ database in
                    guard let note, let entry = note.pending else { return try body(database) }
                    let before = database.totalChangesCount
                    let value = try body(database)
                    if database.totalChangesCount != before {
                        try database.append(entry)
                        note.close()
                    }
                    return value
                }) { _, result in
                    if case .failure = result { note?.reopen() }
                    continuation.resume(returning: result.mapError(StoreError.init(mapping:)))
                }
            }
        }
        return try result.get()
    }

    private func access<Value>(
        _ continuation: CheckedContinuation<Result<Value, StoreError>, Never>, _ enqueue: (DatabasePool) -> Void
    ) {
        let isOpen = opened.withLock { opened in
            if let opened { enqueue(opened.pool) }
            return opened != nil
        }
        if !isOpen {
            continuation.resume(
                returning: .failure(StoreError(code: .unavailable, message: "The database was closed. Nothing was changed.")))
        }
    }

    /// Runs blocking work on the pool, on a thread that is not one of the few that run tasks.
    func block<Value: Sendable>(
        _ body: @escaping @Sendable (DatabasePool) throws -> Value
    ) async throws(StoreError) -> Value {
        let result: Result<Value, StoreError> = await withCheckedContinuation { continuation in
            access(continuation) { pool in
                DispatchQueue.global().async {
                    continuation.resume(returning: StoreError.catching { try body(pool) })
                }
            }
        }
        return try result.get()
    }

    // MARK: - The whole store

    public func checkWritable() async throws(StoreError) {
        // SQLite goes on writing to a file that has lost its name: nothing written would be found again.
        guard identity != nil, FileIdentity(path: databasePath) == identity else {
            throw StoreError(
                code: .unavailable,
                message: """
                    The database file \(databasePath) was removed or replaced while Perch ran. What is written now would be \
                    lost. Stop Perch, put the file back or restore a backup, and start again.
                    """)
        }
        try await write { database in
            try database.change("UPDATE write_check SET counter = counter + 1")
        }
    }

    /// Waits for what has begun, moves the WAL into the database file, and lets the next process in. A second call does nothing.
    public func close() async throws(StoreError) {
        let taken = opened.withLock { opened in
            defer { opened = nil }
            return opened
        }
        guard let taken else { return }
        let logger = logger
        let result: Result<Void, StoreError> = await withCheckedContinuation { continuation in
            // GRDB closes by blocking the thread, which must not be one of the few that run tasks.
            DispatchQueue.global().async {
                if taken.lock != nil,
                    case .failure(let error) = StoreError.catching({
                        try taken.pool.writeWithoutTransaction { _ = try $0.checkpoint(.truncate) }
                    })
                {
                    // Nothing is lost: the next start reads the WAL.
                    logger.warning("checkpoint at close failed", metadata: ["error": "\(error)"])
                }
                continuation.resume(returning: StoreError.catching { try taken.pool.close() })
            }
        }
        taken.lock?.release()
        try result.get()
    }
}
