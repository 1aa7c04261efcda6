import Foundation
import Store
import Testing

@Suite("Operator keys")
struct OperatorKeyStoreTests {
    let now = Sample.now

    private func key(_ number: Int, _ role: OperatorRole = .admin) -> OperatorKey {
        OperatorKey(
            id: OperatorKeyID("opk_\(number)"), name: "Key \(number)", role: role, hash: "hash-\(number)",
            createdAt: now + Double(number), proof: "proof-\(number)")
    }

    private func revoked(_ key: OperatorKey, at seconds: Double) -> OperatorKey {
        var key = key
        key.revokedAt = now + seconds
        key.proof += "-revoked"
        return key
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
            #expect(try await store.revokeOperatorKey(revoked(key(1), at: 60), evenIfLastLasting: false) == .revoked)
            #expect(try await store.revokeOperatorKey(revoked(key(1), at: 70), evenIfLastLasting: false) == .revokedBefore)
            var expected = revoked(key(1), at: 60)
            expected.lastUsedAt = now + 50
            #expect(try await store.operatorKey(key(1).id) == expected)
            #expect(try await store.operatorKey(key(2).id) == key(2))
            try await store.touchOperatorKey(OperatorKeyID("none"), at: now)
            await expectFailure(.notFound) { try await store.revokeOperatorKey(revoked(key(9), at: 1), evenIfLastLasting: true) }
        }
    }

    @Test("of which the last admin in use is kept, also when two revoke each other at once", arguments: StoreKind.all)
    func lastAdmin(kind: StoreKind) async throws {
        try await withStore(kind) { store in
            var expired = key(0)
            expired.expiresAt = now + 5
            for key in [expired, key(1, .operator), key(2), key(3)] { try await store.insertOperatorKey(key) }
            async let second = store.revokeOperatorKey(revoked(key(2), at: 10), evenIfLastLasting: true)
            async let third = store.revokeOperatorKey(revoked(key(3), at: 10), evenIfLastLasting: true)
            let answers = try await [second, third]
            #expect(Set(answers) == [.revoked, .lastAdmin])
            let (gone, kept) = answers[0] == .revoked ? (key(2), key(3)) : (key(3), key(2))
            #expect(try await store.revokeOperatorKey(revoked(gone, at: 11), evenIfLastLasting: true) == .revokedBefore)
            #expect(try await store.operatorKey(gone.id)?.revokedAt == now + 10)
            #expect(try await store.revokeOperatorKey(revoked(kept, at: 11), evenIfLastLasting: true) == .lastAdmin)
            #expect(try await store.operatorKey(kept.id) == kept)
            #expect(
                try await store.revokeOperatorKey(revoked(key(1, .operator), at: 11), evenIfLastLasting: false) == .revoked,
                "another role's can always go")
        }
    }

    @Test("of which the last admin without an end is kept while every other expires, unless that is meant", arguments: StoreKind.all)
    func lastLastingAdmin(kind: StoreKind) async throws {
        try await withStore(kind) { store in
            var expiring = key(1)
            expiring.expiresAt = now + 99
            for key in [expiring, key(2), key(3)] { try await store.insertOperatorKey(key) }
            #expect(try await store.revokeOperatorKey(revoked(key(3), at: 10), evenIfLastLasting: false) == .revoked)
            #expect(try await store.revokeOperatorKey(revoked(key(2), at: 11), evenIfLastLasting: false) == .lastLastingAdmin)
            #expect(try await store.operatorKey(key(2).id) == key(2))
            #expect(try await store.revokeOperatorKey(revoked(key(2), at: 12), evenIfLastLasting: true) == .revoked)
            #expect(try await store.revokeOperatorKey(revoked(expiring, at: 13), evenIfLastLasting: true) == .lastAdmin)
        }
    }

    @Test(
        "end with their sessions, the links they made and the sessions that these opened, and with nobody else's", arguments: StoreKind.all)
    func ending(kind: StoreKind) async throws {
        try await withStore(kind) { store in
            let (one, other, partner) = (key(1, .operator), key(2, .operator), Sample.partner())
            try await store.createPartner(partner)
            for key in [one, other] {
                try await store.insertOperatorKey(key)
                let id = key.id.rawValue
                for (name, subject, launchedBy) in [
                    ("own", SessionSubject.operator(key.id), nil), ("launched", .partner(partner.id), key.id),
                ] {
                    let session = WebSession(
                        tokenHash: "\(name) \(id)", subject: subject, launchedBy: launchedBy, createdAt: now, lastSeenAt: now,
                        expiresAt: now + 99)
                    #expect(try await store.openSession(session, with: nil, replacing: nil))
                }
                try await store.insertLaunchLink(
                    LaunchLink(tokenHash: "link \(id)", partnerID: partner.id, madeBy: key.id, expiresAt: now + 99))
            }
            try await store.revokeOperatorKey(revoked(one, at: 1), evenIfLastLasting: false)
            for (key, isThere) in [(one, false), (other, true)] {
                for name in ["own", "launched"] {
                    #expect((try await store.session(tokenHash: "\(name) \(key.id)") != nil) == isThere, "\(name) of \(key.id)")
                }
                #expect((try await store.launchLink(tokenHash: "link \(key.id)") != nil) == isThere)
            }
        }
    }
}

@Suite("Browser sessions")
struct WebSessionStoreTests {
    let now = Sample.now

    private func session(
        _ hash: String, _ subject: SessionSubject, from seconds: Double = 0, expires: Double = 100
    ) -> WebSession {
        WebSession(
            tokenHash: hash, subject: subject, createdAt: now + seconds, lastSeenAt: now + seconds + 1, expiresAt: now + expires,
            mayChange: false, proof: "proof-\(hash)")
    }

    @Test("belong to a partner or an operator, are touched and deleted", arguments: StoreKind.all)
    func roundTrip(kind: StoreKind) async throws {
        try await withStore(kind) { store in
            try await store.createPartner(Sample.partner())
            let operatorID = OperatorKeyID("opk_1")
            try await store.insertOperatorKey(
                OperatorKey(id: operatorID, name: "K", role: .viewer, hash: "h", createdAt: now))
            var launched = session("l", .partner(Sample.partner().id))
            launched.launchedBy = operatorID
            for session in [session("p", .partner(Sample.partner().id)), session("o", .operator(operatorID)), launched] {
                #expect(try await store.openSession(session, with: nil, replacing: nil))
                #expect(try await store.session(tokenHash: session.tokenHash) == session)
                var touched = session
                touched.lastSeenAt = now + 9
                touched.proof = "later"
                try await store.touchSession(touched)
                #expect(try await store.session(tokenHash: session.tokenHash) == touched)
                try await store.deleteSession(tokenHash: session.tokenHash)
                #expect(try await store.session(tokenHash: session.tokenHash) == nil)
                try await store.deleteSession(tokenHash: session.tokenHash)
                try await store.touchSession(touched)
            }
        }
    }

    @Test("of nobody, or with a used token, are refused, and what they would have used up is left", arguments: StoreKind.all)
    func refused(kind: StoreKind) async throws {
        try await withStore(kind) { store in
            let pass = LaunchPass.token(nonce: "n", expiresAt: now + 50)
            await expectFailure(.notFound) {
                _ = try await store.openSession(session("p", .partner(PartnerID("none"))), with: pass, replacing: nil)
            }
            await expectFailure(.notFound) {
                _ = try await store.openSession(session("o", .operator(OperatorKeyID("none"))), with: pass, replacing: nil)
            }
            try await store.createPartner(Sample.partner())
            let partner = session("p", .partner(Sample.partner().id))
            _ = try await store.openSession(partner, with: nil, replacing: nil)
            await expectFailure(.duplicate) { _ = try await store.openSession(partner, with: pass, replacing: nil) }
            #expect(try await !store.isNonceUsed("n"))
        }
    }

    @Test("take the place of the browser's, and what has expired goes with them", arguments: StoreKind.all)
    func expiry(kind: StoreKind) async throws {
        try await withStore(kind) { store in
            let partner = Sample.partner().id
            try await store.createPartner(Sample.partner())
            for (name, expires) in [("old", 10), ("young", 10.001), ("replaced", 99)] {
                let pass = LaunchPass.token(nonce: name, expiresAt: now + expires)
                #expect(try await store.openSession(session(name, .partner(partner), expires: expires), with: pass, replacing: nil))
                try await store.insertLaunchLink(
                    LaunchLink(tokenHash: name, partnerID: partner, madeBy: nil, expiresAt: now + expires))
            }
            #expect(try await store.openSession(session("new", .partner(partner), from: 10), with: nil, replacing: "replaced"))
            #expect(try await store.session(tokenHash: "replaced") == nil)
            for (name, isThere) in [("old", false), ("young", true)] {
                #expect((try await store.session(tokenHash: name) != nil) == isThere)
                #expect(try await store.isNonceUsed(name) == isThere)
                #expect((try await store.launchLink(tokenHash: name) != nil) == isThere)
            }
        }
    }
}

@Suite("Launches")
struct LaunchStoreTests {
    let now = Sample.now

    private func session(_ hash: String, at seconds: Double = 0) -> WebSession {
        WebSession(
            tokenHash: hash, subject: .partner(Sample.partner().id), createdAt: now + seconds, lastSeenAt: now + seconds,
            expiresAt: now + 500)
    }

    @Test("use a nonce once, even when twenty come at once", arguments: StoreKind.all)
    func nonce(kind: StoreKind) async throws {
        try await withStore(kind) { store in
            try await store.createPartner(Sample.partner())
            let sessions = (0..<20).map { session("\($0)") }
            let pass = LaunchPass.token(nonce: "jti", expiresAt: now + 300)
            let uses = try await withThrowingTaskGroup(of: Bool.self) { group in
                for session in sessions { group.addTask { try await store.openSession(session, with: pass, replacing: nil) } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(uses.count { $0 } == 1)
            var open = 0
            for session in sessions where try await store.session(tokenHash: session.tokenHash) != nil { open += 1 }
            #expect(open == 1)
            #expect(try await store.isNonceUsed("jti"))
            #expect(try await !store.isNonceUsed("another"))
        }
    }

    @Test("open by a link once, before it expires", arguments: StoreKind.all)
    func link(kind: StoreKind) async throws {
        try await withStore(kind) { store in
            let link = LaunchLink(
                tokenHash: "t", partnerID: Sample.partner().id, madeBy: nil, expiresAt: now + 10, proof: "proof")
            await expectFailure(.notFound) { try await store.insertLaunchLink(link) }
            try await store.createPartner(Sample.partner())
            try await store.insertLaunchLink(link)
            await expectFailure(.duplicate) { try await store.insertLaunchLink(link) }
            #expect(try await store.launchLink(tokenHash: "t") == link)
            #expect(try await store.launchLink(tokenHash: "other") == nil)
            func opens(_ token: String, at seconds: Double) async throws -> Bool {
                try await store.openSession(session("s\(seconds)", at: seconds), with: .link(tokenHash: token), replacing: nil)
            }
            #expect(try await !opens("other", at: 0))
            #expect(try await !opens("t", at: 10), "expired")
            #expect(try await opens("t", at: 9.999))
            #expect(try await !opens("t", at: 9.998), "used")
            #expect(try await store.session(tokenHash: "s9.998") == nil)
        }
    }

    @Test("leave no trace of a pass when their audit entry cannot be written")
    func notAudited() async throws {
        try await withSQLiteStore { store in
            try await store.createPartner(Sample.partner())
            let link = LaunchLink(tokenHash: "t", partnerID: Sample.partner().id, madeBy: nil, expiresAt: now + 10)
            try await store.insertLaunchLink(link)
            try await store.raw("CREATE TRIGGER no_room BEFORE INSERT ON audit_entry BEGIN SELECT RAISE(ABORT, 'no room'); END")
            let entry = AuditEntry(at: now, actor: "a", action: "session.open", partnerID: nil, address: nil, details: "")
            for pass in [LaunchPass.link(tokenHash: "t"), .token(nonce: "n", expiresAt: now + 10)] {
                await #expect(throws: StoreError.self) {
                    try await store.audited(entry) { () async throws(StoreError) in
                        _ = try await store.openSession(session("s"), with: pass, replacing: nil)
                    }
                }
            }
            #expect(try await store.launchLink(tokenHash: "t") == link)
            #expect(try await !store.isNonceUsed("n"))
            #expect(try await store.session(tokenHash: "s") == nil)
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
