import Connectors
import Foundation
import Store
import Testing

@testable import Integration

@Suite("Keys stay secret", .timeLimit(.minutes(3)))
struct SecrecyTests {
    private static let secrets = ["partner-secret-key-1", "vendor-secret-key", "acme-secret", "wrong-secret-key"]

    /// Also the token that is made of the keys.
    private func leaks(_ text: String) -> [String] {
        let tokens = ["partner-secret-key-1", "wrong-secret-key"].map { Data("vendor-secret-key:\($0)".utf8).base64EncodedString() }
        return (Self.secrets + tokens).filter { text.contains($0) }
    }

    @Test("Whatever goes wrong, no key is in an error, a run, a line, the trail or the database file")
    func everywhere() async throws {
        try await withInstallation { perch in
            var texts: [String] = []
            let partner = try await perch.newPartner()
            func collect(_ body: () async throws -> Void) async {
                do {
                    try await body()
                } catch {
                    texts.append("\(error) \(String(reflecting: error))")
                }
            }

            await collect { _ = try await perch.connect(partner, key: "wrong-secret-key") }
            await collect { _ = try await perch.connect(partner, key: "wrong-secret-key two") }
            perch.vendor.change { $0.failure = ConnectorError(code: .credentialRefused, message: "Refused.", field: "apiKey") }
            await collect { _ = try await perch.connect(partner) }
            perch.vendor.change { $0.failure = nil }
            _ = try await perch.connect(partner)
            perch.mapAll()
            for fault in [PlayedSynthesize.Fault.answer(400), .answer(500), .neverSent, .lost, .answer(403)] {
                perch.synthesize.fail("S4", fault)
                _ = try await perch.sync(partner)
                perch.synthesize.stopFailing()
            }
            perch.synthesize.fail("O2", .neverSent)
            await collect { texts.append(try await perch.desk.disable(partner, by: .launch) ?? "") }
            perch.synthesize.stopFailing()
            await collect { try await perch.ended(perch.desk.enable(partner, by: .launch)) }
            perch.synthesize.fail("O1", .answer(401))
            _ = try await perch.sync(partner)
            #expect(texts.count == 4)

            for entry in try await perch.store.auditEntries(partner: nil, before: nil, limit: 1_000) { texts.append("\(entry)") }
            for run in try await perch.desk.syncRuns(partner, before: nil, limit: 100) {
                texts.append("\(run)")
                for line in try await perch.lines(run) { texts.append("\(line)") }
            }
            texts.append("\(try await perch.desk.overview(partner))")
            texts.append("\(perch.desk.environment.vendorKey) \(ConnectRequest(partnerKey: "p", fields: [:]))")
            for name in ["perch.sqlite", "perch.sqlite-wal"] {
                let bytes = try Data(contentsOf: URL(filePath: perch.directory + "/" + name))
                texts.append(String(decoding: bytes, as: UTF8.self))
            }
            for text in texts { #expect(leaks(text).isEmpty, "\(text.prefix(300))") }
        }
    }

    @Test("What a partner pasted does not print")
    func request() {
        let request = ConnectRequest(partnerKey: "partner-secret-key-1", fields: ["apiKey": "acme-secret"])
        #expect(leaks("\(request) \(String(reflecting: request))").isEmpty)
        var dumped = ""
        dump(request, to: &dumped)
        #expect(leaks(dumped).isEmpty)
    }
}
