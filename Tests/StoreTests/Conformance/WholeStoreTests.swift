import Foundation
import Secrets
import Store
import Testing

@Suite("The store as a whole")
struct WholeStoreTests {
    @Test("keeps one wrapped data key", arguments: StoreKind.all)
    func wrappedKey(kind: StoreKind) async throws {
        try await withStore(kind) { store in
            #expect(try await store.wrappedKey() == nil)
            let key = WrappedDataKey(id: "dek_1", wrapped: [1, 2, 0, 255], checkValue: [9, 0], createdAt: Sample.now)
            try await store.insertWrappedKey(key)
            #expect(try await store.wrappedKey() == key)
            var second = key
            second.id = "dek_2"
            let other = second
            await expectFailure(.duplicate) { try await store.insertWrappedKey(other) }
            #expect(try await store.wrappedKey() == key)
        }
    }

    @Test("says that it is writable, until it is closed; closing twice is harmless", arguments: StoreKind.all)
    func close(kind: StoreKind) async throws {
        try await withStore(kind) { store in
            try await store.checkWritable()
            try await store.close()
            try await store.close()
            await expectFailure(.unavailable) { try await store.checkWritable() }
            await expectFailure(.unavailable) { _ = try await store.services() }
        }
    }

    @Test("remembers everything after it was closed and opened again", arguments: StoreKind.all)
    func reopen(kind: StoreKind) async throws {
        try await withTemporaryDirectory { directory in
            let first = try kind.open(directory)
            let run = try await first.startedRun()
            try await first.planLines(run.id, [Sample.line(run, 0)])
            let planned = try await first.run(run.id)
            try await first.close()
            let second = try kind.open(directory)
            #expect(try await second.run(run.id) == planned)
            #expect(try await second.beginSending(run.id, limit: 9, at: Sample.now).count == 1)
            try await second.close()
        }
    }

    @Test("carries a change through although its task was cancelled", arguments: StoreKind.all)
    func cancellation(kind: StoreKind) async throws {
        try await withStore(kind) { store in
            try await store.createPartner(Sample.partner())
            let change = Task {
                withUnsafeCurrentTask { $0?.cancel() }
                return try await store.updateConnection(Sample.partner().id) { $0.keyVersion = 7 }
            }
            #expect(try await change.value.keyVersion == 7)
            #expect(try await store.connection(Sample.partner().id).keyVersion == 7)
        }
    }

    @Test("answers many readers while it writes", arguments: StoreKind.all)
    func readersAndWriter(kind: StoreKind) async throws {
        try await withStore(kind) { store in
            let run = try await store.startedRun()
            try await store.planLines(run.id, (0..<200).map { Sample.line(run, $0) })
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    while case let lines = try await store.beginSending(run.id, limit: 10, at: Sample.now), !lines.isEmpty {
                        try await store.recordOutcomes(run.id, lines.map { Sample.outcome($0.position, .accepted) })
                    }
                }
                for _ in 0..<4 {
                    group.addTask {
                        var settled = 0
                        while settled < 200 {
                            let tally = try await store.tally(run.id)
                            #expect(tally.settled >= settled, "never goes back")
                            #expect(tally.settled + tally.open == 200)
                            settled = tally.settled
                        }
                    }
                }
                try await group.waitForAll()
            }
        }
    }
}
