import Foundation

/// The definitions that are part of the program.
public enum BuiltinDefinitions {
    /// In the order of their ids.
    public static let ids = files.map(\.id)

    /// The text of a built-in definition; nil when there is none of this id.
    public static func text(_ id: String) -> [UInt8]? { files.first { $0.id == id }?.text() }

    /// The built-in definition of this id; nil when there is none.
    /// - Throws: never for those that are shipped: a test reads them all.
    public static func definition(_ id: String) throws(DefinitionError) -> ConnectorDefinition? {
        guard let text = text(id) else { return nil }
        return try ConnectorDefinition(parsing: text, file: "\(id).yaml")
    }

    private static let files: [(id: String, text: @Sendable () -> [UInt8])] = [
        ("addigy", { PackageResources.addigy_yaml }),
        ("augmentt", { PackageResources.augmentt_yaml }),
        ("auvik", { PackageResources.auvik_yaml }),
        ("connectwise-configurations", { PackageResources.connectwise_configurations_yaml }),
        ("connectwise-shared-devices", { PackageResources.connectwise_shared_devices_yaml }),
        ("datto-rmm", { PackageResources.datto_rmm_yaml }),
        ("huntress", { PackageResources.huntress_yaml }),
        ("ninjaone", { PackageResources.ninjaone_yaml }),
        ("proofpoint-essentials", { PackageResources.proofpoint_essentials_yaml }),
        ("saas-alerts", { PackageResources.saas_alerts_yaml }),
        ("sentinelone", { PackageResources.sentinelone_yaml }),
        ("sherweb", { PackageResources.sherweb_yaml }),
        ("spamtitan", { PackageResources.spamtitan_yaml }),
        ("threatlocker", { PackageResources.threatlocker_yaml }),
        ("usecure", { PackageResources.usecure_yaml }),
        ("webroot", { PackageResources.webroot_yaml }),
    ]
}

extension ConnectorDefinition {
    /// The built-in definition of this id, or the one in the file at this path.
    /// - Throws: `DefinitionError` with everything that is wrong with it.
    public init(named name: String) throws(DefinitionError) {
        if let builtin = try BuiltinDefinitions.definition(name) {
            self = builtin
            return
        }
        guard name.contains("/") || name.contains(".") else {
            let meant = name.nearest(of: BuiltinDefinitions.ids).map { "Did you mean \($0)?" }
            throw DefinitionError(
                file: name,
                problems: [
                    .init(
                        line: 1,
                        message: "There is no built-in definition of this id. "
                            + (meant ?? "There are \(BuiltinDefinitions.ids.joined(separator: ", "))") + "; a file is named with its path.")
                ])
        }
        try self.init(parsing: try Self.bytes(name), file: name)
    }

    static func bytes(_ path: String) throws(DefinitionError) -> [UInt8] {
        func failure(_ message: String) -> DefinitionError { DefinitionError(file: path, problems: [.init(line: 1, message: message)]) }
        do {
            let handle = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
            // One byte more than allowed tells a file that is too long.
            return [UInt8](try handle.read(upToCount: DocumentNode.maximumBytes + 1) ?? Data())
        } catch {
            throw failure("The file cannot be read.")
        }
    }
}
