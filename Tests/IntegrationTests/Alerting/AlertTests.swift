import Foundation
import Store
import Testing

@testable import Integration

@Suite("Alerts on their way to a ticket", .timeLimit(.minutes(3)))
struct AlertTests {
    private func submission(_ alertID: String? = "alert-1", account: String = "1") -> AlertSubmission {
        AlertSubmission(alertID: alertID, accountID: account, title: "Disk \"C:\" full", text: "Line\nline", priority: 3, statusCode: 2)
    }

    private func submit(_ perch: Installation, _ partner: PartnerID, _ alertID: String? = "alert-1", account: String = "1") async throws
        -> Alert
    {
        try await perch.desk.submitAlert(partner, submission(alertID, account: account), by: .partner(partner, address: nil))
    }

    private func final(_ perch: Installation, _ alert: Alert) async throws -> Alert {
        try await perch.eventually("the alert's end", passing: .seconds(5)) { try await perch.desk.alert(alert.id).state.isFinal }
        return try await perch.desk.alert(alert.id)
    }

    // MARK: Ends

    @Test("Queued, sent, asked about, delivered")
    func delivered() async throws {
        try await withInstallation { perch in
            let partner = try await perch.connectedPartner()
            perch.world.journal.clear()
            let queued = try await submit(perch, partner)
            #expect(queued.state == .queued)
            let alert = try await final(perch, queued)
            #expect(alert.state == .delivered)
            #expect(alert.ticketID == "T-1")
            #expect(alert.messageID == "m-1")
            #expect(alert.attempts == 1)
            #expect(alert.errors.isEmpty)
            #expect(perch.world.journal.all == ["L1", "L2"])
            #expect(perch.synthesize.alerts == [.init(accountID: "1", alertID: "alert-1", title: "Disk \"C:\" full")])
        }
    }

    @Test("Before it is sent, the store says so")
    func intentFirst() async throws {
        try await withInstallation { perch in
            let partner = try await perch.connectedPartner()
            let hold = Hold()
            perch.synthesize.fail("L1", .held(hold))
            let queued = try await submit(perch, partner)
            await hold.untilArrived()
            let sending = try await perch.desk.alert(queued.id)
            #expect((sending.state, sending.attempts) == (.sending, 1))
            hold.release()
            #expect(try await final(perch, queued).state == .delivered)
        }
    }

    @Test("A ticket that is long in coming is asked for again and again")
    func pending() async throws {
        // The turned clock outruns the outbox on a busy machine, so the deadline is out of its reach here.
        try await withInstallation({ $0.policy.ticketDeadline = .seconds(1_000_000_000) }) { perch in
            let partner = try await perch.connectedPartner()
            perch.synthesize.change { $0.alertProgress = #"{"status":"pending"}"# }
            let queued = try await submit(perch, partner)
            try await perch.eventually("two polls", passing: .seconds(1)) { perch.synthesize.calls("L2").count >= 2 }
            #expect(try await perch.desk.alert(queued.id).state == .accepted)
            perch.synthesize.change { $0.alertProgress = #"{"status":"success","ticketId":9}"# }
            #expect(try await final(perch, queued).ticketID == "9")
        }
    }

    @Test("What the PSA refused is told in its words")
    func failed() async throws {
        try await withInstallation { perch in
            let partner = try await perch.connectedPartner()
            perch.synthesize.change { $0.alertProgress = #"{"status":"failed","statusCode":400,"errors":["Board is closed","No queue"]}"# }
            let alert = try await final(perch, submit(perch, partner))
            #expect(alert.state == .failed)
            #expect(alert.errors == ["Board is closed", "No queue"])
        }
    }

    @Test("An account that is not mapped is told as such")
    func notMapped() async throws {
        try await withInstallation { perch in
            let partner = try await perch.connectedPartner()
            let alert = try await final(perch, submit(perch, partner, account: "77"))
            #expect(alert.state == .notMapped)
            #expect(alert.errors == ["No account map found with id: 77"])
            #expect(perch.synthesize.calls("L1").count == 1)
        }
    }

    @Test("No ticket before the deadline is overdue")
    func overdue() async throws {
        try await withInstallation { perch in
            let partner = try await perch.connectedPartner()
            perch.synthesize.fail("L2", .answer(404))
            let queued = try await submit(perch, partner)
            let alert = try await final(perch, queued)
            #expect(alert.state == .overdue)
            #expect(perch.synthesize.calls("L1").count == 1)
        }
    }

    // MARK: No second ticket

    @Test(
        "An alert that may have arrived is never sent again",
        arguments: [PlayedSynthesize.Fault.doneAndLost, .lost, .answer(500), .answer(502), .answer(201, "{}")])
    func unknown(_ fault: PlayedSynthesize.Fault) async throws {
        try await withInstallation { perch in
            let partner = try await perch.connectedPartner()
            perch.synthesize.fail("L1", fault)
            let alert = try await final(perch, submit(perch, partner))
            #expect(alert.state == .unknown)
            #expect(alert.errors.first?.contains("second ticket") == true)
            // The same alert handed in again gives the stored one back.
            perch.synthesize.stopFailing()
            #expect(try await submit(perch, partner) == alert)
            perch.clock.advance(by: .seconds(86_400))
            #expect(try await final(perch, submit(perch, partner, "alert-2")).state == .delivered)
            #expect(perch.synthesize.calls("L1").count == 2)
            #expect(perch.synthesize.alerts.map(\.alertID).filter { $0 == "alert-1" }.count <= 1)
        }
    }

    @Test("An alert that certainly did not arrive is sent again", arguments: [PlayedSynthesize.Fault.neverSent, .answer(429)])
    func repeated(_ fault: PlayedSynthesize.Fault) async throws {
        try await withInstallation { perch in
            let partner = try await perch.connectedPartner()
            perch.synthesize.fail("L1", fault, times: 3)
            let queued = try await submit(perch, partner)
            let alert = try await final(perch, queued)
            #expect(alert.state == .delivered)
            #expect(perch.synthesize.alerts.count == 1)
        }
    }

    @Test("A server that cannot be reached for long makes it failed, after six dispatches")
    func givenUp() async throws {
        try await withInstallation { perch in
            let partner = try await perch.connectedPartner()
            perch.synthesize.fail("L1", .neverSent)
            let queued = try await submit(perch, partner)
            let alert = try await final(perch, queued)
            #expect((alert.state, alert.attempts) == (.failed, 6))
        }
    }

    @Test("The same alert id is one alert, however often and however at once it comes")
    func once() async throws {
        try await withInstallation { perch in
            let partner = try await perch.connectedPartner()
            let ids = try await withThrowingTaskGroup(of: AlertID.self) { group in
                for _ in 0..<20 { group.addTask { try await submit(perch, partner).id } }
                return try await group.reduce(into: Set()) { $0.insert($1) }
            }
            #expect(ids.count == 1)
            _ = try await final(perch, perch.desk.alert(try #require(ids.first)))
            #expect(perch.synthesize.calls("L1").count == 1)
            #expect(try await perch.desk.alerts(partner, before: nil, limit: 10).count == 1)
        }
    }

    @Test("Two partners may use the same alert id")
    func otherPartner() async throws {
        try await withInstallation { perch in
            let first = try await perch.connectedPartner(1)
            let second = try await perch.connectedPartner(2, key: "key-of-second")
            #expect(try await submit(perch, first).id != submit(perch, second).id)
        }
    }

    @Test("A crash while sending leaves it unknown, not repeated; one before sending sends it once")
    func crash() async throws {
        try await withInstallation { perch in
            let partner = try await perch.connectedPartner()
            let hold = Hold()
            perch.synthesize.fail("L1", .held(hold), times: 1)
            let sending = try await submit(perch, partner)
            await hold.untilArrived()
            let queued = try await submit(perch, partner, "alert-2")
            let next = try perch.afterCrash()
            #expect(try await final(next, sending).state == .unknown)
            #expect(try await final(next, queued).state == .delivered)
            #expect(perch.synthesize.calls("L1").count == 2)
        }
    }

    @Test("A crash after the receipt goes on asking for the ticket")
    func crashAfterReceipt() async throws {
        try await withInstallation { perch in
            let partner = try await perch.connectedPartner()
            let hold = Hold()
            perch.synthesize.fail("L2", .held(hold), times: 1)
            let queued = try await submit(perch, partner)
            await hold.untilArrived()
            let alert = try await final(perch.afterCrash(), queued)
            #expect(alert.state == .delivered)
            #expect(perch.synthesize.calls("L1").count == 1)
        }
    }

    @Test("A stop signal while an alert is on the wire does not make it a second ticket")
    func stopped() async throws {
        try await withInstallation { perch in
            let partner = try await perch.connectedPartner()
            let hold = Hold()
            perch.synthesize.fail("L1", .held(hold), times: 1)
            let queued = try await submit(perch, partner)
            await hold.untilArrived()
            let next = try await perch.restarted()
            let alert = try await final(next, queued)
            // The call was cut off after it had left: whether it arrived is not known.
            #expect(alert.state == .unknown)
            #expect(perch.synthesize.calls("L1").count == 1)
        }
    }

    // MARK: The connection

    @Test("A refused key ends the alert, and the connection needs a new one")
    func keyRefused() async throws {
        try await withInstallation { perch in
            let partner = try await perch.connectedPartner()
            perch.synthesize.fail("L1", .answer(401))
            let alert = try await final(perch, submit(perch, partner))
            #expect(alert.state == .failed)
            #expect(try await perch.desk.overview(partner).standing == .needsNewKey)
            #expect(try await perch.store.schedule(partner)?.isActive == false)
            await expectFailure(.conflict) { _ = try await submit(perch, partner, "alert-2") }
        }
    }

    @Test("After Disable nothing is sent any more, alerts that still wait included")
    func disabled() async throws {
        try await withInstallation { perch in
            let partner = try await perch.connectedPartner()
            perch.synthesize.fail("L1", .neverSent)
            let queued = try await submit(perch, partner)
            try await perch.eventually("a try that failed") {
                let alert = try await perch.desk.alert(queued.id)
                return alert.attempts > 0 && alert.state == .queued
            }
            try await perch.desk.disable(partner, by: .launch)
            perch.synthesize.stopFailing()
            let tries = perch.synthesize.calls("L1").count
            let alert = try await final(perch, queued)
            #expect(alert.state == .failed)
            #expect(alert.errors == ["The integration is disabled. Press Enable first."])
            #expect(perch.synthesize.calls("L1").count == tries)
        }
    }

    // MARK: Input

    @Test("A test alert takes a mapped account, and says that it is a test")
    func testAlert() async throws {
        try await withInstallation { perch in
            let partner = try await perch.connectedPartner()
            perch.synthesize.changeOrganization(Installation.partnerKey) { $0.mappedAccounts = ["2"] }
            _ = try await perch.sync(partner)
            let alert = try await final(perch, perch.desk.sendTestAlert(partner, by: .partner(partner, address: nil)))
            #expect((alert.state, alert.accountID, alert.isTest) == (.delivered, "2", true))
            #expect(alert.title.contains("Acme Guard"))
            #expect(try await perch.desk.overview(partner).testAlert?.id == alert.id)
            // Each press is its own alert.
            _ = try await final(perch, perch.desk.sendTestAlert(partner, by: .launch))
            #expect(perch.synthesize.alerts.count == 2)
        }
    }

    @Test("Without an account there is nothing to test with")
    func noAccount() async throws {
        try await withInstallation({ $0.works = false }) { perch in
            let partner = try await perch.connectedOnPaper()
            await expectFailure(.conflict) { _ = try await perch.desk.sendTestAlert(partner, by: .launch) }
        }
    }

    @Test("What Synthesize would not take is refused, naming the field")
    func invalid() async throws {
        try await withInstallation { perch in
            let partner = try await perch.connectedPartner()
            func refused(_ field: String, _ change: (inout AlertSubmission) -> Void) async {
                var submission = submission()
                change(&submission)
                let bad = submission
                let error = await expectFailure(.invalidInput) { _ = try await perch.desk.submitAlert(partner, bad, by: .launch) }
                #expect(error?.field == field)
            }
            await refused("accountId") { $0.accountID = "" }
            await refused("title") { $0.title = "  " }
            await refused("description") { $0.text = "\n" }
            await refused("priority") { $0.priority = 0 }
            await refused("priority") { $0.priority = 5 }
            await refused("status") { $0.statusCode = 0 }
            await refused("status") { $0.statusCode = 7 }
            await refused("alertId") { $0.alertID = "" }
            await refused("alertId") { $0.alertID = String(repeating: "a", count: 201) }
            #expect(try await perch.desk.alerts(partner, before: nil, limit: 10).isEmpty)
            await expectFailure(.notFound) { _ = try await perch.desk.alert(AlertID("alr_none")) }
        }
    }
}
