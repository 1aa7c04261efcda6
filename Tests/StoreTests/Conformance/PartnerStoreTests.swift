import Foundation
import Store
import Testing

@Suite("Partners")
struct PartnerStoreTests {
    @Test("are found by id and by the vendor's reference, and start not connected", arguments: StoreKind.all)
    func create(kind: StoreKind) async throws {
        try await withStore(kind) { store in
            let partner = Sample.partner()
            try await store.createPartner(partner)
            #expect(try await store.partner(partner.id) == partner)
            #expect(try await store.partner(vendorReference: "vendor-1") == partner)
            #expect(
                try await store.connection(partner.id)
                    == Connection(partnerID: partner.id, stateSince: partner.createdAt))
        }
    }

    @Test("that nobody made are nil", arguments: StoreKind.all)
    func unknown(kind: StoreKind) async throws {
        try await withStore(kind) { store in
            let byID = try await store.partner(PartnerID("none"))
            let byReference = try await store.partner(vendorReference: "none")
            #expect(byID == nil)
            #expect(byReference == nil)
        }
    }

    @Test("cannot share a reference or an id, and the second leaves nothing behind", arguments: StoreKind.all)
    func duplicates(kind: StoreKind) async throws {
        try await withStore(kind) { store in
            try await store.createPartner(Sample.partner(1))
            var sameReference = Sample.partner(2)
            sameReference.vendorReference = "vendor-1"
            let rejected = sameReference
            let error = await expectFailure(.duplicate) { try await store.createPartner(rejected) }
            #expect(error?.message.contains("vendor-1") == false, "a message never holds a stored value")
            #expect(try await store.partner(rejected.id) == nil)
            await expectFailure(.notFound) { _ = try await store.connection(rejected.id) }

            var sameID = Sample.partner(1)
            sameID.vendorReference = "other"
            let second = sameID
            await expectFailure(.duplicate) { try await store.createPartner(second) }
        }
    }

    @Test("are paged by id", arguments: StoreKind.all)
    func pages(kind: StoreKind) async throws {
        try await withStore(kind) { store in
            for number in [3, 1, 5, 2, 4] { try await store.createPartner(Sample.partner(number)) }
            let first = try await store.partners(after: nil, limit: 2)
            #expect(first.map(\.id.rawValue) == ["par_1", "par_2"])
            let rest = try await store.partners(after: first.last?.id, limit: 10)
            #expect(rest.map(\.id.rawValue) == ["par_3", "par_4", "par_5"])
            #expect(try await store.partners(after: rest.last?.id, limit: 10).isEmpty)
            #expect(try await store.partners(after: nil, limit: 0).isEmpty)
            #expect(try await store.partners(after: nil, limit: -1).isEmpty)
        }
    }

    @Test("change name and time zone, nothing else", arguments: StoreKind.all)
    func update(kind: StoreKind) async throws {
        try await withStore(kind) { store in
            try await store.createPartner(Sample.partner())
            var changed = Sample.partner()
            changed.name = "Neu 🐦"
            changed.timeZone = "America/New_York"
            changed.vendorReference = "other"
            try await store.updatePartner(changed)
            changed.vendorReference = "vendor-1"
            #expect(try await store.partner(changed.id) == changed)
            await expectFailure(.notFound) { try await store.updatePartner(Sample.partner(9)) }
        }
    }
}
