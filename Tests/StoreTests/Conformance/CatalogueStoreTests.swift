import Foundation
import Store
import Testing

@Suite("Accounts and services")
struct CatalogueStoreTests {
    let now = Sample.now
    let partner = Sample.partner().id

    private func account(_ id: String, _ name: String, _ isMapped: Bool? = nil) -> Account {
        Account(partnerID: partner, id: id, name: name, isMapped: isMapped, lastSeenAt: now)
    }

    @Test("accounts become exactly the given ones", arguments: StoreKind.all)
    func replace(kind: StoreKind) async throws {
        try await withStore(kind) { store in
            try await store.createPartner(Sample.partner(1))
            try await store.createPartner(Sample.partner(2))
            let other = Account(partnerID: Sample.partner(2).id, id: "a", name: "Other", isMapped: nil, lastSeenAt: now)
            try await store.replaceAccounts(Sample.partner(2).id, [other])

            try await store.replaceAccounts(partner, [account("b", "B", true), account("a", "A"), account("c", "C", false)])
            #expect(
                try await store.accounts(partner) == [account("a", "A"), account("b", "B", true), account("c", "C", false)])
            try await store.replaceAccounts(partner, [account("b", "B2"), account("d", "D")])
            #expect(try await store.accounts(partner) == [account("b", "B2"), account("d", "D")])
            try await store.replaceAccounts(partner, [])
            #expect(try await store.accounts(partner).isEmpty)
            #expect(try await store.accounts(Sample.partner(2).id) == [other])
        }
    }

    @Test("accounts stay as they were when the new list is refused", arguments: StoreKind.all)
    func refused(kind: StoreKind) async throws {
        try await withStore(kind) { store in
            await expectFailure(.notFound) { try await store.replaceAccounts(partner, [account("a", "A")]) }
            try await store.createPartner(Sample.partner())
            try await store.replaceAccounts(partner, [account("a", "A")])
            await expectFailure(.duplicate) {
                try await store.replaceAccounts(partner, [account("b", "B"), account("b", "B again")])
            }
            #expect(try await store.accounts(partner) == [account("a", "A")])
        }
    }

    @Test("services are inserted and updated by id", arguments: StoreKind.all)
    func services(kind: StoreKind) async throws {
        try await withStore(kind) { store in
            var first = Service(
                id: "s1", name: "Backup", description: "Copies", category: "security", subcategory: "", isOverridden: false,
                lastSeenAt: now)
            let second = Service(
                id: "s0", name: "Mail", description: "", category: "other", subcategory: "x", isOverridden: true,
                lastSeenAt: now)
            #expect(try await store.services().isEmpty)
            try await store.saveServices([first, second])
            #expect(try await store.services() == [second, first])
            first.name = "Backup Plus"
            first.isOverridden = true
            first.lastSeenAt = now + 1
            try await store.saveServices([first])
            try await store.saveServices([])
            #expect(try await store.services() == [second, first])
        }
    }
}
