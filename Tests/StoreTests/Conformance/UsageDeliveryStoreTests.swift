import Foundation
import Store
import Testing

@Suite("Usage that is handed in")
struct UsageDeliveryStoreTests {
    private static func delivery(
        _ id: String, _ channel: UsageChannel = .push, key: String? = "key-1", size: Int = 3, at offset: TimeInterval = 0,
        of partner: Partner = Sample.partner()
    ) -> UsageDelivery {
        UsageDelivery(
            id: UsageDeliveryID(id), partnerID: partner.id, channel: channel, key: key, sha256: String(repeating: "a", count: 64),
            size: size, accounts: 2, counts: 5, receivedAt: Sample.now + offset, receivedFrom: "Night job")
    }

    private func insert(
        _ store: any Store, _ delivery: UsageDelivery, _ content: [UInt8] = [1, 2, 3], run: SyncRun? = nil, horizon: Date = .distantPast
    ) async throws -> DeliveryInsertion {
        try await store.insertDelivery(delivery, content: content, run: run, forgettingBefore: horizon)
    }

    @Test("is kept with its content until a newer one comes", arguments: StoreKind.all)
    func newest(kind: StoreKind) async throws {
        try await withStore(kind) { store in
            try await store.createPartner(Sample.partner())
            #expect(try await store.newestDelivery(Sample.partner().id) == nil)
            #expect(try await store.newestContent(Sample.partner().id) == nil)
            let first = Self.delivery("use_1")
            #expect(try await insert(store, first) == .inserted(first))
            let second = Self.delivery("use_2", .upload, key: nil, size: 2, at: 60)
            #expect(try await insert(store, second, [9, 8]) == .inserted(second))
            #expect(try await store.newestDelivery(Sample.partner().id) == second)
            let newest = try await store.newestContent(Sample.partner().id)
            #expect(newest?.delivery == second && newest?.content == [9, 8])
            // The key of the first is still known.
            #expect(try await store.delivery(Sample.partner().id, key: "key-1") == first)
            #expect(try await store.delivery(Sample.partner(2).id, key: "key-1") == nil)
        }
    }

    @Test("under a key known already is the first one, and changes nothing", arguments: StoreKind.all)
    func repeated(kind: StoreKind) async throws {
        try await withStore(kind) { store in
            try await store.createPartner(Sample.partner(1))
            try await store.createPartner(Sample.partner(2))
            let first = Self.delivery("use_1")
            _ = try await insert(store, first)
            let run = Sample.run("run_1")
            #expect(try await insert(store, Self.delivery("use_2", at: 60), [7, 7, 7], run: run) == .known(first))
            #expect(try await store.newestContent(Sample.partner().id)?.content == [1, 2, 3])
            #expect(try await store.run(run.id) == nil)
            // Another partner's keys are its own.
            let other = Self.delivery("use_3", of: Sample.partner(2))
            #expect(try await insert(store, other) == .inserted(other))
        }
    }

    @Test("starts its run in the same transaction, unless one is under way", arguments: StoreKind.all)
    func runs(kind: StoreKind) async throws {
        try await withStore(kind) { store in
            try await store.createPartner(Sample.partner())
            let run = Sample.run("run_1")
            guard case .inserted(let stored) = try await insert(store, Self.delivery("use_1"), run: run) else {
                Issue.record("it was not known")
                return
            }
            #expect(stored.startedRun == run.id)
            #expect(try await store.activeRun(Sample.partner().id)?.id == run.id)
            guard case .inserted(let waiting) = try await insert(store, Self.delivery("use_2", key: "key-2"), run: Sample.run("run_2"))
            else {
                Issue.record("it was not known")
                return
            }
            #expect(waiting.startedRun == nil)
            #expect(try await store.run(SyncRunID("run_2")) == nil)
            #expect(try await store.newestDelivery(Sample.partner().id)?.id == waiting.id)
        }
    }

    @Test("taken by a sync is remembered with the run, the newest for the partner", arguments: StoreKind.all)
    func taken(kind: StoreKind) async throws {
        try await withStore(kind) { store in
            try await store.createPartner(Sample.partner(1))
            try await store.createPartner(Sample.partner(2))
            #expect(try await store.lastTakenUsage(Sample.partner().id) == nil)
            var before: TakenUsage?
            for (index, origin) in TakenUsage.Origin.allCases.enumerated() {
                let run = Sample.run("run_\(index)")
                _ = try await store.insertRun(run)
                #expect(try await store.lastTakenUsage(Sample.partner().id) == before)
                let usage = TakenUsage(origin: origin, name: "a \(index)", countsFrom: Sample.now + Double(index) + 0.125)
                #expect(try await store.updateRun(run.id) { $0.usage = usage }.usage == usage)
                _ = try await store.finishRun(run.id, state: .failed, failure: nil, findings: RunFindings(), at: Sample.now)
                #expect(try await store.run(run.id)?.usage == usage)
                #expect(try await store.lastTakenUsage(Sample.partner().id) == usage)
                before = usage
            }
            #expect(try await store.lastTakenUsage(Sample.partner(2).id) == nil)
        }
    }

    @Test("is forgotten with its key when it is old, and the newest never by its own coming", arguments: StoreKind.all)
    func forgotten(kind: StoreKind) async throws {
        try await withStore(kind) { store in
            try await store.createPartner(Sample.partner())
            _ = try await insert(store, Self.delivery("use_1", key: "old"))
            _ = try await insert(store, Self.delivery("use_2", key: "edge", at: 10))
            let third = Self.delivery("use_3", key: "new", at: 20)
            _ = try await insert(store, third, horizon: Sample.now + 10)
            #expect(try await store.delivery(Sample.partner().id, key: "old") == nil)
            #expect(try await store.delivery(Sample.partner().id, key: "edge")?.id == UsageDeliveryID("use_2"))
            #expect(try await store.newestDelivery(Sample.partner().id) == third)
        }
    }

    @Test("that is not whole, of nobody or with a taken id is refused, and what was there stays", arguments: StoreKind.all)
    func refused(kind: StoreKind) async throws {
        try await withStore(kind) { store in
            try await store.createPartner(Sample.partner())
            let first = Self.delivery("use_1")
            _ = try await insert(store, first)
            await expectFailure(.constraint) { _ = try await insert(store, Self.delivery("use_2", key: nil)) }
            await expectFailure(.constraint) { _ = try await insert(store, Self.delivery("use_2", key: "k", size: 4)) }
            await expectFailure(.duplicate) { _ = try await insert(store, Self.delivery("use_1", key: "k")) }
            await expectFailure(.notFound) { _ = try await insert(store, Self.delivery("use_2", of: Sample.partner(9))) }
            #expect(try await store.newestContent(Sample.partner().id)?.content == [1, 2, 3])
            #expect(try await store.newestDelivery(Sample.partner().id) == first)
        }
    }
}
