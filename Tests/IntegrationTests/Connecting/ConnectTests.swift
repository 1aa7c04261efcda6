import Connectors
import Foundation
import Secrets
import Store
import Testing

@testable import Integration

@Suite("Connecting", .timeLimit(.minutes(3)))
struct ConnectTests {
    private func request(_ key: String, apiKey: String = "acme-secret", confirms: Bool = false) -> ConnectRequest {
        ConnectRequest(partnerKey: key, fields: ["apiKey": apiKey], confirmsOtherOrganization: confirms)
    }

    @Test("Both credentials are proven first; then services, accounts, and last the status")
    func order() async throws {
        try await withInstallation { perch in
            let partner = try await perch.newPartner()
            let job = try await perch.connect(partner)
            #expect(job.state == .succeeded)
            #expect(job.purpose == .connect)
            #expect(
                perch.world.journal.all == [
                    "O1", "vendor.accounts", "O1", "vendor.accounts", "V1", "V1", "S1", "S1", "V1", "A1", "A2", "A1", "O2", "O1",
                ])
            #expect(job.findings.accountsCreated == 3)
            #expect(job.findings.servicesCreated == 2)
            #expect(job.findings.statusBefore == "inactive")
            #expect(job.findings.statusAfter == "pending")

            let overview = try await perch.desk.overview(partner)
            #expect(overview.standing == .pendingMapping)
            #expect(overview.connection.organizationName == "MSP 1")
            #expect(overview.connection.keyLastFour == "ey-1")
            #expect(overview.schedule?.isActive == true)
            #expect(overview.schedule?.nextRunAt != nil)
            #expect(try await perch.desk.accounts(partner).map(\.id) == ["1", "2", "3"])
            #expect(try await perch.desk.services().map(\.name).sorted() == ["Mailboxes", "Seats"])
        }
    }

    @Test(
        "Pending is set from a status that waits for it, and never otherwise (U-4)",
        arguments: [
            ("inactive", true), ("disabled", true), ("error", true), ("pending", false), ("active", false), ("Something new", false),
        ])
    func pending(_ status: String, _ isSet: Bool) async throws {
        try await withInstallation { perch in
            let partner = try await perch.newPartner()
            perch.synthesize.changeOrganization(Installation.partnerKey) { $0.status = status }
            #expect(try await perch.connect(partner).state == .succeeded)
            #expect(perch.synthesize.calls("O2").map(\.subject) == (isSet ? ["pending"] : []))
        }
    }

    @Test("A second connect finds everything there and creates nothing")
    func again() async throws {
        try await withInstallation { perch in
            let partner = try await perch.connectedPartner()
            perch.world.journal.clear()
            let job = try await perch.connect(partner)
            #expect(job.state == .succeeded)
            #expect(perch.world.journal.all == ["O1", "O1", "vendor.accounts", "V1", "A1", "O1"])
        }
    }

    @Test("What is pasted around a key is taken off", arguments: ["  partner-secret-key-1\n", "\u{FEFF}partner-secret-key-1\u{200B}\r\n"])
    func padded(_ key: String) async throws {
        try await withInstallation { perch in
            let partner = try await perch.newPartner()
            #expect(try await perch.connect(partner, key: key).state == .succeeded)
            #expect(Set(perch.synthesize.calls.map(\.partnerKey)) == ["partner-secret-key-1"])
        }
    }

    // MARK: Refusals

    @Test("A wrong key stores nothing; with a key stored before, that one stays")
    func wrongKey() async throws {
        try await withInstallation { perch in
            let partner = try await perch.newPartner()
            let error = await expectFailure(.keyRefused) { _ = try await perch.connect(partner, key: "wrong-key-000") }
            #expect(error?.field == "partnerKey")
            #expect(perch.world.journal.all == ["O1"])
            var connection = try await perch.store.connection(partner)
            #expect(connection.state == .notConnected)
            #expect(connection.partnerKey == nil && connection.organizationID == nil)
            #expect(try await perch.store.vendorCredential(partner) == nil)

            _ = try await perch.connect(partner)
            let before = try await perch.store.connection(partner)
            await expectFailure(.keyRefused) { _ = try await perch.connect(partner, key: "wrong-key-000") }
            connection = try await perch.store.connection(partner)
            #expect(connection == before)
        }
    }

    @Test(
        "Text that cannot be a key is refused before anything is sent",
        arguments: ["", "  ", "two words", "schlüssel", "a\u{7}b", String(repeating: "k", count: 4097)])
    func noKey(_ key: String) async throws {
        try await withInstallation { perch in
            let partner = try await perch.newPartner()
            let error = await expectFailure(.invalidInput) { _ = try await perch.connect(partner, key: key) }
            #expect(error?.field == "partnerKey")
            #expect(perch.world.journal.all.isEmpty)
        }
    }

    @Test("A vendor that refuses the credential stores nothing, and names the field")
    func vendorRefusal() async throws {
        try await withInstallation { perch in
            let partner = try await perch.newPartner()
            perch.vendor.change { $0.failure = ConnectorError(code: .credentialRefused, message: "Refused.", field: "apiKey") }
            let error = await expectFailure(.vendorUnavailable) { _ = try await perch.connect(partner) }
            #expect(error?.field == "apiKey")
            #expect(perch.world.journal.all == ["O1", "vendor.accounts"])
            #expect(try await perch.store.connection(partner).partnerKey == nil)
            #expect(try await perch.store.vendorCredential(partner) == nil)
            #expect(try await perch.store.activeRun(partner) == nil)
        }
    }

    @Test("A missing vendor key is asked for by its field")
    func missingVendorKey() async throws {
        try await withInstallation { perch in
            let partner = try await perch.newPartner()
            let error = await expectFailure(.invalidInput) {
                try await perch.desk.connect(partner, request(Installation.partnerKey, apiKey: " "), by: .launch)
            }
            #expect(error?.field == "apiKey")
            #expect(try await perch.store.connection(partner).partnerKey == nil)
        }
    }

    @Test(
        "Synthesize out of reach or out of order stores nothing",
        arguments: [PlayedSynthesize.Fault.neverSent, .lost, .answer(500), .answer(200, "<html>")])
    func unavailable(_ fault: PlayedSynthesize.Fault) async throws {
        try await withInstallation { perch in
            let partner = try await perch.newPartner()
            perch.synthesize.fail("O1", fault)
            await expectFailure(.synthesizeUnavailable) { _ = try await perch.connect(partner) }
            // A person waits for the answer, so two tries must do.
            #expect(perch.synthesize.calls.count == 2)
            #expect(try await perch.store.connection(partner).state == .notConnected)
        }
    }

    @Test("A 403 is told as such")
    func forbidden() async throws {
        try await withInstallation { perch in
            let partner = try await perch.newPartner()
            perch.synthesize.fail("O1", .answer(403))
            await expectFailure(.forbidden) { _ = try await perch.connect(partner) }
            #expect(perch.synthesize.calls.count == 1)
        }
    }

    @Test("An unknown partner is not found")
    func unknownPartner() async throws {
        try await withInstallation { perch in
            await expectFailure(.notFound) { _ = try await perch.connect(PartnerID("par_none")) }
        }
    }

    // MARK: Keeping what is stored

    @Test("Empty fields keep what is stored: key, vendor key and address")
    func keeping() async throws {
        try await withInstallation { perch in
            let partner = try await perch.connectedPartner()
            let stored = try await perch.store.vendorCredential(partner)
            let job = try await perch.desk.connect(
                partner, ConnectRequest(partnerKey: "", fields: ["apiKey": "", "apiURL": " "]), by: .launch)
            #expect(try await perch.ended(job).state == .succeeded)
            #expect(try await perch.store.vendorCredential(partner) == stored)
            #expect(Set(perch.synthesize.calls.map(\.partnerKey)) == [Installation.partnerKey])
        }
    }

    @Test("A new vendor key is proven and stored; a refused one leaves the old")
    func newVendorKey() async throws {
        try await withInstallation { perch in
            let partner = try await perch.connectedPartner()
            let before = try await perch.store.vendorCredential(partner)
            perch.vendor.change { $0.failure = ConnectorError(code: .credentialRefused, message: "Refused.") }
            await expectFailure(.vendorUnavailable) { try await perch.desk.connect(partner, request("", apiKey: "other"), by: .launch) }
            #expect(try await perch.store.vendorCredential(partner) == before)
            perch.vendor.change { $0.failure = nil }
            try await perch.ended(perch.desk.connect(partner, request("", apiKey: "other"), by: .launch))
            #expect(try await perch.store.vendorCredential(partner) != before)
        }
    }

    @Test("A vendor credential that does not open is replaced by the one entered")
    func unopenedCredential() async throws {
        try await withInstallation { perch in
            let partner = try await perch.connectedPartner()
            try await perch.store.saveVendorCredential(
                VendorCredential(
                    partnerID: partner, connectorID: "played", openFields: [:], sealedFields: SealedSecret(bytes: Array(0...99)),
                    savedAt: Sample.now))
            // With nothing entered there is nothing to go by.
            await expectFailure(.secrets) { try await perch.desk.connect(partner, request("", apiKey: ""), by: .launch) }
            let job = try await perch.desk.connect(partner, request(""), by: .launch)
            #expect(try await perch.ended(job).state == .succeeded)
        }
    }

    @Test("What was entered for another connector is another vendor's secret: it is not sent, and is asked for anew")
    func otherConnector() async throws {
        try await withInstallation { perch in
            let partner = try await perch.connectedPartner()
            let stored = try #require(try await perch.store.vendorCredential(partner))
            try await perch.store.saveVendorCredential(
                VendorCredential(
                    partnerID: partner, connectorID: "another", openFields: stored.openFields, sealedFields: stored.sealedFields,
                    savedAt: Sample.now))
            perch.world.journal.clear()
            #expect(try await perch.sync(partner).failure?.code == "vendor.noCredential")
            #expect(perch.world.journal.all == ["O1"])
            #expect(try await perch.desk.environment.vendorCredential(partner) == nil)
        }
    }

    // MARK: Another organization

    @Test("A key of another organization needs a confirmation, and then nothing of the old one is kept")
    func otherOrganization() async throws {
        try await withInstallation { perch in
            let partner = try await perch.connectedPartner()
            #expect(try await perch.sync(partner).tally.accepted == 3)
            perch.synthesize.changeOrganization("other-key-0002") {
                $0.id = "org-other"
                $0.name = "Other MSP"
            }
            let before = try await perch.store.connection(partner)

            let error = await expectFailure(.otherOrganization) {
                try await perch.desk.connect(partner, request("other-key-0002"), by: .launch)
            }
            #expect(error?.message.contains("Other MSP") == true && error?.message.contains("MSP 1") == true)
            #expect(try await perch.store.connection(partner) == before)

            let job = try await perch.desk.connect(partner, request("other-key-0002", confirms: true), by: .launch)
            #expect(try await perch.ended(job).state == .succeeded)
            #expect(try await perch.store.connection(partner).organizationID == "org-other")
            #expect(try await perch.store.lastCounts(partner).isEmpty)
            // The accounts of the old organization are no loss of mapping in the new one.
            #expect(try await perch.desk.syncRun(job.id).findings.mappingLost == false)
        }
    }

    // MARK: The job

    @Test("A job that fails is told; the key is kept, and the next one goes on")
    func failedJob() async throws {
        try await withInstallation { perch in
            let partner = try await perch.newPartner()
            perch.synthesize.fail("S1", .answer(400, #"{"message":"category must be one of"}"#))
            let job = try await perch.connect(partner)
            #expect(job.state == .failed)
            #expect(job.failure?.message.contains("category must be one of") == true)
            #expect(perch.synthesize.calls("A2").isEmpty && perch.synthesize.calls("O2").isEmpty)
            guard case .connectFailed = try await perch.desk.overview(partner).standing else {
                Issue.record("the failure is not told")
                return
            }
            #expect(try await perch.store.connection(partner).partnerKey != nil)

            perch.synthesize.stopFailing()
            #expect(try await perch.connect(partner).state == .succeeded)
        }
    }

    @Test("A key that is regenerated while the job runs ends it and asks for a new one")
    func keyLostMeanwhile() async throws {
        try await withInstallation { perch in
            let partner = try await perch.newPartner()
            perch.synthesize.fail("A1", .answer(401))
            let job = try await perch.connect(partner)
            #expect(job.state == .failed)
            #expect(job.failure?.code == "synthesize.keyRefused")
            #expect(try await perch.desk.overview(partner).standing == .needsNewKey)
            #expect(try await perch.store.schedule(partner)?.isActive == false)
        }
    }

    @Test("While a sync goes on, nothing is changed")
    func duringSync() async throws {
        try await withInstallation { perch in
            let partner = try await perch.connectedPartner()
            let hold = Hold()
            perch.vendor.change { $0.hold = hold }
            let run = try await perch.desk.startSync(partner, by: .launch).run
            await hold.untilArrived()
            let before = try await perch.store.connection(partner)
            await expectFailure(.conflict) { try await perch.desk.connect(partner, request("", apiKey: ""), by: .launch) }
            let after = try await perch.store.connection(partner)
            #expect(after.keyVersion == before.keyVersion)
            perch.vendor.change { $0.hold = nil }
            hold.release()
            #expect(try await perch.ended(run).state == .succeeded)
        }
    }

    @Test("While the connect job runs, Sync Now says so")
    func syncDuringConnect() async throws {
        try await withInstallation { perch in
            let partner = try await perch.newPartner()
            let hold = Hold()
            perch.synthesize.fail("V1", .held(hold))
            let job = try await perch.desk.connect(partner, request(Installation.partnerKey), by: .launch)
            await hold.untilArrived()
            await expectFailure(.conflict) { _ = try await perch.desk.startSync(partner, by: .launch) }
            #expect(try await perch.desk.overview(partner).standing == .connecting)
            hold.release()
            #expect(try await perch.ended(job).state == .succeeded)
        }
    }

    // MARK: Lost answers and conflicts

    @Test(
        "An insert whose answer is lost is not made twice: the list is read before anything else is sent",
        arguments: [
            ("S1", ["V1", "V1", "S1", "V1", "S1", "V1", "A1", "A2", "A1", "O2", "O1"]),
            ("A2", ["V1", "V1", "S1", "S1", "V1", "A1", "A2", "A1", "A1", "O2", "O1"]),
        ])
    func acceptedAndDropped(_ key: String, _ calls: [String]) async throws {
        try await withInstallation { perch in
            let partner = try await perch.newPartner()
            perch.synthesize.change { $0.allowsDuplicates = true }
            perch.synthesize.fail(key, .doneAndLost, times: 1)
            #expect(try await perch.connect(partner).state == .succeeded)
            #expect(perch.synthesize.organization(Installation.partnerKey).accounts.map(\.id) == ["1", "2", "3"])
            #expect(perch.synthesize.services.map(\.name) == ["Seats", "Mailboxes"])
            #expect(perch.world.journal.all == ["O1", "vendor.accounts", "O1", "vendor.accounts"] + calls)
        }
    }

    @Test("Also one by one, a lost answer is followed by a list")
    func droppedOneByOne() async throws {
        try await withInstallation { perch in
            let partner = try await perch.newPartner()
            perch.synthesize.change { $0.allowsDuplicates = true }
            perch.synthesize.fail("A2", .lost, times: 1)
            perch.synthesize.fail("A2", .doneAndLost, times: 3)
            #expect(try await perch.connect(partner).state == .succeeded)
            #expect(perch.synthesize.organization(Installation.partnerKey).accounts.map(\.id) == ["1", "2", "3"])
            let calls = perch.world.journal.all.filter { $0.hasPrefix("A") }
            #expect(calls == ["A1", "A2", "A1", "A2", "A1", "A2", "A1", "A2", "A1", "A1"])
        }
    }

    @Test("An insert that is lost on the way is made after the list shows that it is missing", arguments: ["S1", "A2"])
    func lostInsert(_ key: String) async throws {
        try await withInstallation { perch in
            let partner = try await perch.newPartner()
            perch.synthesize.fail(key, .lost, times: 1)
            #expect(try await perch.connect(partner).state == .succeeded)
            #expect(perch.synthesize.organization(Installation.partnerKey).accounts.map(\.id) == ["1", "2", "3"])
            #expect(perch.synthesize.services.map(\.name) == ["Seats", "Mailboxes"])
        }
    }

    @Test("A conflict in bulk is resolved one by one, and an account that came meanwhile is no error (U-6)")
    func conflict() async throws {
        try await withInstallation { perch in
            let partner = try await perch.newPartner()
            // Someone else makes account 2 between our list and our bulk.
            perch.synthesize.watch { [synthesize = perch.synthesize] call in
                guard call.key == "A2", synthesize.calls("A2").count == 1 else { return }
                synthesize.changeOrganization(Installation.partnerKey) { $0.accounts.append(.init(id: "2", name: "Customer 2")) }
            }
            #expect(try await perch.connect(partner).state == .succeeded)
            #expect(perch.synthesize.organization(Installation.partnerKey).accounts.map(\.id).sorted() == ["1", "2", "3"])
        }
    }

    @Test("An insert that fails for good fails the job", arguments: ["S1", "A2"])
    func insertFails(_ key: String) async throws {
        try await withInstallation { perch in
            let partner = try await perch.newPartner()
            perch.synthesize.fail(key, .answer(503))
            let job = try await perch.connect(partner)
            #expect(job.state == .failed)
            #expect(job.failure?.code == "synthesize.serverFailed")
            #expect(perch.synthesize.calls("O2").isEmpty)
        }
    }
}
