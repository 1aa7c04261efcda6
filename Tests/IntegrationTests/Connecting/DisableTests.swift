import Foundation
import Secrets
import Store
import Testing

@testable import Integration

@Suite("Disable, Enable and Forget key", .timeLimit(.minutes(3)))
struct DisableTests {
    @Test("Disable stops the schedule and tells Synthesize; where it does not know the word, it is inactive (U-1)")
    func disable() async throws {
        try await withInstallation { perch in
            let partner = try await perch.connectedPartner()
            perch.world.journal.clear()
            let remark = try await perch.desk.disable(partner, by: .partner(partner, address: nil))
            #expect(remark == nil)
            #expect(perch.synthesize.calls("O2").map(\.subject) == ["pending", "disabled", "inactive"])
            let connection = try await perch.store.connection(partner)
            #expect(connection.state == .disabled)
            #expect(connection.partnerKey != nil)
            #expect(connection.reportedStatus == "inactive")
            #expect(try await perch.store.schedule(partner)?.isActive == false)
            await expectFailure(.conflict) { _ = try await perch.desk.startSync(partner, by: .launch) }
            await expectFailure(.conflict) { _ = try await perch.desk.sendTestAlert(partner, by: .launch) }
        }
    }

    /// Found by the simulation (seed 8842).
    @Test("Disable counts although a connect is under way, which then stores nothing", arguments: [true, false])
    func whileConnecting(isConnected: Bool) async throws {
        try await withInstallation { perch in
            let partner = try await perch.connectedPartner()
            if !isConnected { _ = try await perch.desk.disable(partner, by: .launch) }
            let hold = Hold()
            perch.synthesize.fail("O1", .held(hold), times: 1)
            async let connecting = expectFailure(.conflict) { try await perch.desk.enable(partner, by: .launch) }
            await hold.untilArrived()
            perch.clock.advance(by: .seconds(1))
            _ = try await perch.desk.disable(partner, by: .launch)
            hold.release()
            _ = await connecting
            #expect(try await perch.store.connection(partner).state == .disabled)
            #expect(try await perch.store.activeRun(partner) == nil)
        }
    }

    /// Found by the simulation (seed 1194).
    @Test("Who puts a partner on the schedule just when it is disabled does not bring it back there")
    func lateSchedule() async throws {
        try await withInstallation { perch in
            let partner = try await perch.connectedPartner()
            var asRead = try #require(try await perch.store.schedule(partner))
            _ = try await perch.desk.disable(partner, by: .launch)
            #expect(asRead.isActive)
            asRead = try await perch.desk.environment.save(asRead)
            #expect(!asRead.isActive)
            try await perch.desk.environment.activateSchedule(of: perch.desk.partner(partner))
            #expect(try await perch.store.schedule(partner)?.isActive == false)
        }
    }

    @Test("A server that knows the word disabled gets it, and no other")
    func knownWord() async throws {
        try await withInstallation { perch in
            let partner = try await perch.connectedPartner()
            perch.synthesize.change { $0.statuses.insert("disabled") }
            #expect(try await perch.desk.disable(partner, by: .launch) == nil)
            #expect(perch.synthesize.calls("O2").map(\.subject) == ["pending", "disabled"])
        }
    }

    @Test(
        "When Synthesize cannot be told, it is disabled all the same, with a remark",
        arguments: [PlayedSynthesize.Fault.neverSent, .lost, .answer(500), .answer(401), .answer(403)])
    func cannotTell(_ fault: PlayedSynthesize.Fault) async throws {
        try await withInstallation { perch in
            let partner = try await perch.connectedPartner()
            perch.synthesize.fail("O2", fault)
            let remark = try await perch.desk.disable(partner, by: .launch)
            #expect(remark?.hasPrefix("Perch has stopped sending.") == true)
            #expect(try await perch.store.connection(partner).state == .disabled)
            #expect(try await perch.store.schedule(partner)?.isActive == false)
        }
    }

    @Test("Disable ends a sync that is going on")
    func duringSync() async throws {
        try await withInstallation({ $0.passesAlone = .seconds(6) }) { perch in
            let partner = try await perch.connectedPartner()
            let hold = Hold()
            perch.synthesize.fail("S4", .held(hold))
            let run = try await perch.desk.startSync(partner, by: .launch).run
            await hold.untilArrived()
            try await perch.desk.disable(partner, by: .launch)
            let ended = try await perch.desk.syncRun(run.id)
            #expect(ended.state == .cancelled)
            #expect(ended.tally.notSent == 3)
            #expect(perch.synthesize.calls("S4").count == 3)
        }
    }

    @Test("Without a key there is nothing to disable or to enable")
    func nothingStored() async throws {
        try await withInstallation { perch in
            let partner = try await perch.newPartner()
            await expectFailure(.conflict) { try await perch.desk.disable(partner, by: .launch) }
            let error = await expectFailure(.invalidInput) { try await perch.desk.enable(partner, by: .launch) }
            #expect(error?.field == "partnerKey")
            #expect(perch.world.journal.all.isEmpty)
        }
    }

    @Test("Enable is one click: it connects again with what is stored")
    func enable() async throws {
        try await withInstallation { perch in
            let partner = try await perch.connectedPartner()
            try await perch.desk.disable(partner, by: .launch)
            #expect(try await perch.ended(perch.desk.enable(partner, by: .launch)).state == .succeeded)
            let overview = try await perch.desk.overview(partner)
            #expect(overview.standing == .pendingMapping)
            #expect(overview.schedule?.isActive == true)
            #expect(perch.synthesize.calls("O2").map(\.subject).last == "pending")
        }
    }

    @Test("Enable with a key that was regenerated meanwhile says so, and stays disabled")
    func enableRefused() async throws {
        try await withInstallation { perch in
            let partner = try await perch.connectedPartner()
            try await perch.desk.disable(partner, by: .launch)
            perch.synthesize.disconnect(Installation.partnerKey, newKey: "new-key-00001")
            await expectFailure(.keyRefused) { try await perch.desk.enable(partner, by: .launch) }
            #expect(try await perch.store.connection(partner).state == .disabled)
        }
    }

    @Test("Forget key deletes both secrets and stops everything")
    func forget() async throws {
        try await withInstallation { perch in
            let partner = try await perch.connectedPartner()
            try await perch.desk.forgetKey(partner, by: .launch)
            let connection = try await perch.store.connection(partner)
            #expect(connection.state == .notConnected)
            #expect(connection.partnerKey == nil && connection.keyLastFour == nil)
            #expect(try await perch.store.vendorCredential(partner) == nil)
            #expect(try await perch.store.schedule(partner)?.isActive == false)
            #expect(perch.synthesize.organization(Installation.partnerKey).status == "inactive")
            #expect(try await perch.desk.overview(partner).standing == .notConnected)
            // Connecting anew is as the first time.
            #expect(try await perch.connect(partner).state == .succeeded)
        }
    }

    @Test("A key is forgotten though Synthesize cannot be told")
    func forgetUnreachable() async throws {
        try await withInstallation { perch in
            let partner = try await perch.connectedPartner()
            perch.synthesize.fail("O2", .neverSent)
            try await perch.desk.forgetKey(partner, by: .launch)
            #expect(try await perch.store.connection(partner).partnerKey == nil)
        }
    }

    @Test("A key that does not open any more can be disabled and forgotten")
    func unopenedKey() async throws {
        try await withInstallation { perch in
            let partner = try await perch.connectedPartner()
            try await perch.store.updateConnection(partner) { $0.partnerKey = SealedSecret(bytes: Array(0...99)) }
            #expect(try await perch.desk.disable(partner, by: .launch) != nil)
            #expect(try await perch.store.connection(partner).state == .disabled)

            try await perch.store.updateConnection(partner) { $0.state = .connected }
            try await perch.desk.forgetKey(partner, by: .launch)
            #expect(try await perch.store.connection(partner).partnerKey == nil)
        }
    }

    @Test("A late 401 does not condemn a key that was saved meanwhile")
    func newerKey() async throws {
        try await withInstallation { perch in
            let partner = try await perch.connectedPartner()
            let version = try await perch.store.connection(partner).keyVersion
            _ = try await perch.connect(partner)
            try await perch.desk.environment.condemnKey(of: partner, version: version)
            #expect(try await perch.store.connection(partner).state == .connected)
            #expect(try await perch.store.schedule(partner)?.isActive == true)
        }
    }
}
