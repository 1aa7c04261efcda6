import Foundation
import Store
import Testing

@Suite("Schedules")
struct ScheduleStoreTests {
    let now = Sample.now

    @Test("are saved, replaced and read", arguments: StoreKind.all)
    func roundTrip(kind: StoreKind) async throws {
        try await withStore(kind) { store in
            try await store.createPartner(Sample.partner())
            #expect(try await store.schedule(Sample.partner().id) == nil)
            for cadence in Cadence.allCases {
                for next in [now, nil] {
                    var schedule = Sample.schedule(next: next)
                    schedule.cadence = cadence
                    try await store.saveSchedule(schedule)
                    #expect(try await store.schedule(Sample.partner().id) == schedule)
                }
            }
        }
    }

    @Test("of an unknown partner, or half active, or beyond the calendar are refused", arguments: StoreKind.all)
    func refused(kind: StoreKind) async throws {
        try await withStore(kind) { store in
            await expectFailure(.notFound) { try await store.saveSchedule(Sample.schedule(next: now)) }
            try await store.createPartner(Sample.partner())
            let changes: [@Sendable (inout Schedule) -> Void] = [
                { $0.isActive = false }, { $0.nextRunAt = nil }, { $0.weekday = 0 }, { $0.weekday = 8 },
                { $0.dayOfMonth = 0 }, { $0.dayOfMonth = 32 }, { $0.minuteOfDay = -1 }, { $0.minuteOfDay = 1440 },
            ]
            for change in changes {
                var schedule = Sample.schedule(next: now)
                change(&schedule)
                let refused = schedule
                await expectFailure(.constraint) { try await store.saveSchedule(refused) }
            }
            #expect(try await store.schedule(Sample.partner().id) == nil)
        }
    }

    @Test("are due at their instant, earliest first, never when inactive", arguments: StoreKind.all)
    func due(kind: StoreKind) async throws {
        try await withStore(kind) { store in
            let nexts: [Date?] = [now + 3, now + 1, nil, now + 2, now + 2.001]
            for (index, next) in nexts.enumerated() {
                try await store.createPartner(Sample.partner(index))
                try await store.saveSchedule(Sample.schedule(Sample.partner(index), next: next))
            }
            let due = try await store.dueSchedules(at: now + 2, limit: 10)
            #expect(due.map(\.partnerID.rawValue) == ["par_1", "par_3"])
            #expect(try await store.dueSchedules(at: now + 9, limit: 1).map(\.partnerID.rawValue) == ["par_1"])
            #expect(try await store.dueSchedules(at: now, limit: 10).isEmpty)
            #expect(try await store.earliestNextRun() == now + 1)
        }
    }

    @Test("that do not exist have no earliest instant", arguments: StoreKind.all)
    func none(kind: StoreKind) async throws {
        try await withStore(kind) { store in
            let earliest = try await store.earliestNextRun()
            #expect(earliest == nil)
        }
    }

    @Test("start a run and move on together", arguments: StoreKind.all)
    func start(kind: StoreKind) async throws {
        try await withStore(kind) { store in
            try await store.createPartner(Sample.partner())
            try await store.saveSchedule(Sample.schedule(next: now))
            let run = Sample.run("run_1")
            #expect(try await store.startScheduledRun(run, nextRunAt: now + 7) == .inserted(run))
            #expect(try await store.schedule(Sample.partner().id)?.nextRunAt == now + 7)
            #expect(try await store.activeRun(Sample.partner().id) == run)
        }
    }

    @Test("move on beside an active run and start no second", arguments: StoreKind.all)
    func startBesideActive(kind: StoreKind) async throws {
        try await withStore(kind) { store in
            try await store.createPartner(Sample.partner())
            try await store.saveSchedule(Sample.schedule(next: now))
            let active = try await store.insertRun(Sample.run("run_1")).run
            let insertion = try await store.startScheduledRun(Sample.run("run_2"), nextRunAt: now + 7)
            #expect(insertion == .alreadyActive(active))
            #expect(try await store.schedule(Sample.partner().id)?.nextRunAt == now + 7)
            #expect(try await store.run(SyncRunID("run_2")) == nil)
        }
    }

    @Test("move on without a run, unless they were switched off or removed", arguments: StoreKind.all)
    func pass(kind: StoreKind) async throws {
        try await withStore(kind) { store in
            try await store.createPartner(Sample.partner())
            let partner = Sample.partner().id
            try await store.passScheduledRun(of: partner, nextRunAt: now + 7)
            #expect(try await store.schedule(partner) == nil)
            try await store.saveSchedule(Sample.schedule(next: now))
            try await store.passScheduledRun(of: partner, nextRunAt: now + 7)
            #expect(try await store.schedule(partner) == Sample.schedule(next: now + 7))
            #expect(try await store.activeRun(partner) == nil)
            try await store.saveSchedule(Sample.schedule(next: nil))
            try await store.passScheduledRun(of: partner, nextRunAt: now + 7)
            #expect(try await store.schedule(partner) == Sample.schedule(next: nil))
        }
    }

    @Test("that were switched off or removed in the meantime start nothing", arguments: StoreKind.all)
    func startInactive(kind: StoreKind) async throws {
        try await withStore(kind) { store in
            try await store.createPartner(Sample.partner())
            await expectFailure(.notFound) { _ = try await store.startScheduledRun(Sample.run("run_1"), nextRunAt: now) }
            try await store.saveSchedule(Sample.schedule(next: nil))
            await expectFailure(.notFound) { _ = try await store.startScheduledRun(Sample.run("run_1"), nextRunAt: now) }
            #expect(try await store.activeRun(Sample.partner().id) == nil)
        }
    }
}
