import Foundation
import Testing

@testable import Store

@Suite("The chain of the audit trail")
struct AuditChainTests {
    private func trail(_ count: Int) -> [AuditEntry] {
        var entries: [AuditEntry] = []
        for number in 1...count {
            var entry = AuditEntry(
                sequence: number, at: Sample.now + Double(number), actor: "operator:opr_1", action: "connection.connect",
                partnerID: number % 2 == 0 ? PartnerID("par_1") : nil, address: number % 3 == 0 ? "::1" : nil, details: "entry \(number)")
            entry.chainHash = AuditChain.hash(of: entry, after: entries.last?.chainHash ?? AuditChain.beginning)
            entries.append(entry)
        }
        return entries
    }

    private func faults(_ entries: [AuditEntry], last: Int) -> [AuditChain.Fault] {
        var walk = AuditChain.Walk()
        for entry in entries { walk.take(entry) }
        walk.end(atLast: last)
        return walk.faults
    }

    @Test("is what its description says, so that others can follow it")
    func published() {
        // printf '%s' '64:<64 zeros>,1:1,13:1800000000000,11:commandLine,14:operator.issue,-,-,2:é' | sha256sum
        let entry = AuditEntry(
            sequence: 1, at: Sample.now, actor: "commandLine", action: "operator.issue", partnerID: nil, address: nil, details: "é")
        #expect(
            AuditChain.hash(of: entry, after: AuditChain.beginning) == "c80c5924492bff3201098d24eb8555b39d48b9e845c0bd83093fb7863608fc74")
    }

    @Test("of an untouched trail is whole")
    func whole() {
        #expect(faults(trail(12), last: 12) == [])
        #expect(faults([], last: 0) == [])
    }

    @Test("names an entry in which anything was altered", arguments: 1...6)
    func altered(number: Int) {
        let changes: [(inout AuditEntry) -> Void] = [
            { $0.at += 0.001 }, { $0.actor = "operator:opr_2" }, { $0.action = "connection.disable" },
            { $0.partnerID = $0.partnerID == nil ? PartnerID("") : nil }, { $0.address = $0.address == nil ? "" : nil },
            { $0.details += " " }, { $0.chainHash = String($0.chainHash.reversed()) },
        ]
        for change in changes {
            var entries = trail(6)
            change(&entries[number - 1])
            #expect(faults(entries, last: 6).first == .altered(sequence: number))
        }
    }

    @Test("names entries that were removed, in the middle, at the beginning and at the end")
    func removed() {
        let entries = trail(9)
        #expect(faults(Array(entries[..<3] + entries[5...]), last: 9) == [.removed(first: 4, last: 5)])
        #expect(faults(Array(entries[1...]), last: 9) == [.removed(first: 1, last: 1)])
        #expect(faults(Array(entries[..<7]), last: 9) == [.removed(first: 8, last: 9)])
        #expect(faults([], last: 9) == [.removed(first: 1, last: 9)])
    }

    @Test("gives away entries that were renumbered over a gap, put in another order, or inserted")
    func rearranged() {
        var closed = trail(6)
        closed.remove(at: 2)
        for index in closed.indices { closed[index].sequence = index + 1 }
        #expect(faults(closed, last: 5).first == .altered(sequence: 3))

        var swapped = trail(6)
        swapped.swapAt(2, 3)
        for index in swapped.indices { swapped[index].sequence = index + 1 }
        #expect(faults(swapped, last: 6).first == .altered(sequence: 3))

        var unchained = trail(3)
        unchained[1].chainHash = ""
        #expect(faults(unchained, last: 3).first == .unchained(sequence: 2))
    }

    @Test("goes on over closing and opening, in whichever way entries are written", arguments: StoreKind.all)
    func stored(kind: StoreKind) async throws {
        try await withTemporaryDirectory { directory in
            for round in 0..<3 {
                let store = try kind.open(directory)
                try await store.appendAudit(note("alone \(round)"))
                try await store.audited(note("with a change \(round)")) { () async throws(StoreError) in
                    try await store.createPartner(Sample.partner(round))
                }
                try await store.close()
            }
            let store = try kind.open(directory)
            let entries = try await store.auditEntries(after: 0, limit: 99)
            #expect(entries.count == 6 && entries.map(\.sequence) == Array(1...6))
            #expect(faults(entries, last: 6) == [])
            #expect(try await store.auditEntries(after: 4, limit: 1).map(\.sequence) == [5])
            try await store.close()
        }
    }

    @Test("has the entry of a change exactly when something changed", arguments: StoreKind.all)
    func together(kind: StoreKind) async throws {
        try await withStore(kind) { store in
            func actions() async throws -> [String] { try await store.auditEntries(after: 0, limit: 99).map(\.details) }
            try await store.audited(note("nothing")) { () async throws(StoreError) in _ = try await store.partners(after: nil, limit: 9) }
            #expect(try await actions() == [])
            try await store.audited(note("partner")) { () async throws(StoreError) in
                try await store.createPartner(Sample.partner(1))
                try await store.createPartner(Sample.partner(2))
            }
            #expect(try await actions() == ["partner"])
            await expectFailure(.duplicate) {
                try await store.audited(note("twice")) { () async throws(StoreError) in try await store.createPartner(Sample.partner(1)) }
            }
            #expect(try await actions() == ["partner"])
            // A second run beside an active one changes nothing.
            for number in 1...2 {
                try await store.audited(note("run \(number)")) { () async throws(StoreError) in
                    _ = try await store.insertRun(Sample.run("run_\(number)"))
                }
            }
            #expect(try await actions() == ["partner", "run 1"])
            // What failed first does not leave the next change without its entry.
            try await store.audited(note("second try")) { () async throws(StoreError) in
                do throws(StoreError) { try await store.createPartner(Sample.partner(1)) } catch {}
                try await store.createPartner(Sample.partner(3))
            }
            #expect(try await actions().last == "second try")
        }
    }

    @Test("whose entry cannot be written undoes the change")
    func refused() async throws {
        try await withTemporaryDirectory { directory in
            let store = try openSQLiteStore(directory)
            try await store.raw("CREATE TRIGGER full BEFORE INSERT ON audit_entry BEGIN SELECT RAISE(ABORT, 'no room'); END")
            await expectFailure(.constraint) {
                try await store.audited(note("partner")) { () async throws(StoreError) in try await store.createPartner(Sample.partner()) }
            }
            #expect(try await store.partners(after: nil, limit: 9).isEmpty)
            try await store.close()
        }
    }

    @Test("is named by an inspection: each altered and each removed row of the file")
    func inspected() async throws {
        try await withTemporaryDirectory { directory in
            let store = try openSQLiteStore(directory)
            for number in 1...8 { try await store.appendAudit(note("entry \(number)")) }
            func faults() async throws -> [String] {
                try await store.inspect(migrationsDirectory: migrationsDirectory).flatMap(\.faults)
            }
            #expect(try await faults() == [])
            // Whoever can write the file can drop the triggers, and put them back.
            func behindTriggers(_ statement: String) async throws {
                let names = ["audit_entry_is_never_changed", "audit_entry_is_never_removed"]
                var made: [String] = []
                for name in names { made += try await store.rawTexts("SELECT sql AS text FROM sqlite_schema WHERE name = '\(name)'") }
                try await store.raw(all: names.map { "DROP TRIGGER \($0)" } + [statement] + made)
            }
            try await behindTriggers("UPDATE audit_entry SET actor = 'nobody' WHERE sequence = 3")
            #expect(try await faults() == ["Entry 3 of the audit trail was altered, or does not follow the entry before it."])
            try await behindTriggers("DELETE FROM audit_entry WHERE sequence IN (5, 6, 8)")
            #expect(
                try await faults() == [
                    "Entry 3 of the audit trail was altered, or does not follow the entry before it.",
                    "Entries 5 to 6 of the audit trail were removed.", "Entry 8 of the audit trail was removed.",
                ])
            try await store.close()
        }
    }

    private func note(_ details: String) -> AuditEntry {
        AuditEntry(at: Sample.now, actor: "commandLine", action: "test", partnerID: nil, address: nil, details: details)
    }
}
