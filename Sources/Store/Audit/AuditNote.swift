import Synchronization

/// What is being done, and by whom, while it is done: the first change that a store makes meanwhile takes the entry into its own
/// transaction. So a change that cannot be audited does not happen, and nothing is audited that did not happen.
public final class AuditNote: Sendable {
    @TaskLocal public static var current: AuditNote?

    private let entry: AuditEntry
    private let isOpen = Mutex(true)

    init(_ entry: AuditEntry) {
        self.entry = entry
    }

    /// The entry, until it was written.
    public var pending: AuditEntry? { isOpen.withLock { $0 } ? entry : nil }

    /// The entry is in the transaction of a change.
    public func close() { isOpen.withLock { $0 = false } }

    /// That transaction was undone.
    public func reopen() { isOpen.withLock { $0 = true } }
}

extension AccessStore {
    /// Runs the body; the first change in it and the entry are written in one transaction, or neither. What changes nothing is not
    /// audited.
    public func audited<Value, Failure: Error>(
        _ entry: AuditEntry, _ body: () async throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        let note = AuditNote(entry)
        let result: Result<Value, Failure> = await AuditNote.$current.withValue(note) {
            do throws(Failure) {
                return .success(try await body())
            } catch {
                return .failure(error)
            }
        }
        note.close()
        return try result.get()
    }
}
