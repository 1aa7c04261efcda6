import Foundation
import HTTPServer
import HTTPTypes
import Integration
import Logging
import Store
import Testing

@testable import Portal
@testable import Secrets

/// Somebody who can write the database file, and has everything in it, but not the master key.
@Suite("Rows that somebody wrote into the database let nobody in")
struct RowProofTests {
    private func doctor(_ office: AdminOffice) async throws -> [String] {
        try await office.store.inspectProofs(office.environment.keyRing).faults
    }

    @Test("a session of his own making opens neither the page nor the console, whatever proof he gives it")
    func forgedSession() async throws {
        try await withPageDesk { desk in
            let partner = try await desk.office.connectedPartner()
            let admin = try #require(desk.office.keyIDs[.admin])
            let browser = try await desk.browser(of: partner)
            let store = desk.office.store
            let real = try #require(try await store.rawTexts("SELECT proof AS text FROM web_session").first)
            let now = Int(desk.office.clock.now.timeIntervalSince1970 * 1000)
            let token = "a-token-that-he-chose"
            for (number, proof) in ["", real, String(repeating: "0", count: 64)].enumerated() {
                for (column, id, cookie, path) in [
                    ("partner_id", partner.id.rawValue, "perch_session", "/"),
                    ("operator_key_id", admin.rawValue, "perch_console", "/console"),
                ] {
                    let chosen = "\(token)-\(column)-\(number)"
                    try await store.raw(
                        """
                        INSERT INTO web_session (token_hash, \(column), may_change, created_at, last_seen_at, expires_at, proof)
                        VALUES ('\(TokenHash.sha256(chosen))', '\(id)', 1, \(now), \(now), \(now + 9_999_999), '\(proof)')
                        """)
                    let thief = desk.browser()
                    thief.cookies[cookie] = chosen
                    #expect(try await thief.get(path).status != 200, "\(path) with proof \(number)")
                }
            }
            let faults = try await doctor(desk.office)
            #expect(faults.count == 6)
            #expect(faults.contains { $0.hasPrefix("The row of a session of operator key \(admin) was put in or altered") })
            #expect(try await browser.get("/").status == 200, "and the partner goes on")
        }
    }

    @Test(
        "a session that he alters ends: another's page, more rights, another key's, a later end, a younger use",
        arguments: [
            "partner_id = (SELECT id FROM partner WHERE vendor_reference = 'msp-2')", "may_change = 1 - may_change",
            "launched_by = (SELECT id FROM operator_key LIMIT 1)", "expires_at = expires_at + 1", "created_at = created_at - 1",
            "last_seen_at = last_seen_at + 1", "proof = ''", "proof = upper(proof)",
        ])
    func alteredSession(change: String) async throws {
        try await withPageDesk { desk in
            _ = try await desk.office.connectedPartner("msp-2")
            let browser = try await desk.browser(of: desk.office.connectedPartner())
            #expect(try await browser.get("/").status == 200)
            try await desk.office.store.raw("UPDATE web_session SET \(change)")
            #expect(try await browser.get("/").status == 401)
            #expect(try await doctor(desk.office).count == 1)
        }
    }

    @Test("partners whose references at the vendor he swaps get nobody's page, and nothing is fetched by them")
    func swappedReferences() async throws {
        try await withPageDesk { desk in
            let store = desk.office.store
            let (one, two) = (try await desk.office.connectedPartner(), try await desk.office.connectedPartner("msp-2"))
            try await store.raw("UPDATE partner SET vendor_reference = 'x' WHERE id = '\(one.id)'")
            try await store.raw("UPDATE partner SET vendor_reference = 'msp-1' WHERE id = '\(two.id)'")
            try await store.raw("UPDATE partner SET vendor_reference = 'msp-2' WHERE id = '\(one.id)'")
            for reference in ["msp-1", "msp-2"] {
                let token = try await desk.token(reference)
                let refused = try await desk.browser().get("/launch?token=" + token)
                #expect(refused.status == 401 && !refused.text.contains("master key"))
            }
            let refusal = try await store.auditEntries(partner: nil, before: nil, limit: 1).first
            #expect(refusal?.action == "session.refused" && refusal?.details.contains("`perch doctor` names what was altered") == true)
            let preview = await #expect(throws: IntegrationError.self) { try await desk.environment.desk.previewSync(one.id) }
            #expect(preview?.code == .secrets)
            #expect(
                Set(try await doctor(desk.office)) == [
                    "The row of partner \(one.id) was put in or altered by somebody without the master key. It opens nothing.",
                    "The row of partner \(two.id) was put in or altered by somebody without the master key. It opens nothing.",
                ])
        }
    }

    @Test("an operator key of his own, also with the plain hash of an older Perch, or a better role, or one that is back opens nothing")
    func operatorKeys() async throws {
        try await withAdminOffice { office in
            let (store, ring) = (office.store, office.environment.keyRing)
            func status(_ key: Secret) async throws -> Int {
                try await office.api(
                    Request(.get, "/api/v1/operators", headerFields: [.authorization: "Bearer " + key.reveal()])
                ).status.code
            }
            let viewer = try #require(office.keys[.viewer])
            let viewerID = try #require(office.keyIDs[.viewer])
            #expect(try await status(viewer) == 403)
            let console = try await ConsoleBrowser(office, as: .viewer)
            try await store.raw("UPDATE operator_key SET role = 'admin' WHERE id = '\(viewerID)'")
            #expect(try await status(viewer) == 401)
            #expect(try await console.get("/console/operators").status == 303)
            try await store.raw("UPDATE operator_key SET role = 'viewer' WHERE id = '\(viewerID)'")
            #expect(try await status(viewer) == 403)

            try await OperatorKeys.revoke(viewerID, store: store, keyRing: ring, time: office.environment.time)
            try await store.raw("UPDATE operator_key SET revoked_at = NULL WHERE id = '\(viewerID)'")
            #expect(try await status(viewer) == 401)

            let own = Secret("opk_his-own")
            try await store.raw(
                """
                INSERT INTO operator_key (id, name, role, hash, created_at, proof)
                VALUES ('opr_his', 'His', 'admin', '\(TokenHash.sha256(own.reveal()))', 1, '')
                """)
            // As a start does it.
            _ = try await OperatorKeys.hashing(store: store, keyRing: ring, random: office.environment.random)
            #expect(try await status(own) == 401)
            #expect(try await doctor(office).count == 2)
        }
    }

    @Test("a launch link of his own, or one that leads to another partner, opens nothing and is not used up")
    func links() async throws {
        try await withPageDesk { desk in
            let store = desk.office.store
            let (one, two) = (try await desk.office.partner(), try await desk.office.partner("msp-2"))
            let link = try await LaunchLinks.make(for: one.id, by: .commandLine, desk.environment)
            let target = try #require(URL(string: link.url)).relativeTarget
            try await store.raw("UPDATE launch_link SET partner_id = '\(two.id)'")
            #expect(try await desk.browser().get(target).status == 401)
            try await store.raw("UPDATE launch_link SET partner_id = '\(one.id)', expires_at = expires_at + 1")
            #expect(try await desk.browser().get(target).status == 401)
            #expect(try await doctor(desk.office).count == 1)
            try await store.raw("UPDATE launch_link SET expires_at = expires_at - 1")
            #expect(try await desk.browser().get(target).status == 303)
            #expect(try await doctor(desk.office) == [])
        }
    }

    @Test("a session that came by the link of a key that was revoked, put back from an old copy, opens nothing")
    func sessionOfRevokedKey() async throws {
        try await withPageDesk { desk in
            let (store, maker) = (desk.office.store, try #require(desk.office.keyIDs[.operator]))
            let link = try await LaunchLinks.make(
                for: desk.office.partner().id, by: .operator(maker, name: "Ada", address: nil), desk.environment)
            let browser = try await desk.browser()
            #expect(try await browser.get(try #require(URL(string: link.url)).relativeTarget).status == 303)
            #expect(try await browser.get("/").status == 200)
            try await store.raw("CREATE TEMP TABLE old AS SELECT * FROM web_session")
            try await OperatorKeys.revoke(
                maker, evenIfLastLasting: true, store: store, keyRing: desk.environment.keyRing, time: desk.environment.time)
            try await store.raw("INSERT INTO web_session SELECT * FROM old")
            #expect(try await browser.get("/").status == 401)
        }
    }

    @Test("a row that he puts in is no other admin key: the last real one is kept")
    func lastRealAdmin() async throws {
        try await withAdminOffice { office in
            let (store, ring, admin) = (office.store, office.environment.keyRing, try #require(office.keyIDs[.admin]))
            try await store.raw(
                "INSERT INTO operator_key (id, name, role, hash, created_at, proof) VALUES ('opr_his', 'His', 'admin', 'x', 1, '')")
            let refusal = await #expect(throws: IntegrationError.self) {
                try await OperatorKeys.revoke(admin, evenIfLastLasting: true, store: store, keyRing: ring, time: office.environment.time)
            }
            #expect(refusal?.code == .conflict)
            #expect(try await store.operatorKey(admin)?.revokedAt == nil)
        }
    }

    @Test("and no form's token is in the database: it is made of the cookie's")
    func formTokens() async throws {
        try await withPageDesk { desk in
            let browser = try await desk.browser(of: desk.office.connectedPartner())
            let token = try await browser.formToken()
            #expect(!"\(try await desk.office.store.dump())".contains(token))
            let other = try await desk.browser(of: desk.office.connectedPartner("msp-2")).formToken()
            #expect(token != other && token.count == 64)
        }
    }
}

/// A database of an older schema is believed once.
@Suite("Proofs of rows, from the first start on")
struct ProofAdoptionTests {
    private func withStore(_ body: (SQLiteStore, Configuration, Dependencies) async throws -> Void) async throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: "perch-proofs-\(UUID().uuidString)").path()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        let configuration = try Configuration(
            SettingSources(commandLine: ["PERCH_DATA_DIRECTORY": directory, "PERCH_RESOURCES": Repository.path("")]))
        let store = try SQLiteStore(directory: directory, migrationsDirectory: Repository.path("migrations"), logger: logger)
        try await body(store, configuration, Dependencies(http: AnsweringSender(), logger: logger))
        try await store.close()
    }

    /// What a start of the older Perch left: data keys without a key for proofs, rows without proofs, plain hashes.
    private func makeOld(_ store: SQLiteStore, _ configuration: Configuration, _ token: Secret) async throws {
        let master = try #require(try MasterKeyFile.load(configuration.dataDirectory + "/secret.key"))
        try await store.rewrapKeys(
            try KeyRing.removingRowKey(from: try await store.wrappedKeys(), master: master, random: .system))
        let now = Date(timeIntervalSince1970: 1_800_000_000)
        try await store.createPartner(
            Partner(id: PartnerID("par_old"), vendorReference: "old", name: "Old", timeZone: "UTC", createdAt: now))
        try await store.insertOperatorKey(
            OperatorKey(id: OperatorKeyID("opr_old"), name: "Old", role: .admin, hash: TokenHash.sha256(token.reveal()), createdAt: now))
    }

    @Test("what is there is proven at the first start and works on; what comes without a proof later does not, also after another start")
    func adoption() async throws {
        try await withStore { store, configuration, dependencies in
            let token = Secret("opk_older")
            _ = try await KeyKeeper(configuration, dependencies, store).openKeyRing()
            try await makeOld(store, configuration, token)
            let ring = try await KeyKeeper(configuration, dependencies, store).openKeyRing()
            #expect(ring.provesRows)
            let partner = try #require(try await store.partner(vendorReference: "old"))
            #expect(partner.isProven(by: ring))
            let hashing = try await OperatorKeys.hashing(store: store, keyRing: ring, random: .system)
            #expect(try await store.operatorKey(hash: hashing.hash(token))?.isProven(by: ring) == true)
            #expect(try await store.auditEntries(partner: nil, before: nil, limit: 9).map(\.action) == ["keys.proveRows"])

            // Taken away again by hand: no start gives it back.
            try await store.raw("UPDATE partner SET proof = '', vendor_reference = 'another'")
            try await store.raw("UPDATE operator_key SET proof = ''")
            for _ in 0..<2 {
                let again = try await KeyKeeper(configuration, dependencies, store).openKeyRing()
                #expect(try await store.inspectProofs(again).faults.count == 2)
            }
        }
    }

    @Test("a data key from before, put back from an old copy, ends the start and is named; nothing is believed a second time")
    func olderDataKey() async throws {
        try await withStore { store, configuration, dependencies in
            _ = try await KeyKeeper(configuration, dependencies, store).openKeyRing()
            try await makeOld(store, configuration, Secret("opk_older"))
            let old = try await store.wrappedKeys()
            _ = try await KeyKeeper(configuration, dependencies, store).openKeyRing()
            try await store.rewrapKeys(old)
            for removal in [
                "UPDATE partner SET vendor_reference = 'another'", "UPDATE partner SET proof = ''", "UPDATE operator_key SET proof = ''",
            ] {
                try await store.raw(removal)
                let refusal = await #expect(throws: ApplicationError.self) {
                    try await KeyKeeper(configuration, dependencies, store).openKeyRing()
                }
                #expect(refusal?.message == OlderDataKey.message)
                let ring = try #require(try KeyKeeper.open(old, configuration))
                #expect(try await store.inspectProofs(ring).faults == [OlderDataKey.message])
            }
        }
    }

    @Test("the key that operator keys are hashed with is not made anew while keys need it, and doctor names its loss")
    func lostHashKey() async throws {
        try await withStore { store, configuration, dependencies in
            let ring = try await KeyKeeper(configuration, dependencies, store).openKeyRing()
            _ = try await OperatorKeys.issue(
                name: "Ada", role: .admin, store: store, keyRing: ring, random: .system, time: dependencies.time)
            try await store.raw("DELETE FROM sealed_setting")
            await #expect(throws: StoreError.self) { try await OperatorKeys.hashing(store: store, keyRing: ring, random: .system) }
            let faults = try await store.inspect(migrationsDirectory: Repository.path("migrations")).flatMap(\.faults)
            #expect(faults.count == 1 && faults[0].hasPrefix("The key that operator keys are hashed with is not in the database"))
        }
    }

    @Test("both layers of keys rotate, and every proof holds")
    func rotation() async throws {
        try await withStore { store, configuration, dependencies in
            let keeper = KeyKeeper(configuration, dependencies, store)
            let ring = try await keeper.openKeyRing()
            let partner = Partner(
                id: PartnerID("par_1"), vendorReference: "v", name: "N", timeZone: "UTC", createdAt: dependencies.time.now()
            ).proven(by: ring)
            try await store.createPartner(partner)
            _ = try await keeper.rotateDataKey(ring, by: .commandLine)
            try await keeper.rotateMasterKey(to: nil, by: .commandLine)
            let next = KeyKeeper(configuration, dependencies, store)
            let reopened = try await next.openKeyRing()
            try await next.finishRotation(reopened)
            for ring in [ring, reopened] {
                #expect(partner.isProven(by: ring))
                #expect(try await store.inspectProofs(ring).faults == [])
            }
            #expect(try await store.wrappedKeys().map(\.id) == [reopened.keyID])
        }
    }
}

extension KeyRing {
    /// Data keys as an older Perch wrapped them.
    fileprivate static func removingRowKey(
        from wrapped: [WrappedDataKey], master: MasterKey, random: RandomSource
    ) throws -> [WrappedDataKey] {
        try wrapped.map { try wrap(Array(envelope(of: $0, master: master).prefix(32)), as: $0, master, random) }
    }
}
