import Foundation
import Testing

@testable import Synthesize

/// A call that the contract forbids, made by mistake.
struct ForbiddenCall: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var perform: @Sendable (SynthesizeClient) async throws -> Void

    init(_ description: String, _ perform: @escaping @Sendable (SynthesizeClient) async throws -> Void) {
        testDescription = description
        self.perform = perform
    }

    static let all: [ForbiddenCall] = [
        .init("a negative count") { try await $0.setUnitCount(serviceID: "s", accountID: "a", count: -1) },
        .init("a count that is no number") { try await $0.setUnitCount(serviceID: "s", accountID: "a", count: .nan) },
        .init("a count without a service") { try await $0.setUnitCount(serviceID: "", accountID: "a", count: 1) },
        .init("a count without an account") { try await $0.setUnitCount(serviceID: "s", accountID: "", count: 1) },
        .init("no status") { try await $0.updateStatus(IntegrationStatus(rawValue: "")) },
        .init("a service without id") { _ = try await $0.service("") },
        .init("an update of nothing") { try await $0.updateService("s", ServiceChanges()) },
        .init("an update of no service") { try await $0.updateService("", ServiceChanges(name: "n")) },
        .init("a vendor that does not change") { _ = try await $0.updateVendor(VendorChanges()) },
        .init("an account that does not change") { try await $0.updateAccount("a", MappingEntryChanges()) },
        .init("an account without id") { try await $0.updateAccount("", MappingEntryChanges(name: "n")) },
        .init("an organization's service without id") {
            try await $0.updateOrganizationService("", MappingEntryChanges(name: "n"))
        },
        .init("a new account without id") { try await $0.createAccounts([MappingEntryDraft(id: "", name: "n")]) },
        .init("a message without id") { _ = try await $0.alertProgress(messageID: "") },
        .init("an alert for no account") { _ = try await $0.dispatchAlert(accountID: "", alert(priority: 1, status: 1)) },
        .init("priority 0") { _ = try await $0.dispatchAlert(accountID: "a", alert(priority: 0, status: 1)) },
        .init("priority 5") { _ = try await $0.dispatchAlert(accountID: "a", alert(priority: 5, status: 1)) },
        .init("alert status 0") { _ = try await $0.dispatchAlert(accountID: "a", alert(priority: 1, status: 0)) },
        .init("alert status 7") { _ = try await $0.dispatchAlert(accountID: "a", alert(priority: 1, status: 7)) },
    ]

    static func alert(priority: Int, status: Int) -> AlertDispatch {
        AlertDispatch(title: "t", description: "d", alertId: "i", priority: priority, status: status)
    }
}

@Suite("What is refused before it is sent")
struct RefusalTests {
    @Test("Nothing leaves", arguments: ForbiddenCall.all)
    func refused(_ call: ForbiddenCall) async {
        let bench = ClientBench(.ok("{}"))
        await expectFailure(.invalidInput) { try await call.perform(bench.client) }
        #expect(bench.sender.requests.isEmpty)
    }

    @Test("Priorities 1 to 4 and statuses 1 to 6 pass")
    func ranges() async throws {
        let bench = ClientBench(.ok(#"{"messageId":"m"}"#))
        for priority in 1...4 {
            for status in 1...6 {
                _ = try await bench.client.dispatchAlert(
                    accountID: "a", ForbiddenCall.alert(priority: priority, status: status))
            }
        }
        #expect(bench.sender.requests.count == 24)
    }
}
