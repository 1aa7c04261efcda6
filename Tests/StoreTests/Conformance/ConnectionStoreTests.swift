import Foundation
import Secrets
import Store
import Testing

@Suite("Connections")
struct ConnectionStoreTests {
    @Test("keep every field", arguments: StoreKind.all)
    func roundTrip(kind: StoreKind) async throws {
        try await withStore(kind) { store in
            try await store.createPartner(Sample.partner())
            let written = try await store.updateConnection(Sample.partner().id) { $0 = Sample.connected() }
            #expect(written == Sample.connected())
            #expect(try await store.connection(Sample.partner().id) == Sample.connected())
        }
    }

    @Test("take every state", arguments: StoreKind.all)
    func states(kind: StoreKind) async throws {
        try await withStore(kind) { store in
            try await store.createPartner(Sample.partner())
            try await store.updateConnection(Sample.partner().id) { $0 = Sample.connected() }
            for state in ConnectionState.allCases where state != .notConnected {
                let written = try await store.updateConnection(Sample.partner().id) { $0.state = state }
                #expect(written.state == state)
            }
        }
    }

    @Test("cannot be connected without a key, nor half of one", arguments: StoreKind.all)
    func halfFinished(kind: StoreKind) async throws {
        try await withStore(kind) { store in
            let partner = Sample.partner().id
            try await store.createPartner(Sample.partner())
            await expectFailure(.constraint) { try await store.updateConnection(partner) { $0.state = .connected } }
            await expectFailure(.constraint) {
                try await store.updateConnection(partner) {
                    $0 = Sample.connected()
                    $0.keyLastFour = nil
                }
            }
            #expect(try await store.connection(partner).state == .notConnected)
        }
    }

    @Test("of an unknown partner are not found", arguments: StoreKind.all)
    func unknown(kind: StoreKind) async throws {
        try await withStore(kind) { store in
            let none = PartnerID("none")
            await expectFailure(.notFound) { _ = try await store.connection(none) }
            await expectFailure(.notFound) { try await store.updateConnection(none) { _ in } }
            await expectFailure(.notFound) { try await store.forgetKey(none, at: Sample.now) }
            let credential = try await store.vendorCredential(none)
            #expect(credential == nil)
        }
    }

    @Test("belong to their partner whatever the change says", arguments: StoreKind.all)
    func identity(kind: StoreKind) async throws {
        try await withStore(kind) { store in
            try await store.createPartner(Sample.partner(1))
            try await store.createPartner(Sample.partner(2))
            try await store.updateConnection(Sample.partner(1).id) { $0 = Sample.connected(Sample.partner(2)) }
            #expect(try await store.connection(Sample.partner(1).id).state == .connected)
            #expect(try await store.connection(Sample.partner(2).id).state == .notConnected)
        }
    }

    @Test("lose no change when many are made at once", arguments: StoreKind.all)
    func concurrentChanges(kind: StoreKind) async throws {
        try await withStore(kind) { store in
            try await store.createPartner(Sample.partner())
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<50 {
                    group.addTask { try await store.updateConnection(Sample.partner().id) { $0.keyVersion += 1 } }
                }
                try await group.waitForAll()
            }
            #expect(try await store.connection(Sample.partner().id).keyVersion == 50)
        }
    }
}

@Suite("Saving a connect")
struct SaveConnectTests {
    let partner = Sample.partner()
    let job = Sample.run("run_1", Sample.partner(), .connect)

    @Test("saves connection, credential and job together", arguments: StoreKind.all)
    func together(kind: StoreKind) async throws {
        try await withStore(kind) { store in
            try await store.createPartner(partner)
            let insertion = try await store.saveConnect(
                connection: Sample.connected(), credential: Sample.credential(), job: job)
            #expect(insertion == .inserted(job))
            #expect(try await store.connection(partner.id) == Sample.connected())
            #expect(try await store.vendorCredential(partner.id) == Sample.credential())
            #expect(try await store.activeRun(partner.id) == job)
        }
    }

    @Test("keeps the stored credential when given none, and replaces it when given one", arguments: StoreKind.all)
    func credential(kind: StoreKind) async throws {
        try await withStore(kind) { store in
            try await store.createPartner(partner)
            for (number, credential) in [Sample.credential(), nil, Sample.credential(connector: "augmentt")].enumerated() {
                let job = Sample.run("run_\(number)", partner, .connect)
                _ = try await store.saveConnect(connection: Sample.connected(), credential: credential, job: job)
                _ = try await store.finish(job)
                let expected = number < 2 ? "saas-alerts" : "augmentt"
                #expect(try await store.vendorCredential(partner.id)?.connectorID == expected)
            }
        }
    }

    @Test("saves nothing beside an active run, which it returns", arguments: StoreKind.all)
    func besideActiveRun(kind: StoreKind) async throws {
        try await withStore(kind) { store in
            try await store.createPartner(partner)
            let active = try await store.insertRun(Sample.run("run_0")).run
            let insertion = try await store.saveConnect(
                connection: Sample.connected(), credential: Sample.credential(), job: job)
            #expect(insertion == .alreadyActive(active))
            #expect(try await store.connection(partner.id).state == .notConnected)
            #expect(try await store.vendorCredential(partner.id) == nil)
            #expect(try await store.run(job.id) == nil)
        }
    }

    /// Found by the simulation (seed 8842): a connect that was under way undid a disable.
    @Test("saves nothing over a connection that was changed since it was read", arguments: StoreKind.all)
    func changedMeanwhile(kind: StoreKind) async throws {
        try await withStore(kind) { store in
            try await store.createPartner(partner)
            let before = try await store.connection(partner.id)
            for change: @Sendable (inout Connection) -> Void in [
                { $0.stateSince += 1 }, { $0.keyVersion += 1 }, { $0 = Sample.connected() },
            ] {
                try await store.updateConnection(partner.id) { [before] in
                    $0 = before
                    change(&$0)
                }
                let insertion = try await store.saveConnect(
                    connection: Sample.connected(), replacing: before, credential: Sample.credential(), job: job)
                #expect(insertion == nil)
            }
            #expect(try await store.vendorCredential(partner.id) == nil)
            #expect(try await store.activeRun(partner.id) == nil)
        }
    }

    @Test("saves nothing when one part is refused", arguments: StoreKind.all)
    func allOrNothing(kind: StoreKind) async throws {
        try await withStore(kind) { store in
            try await store.createPartner(partner)
            var half = Sample.connected()
            half.keySavedAt = nil
            let refused = half
            await expectFailure(.constraint) {
                _ = try await store.saveConnect(connection: refused, credential: nil, job: job)
            }
            #expect(try await store.run(job.id) == nil)
            await expectFailure(.notFound) {
                _ = try await store.saveConnect(
                    connection: Sample.connected(Sample.partner(9)), credential: nil, job: job)
            }
            #expect(try await store.run(job.id) == nil)
        }
    }

    @Test("is undone by forgetting the key, which keeps what is known of the organization", arguments: StoreKind.all)
    func forget(kind: StoreKind) async throws {
        try await withStore(kind) { store in
            try await store.createPartner(partner)
            _ = try await store.saveConnect(connection: Sample.connected(), credential: Sample.credential(), job: job)
            try await store.forgetKey(partner.id, at: Sample.now + 50)
            let left = try await store.connection(partner.id)
            var expected = Sample.connected()
            expected.state = .notConnected
            expected.stateSince = Sample.now + 50
            expected.stateReason = nil
            expected.partnerKey = nil
            expected.keyLastFour = nil
            expected.keySavedAt = nil
            #expect(left == expected)
            #expect(try await store.vendorCredential(partner.id) == nil)
        }
    }
}
