import Foundation
import Logging
import MemoryStore
import Secrets
import Store
import Synchronization
import Testing

/// An implementation that the conformance suite runs over.
struct StoreKind: Sendable, CustomTestStringConvertible {
    let testDescription: String
    /// Opens a store that keeps what it remembers in the directory.
    let open: @Sendable (_ directory: String) throws -> any Store

    static let all = [sqlite, memory]

    static let sqlite = StoreKind(testDescription: "SQLite") { try openSQLiteStore($0) }

    /// Opened a second time in a directory, it has what it had there.
    static let memory = StoreKind(testDescription: "memory") { directory in
        memories.withLock { memories in
            let store = memories[directory]?.snapshot() ?? MemoryStore()
            memories[directory] = store
            return store
        }
    }

    private static let memories = Mutex<[String: MemoryStore]>([:])
}

/// Runs the body with an empty store, which is closed and removed afterwards.
func withStore(_ kind: StoreKind, _ body: (any Store) async throws -> Void) async throws {
    try await withTemporaryDirectory { directory in
        let store = try kind.open(directory)
        try await body(store)
        try await store.close()
    }
}

func openSQLiteStore(_ directory: String) throws -> SQLiteStore {
    try SQLiteStore(directory: directory, migrationsDirectory: migrationsDirectory, logger: quietLogger)
}

/// The files of the product.
let migrationsDirectory = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "migrations").path(percentEncoded: false)

let quietLogger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

/// An empty directory that is removed afterwards.
func withTemporaryDirectory<Value>(_ body: (String) async throws -> Value) async throws -> Value {
    let directory = FileManager.default.temporaryDirectory
        .appending(path: RandomSource.system.identifier(prefix: "perch-store-")).path(percentEncoded: false)
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: directory) }
    return try await body(directory)
}

/// Expects a `StoreError` with this code and returns it.
@discardableResult
func expectFailure(
    _ code: StoreError.Code, sourceLocation: SourceLocation = #_sourceLocation, _ body: () async throws -> Void
) async -> StoreError? {
    let error = await #expect(throws: StoreError.self, sourceLocation: sourceLocation) { try await body() }
    #expect(error?.code == code, "\(error?.description ?? "no error")", sourceLocation: sourceLocation)
    return error
}
