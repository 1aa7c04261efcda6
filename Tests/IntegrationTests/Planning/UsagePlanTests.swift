import Connectors
import Foundation
import Secrets
import Store
import Testing

@testable import Integration

@Suite("What a run sends, leaves out and reports")
struct UsagePlanTests {
    private let run = SyncRunID("run_1")

    private func plan(
        _ usage: [(String, String, Decimal)], accounts: [String] = ["1", "2", "3"],
        services: [String: String] = ["seats": "s1", "mail": "s2"],
        last: [(String, String, Decimal)] = [], zeroCounts: ZeroCountPolicy = .report, exclusions: Exclusions = Exclusions()
    ) -> UsagePlan {
        UsagePlan(
            run: run,
            snapshot: VendorSnapshot(
                accounts: accounts.map { VendorAccount(id: $0, name: "Name \($0)") },
                usage: usage.map { UsageRecord(accountID: $0.0, serviceName: $0.1, count: $0.2) }, recordsDropped: 0),
            serviceIDs: services,
            bases: ["seats": LineBasis(connectorID: "played", name: "protected seats", version: 3)],
            lastCounts: last.map { LastCount($0.0, $0.1, $0.2) }, zeroCounts: zeroCounts, exclusions: exclusions)
    }

    private func summary(_ plan: UsagePlan) -> [String] {
        plan.lines.map { line in
            "\(line.accountID)/\(line.serviceID) \(line.rawCount) \(line.sentCount.map { "\($0)" } ?? "-") \(line.state.rawValue)"
        }
    }

    @Test("Counts of at least 1 are sent, in the vendor's order; smaller ones are left out, as Gradient asks")
    func below1() {
        let plan = plan([
            ("2", "Seats", 5), ("1", "Seats", 1), ("3", "Seats", 0), ("1", "Mail", Decimal(string: "0.99")!), ("2", "Mail", -4),
            ("3", "Mail", Decimal(string: "1.5")!),
        ])
        #expect(
            summary(plan) == [
                "2/s1 5 5 planned", "1/s1 1 1 planned", "3/s2 1.5 1.5 planned", "3/s1 0 - excluded", "1/s2 0.99 - excluded",
                "2/s2 -4 - excluded",
            ])
        #expect(plan.lines.map(\.position) == Array(0..<6))
        #expect(plan.lines.allSatisfy { $0.runID == run })
        #expect(plan.lines.first?.accountName == "Name 2")
    }

    @Test("A count between 0 and 1 says why it is not sent, and a zero needs no reason")
    func below1Reason() {
        let half = Decimal(string: "0.5")!
        let usage: [(String, String, Decimal)] = [("1", "Seats", half), ("2", "Seats", half), ("3", "Seats", 0)]
        let last: [(String, String, Decimal)] = [("1", "s1", 3), ("3", "s1", 3)]
        let reasons = Dictionary(uniqueKeysWithValues: plan(usage, last: last).lines.map { ($0.accountID, $0.message) })
        let reason = "The count is 0.5. Counts below 1 are not sent, as Gradient asks, and Perch does not round them up."
        #expect(reasons == ["1": reason + " What Synthesize accepted before still stands there.", "2": reason, "3": nil])
        #expect(plan(usage, last: last, zeroCounts: .sendOnce).lines.allSatisfy { $0.accountID == "2" || $0.message == nil })
    }

    @Test("What an operator keeps out is written down, never sent, and no drop")
    func exclusions() {
        let plan = plan(
            [("1", "Seats", 5), ("2", "Seats", 6), ("1", "Mail", 7), ("2", "Mail", 0)], last: [("1", "s1", 9), ("3", "s1", 4)],
            zeroCounts: .sendOnce, exclusions: Exclusions(accounts: ["1", "3"], services: ["MAIL"]))
        #expect(
            summary(plan) == ["2/s1 6 6 planned", "1/s1 5 - excluded", "1/s2 7 - excluded", "2/s2 0 - excluded"])
        #expect(plan.dropShare == 0)
        #expect(plan.pairsBefore == 0)
    }

    @Test("A service that is kept out and was never made in Synthesize is listed, not dropped")
    func excludedWithoutID() {
        let plan = plan(
            [("1", "Seats", 5), ("1", "Extra", 7), ("2", "EXTRA", 2), ("1", "Other", 1)], exclusions: Exclusions(services: ["Extra"]))
        #expect(summary(plan) == ["1/s1 5 5 planned", "1/excluded extra 7 - excluded", "2/excluded extra 2 - excluded"])
        #expect(plan.recordsDropped == 1)
    }

    @Test("Services are known by name without case; the line keeps the name as the vendor writes it")
    func serviceNames() {
        let plan = plan([("1", "SEATS", 2)])
        #expect(plan.lines.map(\.serviceID) == ["s1"])
        #expect(plan.lines.map(\.serviceName) == ["SEATS"])
    }

    @Test("A line says what it counts, a dropped one too; nothing is said of a service that the connector does not have")
    func bases() {
        let seats = LineBasis(connectorID: "played", name: "protected seats", version: 3)
        let plan = UsagePlan(
            run: run,
            snapshot: VendorSnapshot(
                accounts: [VendorAccount(id: "1", name: "One")],
                usage: ["SEATS", "Mail"].map { UsageRecord(accountID: "1", serviceName: $0, count: 2) }, recordsDropped: 0),
            serviceIDs: ["seats": "s1", "mail": "s2"], bases: ["seats": seats],
            lastCounts: [
                LastCount(
                    accountID: "9", accountName: "Gone", serviceID: "s1", serviceName: "Seats", count: 4, runID: run,
                    acceptedAt: Sample.now)
            ], zeroCounts: .report)
        #expect(plan.lines.map(\.basis) == [seats, nil, seats])
        #expect(plan.lines.map(\.state) == [.planned, .planned, .droppedToZero])
    }

    @Test("The catalogue's bases are known by the connector and by name without case")
    func catalogueBases() {
        let bases = UsagePlan.bases(of: PlayedVendor(journal: Journal()))
        #expect(Set(bases.keys) == ["seats", "mailboxes"])
        #expect(bases["seats"] == LineBasis(connectorID: "played", name: "protected seats", version: 3))
    }

    @Test("Duplicates are summed to the last digit, and below 1 only together")
    func duplicates() {
        let plan = plan([
            ("1", "Seats", Decimal(string: "0.1")!), ("2", "Seats", 3), ("1", "seats", Decimal(string: "0.2")!),
            ("3", "Seats", Decimal(string: "0.5")!), ("3", "Seats", Decimal(string: "0.5")!), ("2", "Seats", Decimal(string: "0.0000001")!),
        ])
        #expect(summary(plan) == ["2/s1 3.0000001 3.0000001 planned", "3/s1 1 1 planned", "1/s1 0.3 - excluded"])
    }

    @Test("Usage of an account or a service that is not there is dropped and counted")
    func unknown() {
        let plan = plan([("9", "Seats", 5), ("1", "Phantom", 5), ("", "Seats", 1), ("1", "Seats", 1)])
        #expect(summary(plan) == ["1/s1 1 1 planned"])
        #expect(plan.recordsDropped == 3)
    }

    @Test("Pairs sent before and now gone or below 1 are listed, not sent")
    func droppedReport() {
        let plan = plan(
            [("1", "Seats", 0), ("2", "Seats", 4)], last: [("1", "s1", 7), ("2", "s1", 9), ("9", "s2", 3), ("3", "s1", 0)])
        #expect(summary(plan) == ["2/s1 4 4 planned", "1/s1 0 - droppedToZero", "9/s2 0 - droppedToZero"])
        // An account that is gone keeps the name it had.
        #expect(plan.lines.last?.accountName == "Old 9")
        #expect(plan.lines.last?.serviceName == "Service s2")
    }

    @Test("With sendOnce they are sent as 0, once: an accepted 0 is not sent again")
    func droppedSend() {
        let first = plan([("1", "Seats", Decimal(string: "0.5")!)], last: [("1", "s1", 7), ("9", "s2", 3)], zeroCounts: .sendOnce)
        #expect(summary(first) == ["1/s1 0.5 0 planned", "9/s2 0 0 planned"])
        let second = plan([("1", "Seats", 0)], last: [("1", "s1", 0), ("9", "s2", 0)], zeroCounts: .sendOnce)
        #expect(summary(second) == ["1/s1 0 - excluded"])
    }

    // MARK: The guard

    private func share(_ now: [(String, String, Decimal)], last: [(String, String, Decimal)]) -> Double {
        plan(now, last: last).dropShare
    }

    @Test("The share is of the units sent before; what grew does not make up for what shrank")
    func dropShare() {
        let last: [(String, String, Decimal)] = [("1", "s1", 10), ("2", "s1", 30)]
        #expect(share([("1", "Seats", 10), ("2", "Seats", 30)], last: last) == 0)
        #expect(share([("1", "Seats", 1_000), ("2", "Seats", 15)], last: last) == 0.375)
        #expect(share([("2", "Seats", 30)], last: last) == 0.25)
        #expect(share([], last: last) == 1)
        #expect(share([("1", "Seats", -5), ("2", "Seats", 30)], last: last) == 0.25)
        #expect(share([("1", "Seats", 5)], last: []) == 0)
        #expect(share([], last: [("1", "s1", 0)]) == 0)
    }

    @Test("A large drop of enough pairs holds the run; a small partner losing a customer does not")
    func hold() {
        func hold(_ pairs: Int, kept: Int) -> RunFailure? {
            let last = (0..<pairs).map { ("\($0)", "s1", Decimal(10)) }
            let usage = (0..<kept).map { ("\($0)", "Seats", Decimal(10)) }
            return plan(usage, accounts: (0..<pairs).map(String.init), last: last)
                .hold(IntegrationPolicy(dropHoldShare: 0.5, dropHoldMinimumPairs: 5))
        }
        #expect(hold(10, kept: 5) == nil)
        #expect(hold(10, kept: 4)?.code == "run.largeDrop")
        #expect(hold(10, kept: 4)?.message.contains("60 %") == true)
        #expect(hold(5, kept: 0) != nil)
        #expect(hold(4, kept: 0) == nil)
    }

    // MARK: Any usage

    @Test("Whatever the vendor says: every pair once, sums exact, nothing below 1 sent but a dropped 0")
    func anyUsage() {
        let seed = UInt64.random(in: .min ... .max)
        print("UsagePlanTests.anyUsage seed \(seed)")
        let random = RandomSource.seeded(seed)
        func count() -> Decimal { Decimal(random.number(below: 400) - 50) / 100 }
        for _ in 0..<100 {
            let usage = (0..<random.number(below: 60)).map { _ in
                ("\(random.number(below: 6))", ["Seats", "mail", "SEATS", "Phantom"][random.number(below: 4)], count())
            }
            let last = (0..<5).flatMap { account in ["s1", "s2"].map { ("\(account)", $0, max(0, count())) } }
            let policy: ZeroCountPolicy = random.number(below: 2) == 0 ? .report : .sendOnce
            let plan = plan(usage, accounts: (0..<5).map(String.init), last: last, zeroCounts: policy)

            let pairs = plan.lines.map { "\($0.accountID)/\($0.serviceID)" }
            #expect(Set(pairs).count == pairs.count)
            let known = usage.filter { $0.0 != "5" && $0.1 != "Phantom" }
            #expect(plan.recordsDropped == usage.count - known.count)
            #expect(plan.lines.reduce(Decimal(0)) { $0 + $1.rawCount } == known.reduce(0) { $0 + $1.2 })
            let sentBefore = Set(last.filter { $0.2 > 0 }.map { "\($0.0)/\($0.1)" })
            let wrong = plan.lines.filter { line in
                let wasSent = sentBefore.contains("\(line.accountID)/\(line.serviceID)")
                return switch line.state {
                case .planned:
                    !(line.rawCount >= 1 && line.sentCount == line.rawCount) && !(policy == .sendOnce && wasSent && line.sentCount == 0)
                case .excluded: line.rawCount >= 1 || wasSent || line.sentCount != nil
                case .droppedToZero: policy != .report || !wasSent || line.rawCount >= 1 || line.sentCount != nil
                default: true
                }
            }
            #expect(wrong.isEmpty)
            #expect(sentBefore.isSubset(of: pairs))
            #expect((0...1).contains(plan.dropShare))
        }
    }
}

extension LastCount {
    fileprivate init(_ account: String, _ service: String, _ count: Decimal) {
        self.init(
            accountID: account, accountName: "Old \(account)", serviceID: service, serviceName: "Service \(service)", count: count,
            runID: SyncRunID("run_0"), acceptedAt: Sample.now)
    }
}
