import Foundation
import HTTPClient
import Testing

@testable import Connectors

@Suite("Built-in connectors and what their vendors answer", .timeLimit(.minutes(2)))
struct BuiltinDefinitionTests {
    /// A built-in connector whose vendor answers as recorded.
    private struct Stage {
        let definition: ConnectorDefinition
        let vendor: RecordedVendor
        let bench: DefinitionBench
        let credential: ConnectorCredential

        init(_ id: String, _ recording: VendorRecording, _ failure: VendorRecording.Failure? = nil) throws {
            definition = try #require(try BuiltinDefinitions.definition(id))
            vendor = RecordedVendor(recording, failure)
            bench = try DefinitionBench(definition, vendor.sender, deployment: recording.deployment, start: recording.now)
            credential = try bench.connector.credential(from: recording.settings)
        }

        /// As entered and as they stand in addresses.
        var secrets: [String] {
            credential.secretFields.values.map { $0.reveal() }.flatMap { [$0, PercentEncoding.queryComponent($0)] }
        }
    }

    @Test("Accounts, services and counts are exactly these", arguments: BuiltinDefinitions.ids)
    func counts(_ id: String) async throws {
        let recording = try VendorRecording(id)
        let stage = try Stage(id, recording)
        let snapshot = try await stage.bench.connector.fetchUsage(stage.credential)
        #expect(stage.vendor.unexpected == [])
        #expect(stage.vendor.uses.prefix(recording.exchanges.count).allSatisfy { $0 == 1 }, "asked for: \(stage.vendor.uses)")

        let expected = try VendorRecording.json(id, "expected.json")
        let accounts = expected["accounts"]?.elements?.map { $0.elements?.compactMap(\.string) ?? [] }
        #expect(snapshot.accounts.map { [$0.id, $0.name] } == accounts)
        #expect(stage.bench.connector.services.map { Self.line($0) } == expected["services"]?.elements?.map { Self.line($0) })
        #expect(snapshot.discovered.map { Self.line($0) } == expected["discovered"]?.elements?.map { Self.line($0) })
        #expect(snapshot.discovered.map(\.description) == expected["discovered"]?.elements?.compactMap { $0["description"]?.string })
        let counts = expected["counts"]?.members?.flatMap { (account) -> [String] in
            (account.value.members ?? []).map { "\(account.name) \($0.name) \($0.value.text ?? "")" }
        }
        #expect(snapshot.lines == counts?.sorted())
        #expect(String(snapshot.recordsDropped) == expected["dropped"]?.text)
        #expect(String(snapshot.usage.count { $0.count < 1 }) == expected["excluded"]?.text, "counts below 1, which a run does not send")
    }

    @Test("The accounts alone are the same, and no secret is in the addresses that are shown", arguments: BuiltinDefinitions.ids)
    func accounts(_ id: String) async throws {
        let recording = try VendorRecording(id)
        let (alone, whole) = (try Stage(id, recording), try Stage(id, recording))
        let accounts = try await alone.bench.connector.fetchAccounts(alone.credential).accounts
        let snapshot = try await whole.bench.connector.fetchUsage(whole.credential)
        #expect(accounts == snapshot.accounts)
        #expect(alone.vendor.unexpected == [])
        #expect(whole.bench.trace.entries.count == recording.exchanges.count)
        for entry in whole.bench.trace.entries {
            #expect(!whole.secrets.contains { entry.url.contains($0) }, "\(entry.url)")
        }
    }

    @Test("The test request shows who is logged in, where there is one", arguments: BuiltinDefinitions.ids)
    func test(_ id: String) async throws {
        let recording = try VendorRecording(id)
        let stage = try Stage(id, recording)
        #expect(try await stage.bench.connector.test(stage.credential) == recording.test?.shows)
        #expect((stage.definition.test == nil) == (recording.test == nil))
        #expect(stage.vendor.unexpected == [])
    }

    @Test("An error in one answer fails the fetch", arguments: BuiltinDefinitions.ids)
    func failures(_ id: String) async throws {
        let recording = try VendorRecording(id)
        let failures = try VendorRecording.failures(id)
        #expect(failures.contains { $0.exchange > 0 } || recording.exchanges.count == 1, "none is in the middle of the fetch")
        for failure in failures {
            let stage = try Stage(id, recording, failure)
            let error = await #expect(throws: ConnectorError.self, "\(failure.what)") {
                _ = try await stage.bench.connector.fetchUsage(stage.credential)
            }
            #expect(error?.code.rawValue == failure.code, "\(failure.what): \(error?.description ?? "no error")")
            if let part = failure.says {
                #expect(error?.message.contains(part) == true, "\(failure.what): \(error?.description ?? "no error")")
            }
            #expect(!stage.secrets.contains { error?.message.contains($0) == true }, "\(failure.what)")
            #expect(stage.vendor.unexpected == [], "\(failure.what)")
            #expect(stage.vendor.uses[failure.exchange] > 0, "\(failure.what): was never asked for")
        }
    }

    // MARK: Nothing is forgotten

    @Test("Every definition is in the list, and every one in the list has its recording")
    func complete() throws {
        let files = try names("Sources/Connectors/Definitions/Builtin").compactMap { $0.hasSuffix(".yaml") ? String($0.dropLast(5)) : nil }
        #expect(files == BuiltinDefinitions.ids)
        #expect(try names("Tests/ConnectorsTests/Fixtures") == BuiltinDefinitions.ids)
        for id in BuiltinDefinitions.ids {
            #expect(try names("Tests/ConnectorsTests/Fixtures/\(id)") == ["error-exchanges.json", "exchanges.json", "expected.json"])
        }
    }

    @Test("The page of connectors says what the definition says", arguments: BuiltinDefinitions.ids)
    func page(_ id: String) throws {
        let definition = try #require(try BuiltinDefinitions.definition(id))
        let text = String(decoding: try Data(contentsOf: VendorRecording.repository.appending(path: "docs/connectors.md")), as: UTF8.self)
        let lines = text.split(separator: "\n").map(String.init)
        let row = try #require(lines.first { $0.hasPrefix("| `\(id)` | \(definition.name) |") }, "there is no row")
        for service in definition.services { #expect(row.contains(service.name)) }
        for basis in definition.services.map(\.basis) + [definition.discovered?.basis].compactMap(\.self) {
            #expect(row.contains("\(basis.name) (\(basis.version))"))
        }
        if let discovered = definition.discovered { #expect(row.contains("named by the data, at most \(discovered.limit)")) }
        for word in Self.signIn(definition.auth) { #expect(row.contains(word)) }

        let start = try #require(lines.firstIndex(of: "## \(definition.name)"), "there is no part `## \(definition.name)`")
        let part = lines[(start + 1)...].prefix { !$0.hasPrefix("## ") }
        for setting in definition.partnerSettings {
            #expect(part.contains { $0.hasPrefix("| \(setting.label) | `\(setting.environmentName)` |") })
        }
        for text in definition.sources + definition.unverified { #expect(part.contains("- \(text)")) }
    }

    /// Words that the row must have about how requests are signed.
    private static func signIn(_ auth: AuthRules) -> [String] {
        var words = (auth.headers + auth.query).map { "`\($0.name.shown)`" }
        if auth.basic != nil { words.append("Basic") }
        if auth.token != nil { words.append("OAuth2") } else if auth.bearer != nil { words.append("Bearer") }
        return words
    }

    private static func line(_ service: CatalogueService) -> String {
        [service.name, service.category, service.subcategory, service.basis.name, String(service.basis.version)].joined(separator: " | ")
    }

    private static func line(_ expected: JSONValue) -> String {
        ["name", "category", "subcategory", "basis", "version"].map { expected[$0]?.text ?? "" }.joined(separator: " | ")
    }

    private func names(_ folder: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: VendorRecording.repository.appending(path: folder).path)
            .filter { !$0.hasPrefix(".") }.sorted()
    }
}
