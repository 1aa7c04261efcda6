import Foundation
import Secrets
import Store
import Synchronization

/// The Store in memory, for tests that replay many processes from a seed.
///
/// It keeps the rules of `SQLiteStore`, as the conformance suite checks them. Every call is done under one lock before it returns:
/// it never suspends, and asks no clock and no random source. A caller whose task prefers an executor stays on it; through the
/// protocol an actor's call goes to the default executor, as with every `nonisolated async` requirement. What a call returns is in
/// an order that no hash decides. A call that throws has changed nothing: each method looks first and changes afterwards. Nothing is ever
/// dropped that SQLite keeps.
///
/// One difference is left: texts are equal as Swift compares them, so two spellings of one accented letter are one id.
public final class MemoryStore: Store {
    private struct State: Sendable {
        var database: MemoryDatabase
        var isOpen = true
    }

    private let state: Mutex<State>

    public convenience init() {
        self.init(MemoryDatabase())
    }

    private init(_ database: MemoryDatabase) {
        state = Mutex(State(database: database))
    }

    /// An open store of its own with all that this one holds at this instant: what a crash leaves on disk. Of a closed one too.
    public func snapshot() -> MemoryStore {
        MemoryStore(state.withLock { $0.database })
    }

    func access<Value: Sendable>(
        _ body: (inout MemoryDatabase) throws(StoreError) -> Value
    ) throws(StoreError) -> Value {
        try state.withLock { state throws(StoreError) in
            guard state.isOpen else {
                throw StoreError(code: .unavailable, message: "The database was closed. Nothing was changed.")
            }
            guard let note = AuditNote.current, let entry = note.pending else { return try body(&state.database) }
            let before = state.database.changes
            let value = try body(&state.database)
            if state.database.changes != before {
                state.database.append(entry)
                note.close()
            }
            return value
        }
    }

    public func checkWritable() throws(StoreError) {
        try access { _ throws(StoreError) in }
    }

    public func close() {
        state.withLock { $0.isOpen = false }
    }
}
