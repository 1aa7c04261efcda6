import Foundation
import HTTPClient
import Testing

@testable import Connectors

@Suite("Usage files in a folder")
struct FolderConnectorTests {
    private static let text = "account_id,account_name,service,count\n1,Acme,Seats,3\n"

    private func inFolder(_ body: (URL, FolderConnector) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "usage-files-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let connector = FolderConnector(
            id: "files", productName: "Example",
            services: [
                CatalogueService(
                    name: "Seats", description: "", category: "other", subcategory: "other", basis: CountBasis(name: "seats", version: 1))
            ],
            folder: folder.appending(path: "in"), format: UsageFileFormat(kind: .csv(delimiter: ",")), time: .live)
        try FileManager.default.createDirectory(at: folder.appending(path: "in"), withIntermediateDirectories: true)
        try await body(folder, connector)
    }

    private func put(_ text: String, _ file: URL, age: TimeInterval = 60) throws {
        try Data(text.utf8).write(to: file)
        try FileManager.default.setAttributes([.modificationDate: Date(timeIntervalSinceNow: -age)], ofItemAtPath: file.path)
    }

    @Test("the file is the snapshot")
    func snapshot() async throws {
        try await inFolder { folder, connector in
            try put(Self.text, folder.appending(path: "in/acme.csv"))
            let credential = try connector.credential(from: ["fileName": " acme.csv "])
            let snapshot = try await connector.fetchUsage(credential)
            #expect(snapshot.usage == [UsageRecord(accountID: "1", serviceName: "Seats", count: 3)])
            #expect(try await connector.fetchAccounts(credential).accounts == [VendorAccount(id: "1", name: "Acme")])
        }
    }

    @Test("no name leads out of the folder", arguments: ["../secret.csv", "/etc/passwd", "a/b.csv", "..", ".hidden", "a\\b", ""])
    func names(name: String) async throws {
        try await inFolder { folder, connector in
            try put(Self.text, folder.appending(path: "secret.csv"))
            #expect { _ = try connector.credential(from: ["fileName": name]) } throws: { ($0 as? ConnectorError)?.field == "fileName" }
            // A credential stored before the rule is no way around it.
            await expectFailure(.invalidInput) {
                _ = try await connector.fetchUsage(ConnectorCredential(openFields: ["fileName": name], secretFields: [:]))
            }
        }
    }

    @Test("a missing file, a folder, a link to elsewhere, a file still being written and one that is too large are errors, never empty")
    func trouble() async throws {
        try await inFolder { folder, connector in
            let file = folder.appending(path: "in/acme.csv")
            let fetch: () async throws -> Void = {
                _ = try await connector.fetchUsage(connector.credential(from: ["fileName": "acme.csv"]))
            }
            await expectFailure(.unreachable, fetch)
            try FileManager.default.createDirectory(at: file, withIntermediateDirectories: true)
            await expectFailure(.invalidFile, fetch)
            try FileManager.default.removeItem(at: file)
            try put(Self.text, folder.appending(path: "secret.csv"))
            try FileManager.default.createSymbolicLink(at: file, withDestinationURL: folder.appending(path: "secret.csv"))
            await expectFailure(.invalidFile, fetch)
            try FileManager.default.removeItem(at: file)
            try put(Self.text, file, age: 1)
            let error = await expectFailure(.invalidFile, fetch)
            #expect(error?.message.contains("changed a moment ago") == true)
            try put(Self.text, file)
            try FileHandle(forWritingTo: file).truncate(atOffset: UInt64(UsageFileFormat.maximumBytes + 1))
            try FileManager.default.setAttributes([.modificationDate: Date(timeIntervalSinceNow: -60)], ofItemAtPath: file.path)
            await expectFailure(.tooLarge, fetch)
        }
    }
}
