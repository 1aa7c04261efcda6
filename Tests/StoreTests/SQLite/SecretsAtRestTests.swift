import Foundation
import Secrets
import Testing

@testable import Store

@Suite("Secrets at rest")
struct SecretsAtRestTests {
    private let planted = "planted-canary-partner-key-0123456789"

    @Test("are in none of the files in the clear, and open again from what is stored")
    func nothingInTheClear() async throws {
        let random = RandomSource.seeded(1)
        let master = MasterKey.generate(random: random)
        let (ring, wrapped) = try KeyRing.create(master: master, random: random, at: Sample.now)
        let context = SealContext(table: "connection", row: Sample.partner().id.rawValue, column: "partner_key")
        try await withTemporaryDirectory { directory in
            let store = try openSQLiteStore(directory)
            try await store.insertWrappedKey(wrapped)
            try await store.createPartner(Sample.partner())
            var connection = Sample.connected()
            connection.partnerKey = try ring.seal(Secret(planted), context, random: random)
            var credential = Sample.credential()
            credential.sealedFields = try ring.seal(Secret(planted), context, random: random)
            _ = try await store.saveConnect(connection: connection, credential: credential, job: Sample.run("run_1"))

            try check(directory, expects: connection.keyLastFour ?? "", "the WAL")
            try await store.close()
            try check(directory, expects: connection.keyLastFour ?? "", "the database")

            let next = try openSQLiteStore(directory)
            let reopened = try KeyRing.open(try #require(try await next.wrappedKey()), master: master)
            let sealed = try #require(try await next.connection(Sample.partner().id).partnerKey)
            #expect(try reopened.open(sealed, context) == Secret(planted))
            try await next.close()
        }
    }

    /// Searches every file for the planted text and its base64, and for something that must be there.
    private func check(_ directory: String, expects known: String, _ place: String) throws {
        var foundKnown = false
        for file in try FileManager.default.contentsOfDirectory(atPath: directory) {
            let bytes = try Data(contentsOf: URL(filePath: "\(directory)/\(file)"))
            for text in [planted, Data(planted.utf8).base64EncodedString(), String(planted.prefix(12))] {
                #expect(bytes.range(of: Data(text.utf8)) == nil, "\(file)")
            }
            if bytes.range(of: Data(known.utf8)) != nil { foundKnown = true }
        }
        #expect(foundKnown, "the search finds what is stored in the clear in \(place)")
    }
}
