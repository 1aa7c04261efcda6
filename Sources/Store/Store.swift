import Secrets

/// All that Perch remembers. `SQLiteStore` is the implementation, and the tests have one in memory; one conformance suite runs over
/// both.
public protocol Store: PartnerStore, ConnectionStore, ScheduleStore, SyncRunStore, LedgerStore, CatalogueStore,
    AlertStore, AccessStore, KeyStore, UsageDeliveryStore
{
    /// Proves that a write reaches the disk. For readiness.
    func checkWritable() async throws(StoreError)
    func close() async throws(StoreError)
}

/// Why the store could not do what was asked.
public struct StoreError: Error, Sendable, Hashable, CustomStringConvertible {
    public enum Code: String, Sendable, Hashable {
        /// The directory or the file cannot be opened, made or written.
        case unavailable
        /// Another process has the database.
        case locked
        /// A newer Perch wrote this database.
        case newerSchema
        /// A migration file was changed, is missing, or failed.
        case migration
        case notFound
        case duplicate
        /// A rule of the schema was broken: a defect.
        case constraint
        /// The disk is full.
        case full
        case corrupt
        case io
    }

    public var code: Code
    /// What happened, what was kept, what to do; never a stored value.
    public var message: String

    public init(code: Code, message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { "store.\(code.rawValue): \(message)" }
}
