import Foundation
import HTTPServer
import HTTPTypes
import Integration
import Store
import Testing

@testable import Portal

/// What cannot be written into the trail does not happen, whoever asks for it and wherever.
@Suite("A change that cannot be audited does not happen")
struct AuditedChangesTests {
    /// From now on the trail takes no entry.
    private func seal(_ office: AdminOffice) async throws {
        try await office.store.raw("CREATE TRIGGER no_room BEFORE INSERT ON audit_entry BEGIN SELECT RAISE(ABORT, 'no room'); END")
    }

    /// What `body` changes although the trail takes nothing.
    private func changes(_ office: AdminOffice, _ name: String, _ body: () async throws -> Int) async throws {
        let before = try await office.store.dump()
        let status = try await body()
        #expect(status >= 400 && status != 500, "\(name) answered \(status)")
        let after = try await office.store.dump()
        for (table, rows) in after { #expect(rows == before[table], "\(name) changed \(table)") }
    }

    @Test("by the admin API")
    func adminAPI() async throws {
        try await withAdminOffice { office in
            let partner = try await office.connectedPartner()
            let held = try await office.environment.desk.startSync(partner.id, by: .commandLine).run
            try await office.store.finishRun(held.id, state: .held, failure: nil, findings: RunFindings(), at: office.clock.now)
            let other = try await office.partner("msp-2")
            let operatorID = try #require(office.keyIDs[.viewer])
            for request in ["GET /api/vendor-api/vendor", "PATCH /api/vendor-api/organization/status"] {
                office.synthesize.answer(request, 200, #"{"organizationId":"org-1","name":"N","vendorName":"V","status":"disabled"}"#)
            }
            let calls: [(HTTPRequest.Method, String, String?)] = [
                (.post, "/partners", #"{"vendorReference":"msp-3","name":"New"}"#),
                (.post, "/partners/\(partner.id)/launch-link", nil),
                (.post, "/partners/\(partner.id)/connection", #"{"partnerKey":"partner-key-0002"}"#),
                (.post, "/partners/\(other.id)/connection", #"{"partnerKey":"partner-key-0003","fields":{"apiKey":"x"}}"#),
                (.post, "/partners/\(partner.id)/sync-runs", nil),
                (.post, "/sync-runs/\(held.id)/release", nil),
                (.put, "/partners/\(partner.id)/schedule", #"{"cadence":"daily","time":"03:00"}"#),
                (.post, "/partners/\(partner.id)/alerts", #"{"accountId":"a-1","title":"T","text":"x","priority":1,"statusCode":1}"#),
                (.patch, "/partners/\(partner.id)/accounts/a-1", #"{"name":"Renamed"}"#),
                (.post, "/partners/\(partner.id)/connection/disable", nil),
                (.delete, "/partners/\(partner.id)/connection/key", nil),
                (.post, "/partners/\(partner.id)/connection/enable", nil),
                (.post, "/operators", #"{"name":"New","role":"viewer"}"#),
                (.delete, "/operators/\(operatorID)", nil), (.delete, "/partners/\(partner.id)/sessions", nil),
            ]
            _ = try await office.store.openSession(
                WebSession(
                    tokenHash: "t", subject: .partner(partner.id), createdAt: office.clock.now, lastSeenAt: office.clock.now,
                    expiresAt: office.clock.now + 99), with: nil, replacing: nil)
            try await seal(office)
            let sent = office.synthesize.requests.filter { !$0.hasPrefix("GET") }.count
            for (method, path, json) in calls {
                try await changes(office, "\(method) \(path)") { try await office.call(method, path, json: json).status }
            }
            #expect(office.synthesize.requests.filter { $0.hasPrefix("PATCH /api/vendor-api/account") }.isEmpty)
            _ = sent
            // And each of them does something when it can be written down.
            try await office.store.raw("DROP TRIGGER no_room")
            var entries = try await office.store.auditEntries(after: 0, limit: 999).count
            for (method, path, json) in calls where !path.hasSuffix("/release") && method != .patch && !path.hasSuffix("/enable") {
                let answer = try await office.call(method, path, json: json)
                let now = try await office.store.auditEntries(after: 0, limit: 999).count
                if answer.status < 300 { #expect(now > entries, "\(method) \(path) left no entry") }
                entries = now
            }
        }
    }

    @Test("by the partner page, from the launch on")
    func partnerPage() async throws {
        try await withPageDesk { desk in
            let partner = try await desk.office.connectedPartner()
            let browser = try await desk.browser(of: partner)
            let token = try await browser.formToken()
            let fresh = try await desk.token("msp-1")
            let stranger = try await desk.token("msp-new")
            try await seal(desk.office)
            for target in [fresh, stranger] {
                try await changes(desk.office, "launch") { try await desk.browser().get("/launch?token=" + target).status }
            }
            for (target, fields) in [
                ("/connect", ["partnerKey": "partner-key-0009"]), ("/sync", [:]),
                ("/schedule", ["cadence": "daily", "time": "04:00", "timeZone": "UTC"]),
                ("/disable", [:]), ("/forget-key", [:]), ("/enable", [:]), ("/sign-out", [:]),
            ] as [(String, [String: String])] {
                try await changes(desk.office, target) { try await browser.post(target, fields, csrf: token).status }
            }
        }
    }

    @Test("by the console, from the sign-in on")
    func console() async throws {
        try await withAdminOffice { office in
            let partner = try await office.connectedPartner()
            let admin = try await ConsoleBrowser(office, as: .admin)
            let handler = WebSurface(office.environment).handler
            let key = try #require(office.keys[.viewer]).reveal()
            try await seal(office)
            try await changes(office, "sign-in") {
                try await handler(
                    Request(
                        .post, "/console/sign-in", headerFields: [.contentType: "application/x-www-form-urlencoded"],
                        body: Array("key=\(key)".utf8))
                ).status.code
            }
            for (path, form) in [
                ("/console/partners", "vendorReference=msp-9&name=New"), ("/console/partners/\(partner.id)/sync", ""),
                ("/console/partners/\(partner.id)/launch-link", ""), ("/console/operators", "name=New&role=viewer"),
                ("/console/operators/\(try #require(office.keyIDs[.viewer]))/revoke", ""), ("/console/sign-out", ""),
            ] {
                try await changes(office, path) { try await admin.post(path, form).status }
            }
        }
    }

    @Test("and refused sign-ins are in the trail, with their address, but a flood of them does not fill it")
    func refusals() async throws {
        try await withPageDesk { desk in
            let handler = desk.handler
            func actions() async throws -> [String: Int] {
                try await desk.office.store.auditEntries(after: 0, limit: 9_999).reduce(into: [:]) { $0[$1.action, default: 0] += 1 }
            }
            for number in 0..<40 {
                _ = try await handler(Request(.get, "/launch?token=nonsense\(number)"))
                _ = try await handler(Request(.get, "/api/v1/partners", headerFields: [.authorization: "Bearer opk_\(number)"]))
            }
            let found = try await actions()
            #expect((1...10).contains(found["session.refused"] ?? 0))
            #expect((1...10).contains(found["operatorKey.refused"] ?? 0))
            let entry = try await desk.office.store.auditEntries(partner: nil, before: nil, limit: 1).first
            #expect(entry?.address == "127.0.0.1" && entry?.actor == "unknown")
            #expect(entry?.details.contains("opk_") == false)
        }
    }
}
