import Foundation
import HTTPClient
import HTTPTypes
import Secrets
import Store
import Testing

/// Planted secrets that must be found nowhere: not in a log line, a page, an answer, a metric, or the database's bytes.
@Suite struct SecretScenarios {
    @Test func `No secret is ever logged, shown or stored in clear`() async throws {
        var setup = StageSetup()
        setup.vendorKey = "canary/vendor+key=0001"
        setup.saasAlertsKey = "canary/saas+alerts=0002"
        setup.launchSecret = "canary/launch+secret=0003-0123456789abcdef"
        try await withStage(setup) { stage in
            var secrets = [
                "vendor key": setup.vendorKey, "SaaS Alerts key": setup.saasAlertsKey, "launch secret": setup.launchSecret,
                "operator key": stage.office.key.reveal(), "wrong partner key": "canary/wrong+partner=0004",
                "wrong SaaS Alerts key": "canary/wrong+saas=0005",
            ]
            let (seen, tokens) = try await liveThrough(stage, &secrets)
            for (name, value) in tokens { secrets[name] = value }

            func search(_ bytes: [UInt8], _ place: String) {
                for found in Self.find(secrets, in: bytes) { Issue.record("\(found) was found in \(place)") }
            }
            #expect(stage.log.lines.count > 100)
            for line in stage.log.lines { search(Array(line.utf8), "the log: \(line)") }
            for (place, bytes) in seen { search(bytes, place) }
            var files = 0
            let migrations = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
                .appending(path: "migrations").path()
            let backup = stage.dataDirectory + "/backup"
            let store = try #require(stage.application.store as? SQLiteStore)
            try await store.backup(to: backup, migrationsDirectory: migrations)
            let masterKey = try String(contentsOfFile: stage.dataDirectory + "/secret.key", encoding: .utf8)
            secrets["master key"] = masterKey.trimmingCharacters(in: .whitespacesAndNewlines)
            for file in try FileManager.default.contentsOfDirectory(atPath: stage.dataDirectory) where file != "secret.key" {
                search(Array(try Data(contentsOf: URL(filePath: stage.dataDirectory + "/" + file))), "the file \(file)")
                files += 1
            }
            for line in stage.log.lines { search(Array(line.utf8), "the log: \(line)") }
            // The database and its log of writes, a backup, the lock.
            #expect(files >= 4)
            // What is no secret is there, so it was looked for in the right places.
            let database = [UInt8](try Data(contentsOf: URL(filePath: stage.dataDirectory + "/perch.sqlite-wal")))
            #expect(!Self.find(["name": "Northwind IT"], in: database).isEmpty)
            #expect(seen.count { !Self.find(["name": "Northwind IT"], in: $0.bytes).isEmpty } > 10)
        }
    }

    @Test(arguments: ["canary/vendor+key=0001", "c0ffee00-0000-4000-8000-000000000000"])
    func `The search finds a secret in each disguise`(secret: String) {
        let token = Data("vendor-key:\(secret)".utf8).base64EncodedString()
        let texts = [
            "a log line with \(secret) in it", "/path?key=" + PercentEncoding.queryComponent(secret) + "&x", token,
            Data("x:\(secret):y".utf8).base64EncodedString(), Data("xy\(secret)".utf8).base64EncodedString(),
            Data(secret.utf8).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_"),
            secret.utf8.map { String(format: "%02x", $0) }.joined(),
        ]
        for text in texts { #expect(!Self.find(["secret": secret], in: Array(text.utf8)).isEmpty, "\(text)") }
        #expect(Self.find(["secret": secret], in: Array("c0ffee and canaries, in general".utf8)).isEmpty)
    }

    /// The names of the secrets that are in a text, in whatever disguise.
    private static func find(_ secrets: [String: String], in bytes: [UInt8]) -> [String] {
        let text = Data(bytes)
        return secrets.flatMap { name, secret in
            disguises(of: secret).filter { text.range(of: Data($0.bytes)) != nil }.map { "\(name), \($0.name)," }
        }
    }

    /// Everything that handles a secret: all ways in, all failures, all answers.
    /// - Returns: what was answered, by place, and the tokens that were made on the way.
    private func liveThrough(
        _ stage: Stage, _ secrets: inout [String: String]
    ) async throws -> (seen: [(place: String, bytes: [UInt8])], tokens: [String: String]) {
        let partner = try await stage.partner()
        secrets["partner key"] = partner.partnerKey
        secrets["token"] = partner.token
        let launchToken = try await stage.launchToken(partner)
        let visitor = Visitor(origin: stage.portalURL, client: stage.client)
        try await visitor.open("/launch?token=" + launchToken)

        try await visitor.submit("/connect", stage.connectEntries(partner, key: "canary/wrong+partner=0004"))
        var entries = stage.connectEntries(partner)
        entries["vendor-apiKey"] = "canary/wrong+saas=0005"
        try await visitor.submit("/connect", entries)
        stage.wire.cut()
        try await visitor.submit("/connect", stage.connectEntries(partner))
        stage.wire.mend()
        try await stage.connect(partner, as: visitor)
        try await stage.sandbox.mapEverything(partner)
        let run = try await stage.sync(partner)
        #expect(run.state == "succeeded")
        for call in [Call.getOrganization, .listCustomers, .setCount] {
            for weather in [Weather(status: 401), Weather(status: 500), Weather(drop: true), Weather(malformed: true)] {
                try await stage.sandbox.set(weather, for: call)
                _ = try await stage.sync(partner)
                try await stage.sandbox.clearSky()
                if try await stage.office.connection(partner).state != "connected" {
                    try await stage.connect(partner, as: visitor)
                }
            }
        }
        try await visitor.submit("/test-alert")
        _ = try await stage.delivered(try await stage.office.alerts(partner)[0], partner)
        let link = try await stage.office.post([String: String].self, "/partners/\(partner.id)/launch-link")["url"] ?? ""
        let guest = Visitor(origin: stage.portalURL, client: stage.client)
        try await guest.open(link)
        try await guest.open(link)
        let newKey = try await stage.sandbox.regenerateKey(partner)
        secrets["second partner key"] = newKey
        try await stage.connect(partner, as: visitor, key: newKey)
        #expect(try await stage.office.call(.post, "/keys/rotate-data-key").status == 200)
        try await visitor.submit("/disable")
        try await visitor.submit("/enable")
        _ = try await stage.connectJob(partner)

        var seen: [(place: String, bytes: [UInt8])] = []
        for path in [
            "/", "/runs", "/runs/\(run.id)", "/runs/\(run.id)/lines.csv", "/runs/\(run.id)/lines.json", "/runs/\(run.id)/events",
            "/readyz", "/metrics", "/healthz",
        ] {
            seen.append((path, try await visitor.open(path).body))
        }
        for page in await visitor.seen { seen.append(("a page of status \(page.status)", page.body)) }
        for page in await guest.seen { seen.append(("a guest's page", page.body)) }
        for path in [
            "/partners", "/partners/\(partner.id)", "/partners/\(partner.id)/connection", "/partners/\(partner.id)/sync-runs",
            "/sync-runs/\(run.id)", "/sync-runs/\(run.id)/lines", "/partners/\(partner.id)/clients", "/partners/\(partner.id)/accounts",
            "/partners/\(partner.id)/alerts", "/partners/\(partner.id)/schedule", "/services", "/audit", "/audit.csv", "/audit.json",
            "/operators", "/keys",
        ] {
            let answer = try await stage.office.call(.get, path)
            #expect(answer.status == 200, "\(path)")
            seen.append((path, answer.body))
        }
        for page in try await consoleTour(stage, partner, run) { seen.append(("the console, status \(page.status)", page.body)) }

        var tokens = ["launch token": launchToken, "launch link": String(link.split(separator: "=").last ?? "")]
        for (name, value) in await visitor.cookie { tokens["cookie \(name)"] = value }
        return (seen, tokens)
    }

    /// The console's pages, as an operator who signs in with the key.
    private func consoleTour(_ stage: Stage, _ partner: StagePartner, _ run: RunAnswer) async throws -> [Visitor.Page] {
        let browser = Visitor(origin: stage.portalURL, client: stage.client)
        let signIn = try await browser.open("/console/sign-in")
        let token = signIn.html.firstMatch(of: #/name="csrf" value="([^"]+)"/#).map { String($0.1) } ?? ""
        _ = try await browser.submitWithoutFollowing("/console/sign-in", ["key": "opk_wrong"], token: token)
        _ = try await browser.submitWithoutFollowing("/console/sign-in", ["key": stage.office.key.reveal()], token: token)
        for path in [
            "/console", "/console/partners/\(partner.id)", "/console/partners/\(partner.id)/runs", "/console/runs/\(run.id)",
            "/console/services", "/console/audit", "/console/operators",
        ] { try await browser.open(path) }
        return await browser.seen
    }

    /// A secret as it is, percent-encoded, and in Base64 at each of the three places that it can have in a longer text.
    private static func disguises(of secret: String) -> [(name: String, bytes: [UInt8])] {
        let bytes = Array(secret.utf8)
        var disguises = [
            (name: "as it is", bytes: bytes),
            (name: "percent-encoded", bytes: Array(PercentEncoding.queryComponent(secret).utf8)),
            (name: "as hexadecimal", bytes: Array(bytes.map { String(format: "%02x", $0) }.joined().utf8)),
        ]
        for shift in 0..<3 {
            let encoded = Data([UInt8](repeating: 0x20, count: shift) + bytes).base64EncodedString()
            // The characters at both ends also depend on the neighbours.
            let sure = encoded.dropFirst(shift == 0 ? 0 : 4).prefix { $0 != "=" }.dropLast(1)
            disguises.append((name: "Base64, shifted by \(shift)", bytes: Array(sure.utf8)))
            let safe = sure.replacing("+", with: "-").replacing("/", with: "_")
            if safe != sure { disguises.append((name: "base64url, shifted by \(shift)", bytes: Array(safe.utf8))) }
        }
        return disguises
    }
}
