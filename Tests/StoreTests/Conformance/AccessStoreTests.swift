import Foundation
import Store
import Testing

@Suite("Operator keys")
struct OperatorKeyStoreTests {
    let now = Sample.now

    private func key(_ number: Int, _ role: OperatorRole = .admin) -> OperatorKey {
        OperatorKey(
            id: OperatorKeyID("opk_\(number)"), name: "Key \(number)", role: role, hash: "hash-\(number)",
            createdAt: now + Double(number))
    }

    @Test("are found by hash and id, and listed by age", arguments: StoreKind.all)
    func roundTrip(kind: StoreKind) async throws {
        try await withStore(kind) { store in
            let keys = OperatorRole.allCases.enumerated().map { key($0, $1) }
            for key in keys.reversed() { try await store.insertOperatorKey(key) }
            #expect(try await store.operatorKeys() == keys)
            #expect(try await store.operatorKey(hash: "hash-1") == keys[1])
            #expect(try await store.operatorKey(OperatorKeyID("opk_2")) == keys[2])
            #expect(try await store.operatorKey(hash: "none") == nil)
            #expect(try await store.operatorKey(OperatorKeyID("none")) == nil)
        }
    }

    @Test("cannot share a hash or an id", arguments: StoreKind.all)
    func duplicates(kind: StoreKind) async throws {
        try await withStore(kind) { store in
            try await store.insertOperatorKey(key(1))
            var sameHash = key(2)
            sameHash.hash = "hash-1"
            let second = sameHash
            await expectFailure(.duplicate) { try await store.insertOperatorKey(second) }
            var sameID = key(1)
            sameID.hash = "other"
            let third = sameID
            await expectFailure(.duplicate) { try await store.insertOperatorKey(third) }
        }
    }

    @Test("remember their last use and their first revocation", arguments: StoreKind.all)
    func touchAndRevoke(kind: StoreKind) async throws {
        try await withStore(kind) { store in
            try await store.insertOperatorKey(key(1))
            try await store.insertOperatorKey(key(2))
            try await store.touchOperatorKey(key(1).id, at: now + 50)
            try await store.revokeOperatorKey(key(1).id, at: now + 60)
            try await store.revokeOperatorKey(key(1).id, at: now + 70)
            var expected = key(1)
            expected.lastUsedAt = now + 50
            expected.revokedAt = now + 60
            #expect(try await store.operatorKey(key(1).id) == expected)
            #expect(try await store.operatorKey(key(2).id) == key(2))
            try await store.touchOperatorKey(OperatorKeyID("none"), at: now)
            await expectFailure(.notFound) { try await store.revokeOperatorKey(OperatorKeyID("none"), at: now) }
        }
    }

    @Test("of which the last admin in use is kept, also when two revoke each other at once", arguments: StoreKind.all)
    func lastAdmin(kind: StoreKind) async throws {
        try await withStore(kind) { store in
            var expired = key(0)
            expired.expiresAt = now + 5
            for key in [expired, key(1, .operator), key(2), key(3)] { try await store.insertOperatorKey(key) }
            async let second = store.revokeOperatorKey(key(2).id, at: now + 10)
            async let third = store.revokeOperatorKey(key(3).id, at: now + 10)
            let answers = try await [second, third]
            #expect(answers.filter { $0 }.count == 1)
            let (gone, kept) = answers[0] ? (key(2), key(3)) : (key(3), key(2))
            #expect(try await store.revokeOperatorKey(gone.id, at: now + 11), "it is revoked already")
            #expect(try await store.operatorKey(gone.id)?.revokedAt == now + 10)
            #expect(try await !store.revokeOperatorKey(kept.id, at: now + 11))
            #expect(try await store.operatorKey(kept.id)?.revokedAt == nil)
            #expect(try await store.revokeOperatorKey(key(1).id, at: now + 11), "another role's can always go")
        }
    }
}

@Suite("Browser sessions")
struct WebSessionStoreTests {
    let now = Sample.now

    private func session(_ hash: String, _ subject: SessionSubject, expires: Double = 100) -> WebSession {
        WebSession(
            tokenHash: hash, subject: subject, csrfToken: "csrf-\(hash)", createdAt: now, lastSeenAt: now + 1,
            expiresAt: now + expires)
    }

    @Test("belong to a partner or an operator, are touched and deleted", arguments: StoreKind.all)
    func roundTrip(kind: StoreKind) async throws {
        try await withStore(kind) { store in
            try await store.createPartner(Sample.partner())
            let operatorID = OperatorKeyID("opk_1")
            try await store.insertOperatorKey(
                OperatorKey(id: operatorID, name: "K", role: .viewer, hash: "h", createdAt: now))
            for session in [session("p", .partner(Sample.partner().id)), session("o", .operator(operatorID))] {
                try await store.insertSession(session)
                #expect(try await store.session(tokenHash: session.tokenHash) == session)
                try await store.touchSession(tokenHash: session.tokenHash, at: now + 9)
                #expect(try await store.session(tokenHash: session.tokenHash)?.lastSeenAt == now + 9)
                try await store.deleteSession(tokenHash: session.tokenHash)
                #expect(try await store.session(tokenHash: session.tokenHash) == nil)
                try await store.deleteSession(tokenHash: session.tokenHash)
                try await store.touchSession(tokenHash: session.tokenHash, at: now)
            }
        }
    }

    @Test("of nobody, or with a used token, are refused", arguments: StoreKind.all)
    func refused(kind: StoreKind) async throws {
        try await withStore(kind) { store in
            await expectFailure(.notFound) { try await store.insertSession(session("p", .partner(PartnerID("none")))) }
            await expectFailure(.notFound) {
                try await store.insertSession(session("o", .operator(OperatorKeyID("none"))))
            }
            try await store.createPartner(Sample.partner())
            try await store.insertSession(session("p", .partner(Sample.partner().id)))
            await expectFailure(.duplicate) {
                try await store.insertSession(session("p", .partner(Sample.partner().id)))
            }
        }
    }

    @Test("go when they have expired, with nonces and launch links", arguments: StoreKind.all)
    func expiry(kind: StoreKind) async throws {
        try await withStore(kind) { store in
            let partner = Sample.partner().id
            try await store.createPartner(Sample.partner())
            try await store.insertSession(session("old", .partner(partner), expires: 10))
            try await store.insertSession(session("young", .partner(partner), expires: 10.001))
            _ = try await store.useNonce("old", expiresAt: now + 10)
            _ = try await store.useNonce("young", expiresAt: now + 11)
            try await store.insertLaunchLink(tokenHash: "old", partner: partner, expiresAt: now + 10)
            try await store.insertLaunchLink(tokenHash: "young", partner: partner, expiresAt: now + 11)
            try await store.deleteExpiredSessions(at: now + 10)
            #expect(try await store.session(tokenHash: "old") == nil)
            #expect(try await store.session(tokenHash: "young") != nil)
            #expect(try await store.useNonce("old", expiresAt: now + 20), "forgotten, as its token has expired")
            #expect(try await !store.useNonce("young", expiresAt: now + 20))
            #expect(try await store.redeemLaunchLink(tokenHash: "old", at: now) == nil)
            #expect(try await store.redeemLaunchLink(tokenHash: "young", at: now) == partner)
        }
    }
}

@Suite("Launches")
struct LaunchStoreTests {
    let now = Sample.now

    @Test("use a nonce once, even when twenty come at once", arguments: StoreKind.all)
    func nonce(kind: StoreKind) async throws {
        try await withStore(kind) { store in
            let now = now
            let uses = try await withThrowingTaskGroup(of: Bool.self) { group in
                for _ in 0..<20 { group.addTask { try await store.useNonce("jti", expiresAt: now + 300) } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(uses.count { $0 } == 1)
            #expect(try await store.useNonce("another", expiresAt: now + 300))
        }
    }

    @Test("open by a link once, before it expires", arguments: StoreKind.all)
    func link(kind: StoreKind) async throws {
        try await withStore(kind) { store in
            let partner = Sample.partner().id
            await expectFailure(.notFound) {
                try await store.insertLaunchLink(tokenHash: "t", partner: partner, expiresAt: now + 10)
            }
            try await store.createPartner(Sample.partner())
            try await store.insertLaunchLink(tokenHash: "t", partner: partner, expiresAt: now + 10)
            #expect(try await store.redeemLaunchLink(tokenHash: "other", at: now) == nil)
            #expect(try await store.redeemLaunchLink(tokenHash: "t", at: now + 10) == nil, "expired")
            #expect(try await store.redeemLaunchLink(tokenHash: "t", at: now + 9.999) == partner)
            #expect(try await store.redeemLaunchLink(tokenHash: "t", at: now + 9.999) == nil, "used")
        }
    }
}

@Suite("The audit trail")
struct AuditStoreTests {
    let now = Sample.now

    @Test("is read newest first, of all or of one partner, page by page", arguments: StoreKind.all)
    func pages(kind: StoreKind) async throws {
        try await withStore(kind) { store in
            for number in 0..<6 {
                try await store.appendAudit(
                    AuditEntry(
                        at: now + Double(number), actor: "operator:opk_1", action: "connection.connect",
                        partnerID: number % 2 == 0 ? PartnerID("gone") : nil, address: number == 0 ? "::1" : nil,
                        details: "entry \(number)"))
            }
            let all = try await store.auditEntries(partner: nil, before: nil, limit: 100)
            #expect(all.map(\.details) == (0..<6).reversed().map { "entry \($0)" })
            #expect(zip(all, all.dropFirst()).allSatisfy { $0.sequence > $1.sequence })
            #expect(all.last?.address == "::1")
            #expect(all.last?.at == now)
            #expect(all.last?.partnerID == PartnerID("gone"))

            let page = try await store.auditEntries(partner: nil, before: all[1].sequence, limit: 2)
            #expect(page == Array(all[2...3]))
            let own = try await store.auditEntries(partner: PartnerID("gone"), before: all[1].sequence, limit: 2)
            #expect(own.map(\.details) == ["entry 2", "entry 0"])
            #expect(try await store.auditEntries(partner: PartnerID("other"), before: nil, limit: 9).isEmpty)
        }
    }
}
