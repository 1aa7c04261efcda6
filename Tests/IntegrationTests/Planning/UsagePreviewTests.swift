import Connectors
import Foundation
import Store
import Testing

@testable import Integration

@Suite("What a sync would do, beside what was last accepted")
struct UsagePreviewTests {
    private func preview(
        _ usage: [(String, String, Decimal)], accounts: [String] = ["1", "2", "3", "4", "5", "6"],
        services: [String: String] = ["seats": "s1", "mailboxes": "s2"], last: [(String, String, Decimal)] = [],
        policy: IntegrationPolicy = IntegrationPolicy()
    ) -> UsagePreview {
        UsagePreview(
            of: VendorSnapshot(
                accounts: accounts.map { VendorAccount(id: $0, name: "Name \($0)") },
                usage: usage.map { UsageRecord(accountID: $0.0, serviceName: $0.1, count: $0.2) }, recordsDropped: 2),
            connector: PlayedVendor(journal: Journal()), serviceIDs: services,
            lastCounts: last.map { account, service, count in
                LastCount(
                    accountID: account, accountName: "Old \(account)", serviceID: service,
                    serviceName: service == "s1" ? "Seats" : "Mailboxes",
                    count: count, runID: SyncRunID("run_1"), acceptedAt: Sample.now)
            }, policy: policy, readAt: Sample.now)
    }

    private func summary(_ preview: UsagePreview) -> [String] {
        func text(_ count: Decimal?) -> String { count.map { "\($0)" } ?? "-" }
        return preview.lines.map {
            "\($0.accountID)/\($0.serviceName) \(text($0.lastCount))→\($0.rawCount) sends \(text($0.sentCount)) \($0.change.rawValue)"
        }
    }

    @Test("Every line is new, changed, unchanged, dropped or excluded")
    func changes() {
        let preview = preview(
            [("1", "Seats", 7), ("2", "Seats", 5), ("3", "Seats", 4), ("4", "Seats", 0), ("5", "Seats", 0), ("6", "Seats", 3)],
            last: [("2", "s1", 5), ("3", "s1", 9), ("4", "s1", 6), ("6", "s1", 0), ("9", "s2", 2)])
        #expect(
            summary(preview) == [
                "1/Seats -→7 sends 7 new", "2/Seats 5→5 sends 5 unchanged", "3/Seats 9→4 sends 4 changed",
                "6/Seats 0→3 sends 3 changed", "4/Seats 6→0 sends - dropped", "5/Seats -→0 sends - excluded",
                "9/Mailboxes 2→0 sends - dropped",
            ])
        #expect(preview.tally == [.new: 1, .unchanged: 1, .changed: 2, .dropped: 2, .excluded: 1])
        #expect((preview.linesToSend, preview.unitsBefore, preview.unitsNow) == (4, 22, 19))
        #expect((preview.accountsRead, preview.recordsDropped) == (6, 2))
        #expect(preview.lines.last?.accountName == "Old 9")
        #expect(preview.lines.first?.basis == LineBasis(connectorID: "played", name: "protected seats", version: 3))
    }

    @Test("Where zeros are sent once, a dropped line sends one; a zero that was accepted is not sent again")
    func sendOnce() {
        let preview = preview(
            [("1", "Seats", 0)], last: [("1", "s1", 6), ("2", "s1", 3), ("3", "s1", 0)], policy: IntegrationPolicy(zeroCounts: .sendOnce))
        #expect(summary(preview) == ["1/Seats 6→0 sends 0 dropped", "2/Seats 3→0 sends 0 dropped"])
    }

    @Test("Counts are compared to the last digit")
    func digits() throws {
        let preview = preview(
            [("1", "Seats", try #require(Decimal(string: "1.50"))), ("2", "Seats", try #require(Decimal(string: "1.500000001")))],
            last: [("1", "s1", try #require(Decimal(string: "1.5"))), ("2", "s1", try #require(Decimal(string: "1.5")))])
        #expect(preview.lines.map(\.change) == [.unchanged, .changed])
    }

    @Test("A service that Synthesize does not have yet would be made first; one that nobody knows is left out")
    func newService() {
        let preview = preview([("1", "Seats", 2), ("1", "MAILBOXES", 3), ("1", "Phantom", 4)], services: ["seats": "s1"])
        #expect(preview.lines.map(\.serviceID) == ["s1", nil])
        #expect(preview.lines.map(\.serviceName) == ["Seats", "MAILBOXES"])
        #expect(preview.recordsDropped == 3)
    }

    @Test("It is held where a run would be, in the same words")
    func hold() {
        let last = (1...6).map { ("\($0)", "s1", Decimal(10)) }
        let held = preview([("1", "Seats", 10)], last: last)
        #expect(held.hold?.code == "run.largeDrop")
        #expect(held.hold?.message.contains("83 % fewer units") == true)
        #expect(preview(last.prefix(5).map { ($0.0, "Seats", 10) }, last: last).hold == nil)
    }

    @Test("Remembered services are known by the newest of equal names, then by the oldest made, and by the catalogue's name")
    func rememberedServices() {
        func service(_ id: String, _ name: String, seen: Double, catalogueName: String? = nil) -> Service {
            Service(
                id: id, name: name, description: "", category: "", subcategory: "", isOverridden: catalogueName != nil,
                catalogueName: catalogueName, lastSeenAt: Sample.now.addingTimeInterval(seen))
        }
        let ids = ServicePlan.ids(of: [
            service("s0", "Seats", seen: 0), service("s3", "SEATS", seen: 60), service("s2", "seats", seen: 60),
            service("s5", "Post", seen: 60, catalogueName: "Mailboxes"),
        ])
        #expect(ids == ["seats": "s2", "post": "s5", "mailboxes": "s5"])
    }
}
