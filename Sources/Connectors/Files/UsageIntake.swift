import Foundation

/// Usage as it was handed in, not yet read.
public struct ReceivedUsage: Sendable, Hashable {
    public enum Form: String, Sendable, Hashable, CaseIterable {
        /// Pushed by the vendor's own systems: the JSON that `PUT /usage` takes.
        case snapshot
        /// A file written as the usage source says.
        case file
    }

    public var form: Form
    public var bytes: [UInt8]
    /// The id under which it is remembered.
    public var name: String
    public var receivedAt: Date

    public init(form: Form, bytes: [UInt8], name: String, receivedAt: Date) {
        self.form = form
        self.bytes = bytes
        self.name = name
        self.receivedAt = receivedAt
    }

    var usage: HandedInUsage {
        HandedInUsage(kind: form == .snapshot ? .push : .upload, name: name, countsFrom: receivedAt)
    }
}

/// How usage is handed in: pushed, uploaded, or left in a folder.
public struct UsageIntake: Sendable {
    public let source: UsageSource
    /// Nil: no folder is looked into.
    public let folder: UsageFolder?
    /// Most bytes of one snapshot or file.
    public let limit: Int
    /// Usage older than this stands for nothing any more.
    public let maximumAge: Duration

    public init(source: UsageSource, folder: UsageFolder? = nil, limit: Int = 16 << 20, maximumAge: Duration = .seconds(48 * 3600)) {
        self.source = source
        self.folder = folder
        self.limit = limit
        self.maximumAge = maximumAge
    }

    /// Everything that was handed in, or nothing of it.
    /// - Throws: `invalidFile` naming the line or field of the first mistake, `emptyList`, `tooLarge`.
    public func snapshot(_ form: ReceivedUsage.Form, _ bytes: [UInt8]) throws(ConnectorError) -> VendorSnapshot {
        let services = Set(source.services.map(\.name))
        return switch form {
        case .snapshot: try PushedUsage.snapshot(of: bytes, services: services)
        case .file: try source.file.snapshot(of: bytes, services: services)
        }
    }

    /// The name of a partner's file in the folder.
    public func fileName(of partner: String) -> String {
        UsageFolder.fileName(of: partner) + (source.file.isCSV ? ".csv" : ".json")
    }
}
