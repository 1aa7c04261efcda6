import GRDB

/// The one place where what SQLite says becomes what Perch says.
extension StoreError {
    /// Runs the body; every error of it becomes a `StoreError`.
    static func catching<Value>(_ body: () throws -> Value) -> Result<Value, StoreError> {
        do {
            return .success(try body())
        } catch {
            return .failure(StoreError(mapping: error))
        }
    }

    init(mapping error: any Error) {
        switch error {
        case let error as StoreError: self = error
        case let error as DatabaseError: self.init(mapping: error)
        default:
            self.init(
                code: .io,
                message: "The database could not be used: \(error). The change was not made; what was saved before is kept.")
        }
    }

    /// SQLite's message names tables, columns and rules; the values are in `arguments`, which is never used here.
    private init(mapping error: DatabaseError) {
        let said = error.message ?? "no reason given"
        let kept = "The change was not made; what was saved before is kept."
        switch error.resultCode {
        case .SQLITE_CONSTRAINT:
            self.init(mapping: error.extendedResultCode, said, kept)
        case .SQLITE_FULL:
            self.init(code: .full, message: "The disk that holds the database is full. \(kept) Free some space and try again.")
        case .SQLITE_CORRUPT:
            self.init(
                code: .corrupt, message: "The database file is damaged: \(said). Stop Perch and restore a backup.")
        case .SQLITE_NOTADB:
            self.init(
                code: .corrupt,
                message: """
                    The file is not a database: \(said). It was left as it is. Move it away, restore a backup, or give Perch \
                    another data directory.
                    """)
        case .SQLITE_BUSY, .SQLITE_LOCKED:
            self.init(
                code: .locked, message: "Another program has the database locked: \(said). \(kept) Close that program.")
        case .SQLITE_READONLY
        where [.SQLITE_READONLY_ROLLBACK, .SQLITE_READONLY_RECOVERY].contains(error.extendedResultCode):
            self.init(
                code: .unavailable,
                message: """
                    A write to the database was cut off, and what is left of it beside the database (perch.sqlite-journal or -wal) has still \
                    to be undone, which a command that only reads does not do. Nothing is lost. Start the service once, or run \
                    `perch operators list`, and try again.
                    """)
        case .SQLITE_CANTOPEN, .SQLITE_PERM, .SQLITE_READONLY, .SQLITE_AUTH, .SQLITE_MISUSE:
            self.init(
                code: .unavailable,
                message: "The database cannot be opened or written: \(said). \(kept) Check its files, their owner and mode.")
        default:
            self.init(
                code: .io,
                message: """
                    The database could not be read or written: \(said) (SQLite \(error.extendedResultCode.rawValue)). \(kept)
                    """)
        }
    }

    private init(mapping code: ResultCode, _ said: String, _ kept: String) {
        switch code {
        case .SQLITE_CONSTRAINT_UNIQUE, .SQLITE_CONSTRAINT_PRIMARYKEY, .SQLITE_CONSTRAINT_ROWID:
            self.init(code: .duplicate, message: "There is one already: \(said). \(kept)")
        case .SQLITE_CONSTRAINT_FOREIGNKEY:
            self.init(code: .notFound, message: "What the record belongs to is not there: \(said). \(kept)")
        default:
            self.init(
                code: .constraint, message: "A rule of the database was broken: \(said). \(kept) This is a defect in Perch.")
        }
    }

    static func notFound(_ what: String, _ id: some CustomStringConvertible) -> StoreError {
        StoreError(code: .notFound, message: "There is no \(what) \(id). Nothing was changed.")
    }
}
