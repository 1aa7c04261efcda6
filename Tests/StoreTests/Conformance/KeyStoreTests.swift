import Foundation
import Secrets
import Testing

@testable import Store

@Suite("Data keys and what they sealed")
struct KeyStoreTests {
    private func key(_ id: String, at offset: Double = 0) -> WrappedDataKey {
        WrappedDataKey(id: id, wrapped: [1, 2], checkValue: [3], createdAt: Sample.now + offset)
    }

    /// Bytes as a data key of this name would have sealed them.
    private func sealed(_ id: String, _ text: UInt8) -> SealedSecret {
        SealedSecret(bytes: [1, UInt8(id.utf8.count)] + Array(id.utf8) + [UInt8](repeating: text, count: 28))
    }

    private func filled(_ store: any Store) async throws {
        try await store.insertWrappedKey(key("dek_old"))
        for number in 1...3 {
            let partner = Sample.partner(number)
            try await store.createPartner(partner)
            let value = sealed("dek_old", UInt8(number))
            try await store.updateConnection(partner.id) { connection in
                connection = Sample.connected(partner)
                connection.partnerKey = value
            }
        }
        var credential = Sample.credential(Sample.partner(2))
        credential.sealedFields = sealed("dek_old", 9)
        try await store.saveVendorCredential(credential)
        try await store.insertSealedSetting("a", sealed("dek_old", 10))
    }

    @Test("One key seals; the one before is retired by the next, and both wrappings change together", arguments: StoreKind.all)
    func keys(kind: StoreKind) async throws {
        try await withStore(kind) { store in
            #expect(try await store.wrappedKeys() == [])
            try await store.insertWrappedKey(key("dek_1"))
            try await store.replaceWrappedKey(with: key("dek_2", at: 1), at: Sample.now + 2)
            try await store.replaceWrappedKey(with: key("dek_3", at: 3), at: Sample.now + 4)
            let keys = try await store.wrappedKeys()
            #expect(keys.map(\.id) == ["dek_3", "dek_2", "dek_1"])
            #expect(keys.map(\.retiredAt) == [nil, Sample.now + 4, Sample.now + 2])
            #expect(try await store.wrappedKey()?.id == "dek_3")
            await expectFailure(.duplicate) { try await store.insertWrappedKey(key("dek_4")) }
            await expectFailure(.duplicate) { try await store.replaceWrappedKey(with: key("dek_1"), at: Sample.now) }
            #expect(try await store.wrappedKeys() == keys)

            let again = keys.map { WrappedDataKey(id: $0.id, wrapped: [7], checkValue: [8], createdAt: .distantPast) }
            await expectFailure(.notFound) { try await store.rewrapKeys(Array(again.dropLast())) }
            #expect(try await store.wrappedKeys() == keys)
            try await store.rewrapKeys(again)
            let wrapped = try await store.wrappedKeys()
            #expect(wrapped.allSatisfy { $0.wrapped == [7] && $0.checkValue == [8] })
            #expect(wrapped.map(\.createdAt) == keys.map(\.createdAt) && wrapped.map(\.retiredAt) == keys.map(\.retiredAt))
        }
    }

    @Test("Values are listed page by page, without those of the present key", arguments: StoreKind.all)
    func values(kind: StoreKind) async throws {
        try await withStore(kind) { store in
            try await filled(store)
            let all = try await store.sealedValues(notUnder: nil, after: nil, limit: 99)
            #expect(
                all.map { "\($0.context.table) \($0.context.row)" } == [
                    "connection par_1", "connection par_2", "connection par_3", "sealed_setting a", "vendor_credential par_2",
                ])
            for limit in 1...5 {
                var paged: [SealedValue] = []
                while case let page = try await store.sealedValues(notUnder: "dek_new", after: paged.last?.context, limit: limit),
                    !page.isEmpty
                {
                    #expect(page.count <= limit)
                    paged += page
                }
                #expect(paged == all, "pages of \(limit)")
            }
            #expect(try await store.sealedValues(notUnder: "dek_old", after: nil, limit: 9).isEmpty)
        }
    }

    @Test("A value is replaced only while it is what it was; a key is removed only when nothing needs it", arguments: StoreKind.all)
    func replacing(kind: StoreKind) async throws {
        try await withStore(kind) { store in
            try await filled(store)
            try await store.replaceWrappedKey(with: key("dek_new", at: 1), at: Sample.now + 2)
            let all = try await store.sealedValues(notUnder: nil, after: nil, limit: 99)
            for (number, value) in all.enumerated() {
                #expect(try await store.removeUnusedKeys() == [])
                let stale = SealedReplacement(context: value.context, before: sealed("dek_old", 99), after: sealed("dek_new", 99))
                #expect(try await store.replaceSealed([stale]) == 0)
                let right = SealedReplacement(context: value.context, before: value.sealed, after: sealed("dek_new", 50))
                #expect(try await store.replaceSealed([stale, right]) == 1)
                #expect(try await store.sealedValues(notUnder: "dek_new", after: nil, limit: 99).count == all.count - number - 1)
            }
            #expect(try await store.removeUnusedKeys() == ["dek_old"])
            #expect(try await store.removeUnusedKeys() == [])
            #expect(try await store.wrappedKeys().map(\.id) == ["dek_new"])
        }
    }

    @Test("A setting is kept once", arguments: StoreKind.all)
    func settings(kind: StoreKind) async throws {
        try await withStore(kind) { store in
            #expect(try await store.sealedSetting("a") == nil)
            try await store.insertSealedSetting("a", sealed("dek", 1))
            await expectFailure(.duplicate) { try await store.insertSealedSetting("a", sealed("dek", 2)) }
            #expect(try await store.sealedSetting("a") == sealed("dek", 1))
        }
    }
}
