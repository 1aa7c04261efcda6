import Connectors
import Synthesize
import Testing

@testable import Integration

@Suite("Which accounts are created and renamed")
struct AccountPlanTests {
    private func accounts(_ names: [String: String]) -> [VendorAccount] {
        names.sorted { $0.key < $1.key }.map { VendorAccount(id: $0.key, name: $0.value) }
    }

    @Test("The missing are created, the renamed renamed, the rest is left alone, and nothing is removed")
    func plan() throws {
        let plan = AccountPlan(
            vendor: accounts(["1": "Same", "2": "New name", "3": "New"]),
            existing: [try Sample.entry("2", "Old name"), try Sample.entry("1", "Same"), try Sample.entry("9", "Gone")])
        #expect(plan.create == [MappingEntryDraft(id: "3", name: "New")])
        #expect(plan.rename == [MappingEntryDraft(id: "2", name: "New name")])
    }

    @Test(
        "Bulk creation goes in pieces of 100, in order",
        arguments: [(0, []), (1, [1]), (100, [100]), (101, [100, 1]), (250, [100, 100, 50])])
    func chunks(_ count: Int, _ sizes: [Int]) {
        let vendor = (0..<count).map { VendorAccount(id: "\($0)", name: "Name \($0)") }
        let plan = AccountPlan(vendor: vendor, existing: [])
        #expect(plan.chunks.map(\.count) == sizes)
        #expect(plan.chunks.flatMap { $0 }.map(\.id) == vendor.map(\.id))
    }

    @Test("Names go as they are: auto-mapping compares character for character")
    func names() throws {
        for name in ["  leading", "trailing ", "🦜", "a\u{301}", String(repeating: "n", count: 255)] {
            let plan = AccountPlan(vendor: [VendorAccount(id: "1", name: name)], existing: [])
            #expect(plan.create.map { Array($0.name.unicodeScalars) } == [Array(name.unicodeScalars)])
        }
    }

    @Test("A name that only looks the same is a rename: Synthesize maps by exact characters")
    func sameLooks() throws {
        for (old, new) in [("Ju\u{308}rgen", "J\u{FC}rgen"), ("Acme", "acme"), ("Acme", "Acme "), ("A\u{A0}B", "A B")] {
            let plan = AccountPlan(vendor: [VendorAccount(id: "1", name: new)], existing: [try Sample.entry("1", old)])
            #expect(plan.rename.count == 1, "\(old.unicodeScalars) to \(new.unicodeScalars)")
        }
    }

    @Test("A name of more than 255 characters is cut, and then not renamed again and again")
    func longNames() throws {
        let long = VendorAccount(id: "1", name: String(repeating: "n", count: 300))
        let cut = String(repeating: "n", count: 255)
        #expect(AccountPlan(vendor: [long], existing: []).create.map(\.name) == [cut])
        #expect(AccountPlan(vendor: [long], existing: [try Sample.entry("1", cut)]).rename.isEmpty)
    }

    @Test("An account that Synthesize lists twice is there")
    func listedTwice() throws {
        let plan = AccountPlan(
            vendor: accounts(["1": "A"]), existing: [try Sample.entry("1", "A"), try Sample.entry("1", "B")])
        #expect(plan.create.isEmpty && plan.rename.isEmpty)
    }
}
