import Foundation
import HTTPServer
import HTTPTypes
import Integration
import Secrets
import Store
import Testing

@testable import Portal

@Suite("Admin API: who may call")
struct AdminAccessTests {
    /// Who may call what, written down a second time.
    static let roles: [String: OperatorRole] = [
        "GET /partners": .viewer,
        "POST /partners": .operator,
        "GET /partners/{partnerId}": .viewer,
        "POST /partners/{partnerId}/launch-link": .operator,
        "DELETE /partners/{partnerId}/sessions": .operator,
        "GET /partners/{partnerId}/connection": .viewer,
        "POST /partners/{partnerId}/connection": .operator,
        "DELETE /partners/{partnerId}/connection/key": .operator,
        "POST /partners/{partnerId}/connection/disable": .operator,
        "POST /partners/{partnerId}/connection/enable": .operator,
        "GET /partners/{partnerId}/usage": .viewer,
        "PUT /partners/{partnerId}/usage": .operator,
        "PUT /partners/{partnerId}/usage/file": .operator,
        "GET /partners/{partnerId}/sync-runs": .viewer,
        "POST /partners/{partnerId}/sync-runs": .operator,
        "POST /partners/{partnerId}/sync-preview": .operator,
        "GET /sync-runs/{runId}": .viewer,
        "POST /sync-runs/{runId}/cancel": .operator,
        "POST /sync-runs/{runId}/release": .operator,
        "GET /sync-runs/{runId}/lines": .viewer,
        "GET /sync-runs/{runId}/lines.csv": .viewer,
        "GET /sync-runs/{runId}/lines.json": .viewer,
        "GET /partners/{partnerId}/schedule": .viewer,
        "PUT /partners/{partnerId}/schedule": .operator,
        "GET /partners/{partnerId}/clients": .viewer,
        "GET /partners/{partnerId}/accounts": .viewer,
        "PATCH /partners/{partnerId}/accounts/{accountId}": .operator,
        "GET /services": .viewer,
        "PATCH /services/{serviceId}": .admin,
        "GET /partners/{partnerId}/alerts": .viewer,
        "POST /partners/{partnerId}/alerts": .operator,
        "GET /partners/{partnerId}/alerts/{alert}": .viewer,
        "POST /partners/{partnerId}/test-alert": .operator,
        "GET /audit": .viewer,
        "GET /audit.csv": .viewer,
        "GET /audit.json": .viewer,
        "GET /keys": .admin,
        "POST /keys/rotate-data-key": .admin,
        "POST /keys/rotate-master-key": .admin,
        "GET /operators": .admin,
        "POST /operators": .admin,
        "DELETE /operators/{operatorId}": .admin,
    ]

    @Test("Every route admits its role and those above, and refuses the rest and strangers")
    func everyRouteAndRole() async throws {
        #expect(Set(AdminAPI.routes.map { "\($0.method.rawValue) \($0.path)" }) == Set(Self.roles.keys))
        try await withAdminOffice { office in
            for route in AdminAPI.routes {
                let name = "\(route.method.rawValue) \(route.path)"
                let needed = try #require(Self.roles[name])
                // Nothing has this id, so whoever is let in changes nothing.
                let path = route.path.replacing(/\{\w+\}/, with: "none")
                for role in OperatorRole.allCases {
                    let answer = try await office.call(route.method, path, as: role, json: "{}")
                    if role < needed {
                        #expect(answer.status == 403, "\(role) \(name)")
                        #expect(try answer.json.code.string == "roleTooLow")
                    } else {
                        #expect(![401, 403, 500].contains(answer.status), "\(role) \(name): \(answer.text)")
                    }
                }
                let stranger = try await office.call(route.method, path, as: nil, json: "{}")
                #expect(stranger.status == 401, "\(name)")
            }
        }
    }

    @Test("A missing, unknown, malformed or revoked key gets 401 with a challenge and the same words")
    func refusedKeys() async throws {
        try await withAdminOffice { office in
            try await OperatorKeys.revoke(
                try #require(office.keyIDs[.viewer]), store: office.store, keyRing: office.environment.keyRing,
                time: office.environment.time)
            let viewer = try #require(office.keys[.viewer]).reveal()
            let admin = try #require(office.keys[.admin]).reveal()
            var words: Set<String> = []
            for value in [
                nil, "", "Bearer", "Bearer ", "Basic \(admin)", admin, "Bearer opk_unknown", "Bearer \(viewer)",
                "Bearer \(admin)x",
            ] {
                var fields: HTTPFields = [:]
                fields[.authorization] = value
                let answer = try await office.send(Request(.get, "/api/v1/partners", headerFields: fields))
                #expect(answer.status == 401, "\(value ?? "none")")
                #expect(answer.headerFields[.wwwAuthenticate]?.hasPrefix("Bearer realm=") == true)
                words.insert(answer.text)
            }
            #expect(words.count == 1)
        }
    }

    @Test("The scheme is not case-sensitive")
    func scheme() async throws {
        try await withAdminOffice { office in
            let key = try #require(office.keys[.viewer]).reveal()
            let answer = try await office.send(
                Request(.get, "/api/v1/partners", headerFields: [.authorization: "bEARER  \(key)"]))
            #expect(answer.status == 200)
        }
    }

    @Test("The last use is written at most once a minute")
    func lastUse() async throws {
        try await withAdminOffice { office in
            let id = try #require(office.keyIDs[.viewer])
            func lastUse() async throws -> Date? { try await office.store.operatorKey(id)?.lastUsedAt }
            #expect(try await lastUse() == nil)
            try await office.call(.get, "/partners", as: .viewer)
            let first = office.clock.now
            #expect(try await lastUse() == first)
            office.clock.turn(.seconds(59))
            try await office.call(.get, "/partners", as: .viewer)
            #expect(try await lastUse() == first)
            office.clock.turn(.seconds(1))
            try await office.call(.get, "/partners", as: .viewer)
            #expect(try await lastUse() == first.addingTimeInterval(60))
        }
    }

    @Test("An issued key is shown once, kept as a hash, and works until it is revoked")
    func lifeOfAKey() async throws {
        try await withAdminOffice { office in
            let issued = try await office.call(.post, "/operators", json: #"{"name":" Night shift ","role":"viewer"}"#)
            #expect(issued.status == 201)
            let key = try #require(try issued.json.key.string)
            let id = try #require(try issued.json.id.string)
            #expect(key.hasPrefix("opk_") && key.count == 47)
            #expect(try issued.json.name.string == "Night shift")
            let list = try await office.call(.get, "/operators")
            #expect(list.text.contains(id) && !list.text.contains(key))
            #expect(!list.text.contains(TokenHash.sha256(key)))

            let request = Request(.get, "/api/v1/partners", headerFields: [.authorization: "Bearer \(key)"])
            #expect(try await office.send(request).status == 200)
            #expect(try await office.call(.delete, "/operators/\(id)").status == 204)
            #expect(try await office.call(.delete, "/operators/\(id)").status == 204)
            #expect(try await office.send(request).status == 401)

            let newest = try await office.store.auditEntries(partner: nil, before: nil, limit: 3)
            #expect(newest.map(\.action) == ["operatorKey.refused", "operator.revoke", "operator.issue"])
            #expect(newest[0].actor == "operator:\(id)" && newest[0].details.contains("revoked"))
            let trail = newest.dropFirst()
            #expect(trail.allSatisfy { $0.actor == "operator:\(office.keyIDs[.admin]?.rawValue ?? "")" })
            #expect(trail.allSatisfy { $0.address == "127.0.0.1" && !$0.details.contains(key) })
        }
    }

    @Test("The last admin key cannot be revoked")
    func lastAdmin() async throws {
        try await withAdminOffice { office in
            let id = try #require(office.keyIDs[.admin]).rawValue
            let refused = try await office.call(.delete, "/operators/\(id)")
            #expect(refused.status == 409)
            #expect(try await office.call(.get, "/operators").status == 200)
            _ = try await office.call(.post, "/operators", json: #"{"name":"Second","role":"admin"}"#)
            #expect(try await office.call(.delete, "/operators/\(id)").status == 204)
            #expect(try await office.call(.get, "/operators").status == 401)
        }
    }

    @Test(
        "A key needs a name that can be shown and a role there is",
        arguments: [
            (#"{"name":"","role":"viewer"}"#, "name"),
            (#"{"name":"   ","role":"viewer"}"#, "name"),
            (#"{"name":"a\u001bb","role":"viewer"}"#, "name"),
            (#"{"name":"a\u202eb","role":"viewer"}"#, "name"), (#"{"name":"a\u2066b","role":"viewer"}"#, "name"),
            (#"{"name":"a\u200fb","role":"viewer"}"#, "name"), (#"{"name":"a\u2028b","role":"viewer"}"#, "name"),
            (#"{"name":"Night","role":"root"}"#, "role"),
            (#"{"name":"Night"}"#, "role"),
            (#"{"name":"Night","role":"viewer","role":"admin"}"#, nil), (#"{"name":"Night","role":"viewer","r\u006fle":"admin"}"#, nil),
        ])
    func badOperators(body: String, field: String?) async throws {
        try await withAdminOffice { office in
            let answer = try await office.call(.post, "/operators", json: body)
            #expect(answer.status == 400)
            #expect(try answer.json.field.string == field)
            #expect(try await office.store.operatorKeys().count == 3)
        }
    }

    @Test("What a role does not allow is in the trail, from the API and the console, but a flood of it does not fill it")
    func refusedRoles() async throws {
        try await withAdminOffice { office in
            let console = try await ConsoleBrowser(office, as: .viewer)
            #expect(try await office.call(.get, "/operators", as: .viewer).status == 403)
            #expect(try await console.post("/console/operators", "name=New&role=admin").status == 403)
            let id = try #require(office.keyIDs[.viewer])
            func refused() async throws -> [AuditEntry] {
                try await office.store.auditEntries(after: 0, limit: 999).filter { $0.action == "access.refused" }
            }
            let entries = try await refused()
            #expect(
                entries.map(\.details) == [
                    "GET /api/v1/operators needs the role admin; the key has the role viewer.",
                    "POST /console/operators needs the role admin; the key has the role viewer.",
                ])
            #expect(entries.allSatisfy { $0.actor == "operator:\(id)" && $0.address == "127.0.0.1" })
            for _ in 0..<40 { #expect(try await office.call(.get, "/operators", as: .viewer).status == 403) }
            #expect((3...10).contains(try await refused().count))
        }
    }

    @Test("What is sent twice is refused, because readers differ in which of the two they take")
    func twice() async throws {
        try await withAdminOffice { office in
            let body = try await office.call(.post, "/operators", json: #"{"name":"A","role":"viewer","name":"B"}"#)
            #expect(body.status == 400)
            #expect(try body.json.detail.string == #"The body holds the field "name" twice in one object. Send it once."#)
            let query = try await office.call(.get, "/operators?limit=1&limit=2")
            #expect(query.status == 400)
            #expect(try query.json.field.string == "limit")
            let partner = try await office.partner()
            let nested = #"{"fields":{"apiKey":"a","apiKey":"b"},"partnerKey":"k"}"#
            #expect(try await office.call(.post, "/partners/\(partner.id)/connection", json: nested).status == 400)
        }
    }

    @Test("Unknown operators are told apart from revoked ones")
    func unknownOperator() async throws {
        try await withAdminOffice { office in
            let answer = try await office.call(.delete, "/operators/opr_none")
            #expect(answer.status == 404)
        }
    }
}
