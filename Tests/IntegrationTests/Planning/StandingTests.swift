import Foundation
import Store
import Testing

@testable import Integration

@Suite("The connection card in one word")
struct StandingTests {
    private func connection(_ state: ConnectionState, reported: String? = "pending") -> Connection {
        var connection = Connection(partnerID: Sample.partner, state: state, stateSince: Sample.now)
        connection.reportedStatus = reported
        return connection
    }

    private func standing(
        _ state: ConnectionState = .connected, reported: String? = "pending", job: RunState? = .succeeded, lastRunAt: TimeInterval? = nil
    ) -> ConnectionStanding {
        ConnectionStanding(
            connection(state, reported: reported), connectJob: job.map { Sample.run(.connect, $0) },
            lastRun: lastRunAt.map { Sample.run(.usage, .succeeded, at: Sample.now + $0) })
    }

    @Test("A state of our own says all")
    func ownStates() {
        #expect(standing(.notConnected) == .notConnected)
        #expect(standing(.needsNewKey, reported: "active") == .needsNewKey)
        #expect(standing(.disabled, reported: "active", job: .running) == .disabled)
    }

    @Test("While the connect job runs it is connecting", arguments: [RunState.queued, .running])
    func connecting(_ state: RunState) {
        #expect(standing(reported: "active", job: state) == .connecting)
    }

    @Test(
        "A connect job that did not succeed is told, until a sync came after it", arguments: [RunState.failed, .cancelled, .held, .partial])
    func connectFailed(_ state: RunState) {
        guard case .connectFailed(let failure) = standing(job: state) else {
            Issue.record("\(standing(job: state))")
            return
        }
        #expect(!failure.message.isEmpty)
        guard case .connectFailed = standing(job: state, lastRunAt: -60) else {
            Issue.record("an older sync outweighs it")
            return
        }
        #expect(standing(job: state, lastRunAt: 60) == .pendingMapping)
    }

    @Test("The reason of a failed connect job is its own")
    func reason() {
        var job = Sample.run(.connect, .failed)
        job.failure = RunFailure(code: "vendor.refused", message: "why")
        #expect(
            ConnectionStanding(connection(.connected), connectJob: job, lastRun: nil)
                == .connectFailed(RunFailure(code: "vendor.refused", message: "why")))
    }

    @Test(
        "Otherwise what Synthesize says",
        arguments: [
            ("pending", ConnectionStanding.pendingMapping), ("active", .active), ("inactive", .other(status: "inactive")),
            ("error", .other(status: "error")), ("Active", .other(status: "Active")), (nil, .other(status: "unknown")),
        ] as [(String?, ConnectionStanding)])
    func reported(_ status: String?, _ expected: ConnectionStanding) {
        #expect(standing(reported: status) == expected)
        #expect(standing(reported: status, job: nil) == expected)
    }
}

@Suite("The to-do list of mappings")
struct NotMappedListTests {
    private func list(_ accounts: [Account], _ lines: [UsageLine]) -> NotMappedList { NotMappedList(accounts: accounts, lines: lines) }

    @Test("Nothing to do")
    func empty() {
        #expect(list([Sample.account("1", isMapped: true), Sample.account("2", isMapped: nil)], []).isEmpty)
    }

    @Test("Accounts that Synthesize says are not mapped, and those whose counts were not taken")
    func accounts() {
        let list = list(
            [Sample.account("1", isMapped: false), Sample.account("2", isMapped: nil), Sample.account("3", isMapped: nil)],
            [Sample.line("1"), Sample.line("2"), Sample.line("2", "s2"), Sample.line("9", name: "Unlisted")])
        #expect(list.accounts.map(\.id) == ["1", "2", "9"])
        #expect(list.accounts.map(\.name) == ["Account 1", "Name 2", "Unlisted"])
        #expect(list.services.isEmpty)
        #expect(list.counts == 4)
    }

    @Test("A mapped account whose count was not taken waits for its service, which is listed once")
    func services() {
        let list = list(
            [Sample.account("1", isMapped: true), Sample.account("2", isMapped: true)],
            [Sample.line("1", "s1"), Sample.line("2", "s1"), Sample.line("2", "s2")])
        #expect(list.accounts.isEmpty)
        #expect(list.services == [.init(id: "s1", name: "Service s1"), .init(id: "s2", name: "Service s2")])
    }
}
