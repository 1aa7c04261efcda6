import Foundation
import HTTPServer
import HTTPTypes
import Integration
import Secrets
import Store
import Testing

@testable import Portal

@Suite("The life of an operator key")
struct OperatorKeyLifeTests {
    @Test("ends at its expiry, and with it the sessions that stand on it")
    func expiry() async throws {
        try await withAdminOffice { office in
            let issued = try await office.call(.post, "/operators", json: #"{"name":"Guest","role":"viewer","expiresInDays":1}"#)
            #expect(issued.status == 201)
            let key = try #require(try issued.json.key.string)
            let handler = WebSurface(office.environment).handler
            let request = Request(.get, "/api/v1/partners", headerFields: [.authorization: "Bearer " + key])
            let signIn = try await Answer(
                handler(
                    Request(
                        .post, "/console/sign-in", headerFields: [.contentType: "application/x-www-form-urlencoded"],
                        body: Array("key=\(key)".utf8))))
            let cookie = String(try #require(signIn.headerFields[.setCookie]).prefix { $0 != ";" })
            func console() async throws -> Int {
                try await handler(Request(.get, "/console", headerFields: [.cookie: cookie])).status.code
            }
            #expect(try await handler(request).status == .ok)
            #expect(try await console() == 200)
            // Kept in use, so that only the expiry ends the session.
            for _ in 0..<47 {
                office.clock.turn(.seconds(25 * 60))
                if try await console() != 200 { break }
            }
            office.clock.turn(.seconds(86_400))
            #expect(try await handler(request).status == .unauthorized)
            let refused = try await office.store.auditEntries(partner: nil, before: nil, limit: 1).first
            #expect(refused?.action == "operatorKey.refused" && refused?.details.contains("it has expired") == true)
            for days in ["0", "-1", "3651", "1.5", "\"1\""] {
                let answer = try await office.call(.post, "/operators", json: #"{"name":"G","role":"viewer","expiresInDays":\#(days)}"#)
                #expect(answer.status == 400, "\(days)")
            }
        }
    }

    @Test("An expired key ends its console session with the next request")
    func expiredSession() async throws {
        try await withAdminOffice { office in
            let (_, secret) = try await OperatorKeys.issue(
                name: "Short", role: .viewer, expiresAt: office.clock.now.addingTimeInterval(600), store: office.store,
                keyRing: office.environment.keyRing, random: office.environment.random, time: office.environment.time)
            let handler = WebSurface(office.environment).handler
            let signIn = try await Answer(
                handler(
                    Request(
                        .post, "/console/sign-in", headerFields: [.contentType: "application/x-www-form-urlencoded"],
                        body: Array("key=\(secret.reveal())".utf8))))
            let cookie = String(try #require(signIn.headerFields[.setCookie]).prefix { $0 != ";" })
            func console() async throws -> Int {
                try await handler(Request(.get, "/console", headerFields: [.cookie: cookie])).status.code
            }
            office.clock.turn(.seconds(599))
            #expect(try await console() == 200)
            office.clock.turn(.seconds(1))
            #expect(try await console() == 303)
        }
    }

    @Test("Only a keyed hash is stored: neither the key nor its plain hash is in the database")
    func keyedHash() async throws {
        try await withAdminOffice { office in
            let key = try #require(office.keys[.admin])
            let dump = "\(try await office.store.dump())"
            #expect(!dump.contains(key.reveal()) && !dump.contains(TokenHash.sha256(key.reveal())))
            let stored = try #require(try await office.store.operatorKeys().first { $0.role == .admin })
            #expect(stored.hash.hasPrefix("h1:"))
            let other = KeyedTokenHash(key: Secret("another installation's key"))
            #expect(other.hash(key) != stored.hash)
            #expect(other.keyed(stored: TokenHash.sha256(key.reveal())) == other.hash(key))
            #expect(other.keyed(stored: other.hash(key)) == nil)
        }
    }

    @Test("Two admins who revoke each other at once leave one of them")
    func revokedByEachOther() async throws {
        try await withAdminOffice { office in
            let first = try #require(office.keyIDs[.admin])
            for round in 0..<20 {
                let (second, _) = try await OperatorKeys.issue(
                    name: "Second \(round)", role: .admin, store: office.store, keyRing: office.environment.keyRing,
                    random: office.environment.random, time: office.environment.time)
                func revoke(_ id: OperatorKeyID) async -> IntegrationError? {
                    do throws(IntegrationError) {
                        try await OperatorKeys.revoke(
                            id, store: office.store, keyRing: office.environment.keyRing, time: office.environment.time)
                        return nil
                    } catch {
                        return error
                    }
                }
                let keys = try await office.store.operatorKeys().filter { $0.role == .admin && $0.revokedAt == nil }.map(\.id)
                try #require(keys.count == 2, "round \(round)")
                async let one = revoke(keys[0])
                async let other = revoke(keys[1])
                let refusals = await [one, other].compactMap { $0 }
                #expect(refusals.map(\.code) == [.conflict], "round \(round), \(first), \(second.id)")
                let left = try await office.store.operatorKeys().filter { $0.role == .admin && $0.revokedAt == nil }
                #expect(left.count == 1)
            }
            let revocations = try await office.store.auditEntries(after: 0, limit: 999).count { $0.action == "operator.revoke" }
            #expect(revocations == 20, "what was refused is not in the trail as done")
        }
    }

    @Test("Revoking a key deletes its sessions")
    func revoked() async throws {
        try await withAdminOffice { office in
            _ = try await ConsoleBrowser(office, as: .viewer)
            let id = try #require(office.keyIDs[.viewer])
            try await OperatorKeys.revoke(id, store: office.store, keyRing: office.environment.keyRing, time: office.environment.time)
            #expect(try await office.store.rawTexts("SELECT token_hash AS text FROM web_session").isEmpty)
        }
    }
}
