import Foundation
import HTTPClient
import HTTPTypes
import Store
import Testing

/// Usage that the vendor hands in instead of being asked: pushed, uploaded, or left in a folder.
@Suite struct UsageScenarios {
    static let source = """
        format: 1
        kind: usage
        id: acme-backup
        name: Acme Backup
        bases:
          protected seats:
            version: 1
            counts: Seats with a backup at the moment of the export.
        services:
          - name: Seats
            description: Protected seats.
            category: backup
            subcategory: cloud backup
            basis: protected seats
        file:
          type: csv
          delimiter: ";"
          encoding: windows-1252
          decimalMark: comma

        """

    struct Delivery: Decodable {
        var id: String
        var startedRunId: String?
        var accounts: Int
        var counts: Int
        var channel: String
    }

    static func snapshot(_ counts: [String: Int]) -> [UInt8] {
        let accounts = counts.sorted { $0.key < $1.key }.map {
            #"{"id": "\#($0.key)", "name": "Customer \#($0.key)", "usage": [{"service": "Seats", "count": \#($0.value)}]}"#
        }
        return Array(#"{"accounts": [\#(accounts.joined(separator: ", "))]}"#.utf8)
    }

    /// Plays with a usage source in the place of SaaS Alerts, and a watched folder.
    private func play(_ settings: [String: String] = [:], _ body: (Stage, URL) async throws -> Void) async throws {
        let place = FileManager.default.temporaryDirectory.appending(path: "perch-usage-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: place.appending(path: "in"), withIntermediateDirectories: true)
        // Left behind, it would only fill the temporary directory.
        defer { try? FileManager.default.removeItem(at: place) }
        try Data(Self.source.utf8).write(to: place.appending(path: "acme.yaml"))
        var setup = StageSetup()
        setup.settings = ["PERCH_CONNECTOR": place.appending(path: "acme.yaml").path].merging(settings) { $1 }
        if setup.settings["PERCH_USAGE_FOLDER"] == "in" { setup.settings["PERCH_USAGE_FOLDER"] = place.appending(path: "in").path }
        setup.lookAgain = .milliseconds(100)
        try await withStage(setup) { try await body($0, place.appending(path: "in")) }
    }

    private func taken(_ answer: Office.Answer) throws -> Delivery {
        guard answer.status == 202 else { throw Stuck("not taken: \(answer.status) \(answer.text)") }
        return try JSONDecoder().decode(Delivery.self, from: Data(answer.body))
    }

    /// Connects with nothing but the key, and maps everything.
    private func connect(_ partner: StagePartner, _ stage: Stage) async throws {
        let visitor = try await stage.visit(partner)
        let page = try await visitor.submit("/connect", ["partnerKey": partner.partnerKey])
        guard page.status == 200 else { throw Stuck("connect: \(page.status) \(page.text)") }
        #expect(try await stage.connectJob(partner).state == .succeeded)
        try await stage.sandbox.mapEverything(partner)
    }

    /// The newest sync, once there are so many and all have ended.
    private func newestRun(_ stage: Stage, _ partner: StagePartner, of count: Int) async throws -> RunAnswer {
        let runs = try await eventually("\(count) syncs") {
            let runs = try await stage.office.runs(partner)
            return runs.count >= count ? runs : nil
        }
        return try await stage.finished(runs[0])
    }

    @Test func `What is pushed is synced, what is pushed again is the same, and what has grown old is never taken for zeros`() async throws
    {
        try await play { stage, _ in
            let partner = try await stage.partner()
            let path = "/partners/\(partner.id)/usage"
            let visitor = try await stage.visit(partner)
            let early = try await visitor.submit("/connect", ["partnerKey": partner.partnerKey])
            #expect(early.has("No usage of Acme Backup was handed in for this partner yet;"))

            // Handed in before there is a key, it tells the accounts to map.
            let first = try taken(try await stage.office.put(path, Self.snapshot(["c1": 5, "c2": 7]), key: "night-1"))
            #expect(first.startedRunId == nil && first.accounts == 2 && first.counts == 2)
            try await connect(partner, stage)
            #expect(try await stage.office.runs(partner).isEmpty)

            let answer = try await stage.office.put(path, Self.snapshot(["c1": 6, "c2": 7]), key: "night-2")
            let run = try await stage.finished(try await stage.office.run(try #require(try taken(answer).startedRunId)))
            #expect(run.state == "succeeded" && run.trigger == "operator")
            #expect(run.tally.accepted == 2)
            #expect(try await stage.sandbox.organization(partner).countByAccount == ["c1": 6, "c2": 7])

            let again = try await stage.office.put(path, Self.snapshot(["c1": 6, "c2": 7]), key: "night-2")
            #expect(again.status == 202 && again.body == answer.body)
            let other = try await stage.office.put(path, Self.snapshot(["c1": 9]), key: "night-2")
            #expect(other.status == 422 && other.text.contains(#""code":"keyReused""#), "\(other.text)")
            #expect(try await stage.office.runs(partner).count == 1)
            // The first night's key is still known, and does not bring its counts back.
            #expect(try await stage.office.put(path, Self.snapshot(["c1": 5, "c2": 7]), key: "night-1").status == 202)

            // Sync Now, and so the schedule, take the newest.
            #expect(try await stage.sync(partner).tally.accepted == 2)
            #expect(try await stage.sandbox.organization(partner).countByAccount == ["c1": 6, "c2": 7])

            stage.clock.turn(forward: .seconds(49 * 3600))
            let old = try await stage.sync(partner)
            #expect(old.state == "failed" && old.failure?.code == "vendor.outdated", "\(old.failure?.message ?? "")")
            #expect(try await stage.sandbox.organization(partner).countByAccount == ["c1": 6, "c2": 7])
            #expect(try await stage.office.lines(old).isEmpty)

            let trail = try await stage.office.get(PageAnswer<Entry>.self, "/audit?partner=\(partner.id)&limit=200").items
            #expect(trail.filter { $0.action == "usage.push" }.count == 2)
            #expect(trail.allSatisfy { !$0.details.contains("Customer") })
        }
    }

    struct Entry: Decodable {
        var action: String
        var actor: String
        var details: String
    }

    @Test func `What comes while a sync is under way is synced behind it`() async throws {
        try await play { stage, _ in
            let partner = try await stage.partner()
            let path = "/partners/\(partner.id)/usage"
            _ = try taken(try await stage.office.put(path, Self.snapshot(["c1": 5]), key: "1"))
            try await connect(partner, stage)
            try await stage.sandbox.set(Weather(delayMs: 1500), for: .setCount, times: 1)
            let first = try taken(try await stage.office.put(path, Self.snapshot(["c1": 6]), key: "2"))
            #expect(first.startedRunId != nil)
            let second = try taken(try await stage.office.put(path, Self.snapshot(["c1": 7]), key: "3"))
            #expect(second.startedRunId == nil)
            _ = try await stage.finished(try await stage.office.run(try #require(first.startedRunId)))
            let behind = try await newestRun(stage, partner, of: 2)
            #expect(behind.state == "succeeded")
            #expect(try await stage.sandbox.organization(partner).countByAccount == ["c1": 7])
            // And then there is nothing more to do.
            try await Task.sleep(for: .milliseconds(500))
            #expect(try await stage.office.runs(partner).count == 2)
        }
    }

    @Test func `What is refused names its place, and leaves nothing behind`() async throws {
        try await play(["PERCH_USAGE_LIMIT": "4096"]) { stage, _ in
            let partner = try await stage.partner()
            let path = "/partners/\(partner.id)/usage"
            func refusal(_ body: String, _ status: Int, _ says: String, file: Bool = false, key: String? = "k") async throws {
                let bytes = body == "latin1" ? Array("account_id".utf8) + [0xFC] : Array(body.utf8)
                let answer = try await stage.office.put(path + (file ? "/file" : ""), bytes, key: key)
                #expect(answer.status == status && answer.text.contains(says), "\(body.prefix(80)): \(answer.status) \(answer.text)")
            }
            let account = #"{"id": "c1", "name": "A", "usage": [{"service": "Seats", "count": 1}]}"#
            try await refusal("", 400, "nothing where JSON")
            try await refusal(#"{"accounts": []}"#, 400, #""field":"accounts""#)
            try await refusal(#"{"accounts": [\#(account), \#(account)]}"#, 400, #""field":"accounts[1].id""#)
            try await refusal(#"{"accounts": [\#(account.replacing("1}", with: "-1}"))]}"#, 400, #""field":"accounts[0].usage[0].count""#)
            try await refusal(#"{"accounts": [\#(account.replacing("Seats", with: "Chairs"))]}"#, 400, "Chairs")
            try await refusal("latin1", 400, "not JSON")
            try await refusal(#"{"accounts": "# + String(repeating: "[", count: 1000), 400, "nests deeper")
            try await refusal(String(repeating: " ", count: 4097), 413, "4096")
            try await refusal(#"{"accounts": [\#(account)]}"#, 400, "Idempotency-Key is missing", key: nil)
            try await refusal(#"{"accounts": [\#(account)]}"#, 400, "Idempotency-Key must have", key: "a b")
            let head = "account_id;account_name;service;count\r\n"
            try await refusal(head + "1;A;Seats;1\r\n2;B;Seats\r\n", 400, "Line 3 has 3 fields", file: true)
            try await refusal(head + "1;A;Seats;-1\r\n", 400, "Line 2 has the count -1", file: true)
            try await refusal(head + "1;A;Seats;x\r\n", 400, #""field":"count""#, file: true)
            try await refusal(head + "1;A;Seats;1.5\r\n", 400, "Line 2 has the count 1.5", file: true)
            try await refusal(head + "1;A;Chairs;1\r\n", 400, "Line 2 names the service Chairs", file: true)
            try await refusal(head, 400, "names no account", file: true)
            try await refusal("", 400, "The file is empty", file: true)
            try await refusal(head + String(repeating: "x", count: 4096), 413, "4096", file: true)
            let wrongType = try await stage.office.put(path, Self.snapshot(["c1": 1]), key: "k", type: "text/csv")
            #expect(wrongType.status == 415)
            #expect(try await stage.office.call(.get, path).status == 404)
            // The key of a refused delivery is free.
            _ = try taken(try await stage.office.put(path, Self.snapshot(["c1": 1]), key: "k"))
        }
    }

    @Test func `What is larger than any body may be is refused in the words of its caller, before it is sent`() async throws {
        try await play(["PERCH_BODY_LIMIT": "65536"]) { stage, _ in
            let partner = try await stage.partner()
            let body = [UInt8](repeating: 0x20, count: 70_000)
            let answer = try await stage.office.put("/partners/\(partner.id)/usage", body, key: "k")
            #expect(answer.status == 413 && answer.text.contains(#""code":"bodyTooLarge""#), "\(answer.text)")
            #expect(answer.text.contains("larger than 65536 bytes"))
            let page = try await stage.office.client.send(
                OutgoingRequest(
                    method: .post, url: stage.portalURL + "/console/partners/\(partner.id)/usage?x=/api/",
                    headerFields: [.contentType: "multipart/form-data; boundary=B"], body: body))
            let text = String(decoding: page.body, as: UTF8.self)
            #expect(page.status.code == 413 && text.contains("That is too large") && text.contains("<html"), "\(text)")
            #expect(page.headerFields[.contentSecurityPolicy] != nil)
        }
    }

    @Test func `An uploaded file is read as its description says`() async throws {
        try await play { stage, _ in
            let partner = try await stage.partner()
            let path = "/partners/\(partner.id)/usage"
            let text = "account_id;account_name;service;count\r\n1;M\u{FC}ller;Seats;2,5\r\n1;M\u{FC}ller;Seats;1,5\r\n2;Harbor;Seats;7\r\n"
            let bytes = text.unicodeScalars.map { UInt8($0.value) }
            let delivery = try taken(try await stage.office.put(path + "/file", bytes, type: "text/csv"))
            #expect(delivery.channel == "upload" && delivery.accounts == 2 && delivery.counts == 3)
            try await connect(partner, stage)
            let run = try await stage.sync(partner)
            #expect(try await stage.office.lines(run).map(\.accountName) == ["Müller", "Harbor"])
            #expect(try await stage.sandbox.organization(partner).countByAccount == ["1": 4, "2": 7])
        }
    }

    @Test func `A file in the folder is synced when it is whole, and a bad row stops the sync and changes nothing`() async throws {
        try await play(["PERCH_USAGE_FOLDER": "in", "PERCH_USAGE_SETTLE_TIME": "1"]) { stage, folder in
            let partner = try await stage.partner()
            func put(_ rows: [String]) throws {
                let text = (["account_id;account_name;service;count"] + rows).joined(separator: "\r\n")
                // Whole before it comes to its name.
                try Data(text.utf8).write(to: folder.appending(path: "northwind-it.csv"), options: .atomic)
            }
            try put(["1;Miller;Seats;4", "2;Harbor Dental;Seats;7"])
            // The connect job reads it too.
            try await Task.sleep(for: .milliseconds(1100))
            try await connect(partner, stage)
            #expect(try await stage.sync(partner).state == "succeeded")
            #expect(try await stage.sandbox.organization(partner).countByAccount == ["1": 4, "2": 7])

            // Nobody presses anything.
            try put(["1;Miller;Seats;5", "2;Harbor Dental;Seats;8"])
            #expect(try await newestRun(stage, partner, of: 2).state == "succeeded")
            #expect(try await stage.sandbox.organization(partner).countByAccount == ["1": 5, "2": 8])

            // Gone, the file leaves an older push behind, which must not come back.
            let path = "/partners/\(partner.id)/usage"
            let file = folder.appending(path: "northwind-it.csv")
            _ = try taken(try await stage.office.put(path, Self.snapshot(["1": 9]), key: "1"))
            _ = try await newestRun(stage, partner, of: 3)
            try await Task.sleep(for: .milliseconds(20))
            try put(["1;Miller;Seats;6", "2;Harbor Dental;Seats;8"])
            #expect(try await newestRun(stage, partner, of: 4).usage?.origin == "file")
            try FileManager.default.removeItem(at: file)
            let removed = try await stage.sync(partner)
            #expect(removed.state == "failed" && removed.failure?.code == "vendor.olderUsage", "\(removed)")
            #expect(removed.failure?.message.contains("took the file northwind-it.csv") == true, "\(removed.failure?.message ?? "")")
            #expect(removed.usage == nil)
            #expect(try await stage.sandbox.organization(partner).countByAccount == ["1": 6, "2": 8])
            let preview = try await stage.office.call(.post, "/partners/\(partner.id)/sync-preview")
            #expect(preview.text.contains("which is older"), "\(preview.text)")

            try put(["1;Miller;Seats;5", "2;Harbor Dental;Seats;8"])
            #expect(try await newestRun(stage, partner, of: 6).state == "succeeded")
            #expect(try await stage.sandbox.organization(partner).countByAccount == ["1": 5, "2": 8])

            try put(["1;Miller;Seats;6", "2;Harbor Dental;Seats"])
            let bad = try await newestRun(stage, partner, of: 7)
            #expect(bad.failure?.code == "vendor.invalidFile")
            #expect(bad.failure?.message.contains("Line 3 has 3 fields, the header has 4.") == true, "\(bad.failure?.message ?? bad.state)")
            #expect(try await stage.sandbox.organization(partner).countByAccount == ["1": 5, "2": 8])
        }
    }
}
