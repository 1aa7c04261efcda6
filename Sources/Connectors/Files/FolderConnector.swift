import Foundation
import HTTPClient

/// Usage that another program leaves as a file: each partner's file lies in one folder under the name entered for the partner.
///
/// The whole file is one snapshot. It has to be moved into the folder when it is complete (a rename within the file system), as every
/// program that watches a folder asks; a file that was changed within the last seconds is left alone.
public struct FolderConnector: Connector {
    public let id: String
    public let productName: String
    public let services: [CatalogueService]
    public let fields: [ConnectorField]

    private let folder: URL
    private let format: UsageFileFormat
    private let time: TimeSource

    /// How long a file has to have been left alone.
    static let settleTime: TimeInterval = 5
    private static let fileName = "fileName"

    /// - Parameter folder: read, never written to.
    public init(
        id: String, productName: String, services: [CatalogueService], folder: URL, format: UsageFileFormat, time: TimeSource
    ) {
        self.id = id
        self.productName = productName
        self.services = services
        self.folder = folder
        self.format = format
        self.time = time
        fields = [
            ConnectorField(
                name: Self.fileName, label: "File name", help: "The name of your usage file, for instance acme.csv. Ask us for it.",
                isSecret: false, environmentName: "FILE_NAME")
        ]
    }

    public func credential(from entered: [String: String]) throws(ConnectorError) -> ConnectorCredential {
        let credential = try sorted(entered)
        _ = try location(credential)
        return credential
    }

    public func fetchAccounts(_ credential: ConnectorCredential) async throws(ConnectorError) -> VendorAccounts {
        let snapshot = try await fetchUsage(credential)
        return VendorAccounts(accounts: snapshot.accounts, recordsDropped: snapshot.recordsDropped)
    }

    public func fetchUsage(_ credential: ConnectorCredential) async throws(ConnectorError) -> VendorSnapshot {
        try format.snapshot(of: read(location(credential)), services: Set(services.map(\.name)))
    }

    /// A plain name: nothing that leads out of the folder, and nothing hidden.
    private func location(_ credential: ConnectorCredential) throws(ConnectorError) -> URL {
        let name = credential.openFields[Self.fileName] ?? ""
        guard !name.isEmpty, !name.hasPrefix("."), !name.contains("/"), !name.contains("\\"), name.utf8.count <= 200 else {
            throw ConnectorError(
                code: .invalidInput, message: "File name must be the name of a file, without a folder.", field: Self.fileName)
        }
        return folder.appending(path: name)
    }

    private func read(_ file: URL) throws(ConnectorError) -> [UInt8] {
        let name = file.lastPathComponent
        do {
            let attributes = try FileManager.default.attributesOfItem(atPath: file.path)
            // Attributes are those of a link itself, so a link to elsewhere is refused here too.
            guard attributes[.type] as? FileAttributeType == .typeRegular else {
                throw ConnectorError.invalidFile("\(name) is no ordinary file.")
            }
            let size = (attributes[.size] as? NSNumber)?.intValue ?? 0
            guard size <= UsageFileFormat.maximumBytes else { throw ConnectorError.tooLarge("\(name) has \(size) bytes") }
            if let changed = attributes[.modificationDate] as? Date, time.now().timeIntervalSince(changed) < Self.settleTime {
                throw ConnectorError.invalidFile("\(name) was changed a moment ago and may not be complete.")
            }
            return Array(try Data(contentsOf: file))
        } catch let error as ConnectorError {
            throw error
        } catch {
            throw ConnectorError(
                code: .unreachable,
                message: "The usage file \(name) cannot be read: it is not in the folder, or Perch may not read it. Nothing was changed.")
        }
    }
}
